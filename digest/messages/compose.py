"""One verb per kind of e-mail: values in, a finished `Message` out.

Each mail is a folder of three templates, `email/<kind>/{subject.txt,body.txt,body.html}`. They get finished data from here and
compute nothing. No clock, no tokens, no database: dates, identifiers and links are given.

Every verb takes `folders`, the operator's template folders (first wins), and raises TemplateError for a template that is missing or
broken, AddressError for an address that cannot be written, InputError for a link, identifier or date that cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from digest.errors import InputError
from digest.messages import assemble, dkim, texts
from digest.messages.templates import render
from digest.messages.values import Listed, Mailing, PaperLinks, ReaderLinks
from digest.model import Made, Message, MessageKind, Paper, Slot, Subscriber, check_instant

#: characters of a subject; what phones and webmail show of one is less
SUBJECT_LONGEST = 90
EXCERPT_LONGEST = 280
#: octets of the encoded HTML part; Gmail hides what comes after some 102,000, and with it the way to unsubscribe
HTML_LONGEST = 95_000
AUTHORS_SHOWN = 5
_TITLE_LONGEST = 300
_LABEL_TITLE_LONGEST = 60
_DUMPS_SHOWN = 5
_INTEREST_LONGEST = 60
#: the list's name below the operator's domain, in List-Id and Feedback-ID
_LIST = "digest"
#: printable ASCII without what would end an address in angle brackets or an attribute
_MAILTO = re.compile(r"mailto:[!#-;=?-~]{1,600}")
#: what is said of a paper that is not listed for its rank alone
_SLOTS: dict[Slot, str] = {
    "pinned": "Always listed, since you asked for it.",
    "exploration": "A try: the service is unsure of this one, so your answer teaches it most.",
}
_UNLEARNED = {
    "trending": "no thumbs yet, so these are what others picked and liked",
    "keywords": "no thumbs yet, so these follow your keywords, categories and authors",
    "examples": "no thumbs yet, so these are close to your example papers",
}


Form = Literal["full", "brief", "title"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperText:
    """What the templates print of a paper; equal for every reader."""

    title: str
    #: the title as long as it may be inside the name of a link
    short_title: str
    #: at most five names, then "et al."; empty where the source named nobody
    authors: str
    #: category, date, upvotes, pick: those that are known
    facts: tuple[str, ...]
    #: empty where there is no abstract
    abstract: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A listed paper as the templates get it."""

    number: int
    paper: PaperText
    reason: str
    label: str
    links: PaperLinks
    seen_before: bool
    #: why it is listed beside its rank, and for which interest: whole sentences
    notes: tuple[str, ...] = ()
    #: how much of it the HTML part shows, to stay below what mail programs clip
    form: Form = "full"


def write_digest(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    local_date: date,
    listed: Sequence[Listed],
    made: Made,
    links: ReaderLinks,
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The digest of a local date: at least one paper, best first. InputError if `listed` is empty."""
    if not listed:
        raise InputError("a digest lists at least one paper; a quiet day is no message")
    cards = tuple(_card(number, item, local_date.year) for number, item in enumerate(listed, start=1))
    following = [card.paper.short_title for card in cards[1:3]]
    more, when = len(cards) - 1, texts.day(local_date)
    weekly = len(subscriber.days) == 1
    values = {
        "cards": cards,
        "left_out": "",
        "headline": f"{texts.plural(len(cards), 'paper')} {'of the week to' if weekly else 'for'} {texts.day(local_date, weekday=True)}",
        "day": when,
        "best": texts.cut(cards[0].paper.title, SUBJECT_LONGEST - len(f" and {more} more · {when}")),
        "more": more,
        "origin": _origin(made),
        "preheader": f"Also: {' · '.join(following)}" if following else cards[0].reason,
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
    asked: str = "",
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The question whether an address wants the digest: one link, `confirm`. `asked` says where the wish came from, as a phrase
    that follows "through" ("the page at ...")."""
    # Anybody may type a stranger's address and any "name" beside it: nothing of what they typed is repeated to the stranger.
    nameless = Subscriber(id=subscriber.id, email=subscriber.email, created=subscriber.created)
    values = {"confirm": _own_link("confirm", confirm), "asked": texts.one_line(asked)}
    return _write(MessageKind.CONFIRM, values, mailing=mailing, to=nameless, message_id=message_id, date=date, folders=folders)


def write_welcome(
    *,
    mailing: Mailing,
    subscriber: Subscriber,
    links: ReaderLinks,
    message_id: str,
    date: datetime,
    folders: tuple[Path, ...] = (),
) -> Message:
    """The first mail after an address was confirmed: when digests come, how thumbs teach, where to change things."""
    values = {
        "days": texts.weekdays(subscriber.days),
        "hour": f"{subscriber.hour:02d}:00",
        "timezone": texts.one_line(subscriber.timezone),
        "size": texts.plural(subscriber.size, "paper"),
    }
    return _write(
        MessageKind.WELCOME, values, mailing=mailing, to=subscriber, links=links, message_id=message_id, date=date, folders=folders
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
    values = {"come_back": _own_link("come_back", come_back)}
    return _write(MessageKind.GOODBYE, values, mailing=mailing, to=subscriber, message_id=message_id, date=date, folders=folders)


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
    """A word to the operator: `what` is wrong in one sentence, the `remedy`, and `details` line by line."""
    operator = Subscriber(id=0, email=recipient, created=date)
    short = texts.cut(texts.one_line(what).rstrip("."), SUBJECT_LONGEST)
    values = {"what": texts.one_line(what).rstrip("."), "short": short, "remedy": texts.lines(remedy), "details": texts.lines(details)}
    return _write(MessageKind.ALERT, values, mailing=mailing, to=operator, message_id=message_id, date=date, folders=folders)


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
        manage=_own_link("manage", links.manage),
        unsubscribe=_own_link("unsubscribe", links.unsubscribe),
        unsubscribe_by_mail=_mailto("unsubscribe_by_mail", links.unsubscribe_by_mail),
    )
    common = {
        **values,
        "product": product,
        "base_url": _own_link("base_url", mailing.base_url),
        "public": texts.reachable(mailing.base_url),
        "name": texts.one_line(to.name),
        "address": texts.one_line(to.email),
        "links": own,
        "postal": texts.lines(mailing.postal_address),
    }
    folder = f"email/{template or kind}"
    subject = texts.one_line(render(f"{folder}/subject.txt", common, folders))
    common["subject"] = subject
    text = _tidy(render(f"{folder}/body.txt", common, folders))
    html = _shortened(lambda values: _without_gaps(render(f"{folder}/body.html", values, folders)), common)
    sender = assemble.ascii_address(mailing.bounce_address or mailing.from_address)
    headers = [
        assemble.mailbox("From", mailing.from_name or product, mailing.from_address),
        assemble.mailbox("To", to.name, to.email),
        *([assemble.mailbox("Reply-To", "", mailing.reply_to)] if mailing.reply_to else []),
        assemble.unstructured("Subject", subject),
        *_list_headers(kind, mailing, own, campaign),
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
    ]
    return Message(
        message_id=message_id,
        sender=sender,
        recipient=assemble.ascii_address(to.email),
        subject=subject,
        text=text,
        html=html,
        data=dkim.sign(assemble.wire(headers, message_id=message_id, date=date, text=text, html=html), mailing.signers, at=date),
    )


def _shortened(write: Callable[[dict[str, Any]], str], values: dict[str, Any]) -> str:
    """The HTML of a mail, with as many of its cards in short as keep it below what mail programs clip.

    From the last card upwards they lose first their abstract and buttons, then all but title and links; where even that does not help,
    the last ones are counted instead of listed, and the text part has them.
    """
    html = write(values)
    cards: tuple[Card, ...] = values.get("cards", ())
    if not cards or assemble.fits(html, HTML_LONGEST):
        return html

    def shorter(step: int) -> str:
        return write(values | _cut_down(cards, step))

    # every step makes the mail shorter, so the least that is needed lies where halving finds it
    low, high = 0, len(cards) * 3 - 1
    shortest = {high: shorter(high)}
    while high - low > 1:
        middle = (low + high) // 2
        shortest[middle] = shorter(middle)
        low, high = (low, middle) if assemble.fits(shortest[middle], HTML_LONGEST) else (middle, high)
    return shortest[high]


def _cut_down(cards: tuple[Card, ...], step: int) -> dict[str, Any]:
    """The values of a mail after so many steps; the last one leaves the first card alone, with title and links."""
    count = len(cards)
    kept = cards[: count - max(0, step - 2 * count)]
    forms: list[Form] = ["full" if at < count - step else "brief" if at < 2 * count - step else "title" for at in range(len(kept))]
    left = count - len(kept)
    return {
        "cards": tuple(replace(card, form=form) for card, form in zip(kept, forms, strict=True)),
        "left_out": f"{texts.plural(left, 'more paper')}" if left else "",
    }


def _list_headers(kind: MessageKind, mailing: Mailing, links: ReaderLinks | None, campaign: str) -> list[str]:
    """What only mail to readers carries; those about the list only where the reader is on it."""
    if kind is MessageKind.ALERT:
        return []
    domain = assemble.ascii_domain(mailing.domain).lower()
    # Feedback-ID wants 5-15 characters that name the sender; nothing in it may tell one reader from another
    sender_id = re.sub(r"[^a-z0-9]", "", domain)[:15].ljust(5, "0")
    headers = [assemble.structured("Feedback-ID", f"{campaign or kind}:{kind}:{_LIST}:{sender_id}")]
    if links is None:
        return headers
    headers.append(assemble.list_id(mailing.list_name or mailing.product, f"{_LIST}.{domain}"))
    page = links.unsubscribe if texts.reachable(links.unsubscribe) else ""
    if ways := [f"<{url}>" for url in (page, links.unsubscribe_by_mail) if url]:
        headers.append(assemble.listing("List-Unsubscribe", ways))
    if page.startswith("https:"):
        # RFC 8058 allows one-click for https only
        headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    headers.append("Precedence: bulk")
    return headers


def _own_link(name: str, url: str) -> str:
    clean = texts.web_address(url)
    if not clean:
        raise InputError(f"{name} must be an http or https address, got {url[:200]!r}")
    return clean


def _mailto(name: str, url: str) -> str:
    if url and not _MAILTO.fullmatch(url):
        raise InputError(f"{name} must be a mailto address without blanks, or nothing, got {url[:200]!r}")
    return url


def _card(number: int, item: Listed, year: int) -> Card:
    return Card(
        number=number,
        paper=_paper_text(item.paper, year),
        reason=texts.one_line(item.reason),
        label=texts.one_line(item.label),
        links=PaperLinks(
            read=texts.web_address(item.links.read),
            up=_own_link("up", item.links.up),
            down=_own_link("down", item.links.down),
            up_by_mail=_mailto("up_by_mail", item.links.up_by_mail),
            down_by_mail=_mailto("down_by_mail", item.links.down_by_mail),
        ),
        seen_before=item.seen_before,
        notes=_notes(item),
    )


def _notes(item: Listed) -> tuple[str, ...]:
    interest = texts.cut(texts.one_line(item.interest), _INTEREST_LONGEST)
    said = (f"For your interest “{interest}”." if interest else "", _SLOTS.get(item.slot, ""))
    return tuple(note for note in said if note)


@lru_cache(maxsize=4096)
def _paper_text(paper: Paper, year: int) -> PaperText:
    """The paper's texts; `year` is the reader's, for dates of another one show theirs. Kept, since thousands of readers share papers."""
    title = texts.cut(texts.one_line(paper.title), _TITLE_LONGEST) or "(no title)"
    names = [texts.cut(name, 60) for name in map(texts.one_line, paper.authors[: AUTHORS_SHOWN + 1]) if name]
    return PaperText(
        title=title,
        short_title=texts.cut(title, _LABEL_TITLE_LONGEST),
        authors=", ".join(names[:AUTHORS_SHOWN]) + (" et al." if len(names) > AUTHORS_SHOWN else ""),
        facts=_facts(paper, year),
        abstract=texts.excerpt(texts.one_line(paper.abstract), EXCERPT_LONGEST),
    )


def _facts(paper: Paper, year: int) -> tuple[str, ...]:
    appeared = paper.submitted or paper.announced or paper.first_seen
    categories = (texts.cut(texts.one_line(category), 40) for category in paper.categories[:2])
    facts = [", ".join(filter(None, categories)), texts.day(appeared, year=appeared.year != year)]
    if paper.upvotes > 0:
        facts.append(texts.plural(paper.upvotes, "upvote"))
    if paper.picked is not None:
        facts.append(f"pick no. {paper.rank}" if paper.rank else "picked")
    return tuple(fact for fact in facts if fact)


def _origin(made: Made) -> str:
    """The sentence under the heading: out of how many, and by what."""
    thumbs = made.thumbs_up + made.thumbs_down
    learned = f"learned from {texts.plural(thumbs, 'thumb')}" if thumbs else _UNLEARNED.get(made.model, "no thumbs yet")
    sentence = f"chosen from {texts.plural(made.candidates, 'new paper')}; {learned}." if made.candidates else f"{learned}."
    return sentence[0].upper() + sentence[1:]


def _made_line(made: Made) -> str:
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


def _tidy(text: str) -> str:
    """Text as a person would leave it: no blanks at line ends, no two empty lines in a row, one line break at the end."""
    stripped = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", stripped).strip("\n") + "\n"


def _without_gaps(html: str) -> str:
    return "\n".join(filter(None, html.split("\n"))) + "\n"
