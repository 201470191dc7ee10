"""Search of the stored papers, for the search page and its feed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import count_noun
from digest.model import Paper
from digest.papers import parse_name
from digest.pipeline.steps.co_likes import least_readers
from digest.services.explain import CorpusCache
from digest.services.paper_lists import PAGE_SIZE
from digest.services.paper_page import is_public
from digest.services.similar import measure_cosines
from digest.store.search import MOST_FOUND, WordQuery

SearchOrder = Literal["relevance", "new"]

#: words and phrases of a query that count
_MOST_WORDS = 20
_WORDS = re.compile(r'(-?)"([^"]+)"|(-?)([^\s"]+)')
_LETTER = re.compile(r"\w")
#: share of the best relevance that the newest of the papers matches gets more than the oldest
_NEWNESS = 0.15
#: papers that are compared by meaning, and the cosine that a near one needs
_COMPARED, _NEAR = 100, 0.15
#: where fewer papers hold all words, near ones are shown too
_FEW = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """What a person asks for."""

    text: str = ""
    author: str = ""
    category: str = ""
    since: date | None = None
    until: date | None = None
    source: str = ""
    order: SearchOrder = "relevance"
    page: int = 1

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.author.strip() or self.category.strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """One page of what was matches."""

    papers: tuple[Paper, ...]
    #: papers that hold all words
    total: int
    #: ids of those that hold only some and are near in meaning
    near: frozenset[int]
    #: whether there are more, older papers that were not looked at
    is_cut: bool
    pages: int
    #: words and phrases that were looked for
    words: tuple[str, ...]


def search(app: App, request: SearchRequest, corpora: CorpusCache) -> SearchResult:
    """Search titles, abstracts and authors.

    All words must occur, in any order; "in quotes" they stand together, and -word must not occur.
    Where few papers hold all of them, those that are near in meaning and hold some come after. An
    identifier or a link finds its paper.

    Args:
        corpora: keeps what one search leaves to the next.

    Raises:
        NotFoundError: there is no such page.
    """
    query = _parse(request)
    with app.store.reading() as tx:
        matches = _find_named(tx, request.text)
        if not matches and (query.words or query.author or query.category):
            matches = store.search.find_papers(tx, query)
        near: list[int] = []
        if request.order == "relevance" and query.words:
            text = " ".join(query.words)
            near = _find_near(app, tx, query, matches, corpora) if len(matches) < _FEW else []
            matches = _rank(app, tx, text, matches, corpora)
        ids = [ident for ident, _ in matches] + near
        pages = max(1, -(-len(ids) // PAGE_SIZE))
        if request.page > pages:
            raise NotFoundError(f"this search has {count_noun(pages, 'page')}")
        shown = ids[(request.page - 1) * PAGE_SIZE : request.page * PAGE_SIZE]
        papers = store.papers.load(tx, shown, least=least_readers(app, tx))
    return SearchResult(
        papers=tuple(papers[ident] for ident in shown),
        total=len(matches),
        near=frozenset(near),
        is_cut=len(matches) >= MOST_FOUND,
        pages=pages,
        words=query.words,
    )


def _parse(request: SearchRequest) -> WordQuery:
    words: list[str] = []
    excluded: list[str] = []
    for match in _WORDS.finditer(request.text):
        phrase = match[2] or match[4]
        if _LETTER.search(phrase):
            (excluded if match[1] or match[3] else words).append(phrase.strip())
    return WordQuery(
        words=tuple(words[:_MOST_WORDS]),
        excluded=tuple(excluded[:_MOST_WORDS]) if words else (),
        author=request.author.strip(),
        category=request.category.strip(),
        since=request.since,
        until=request.until,
        source=request.source.strip(),
    )


def _find_named(tx: store.Connection, text: str) -> list[tuple[int, float]]:
    """Find the paper of an identifier or a link."""
    identity = parse_name(text) if len(text) <= 2000 else None
    if identity is None:
        return []
    ids = store.papers.find_by_identity(tx, identity.kind, identity.value)
    papers = store.papers.load(tx, ids)
    return [(ident, 0.0) for ident, paper in papers.items() if is_public(paper)]


def _rank(
    app: App,
    tx: store.Connection,
    text: str,
    matches: list[tuple[int, float]],
    corpora: CorpusCache,
) -> list[tuple[int, float]]:
    """Sort by relevance, meaning and newness; only the most relevant are compared by meaning.

    Args:
        matches: (paper id, relevance), newest first.
    """
    best = max((relevance for _, relevance in matches), default=0.0) or 1.0
    values = {
        ident: relevance / best + _NEWNESS * (1 - place / len(matches))
        for place, (ident, relevance) in enumerate(matches)
    }
    order = sorted(values, key=lambda ident: (-values[ident], -ident))
    compared = list(store.papers.load(tx, order[:_COMPARED]).values())
    for paper, cosine in zip(
        compared, measure_cosines(app, tx, text, compared, corpora), strict=True
    ):
        values[paper.id] += 1 + float(cosine)  # so that they stay before the others
    return sorted(values.items(), key=lambda item: (-item[1], -item[0]))


def _find_near(
    app: App,
    tx: store.Connection,
    query: WordQuery,
    matches: list[tuple[int, float]],
    corpora: CorpusCache,
) -> list[int]:
    """Find papers with some of the words that are near in meaning, nearest first."""
    if len(" ".join(query.words).split()) < 2:
        return []
    words = tuple(word for phrase in query.words for word in phrase.split())
    some = store.search.find_papers(tx, replace(query, words=words, any_word=True))
    known = {ident for ident, _ in matches}
    some = sorted(some, key=lambda item: -item[1])
    ids = [ident for ident, _ in some if ident not in known][:_COMPARED]
    papers = list(store.papers.load(tx, ids).values())
    cosines = measure_cosines(app, tx, " ".join(words), papers, corpora)
    nearest = sorted(zip(cosines.tolist(), papers, strict=True), key=lambda item: -item[0])
    return [paper.id for cosine, paper in nearest[:PAGE_SIZE] if cosine >= _NEAR]
