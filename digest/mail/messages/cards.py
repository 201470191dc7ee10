"""The papers of a digest as templates get them, and in how few words each must do so that no mail
program clips the mail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from digest.mail.messages import texts
from digest.mail.messages.passages import Part
from digest.mail.messages.values import Listed, PaperLinks
from digest.model import Paper, Slot

EXCERPT_LONGEST = 280
AUTHORS_SHOWN = 5
#: octets of the encoded HTML part; Gmail hides what comes after some 102,000, and with it the way
#: to unsubscribe
HTML_LONGEST = 95_000
_TITLE_LONGEST = 300
_LABEL_TITLE_LONGEST = 60
#: characters of categories beside one another, as five of arXiv take
_CATEGORIES_LONGEST = 40
_INTEREST_LONGEST = 60
#: what is said of a paper that is not listed for its rank alone
SLOTS: dict[Slot, str] = {
    "pinned": "Always listed, since you asked for it.",
    "exploration": "Outside your usual. More of this?",
}
#: how much of a paper is shown: all; no abstract and no buttons; title and links alone
Form = Literal["full", "brief", "title"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PaperText:
    """What the templates print of a paper; the same one for every reader."""

    title: str
    #: the title as long as it may be inside the name of a link
    short_title: str
    #: at most five names, then "et al."; empty where the source named nobody
    authors: str
    #: category, date, upvotes, pick: those that are known
    facts: tuple[str, ...]
    #: empty where there is no abstract
    abstract: str


class Card(NamedTuple):
    """A listed paper as the templates get it."""

    paper: PaperText
    #: its number, in the four columns of the text part's margin
    margin: str
    reason: str
    label: str
    #: the label and the paper's facts, in one line
    standing: str
    links: PaperLinks
    seen_before: bool
    #: why it is listed beside its rank, and for which interest: whole sentences
    notes: tuple[str, ...] = ()
    #: how much of it the HTML part shows, to stay below what mail programs clip
    form: Form = "full"


#: papers whose texts are kept
_KEPT = 4096
_KNOWN: dict[tuple[int, int], tuple[Paper, PaperText]] = {}


def card(number: int, item: Listed, year: int) -> Card:
    """A listed paper in full; `year` is the reader's. InputError for a link that is none."""
    paper, links = _paper_text(item.paper, year), item.links
    label = texts.one_line(item.label).capitalize()
    return Card(
        paper=paper,
        margin=f"{number}.".ljust(4),
        reason=texts.one_line(item.reason),
        label=label,
        standing=" · ".join((label, *paper.facts)),
        links=PaperLinks(
            read=texts.web_address(links.read),
            up=texts.own_link("up", links.up),
            down=texts.own_link("down", links.down),
            up_by_mail=texts.own_mailto("up_by_mail", links.up_by_mail),
            down_by_mail=texts.own_mailto("down_by_mail", links.down_by_mail),
        ),
        seen_before=item.seen_before,
        notes=_notes(item) if item.interest or item.slot in SLOTS else (),
    )


def _notes(item: Listed) -> tuple[str, ...]:
    interest = texts.cut(texts.one_line(item.interest), _INTEREST_LONGEST)
    said = (f"For your interest “{interest}”." if interest else "", SLOTS.get(item.slot, ""))
    return tuple(note for note in said if note)


def _paper_text(paper: Paper, year: int) -> PaperText:
    """The paper's texts; `year` is the reader's, for dates of another one show theirs.

    Kept, since thousands of readers share papers.
    """
    # by identity first: to hash a paper takes longer than all that is done with its texts
    known = _KNOWN.get((id(paper), year))
    if known is not None and known[0] is paper:
        return known[1]
    if len(_KNOWN) >= _KEPT:
        _KNOWN.clear()
    made = _made_text(paper, year)
    _KNOWN[id(paper), year] = paper, made
    return made


@lru_cache(maxsize=_KEPT)
def _made_text(paper: Paper, year: int) -> PaperText:
    title = texts.cut(texts.one_line(paper.title), _TITLE_LONGEST) or "(no title)"
    names = [
        texts.cut(name, 60)
        for name in map(texts.one_line, paper.authors[: AUTHORS_SHOWN + 1])
        if name
    ]
    return PaperText(
        title=title,
        short_title=texts.cut(title, _LABEL_TITLE_LONGEST),
        authors=", ".join(names[:AUTHORS_SHOWN])
        + (" et al." if len(names) > AUTHORS_SHOWN else ""),
        facts=_facts(paper, year),
        abstract=texts.excerpt(texts.one_line(paper.abstract), EXCERPT_LONGEST),
    )


def _facts(paper: Paper, year: int) -> tuple[str, ...]:
    appeared = paper.submitted or paper.announced or paper.first_seen
    facts = [
        _categories(paper.categories),
        texts.tied(texts.day(appeared, year=appeared.year != year)),
    ]
    if paper.upvotes > 0:
        facts.append(texts.tied(texts.plural(paper.upvotes, "upvote")))
    if paper.picked is not None:
        facts.append(texts.tied(f"Daily Papers no. {paper.rank}") if paper.rank else "Daily Papers")
    return tuple(fact for fact in facts if fact)


def _categories(all_: Sequence[str]) -> str:
    """As many as stand in a line, two at least: the reason may name any of them."""
    told = ""
    for number, category in enumerate(filter(None, map(texts.one_line, all_))):
        longer = f"{told}, {texts.cut(category, 40)}" if told else texts.cut(category, 40)
        if number >= 2 and len(longer) > _CATEGORIES_LONGEST:
            break
        told = longer
    return told


def shortened(write: Callable[[tuple[Card, ...], int], Part], cards: tuple[Card, ...]) -> Part:
    """The HTML of a mail, with as many of its papers in short as keep it below what mail programs
    clip.

    From the last paper upwards they lose first their abstract and buttons, then all but title and
    links; where even that does not help, the last ones are counted instead of listed, and the text
    part has them.

    Args:
        write: gives the HTML for the papers that are listed and the number of those that are only
        counted.
    """

    def shorter(step: int) -> Part:
        kept = _cut_down(cards, step)
        return write(kept, len(cards) - len(kept))

    html = write(cards, 0)
    if len(html.encoded) <= HTML_LONGEST:
        return html
    # every step makes the mail shorter, so the least that is needed lies where halving finds it
    low, high = 0, len(cards) * 3 - 1
    html = shorter(high)
    while high - low > 1:
        middle = (low + high) // 2
        if len((tried := shorter(middle)).encoded) <= HTML_LONGEST:
            high, html = middle, tried
        else:
            low = middle
    return html


def _cut_down(cards: Sequence[Card], step: int) -> tuple[Card, ...]:
    """What is listed after so many steps; the last one leaves the first paper alone, with title and
    links.
    """
    count = len(cards)
    kept = cards[: count - max(0, step - 2 * count)]
    forms: list[Form] = [
        "full" if at < count - step else "brief" if at < 2 * count - step else "title"
        for at in range(len(kept))
    ]
    return tuple(
        card._replace(form=form) if card.form != form else card
        for card, form in zip(kept, forms, strict=True)
    )
