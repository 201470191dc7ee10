"""One verb per kind of e-mail: values in, a finished `Message` out.

Each mail is a folder of three templates, `email/<kind>/{subject.txt,body.txt,body.html}`; a digest
has two more, `card.txt` and `card.html`, one paper each. They get finished data from here and
compute nothing. No clock, no tokens, no database: dates, identifiers and links are given.

Every verb takes `folders`, the operator's template folders (first wins), and raises TemplateError
for a template that is missing or broken, AddressError for an address that cannot be written,
InputError for a link, identifier or date that cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from digest.errors import InputError
from digest.mail.messages import assemble, cards, listing, texts
from digest.mail.messages.passages import Part
from digest.mail.messages.stencils import HTML, TEXT, part
from digest.mail.messages.templates import render
from digest.mail.messages.values import Listed, Mailing, ReaderLinks
from digest.model import (
    Interest,
    Message,
    MessageKind,
    Provenance,
    Subscriber,
    SubscriberStatus,
    check_instant,
)

#: characters of a subject; what phones and webmail show of one is less
SUBJECT_LONGEST = 90
_DUMPS_SHOWN = 5
#: the list's name below the operator's domain, in List-Id and Feedback-ID
_LIST = "digest"
#: RFC 2919 3
_LIST_ID_LONGEST = 255


def write_digest(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    local_date: date,
    listed: Sequence[Listed],
    made: Provenance,
    links: ReaderLinks,
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The digest of a local date: at least one paper, best first.

    InputError if `listed` is empty.
    """
    if not listed:
        raise InputError("a digest lists at least one paper; a quiet day is no message")
    papers = tuple(
        cards.card(number, item, local_date.year) for number, item in enumerate(listed, start=1)
    )
    following = [card.paper.short_title for card in papers[1:3]]
    more, when = len(papers) - 1, texts.day(local_date)
    weekly = len(subscriber.days) == 1
    values = {
        "cards": papers,
        "headline": (
            f"{texts.plural(len(papers), 'paper')} {'of the week to' if weekly else 'for'} "
            f"{texts.tied(texts.day(local_date, weekday=True))}"
        ),
        "day": when,
        "best": texts.cut(
            papers[0].paper.title, SUBJECT_LONGEST - len(f" and {more} more · {when}")
        ),
        "more": more,
        "origin": _origin(made, subscriber.interests),
        "preheader": f"Also: {' · '.join(following)}" if following else papers[0].reason,
        "made": _made_line(made),
    }
    return _write(
        MessageKind.DIGEST,
        values,
        template="weekly" if weekly else "",
        mailing=mailing,
        to=subscriber,
        links=links,
        campaign=f"{local_date:%Y%m%d}",
        message_id=message_id,
        date=date,
        folders=folders,
    )


def write_confirm(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    confirm: str,
    confirm_by_mail: str = "",
    asked: str = "",
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The question whether an address wants the digest: one link, `confirm`, and where pages cannot
    be reached a `mailto:` address that says the same. `asked` says where the wish came from, as a
    phrase that follows "through" ("the page at ...").
    """
    # Anybody may type a stranger's address and any "name" beside it: nothing of what they typed is
    # repeated to the stranger.
    nameless = Subscriber(id=subscriber.id, email=subscriber.email, created=subscriber.created)
    values = {
        "confirm": texts.own_link("confirm", confirm),
        "confirm_by_mail": texts.own_mailto("confirm_by_mail", confirm_by_mail),
        "asked": texts.one_line(asked),
    }
    return _write(
        MessageKind.CONFIRM,
        values,
        mailing=mailing,
        to=nameless,
        message_id=message_id,
        date=date,
        folders=folders,
    )


def write_welcome(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    links: ReaderLinks,
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The first mail after an address was confirmed: when digests come, how thumbs teach, where to
    change things.
    """
    values = {
        "days": texts.on_weekdays(subscriber.days),
        "hour": f"{subscriber.hour:02d}:00",
        "timezone": texts.one_line(subscriber.timezone),
        "size": texts.plural(subscriber.size, "paper"),
        "paused": subscriber.status is SubscriberStatus.PAUSED,
    }
    return _write(
        MessageKind.WELCOME,
        values,
        mailing=mailing,
        to=subscriber,
        links=links,
        message_id=message_id,
        date=date,
        folders=folders,
    )


def write_goodbye(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    come_back: str,
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The last mail: that it is over, and the link `come_back` for a change of mind."""
    values = {"come_back": texts.own_link("come_back", come_back)}
    return _write(
        MessageKind.GOODBYE,
        values,
        mailing=mailing,
        to=subscriber,
        message_id=message_id,
        date=date,
        folders=folders,
    )


def write_alert(
    *,
    mailing: Mailing,
    recipient: str,
    what: str,
    remedy: str,
    details: str = "",
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """A word to the operator: `what` is wrong in one sentence, the `remedy`, and `details` line by
    line.
    """
    operator = Subscriber(id=0, email=recipient, created=date)
    short = texts.cut(texts.one_line(what).rstrip("."), SUBJECT_LONGEST)
    values = {
        "what": texts.one_line(what).rstrip("."),
        "short": short,
        "remedy": texts.lines(remedy),
        "details": texts.lines(details),
    }
    return _write(
        MessageKind.ALERT,
        values,
        mailing=mailing,
        to=operator,
        message_id=message_id,
        date=date,
        folders=folders,
    )


def _write(
    kind: MessageKind,
    values: dict[str, Any],
    *,
    template: str = "",
    mailing: Mailing,
    to: Subscriber,
    links: ReaderLinks | None = None,
    campaign: str = "",
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...],
) -> Message:
    check_instant("date", date)
    product = texts.one_line(mailing.product)
    own = links and ReaderLinks(
        manage=texts.own_link("manage", links.manage),
        unsubscribe=texts.own_link("unsubscribe", links.unsubscribe),
        unsubscribe_by_mail=texts.own_mailto("unsubscribe_by_mail", links.unsubscribe_by_mail),
    )
    common = {
        **values,
        "product": product,
        "base_url": texts.own_link("base_url", mailing.base_url),
        "public": texts.reachable(mailing.base_url),
        "name": texts.one_line(to.name),
        "address": texts.one_line(to.email),
        "links": own,
        "postal": texts.lines(mailing.postal_address),
    }
    folder = f"email/{template or kind}"
    subject = texts.one_line(render(f"{folder}/subject.txt", common, folders))
    common["subject"] = subject
    papers: tuple[cards.Card, ...] = common.get("cards", ())
    text = part(
        f"{folder}/body",
        common | {"left_out": ""},
        listing.in_text(folder, papers, folders),
        folders,
        TEXT,
    )

    def html_of(listed: tuple[cards.Card, ...], left_out: int) -> Part:
        counted = {
            "cards": listed,
            "left_out": texts.plural(left_out, "more paper") if left_out else "",
        }
        return part(
            f"{folder}/body",
            common | counted,
            listing.in_html(folder, listed, folders),
            folders,
            HTML,
        )

    html = cards.shortened(html_of, papers)
    sender = assemble.ascii_address(mailing.bounce_address or mailing.from_address)
    recipient = assemble.readers_address(to.email)
    headers = [
        assemble.mailbox(
            "From", mailing.from_name or product, assemble.ascii_address(mailing.from_address)
        ),
        assemble.mailbox("To", to.name, recipient),
        *(
            [assemble.mailbox("Reply-To", "", assemble.ascii_address(mailing.reply_to))]
            if mailing.reply_to
            else []
        ),
        assemble.unstructured("Subject", subject),
        *_list_headers(kind, mailing, own, campaign),
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
    ]
    return Message(
        message_id=message_id,
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text.text,
        html=html.text,
        data=assemble.wire(
            headers, message_id=message_id, date=date, text=text, html=html, signers=mailing.signers
        ),
    )


def _list_headers(
    kind: MessageKind, mailing: Mailing, links: ReaderLinks | None, campaign: str
) -> list[str]:
    """What only mail to readers carries; those about the list only where the reader is on it."""
    if kind is MessageKind.ALERT:
        return []
    domain = assemble.ascii_domain(mailing.domain).lower()
    campaign = f"{campaign or kind}:{kind}"
    name = mailing.list_name or mailing.product
    feedback_id, list_id = _list_names(domain, mailing.install_id, campaign, name)
    if links is None:
        return [feedback_id]
    headers = [feedback_id, list_id]
    page = links.unsubscribe if texts.reachable(links.unsubscribe) else ""
    if ways := [f"<{url}>" for url in (page, links.unsubscribe_by_mail) if url]:
        headers.append(assemble.listing("List-Unsubscribe", ways))
    if page.startswith("https:"):
        # RFC 8058 allows one-click for https only
        headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    headers.append("Precedence: bulk")
    return headers


@lru_cache(maxsize=16)
def _list_names(domain: str, install_id: str, campaign: str, name: str) -> tuple[str, str]:
    # Feedback-ID wants 5-15 characters that name the sender; nothing in it may tell one reader from
    # another
    sender_id = re.sub(r"[^a-z0-9]", "", domain)[:15].ljust(5, "0")
    feedback_id = assemble.structured("Feedback-ID", f"{campaign}:{_LIST}:{sender_id}")
    return feedback_id, assemble.list_id(name, list_label(domain, install_id))


def list_label(domain: str, install_id: str) -> str:
    """The identifier in List-Id (RFC 2919): the list's name below the operator's domain.

    Where that would be none, below an address literal or too long, it stands below localhost, the
    RFC's place for names that nobody manages.
    """
    if not install_id:
        return f"{_LIST}.{domain}"
    label = f"{_LIST}.{install_id}.{domain}"
    valid = not domain.startswith("[") and len(label) <= _LIST_ID_LONGEST
    return label if valid else f"{_LIST}.{install_id}.localhost"


def _origin(made: Provenance, interests: Sequence[Interest]) -> str:
    """The sentence under the heading: out of how many, and by what."""
    thumbs = made.thumbs_up + made.thumbs_down
    learned = (
        f"learned from {texts.plural(thumbs, 'thumb')}"
        if thumbs
        else _unlearned(made.model, interests)
    )
    if not made.candidates:
        return learned[0].upper() + learned[1:] + "."
    return f"Chosen from {texts.plural(made.candidates, 'new paper')}; {learned}."


def _unlearned(model: str, interests: Sequence[Interest]) -> str:
    """What a digest goes by before the first thumb: names only what the reader has given."""
    if model not in ("trending", "keywords", "examples"):
        return "no thumbs yet"
    wanted = {
        name: any(
            not word.lstrip().startswith("-") for each in interests for word in getattr(each, name)
        )
        for name in ("keywords", "categories", "authors")
    }
    known = [name for name, given in wanted.items() if given]
    if model == "examples":
        known += ["example papers"] * any(each.papers for each in interests)
        known += ["own words"] * any(each.text for each in interests)
    if known:
        listed = " and ".join(filter(None, (", ".join(known[:-1]), known[-1])))
        return f"no thumbs yet, so these follow your {listed}"
    if all(each.empty for each in interests):
        return "you have told us nothing yet; here is a mix of today"
    if any(each.keywords or each.categories or each.authors for each in interests):
        return "you have only told us what to leave out; here is a mix of today"
    return "no thumbs yet; here is a mix of today"


def _made_line(made: Provenance) -> str:
    dumps = [texts.cut(texts.one_line(name), 60) for name in made.dumps[:_DUMPS_SHOWN]]
    if len(made.dumps) > _DUMPS_SHOWN:
        dumps.append(f"{len(made.dumps) - _DUMPS_SHOWN} more")
    parts = [
        f"model {texts.one_line(made.model)}",
        f"features {texts.one_line(made.features)}",
        f"thumbs {made.thumbs_up} up, {made.thumbs_down} down",
        *([f"match {made.calibration}"] if made.calibration else []),
        f"dumps {', '.join(dumps) or 'none'}",
        f"at {made.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    ]
    return "; ".join(parts)
