"""The papers of a digest as templates get them, within the size limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

from digest.mail.messages import excerpts, texts
from digest.mail.messages.encoding import BodyPart
from digest.mail.messages.values import Listed, PaperLinks
from digest.model import Paper, Slot

MAX_AUTHORS = 5
#: octets of the encoded HTML part; Gmail hides everything after about 102,000, the unsubscribe link
#: included
MAX_HTML = 95_000
_MAX_TITLE = 300
_MAX_LABEL_TITLE = 60
#: characters of all categories together: five of arXiv
_MAX_CATEGORIES = 40
_MAX_INTEREST = 60
#: the note on a paper that is not listed for its rank
SLOTS: dict[Slot, str] = {
    "pinned": "Always listed, since you asked for it.",
    "exploration": "Outside your usual. More of this?",
}
#: how much of a paper is shown: everything; no abstract and buttons; only title and links
Form = Literal["full", "brief", "title"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PaperText:
    """What the templates print of a paper, the same for every reader."""

    title: str
    #: the title cut for the accessible name of a link
    short_title: str
    #: at most five names, then "et al."; empty if the source names nobody
    authors: str
    #: from which earlier day, category, date, upvotes, Daily Papers rank: those that apply
    facts: tuple[str, ...]
    #: an excerpt; empty if there is no abstract
    abstract: str
    #: no sentence says what the paper does, so the reader's words choose the excerpt
    excerpt_by_words: bool = False


class Card(NamedTuple):
    """A listed paper as the templates get it."""

    paper: PaperText
    #: its number, padded to the four columns of the text part's margin
    margin: str
    reason: str
    label: str
    #: the label and the paper's facts, on one line
    standing: str
    links: PaperLinks
    seen_before: bool
    #: for which interest it is listed, and why apart from its rank; whole sentences
    notes: tuple[str, ...] = ()
    #: how much of it the HTML part shows
    form: Form = "full"


#: cached texts of papers
_MAX_CACHED = 4096
_TEXTS: dict[tuple[int, int, str], tuple[Paper, PaperText]] = {}


def make_card(number: int, item: Listed, local_date: date) -> Card:
    """A listed paper in full; dates of other years than the digest's show theirs.

    Raises:
        InputError: a link is invalid.
    """
    origin_day = item.from_day and texts.format_origin_day(item.from_day, local_date)
    year, origin = local_date.year, origin_day or ""
    paper, links = _paper_text(item.paper, year, origin), item.links
    if paper.excerpt_by_words and item.words:
        abstract = texts.one_line(item.paper.abstract)
        first = excerpts.find_most_words(abstract, item.words)
        paper = _make_paper_text(item.paper, year, origin, first)
    label = texts.one_line(item.label).capitalize()
    return Card(
        paper=paper,
        margin=f"{number}.".ljust(4),
        reason=texts.one_line(item.reason),
        label=label,
        standing=" · ".join((label, *paper.facts)),
        links=PaperLinks(
            read=texts.clean_url(links.read),
            up=texts.require_link("up", links.up),
            down=texts.require_link("down", links.down),
            up_by_mail=texts.require_mailto("up_by_mail", links.up_by_mail),
            down_by_mail=texts.require_mailto("down_by_mail", links.down_by_mail),
        ),
        seen_before=item.seen_before,
        notes=_notes(item) if item.interest or item.slot in SLOTS else (),
    )


def _notes(item: Listed) -> tuple[str, ...]:
    interest = texts.cut(texts.one_line(item.interest), _MAX_INTEREST)
    notes = (f"For your interest “{interest}”." if interest else "", SLOTS.get(item.slot, ""))
    return tuple(note for note in notes if note)


def _paper_text(paper: Paper, year: int, origin_day: str) -> PaperText:
    """The paper's texts, cached since thousands of readers share papers."""
    # by identity first: hashing a paper takes longer than everything else here
    cached = _TEXTS.get((id(paper), year, origin_day))
    if cached is not None and cached[0] is paper:
        return cached[1]
    if len(_TEXTS) >= _MAX_CACHED:
        _TEXTS.clear()
    text = _make_paper_text(paper, year, origin_day)
    _TEXTS[id(paper), year, origin_day] = paper, text
    return text


@lru_cache(maxsize=_MAX_CACHED)
def _make_paper_text(
    paper: Paper, year: int, origin_day: str, first_sentence: int | None = None
) -> PaperText:
    """Make the texts; the excerpt begins with a sentence by number, or by its own rule."""
    title = texts.cut(texts.one_line(paper.title), _MAX_TITLE) or "(no title)"
    names = [
        texts.cut(name, 60)
        for name in map(texts.one_line, paper.authors[: MAX_AUTHORS + 1])
        if name
    ]
    abstract = texts.one_line(paper.abstract)
    if first_sentence is None:
        first_sentence = excerpts.find_contribution(texts.one_line(paper.title), abstract)
    return PaperText(
        title=title,
        short_title=texts.cut(title, _MAX_LABEL_TITLE),
        authors=", ".join(names[:MAX_AUTHORS]) + (" et al." if len(names) > MAX_AUTHORS else ""),
        facts=_facts(paper, year, origin_day),
        abstract=excerpts.excerpt(abstract, first_sentence or 0),
        excerpt_by_words=first_sentence is None,
    )


def _facts(paper: Paper, year: int, origin_day: str) -> tuple[str, ...]:
    appeared = paper.submitted or paper.announced or paper.first_seen
    day = texts.format_date(appeared, year=appeared.year != year)
    facts = [
        texts.tie_last_words(origin_day),
        _categories(paper.categories),
        texts.tie_last_words("" if origin_day == f"from {day}" else day),
    ]
    if paper.upvotes > 0:
        facts.append(texts.tie_last_words(texts.plural(paper.upvotes, "upvote")))
    if paper.picked is not None:
        facts.append(
            texts.tie_last_words(f"Daily Papers no. {paper.rank}") if paper.rank else "Daily Papers"
        )
    return tuple(fact for fact in facts if fact)


def _categories(categories: Sequence[str]) -> str:
    """As many as fit a line, at least two: the reason may name any of them."""
    shown = ""
    for number, category in enumerate(filter(None, map(texts.one_line, categories))):
        longer = f"{shown}, {texts.cut(category, 40)}" if shown else texts.cut(category, 40)
        if number >= 2 and len(longer) > _MAX_CATEGORIES:
            break
        shown = longer
    return shown


def render_within_limit(
    render: Callable[[tuple[Card, ...], int], BodyPart], cards: tuple[Card, ...]
) -> BodyPart:
    """The HTML of a mail, with papers shortened until it has at most MAX_HTML octets.

    From the last paper upwards, papers first lose their abstract and buttons, then everything but
    title and links. If that is not enough, the last ones are only counted; the text part has them.

    Args:
        render: gives the HTML for the listed papers and the number of papers that are only counted.
    """

    def render_step(step: int) -> BodyPart:
        shown_cards = _shorten(cards, step)
        return render(shown_cards, len(cards) - len(shown_cards))

    html = render(cards, 0)
    if len(html.encoded) <= MAX_HTML:
        return html
    # binary search for the first step that fits: every step makes the mail shorter
    low, high = 0, len(cards) * 3 - 1
    html = render_step(high)
    while high - low > 1:
        middle = (low + high) // 2
        candidate = render_step(middle)
        if len(candidate.encoded) <= MAX_HTML:
            high, html = middle, candidate
        else:
            low = middle
    return html


def _shorten(cards: Sequence[Card], step: int) -> tuple[Card, ...]:
    """The cards after `step` steps; the last leaves the first title alone."""
    count = len(cards)
    shown_cards = cards[: count - max(0, step - 2 * count)]
    forms: list[Form] = [
        "full" if position < count - step else "brief" if position < 2 * count - step else "title"
        for position in range(len(shown_cards))
    ]
    return tuple(
        card._replace(form=form) if card.form != form else card
        for card, form in zip(shown_cards, forms, strict=True)
    )
