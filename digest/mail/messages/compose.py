"""One function per kind of e-mail: values in, a finished `Message` out.

Each mail is a folder of three templates, `email/<kind>/{subject.txt,body.txt,body.html}`. A digest
has four more: `title` for a paper in the list on top, and `card` for the paper itself, in `.txt`
and `.html`. Templates get finished data from here and compute nothing. No clock, tokens or
database: dates, identifiers and links are arguments.

Every function raises TemplateError for a missing or broken template, AddressError for an address
that cannot be written, and InputError for an invalid link, identifier or date.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from digest.errors import InputError
from digest.locales import gettext, ngettext
from digest.mail.messages import (
    assemble,
    cards,
    paper_list,
    paper_texts,
    provenance,
    quiet_days,
    texts,
)
from digest.mail.messages.encoding import BodyPart
from digest.mail.messages.fragments import HTML, TEXT
from digest.mail.messages.frames import MailValues
from digest.mail.messages.headers import header_lines
from digest.mail.messages.values import Listed, Mailing, MessageContext, ReaderLinks
from digest.model import (
    Message,
    MessageKind,
    Paper,
    Provenance,
    Quiet,
    Subscriber,
    SubscriberStatus,
    check_instant,
)

#: characters of a subject; phones and webmail show fewer
MAX_SUBJECT = 90


def write_digest(
    context: MessageContext,
    *,
    subscriber: Subscriber,
    local_date: date,
    listed: Sequence[Listed],
    made: Provenance,
    links: ReaderLinks,
    quiet_days_told: int = 0,
) -> Message:
    """The digest of a local date: at least one paper, best first.

    Args:
        listed: the papers, best first.
        made: how they were chosen.
        quiet_days_told: quiet days of the week before that it tells of.

    Raises:
        InputError: `listed` is empty.
    """
    if not listed:
        raise InputError("a digest lists at least one paper; a quiet day is no message")
    is_new = provenance.knows_nothing(made)
    papers = tuple(
        cards.make_card(number, item, local_date, is_new=is_new)
        for number, item in enumerate(listed, start=1)
    )
    next_titles = [card.paper.short_title for card in papers[1:3]]
    day = texts.format_date(local_date)
    is_weekly = len(subscriber.days) == 1
    weekday = texts.tie_last_words(texts.format_date(local_date, weekday=True))
    values = {
        "cards": papers,
        "headline": _headline(listed, made.papers_read, is_weekly),
        # French writes weekdays small, but not at the beginning of a line
        "issue": gettext("Week to %(day)s", day=weekday)
        if is_weekly
        else f"{weekday[:1].upper()}{weekday[1:]}",
        "has_contents": len(papers) > 1,
        "day": day,
        "best": _cut_title(papers[0].paper.title, len(papers) - 1, day),
        "more": len(papers) - 1,
        "origin": provenance.summary(made, subscriber.interests),
        "quiet_week": quiet_days.week_before(quiet_days_told) if quiet_days_told else "",
        "preheader": gettext("Also: %(titles)s", titles=" · ".join(next_titles))
        if next_titles
        else papers[0].reason or papers[0].paper.authors,
        "all_of_them": gettext("Rate all of this week’s")
        if is_weekly
        else gettext("Rate all of today’s"),
        "asks": is_new,
        "made": partial(provenance.details, made),
    }
    return _write(
        context,
        MessageKind.DIGEST,
        values,
        template="weekly" if is_weekly else "",
        to=subscriber,
        links=links,
        campaign=f"{local_date:%Y%m%d}",
    )


def write_quiet_day(
    context: MessageContext,
    *,
    subscriber: Subscriber,
    quiet: Quiet,
    nearest: Paper | None = None,
    url: str = "",
    links: ReaderLinks,
) -> Message:
    """The mail of a day without a digest, for readers who want to be told.

    Args:
        nearest: the paper that came nearest to being listed.
        url: its page.
    """
    day = (quiet.reason, quiet.provenance.papers_read, quiet.quiet_days_told)
    title = texts.one_line(nearest.title) if nearest else ""
    values = {
        "headline": quiet_days.headline(*day),
        "title": quiet_days.title(),
        "sentences": quiet_days.sentences(*day),
        "nearest": texts.cut(title, paper_texts.MAX_TITLE),
        "nearest_url": texts.clean_url(url),
        "made": partial(provenance.details, quiet.provenance),
    }
    return _write(
        context,
        MessageKind.DIGEST,
        values,
        template="quiet",
        to=subscriber,
        links=links,
        campaign=f"{quiet.local_date:%Y%m%d}",
    )


def _cut_title(title: str, more: int, day: str) -> str:
    """The title that a subject begins with; what follows it needs its room."""
    ending = ngettext(" and %(num)s more", " and %(num)s more", more)
    return texts.cut(title, MAX_SUBJECT - len(f"{ending} · {day}"))


def _headline(listed: Sequence[Listed], papers_read: int, is_weekly: bool) -> str:
    """Such as "4 papers today, of 252 read"; papers of earlier digests' days are told apart."""
    count, earlier = len(listed), sum(item.from_day is not None for item in listed)
    if earlier:
        return _headline_with_earlier(count, earlier, papers_read, is_weekly)
    papers = (
        ngettext("%(num)s paper this week", "%(num)s papers this week", count)
        if is_weekly
        else ngettext("%(num)s paper today", "%(num)s papers today", count)
    )
    if papers_read < count:
        return papers
    read = ngettext("of %(num)s read", "of %(num)s read", papers_read)
    return f"{papers}, {read}"


def _headline_with_earlier(count: int, earlier: int, papers_read: int, is_weekly: bool) -> str:
    """Such as "4 papers, 1 of an earlier day; 252 read today"."""
    if earlier == count:
        text = ngettext(
            "%(num)s paper of an earlier day", "%(num)s papers of earlier days", earlier
        )
    else:
        papers = ngettext("%(num)s paper", "%(num)s papers", count)
        some = ngettext("%(num)s of an earlier day", "%(num)s of earlier days", earlier)
        text = f"{papers}, {some}"
    if not papers_read:
        return text
    read = (
        ngettext("%(num)s read this week", "%(num)s read this week", papers_read)
        if is_weekly
        else ngettext("%(num)s read today", "%(num)s read today", papers_read)
    )
    return f"{text}; {read}"


def write_confirm(
    context: MessageContext,
    *,
    subscriber: Subscriber,
    confirm: str,
    confirm_by_mail: str = "",
    asked: str = "",
    moves: bool = False,
) -> Message:
    """The question whether an address wants the digest.

    Args:
        confirm: the link that says yes.
        confirm_by_mail: a `mailto:` address that does the same, for readers who cannot open pages.
        asked: where the wish came from, a phrase that follows "through" ("the page at ...").
        moves: a reader asked to get their digest at this address from now on.
    """
    # Anybody may type a stranger's address with any "name": the mail repeats none of it.
    nameless = Subscriber(id=subscriber.id, email=subscriber.email, created=subscriber.created)
    values = {
        "confirm": texts.require_link("confirm", confirm),
        "confirm_by_mail": texts.require_mailto("confirm_by_mail", confirm_by_mail),
        "asked": texts.one_line(asked),
        "moves": moves,
    }
    return _write(context, MessageKind.CONFIRM, values, to=nameless)


def write_welcome(
    context: MessageContext, *, subscriber: Subscriber, links: ReaderLinks, first: str
) -> Message:
    """The first mail after confirmation: when digests come, and what thumbs do.

    Args:
        first: link to the papers to rate first.
    """
    values = {
        "days": texts.weekday_phrase(subscriber.days),
        "hour": f"{subscriber.hour:02d}:00",
        "timezone": texts.one_line(subscriber.timezone),
        "size": ngettext("%(num)s paper", "%(num)s papers", subscriber.size),
        "paused": subscriber.status is SubscriberStatus.PAUSED,
        "first": texts.require_link("first", first),
    }
    return _write(context, MessageKind.WELCOME, values, to=subscriber, links=links)


def write_goodbye(context: MessageContext, *, subscriber: Subscriber, come_back: str) -> Message:
    """The last mail: the reader has left; the link `come_back` undoes it."""
    values = {"come_back": texts.require_link("come_back", come_back)}
    return _write(context, MessageKind.GOODBYE, values, to=subscriber)


def write_notice(
    context: MessageContext, *, subscriber: Subscriber, new_address: str, stop: str
) -> Message:
    """Tell the old address that the digest is to move; the link `stop` objects.

    Args:
        new_address: masked, so that the mail gives nothing away.
    """
    values = {
        "new_address": texts.one_line(new_address),
        "stop": texts.require_link("stop", stop),
    }
    return _write(context, MessageKind.NOTICE, values, to=subscriber)


def write_alert(
    context: MessageContext, *, recipient: str, what: str, remedy: str, details: str = ""
) -> Message:
    """A warning to the operator.

    Args:
        what: the problem in one sentence.
        remedy: what to do, line by line.
        details: more about the problem, line by line.
    """
    operator = Subscriber(id=0, email=recipient, created=context.date)
    problem = texts.one_line(what).rstrip(".")
    values = {
        "what": problem,
        "short": texts.cut(problem, MAX_SUBJECT),
        "remedy": texts.clean_lines(remedy),
        "details": texts.clean_lines(details),
    }
    return _write(context, MessageKind.ALERT, values, to=operator)


def _write(
    context: MessageContext,
    kind: MessageKind,
    values: dict[str, Any],
    *,
    to: Subscriber,
    template: str = "",
    links: ReaderLinks | None = None,
    campaign: str = "",
) -> Message:
    check_instant("date", context.date)
    mailing, folders = context.mailing, context.folders
    own = links and ReaderLinks(
        manage=texts.require_link("manage", links.manage),
        unsubscribe=texts.require_link("unsubscribe", links.unsubscribe),
        rate=links.rate and texts.require_link("rate", links.rate),
        provenance=links.provenance and texts.require_link("provenance", links.provenance),
        browser=links.browser and texts.require_link("browser", links.browser),
        archive=links.archive and texts.require_link("archive", links.archive),
        unsubscribe_by_mail=texts.require_mailto("unsubscribe_by_mail", links.unsubscribe_by_mail),
    )
    values = {**values, **_common_values(mailing, to, own)}
    folder = f"email/{template or kind}"
    papers: tuple[cards.Card, ...] = values.get("cards", ())
    whole = MailValues(values | _counted(papers, 0), folders)
    subject = texts.one_line(whole.render_line(f"{folder}/subject"))
    whole.add("subject", subject)
    text, html = _render_parts(folder, whole, values | {"subject": subject}, folders)
    lines = header_lines(kind, mailing, to, subject, own, campaign)
    unsigned = assemble.assemble_message(
        lines, message_id=context.message_id, date=context.date, text=text, html=html
    )
    sign = partial(unsigned.sign, mailing.signers, context.date)
    signing = context.signing if mailing.signers else None
    return Message(
        message_id=context.message_id,
        sender=assemble.ascii_address(
            context.bounce_address or mailing.bounce_address or mailing.from_address
        ),
        recipient=assemble.reader_address(to.email),
        subject=subject,
        data=unsigned.data if signing else sign() + unsigned.data,
        signature=signing.submit(sign).result if signing else None,
        has_plain_lines=True,
    )


def _common_values(mailing: Mailing, to: Subscriber, links: ReaderLinks | None) -> dict[str, Any]:
    """What the templates of every kind of mail get."""
    return {
        "product": texts.one_line(mailing.name),
        "base_url": texts.require_link("base_url", mailing.base_url),
        "public": texts.is_public_url(mailing.base_url),
        "name": texts.one_line(to.name),
        "address": texts.one_line(to.email),
        "links": links,
        "postal": texts.clean_lines(mailing.postal_address),
    }


def _render_parts(
    folder: str, whole: MailValues, values: dict[str, Any], folders: tuple[Path, ...]
) -> tuple[BodyPart, BodyPart]:
    """The text and the HTML part; HTML is shortened to the size limit.

    Args:
        whole: the values of a mail that shows all papers in full.
        values: the same without what is counted.
    """
    papers: tuple[cards.Card, ...] = values.get("cards", ())
    body, listed = f"{folder}/body", paper_list.PaperList(folder, papers, folders)
    text = whole.render_part(body, listed.render_text(), TEXT)

    def render_html(forms: Sequence[cards.Form]) -> BodyPart:
        own = whole
        if forms.count("full") < len(papers):
            shown = [card._replace(form=form) for card, form in zip(papers, forms, strict=False)]
            counted = _counted(tuple(shown), len(papers) - len(shown))
            own = MailValues(values | counted, folders)
        return own.render_part(body, listed.render_html(forms), HTML)

    return text, cards.render_within_limit(render_html, len(papers))


def _counted(shown: tuple[cards.Card, ...], left_out: int) -> dict[str, Any]:
    """What a body part says of papers that it does not show, or not in its list of titles."""
    unlisted = len(shown) - cards.MAX_CONTENTS
    return {
        "cards": shown,
        "left_out": ngettext("%(num)s more paper", "%(num)s more papers", left_out)
        if left_out
        else "",
        "unlisted": ngettext("%(num)s more below", "%(num)s more below", unlisted)
        if unlisted > 0
        else "",
    }
