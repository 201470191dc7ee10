"""What mails print of a paper, the same for every reader; cached, since readers share papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from digest.locales import current_language, format_number, gettext, ngettext
from digest.mail.messages import excerpts, texts
from digest.mail.messages.values import Listed
from digest.model import Paper, Resources

#: authors that are all named; of more, the first and the last are
MAX_AUTHORS = 5
_FIRST_AUTHORS = 3
_MAX_NAME = 60
MAX_TITLE = 300
_MAX_LABEL_TITLE = 60
_MAX_LISTED_TITLE = 200
#: characters of all categories together: five of arXiv
_MAX_CATEGORIES = 40
#: of venue and comment together
_MAX_PUBLISHED = 140


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PaperText:
    """What the templates print of a paper, the same for every reader."""

    title: str
    #: the title cut for the accessible name of a link
    short_title: str
    #: the title cut for the list on top
    listed_title: str
    #: see `format_authors`
    authors: str
    #: from which earlier day, category, date, upvotes, Daily Papers rank: those that apply
    facts: tuple[str, ...]
    #: the facts on one line
    standing: str
    #: reasons that say no more than a day among the facts, without their full stop
    only_days: tuple[str, ...]
    #: venue and the authors' comment; empty if neither is known
    published: str
    #: such as "arXiv:2606.01234"; empty if the paper has none
    identifier: str
    #: label and address: PDF, HTML, Code, Project ...
    resources: tuple[tuple[str, str], ...]
    #: `links.read` searches for the title, since no source gave a page
    is_search: bool
    #: an excerpt; empty if there is no abstract
    abstract: str
    #: no sentence says what the paper does, so the reader's words choose the excerpt
    excerpt_by_words: bool = False


#: cached texts of papers
_MAX_CACHED = 4096
_TEXTS: dict[tuple[str, int, int, str], tuple[Paper, PaperText]] = {}


def make_paper_text(item: Listed, local_date: date) -> PaperText:
    """The texts of a listed paper; dates of other years than the digest's show theirs."""
    origin = item.from_day and texts.format_origin_day(item.from_day, local_date)
    year, origin_day = local_date.year, origin or ""
    text = _cached_text(item, year, origin_day)
    if text.excerpt_by_words and item.words:
        abstract = texts.one_line(item.paper.abstract)
        first = excerpts.find_most_words(abstract, item.words)
        return _make_text(current_language(), item.paper, item.resources, year, origin_day, first)
    return text


def format_authors(authors: Sequence[str]) -> str:
    """Up to five names; of more the first three, the last, and how many they are.

    Such as "A, B, C … Z (12)"; "" if the source names nobody.
    """
    names = [name for name in map(texts.one_line, authors) if name]
    if len(names) <= MAX_AUTHORS:
        return ", ".join(texts.cut(name, _MAX_NAME) for name in names)
    first = ", ".join(texts.cut(name, _MAX_NAME) for name in names[:_FIRST_AUTHORS])
    return f"{first} … {texts.cut(names[-1], _MAX_NAME)}\u00a0({format_number(len(names))})"


def _cached_text(item: Listed, year: int, origin_day: str) -> PaperText:
    # by identity first: hashing a paper takes longer than everything else here
    paper, language = item.paper, current_language()
    cached = _TEXTS.get((language, id(paper), year, origin_day))
    if cached is not None and cached[0] is paper:
        return cached[1]
    if len(_TEXTS) >= _MAX_CACHED:
        _TEXTS.clear()
    text = _make_text(language, paper, item.resources, year, origin_day)
    _TEXTS[language, id(paper), year, origin_day] = paper, text
    return text


@lru_cache(maxsize=_MAX_CACHED)
def _make_text(
    language: str,
    paper: Paper,
    resources: Resources,
    year: int,
    origin_day: str,
    first_sentence: int | None = None,
) -> PaperText:
    """Make the texts; the excerpt begins with a sentence by number, or by its own rule.

    Args:
        language: the current one; it only distinguishes cached texts.
    """
    title = texts.cut(texts.one_line(paper.title), MAX_TITLE) or gettext("(no title)")
    published = " · ".join(filter(None, map(texts.one_line, (resources.venue, resources.comment))))
    abstract = texts.one_line(paper.abstract)
    if first_sentence is None:
        first_sentence = excerpts.find_contribution(texts.one_line(paper.title), abstract)
    facts = _facts(paper, year, origin_day)
    return PaperText(
        title=title,
        short_title=texts.cut(title, _MAX_LABEL_TITLE),
        listed_title=texts.cut(title, _MAX_LISTED_TITLE),
        authors=format_authors(paper.authors),
        facts=facts,
        standing=" · ".join(facts),
        only_days=tuple(
            texts.capitalize(gettext("new on %(day)s", day=fact.replace("\u00a0", " ")))
            for fact in facts
        ),
        published=texts.cut(published, _MAX_PUBLISHED),
        identifier=texts.cut(texts.one_line(resources.identifier), _MAX_NAME),
        resources=tuple(
            (gettext(label), clean)
            for label, url in resources.links
            if (clean := texts.clean_url(url))
        ),
        is_search=resources.is_search,
        abstract=excerpts.excerpt(abstract, first_sentence or 0),
        excerpt_by_words=first_sentence is None,
    )


def _facts(paper: Paper, year: int, origin_day: str) -> tuple[str, ...]:
    appeared = paper.submitted or paper.announced
    if appeared is None and paper.picked is None:
        appeared = paper.first_seen
    day = _day(appeared, year) if appeared else ""
    origin = texts.tie_last_words(origin_day)
    is_same_day = origin == gettext("from %(day)s", day=day)
    facts = [origin, _categories(paper.categories), "" if is_same_day else day]
    if paper.upvotes > 0:
        upvotes = ngettext("%(num)s upvote", "%(num)s upvotes", paper.upvotes)
        facts.append(texts.tie_last_words(upvotes))
    if paper.picked is not None:
        picked = _day(paper.picked, year)
        facts.append(
            gettext("no. %(rank)s on Daily Papers, %(day)s", rank=paper.rank, day=picked)
            if paper.rank
            else gettext("Daily Papers, %(day)s", day=picked)
        )
    return tuple(fact for fact in facts if fact)


def _day(day: date, year: int) -> str:
    return texts.tie_last_words(texts.format_date(day, year=day.year != year))


def _categories(categories: Sequence[str]) -> str:
    """As many as fit a line, at least two: the reason may name any of them."""
    shown = ""
    for number, category in enumerate(filter(None, map(texts.one_line, categories))):
        longer = f"{shown}, {texts.cut(category, 40)}" if shown else texts.cut(category, 40)
        if number >= 2 and len(longer) > _MAX_CATEGORIES:
            break
        shown = longer
    return shown
