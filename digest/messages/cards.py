"""The papers of a digest as templates get them, and in how few words each must do so that no mail program clips the mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from digest.messages import assemble, texts
from digest.messages.values import Listed, PaperLinks
from digest.model import Paper, Slot

EXCERPT_LONGEST = 280
AUTHORS_SHOWN = 5
#: octets of the encoded HTML part; Gmail hides what comes after some 102,000, and with it the way to unsubscribe
HTML_LONGEST = 95_000
_TITLE_LONGEST = 300
_LABEL_TITLE_LONGEST = 60
_INTEREST_LONGEST = 60
#: what is said of a paper that is not listed for its rank alone
_SLOTS: dict[Slot, str] = {
    "pinned": "Always listed, since you asked for it.",
    "exploration": "A try: the service is unsure of this one, so your answer teaches it most.",
}
#: how much of a paper is shown: all; no abstract and no buttons; title and links alone
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


def card(number: int, item: Listed, year: int) -> Card:
    """A listed paper in full; `year` is the reader's. InputError for a link that is none."""
    return Card(
        number=number,
        paper=_paper_text(item.paper, year),
        reason=texts.one_line(item.reason),
        label=texts.one_line(item.label),
        links=PaperLinks(
            read=texts.web_address(item.links.read),
            up=texts.own_link("up", item.links.up),
            down=texts.own_link("down", item.links.down),
            up_by_mail=texts.own_mailto("up_by_mail", item.links.up_by_mail),
            down_by_mail=texts.own_mailto("down_by_mail", item.links.down_by_mail),
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


def shortened(write: Callable[[tuple[Card, ...], int], str], cards: Sequence[Card]) -> str:
    """The HTML of a mail, with as many of its papers in short as keep it below what mail programs clip.

    From the last paper upwards they lose first their abstract and buttons, then all but title and links; where even that does not help,
    the last ones are counted instead of listed, and the text part has them.

    Args:
        write: gives the HTML for the papers that are listed and the number of those that are only counted.
    """

    def shorter(step: int) -> str:
        kept = _cut_down(cards, step)
        return write(kept, len(cards) - len(kept))

    html = shorter(0)
    if assemble.fits(html, HTML_LONGEST):
        return html
    # every step makes the mail shorter, so the least that is needed lies where halving finds it
    low, high = 0, len(cards) * 3 - 1
    html = shorter(high)
    while high - low > 1:
        middle = (low + high) // 2
        if assemble.fits(tried := shorter(middle), HTML_LONGEST):
            high, html = middle, tried
        else:
            low = middle
    return html


def _cut_down(cards: Sequence[Card], step: int) -> tuple[Card, ...]:
    """What is listed after so many steps; the last one leaves the first paper alone, with title and links."""
    count = len(cards)
    kept = cards[: count - max(0, step - 2 * count)]
    forms: list[Form] = ["full" if at < count - step else "brief" if at < 2 * count - step else "title" for at in range(len(kept))]
    return tuple(replace(card, form=form) if card.form != form else card for card, form in zip(kept, forms, strict=True))
