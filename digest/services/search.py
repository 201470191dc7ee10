"""Search of the stored papers, for the search page and its feed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from digest import store
from digest.app import App
from digest.model import Interest, Paper
from digest.papers import parse_name
from digest.pipeline.steps.co_likes import least_readers
from digest.ranking import features
from digest.services.explain import CorpusCache
from digest.services.paper_lists import count_pages, cut_page
from digest.services.paper_page import is_public
from digest.services.similar import estimate_nearness, find_near, measure_cosines
from digest.store.search import MOST_FOUND, WordQuery

SearchOrder = Literal["relevance", "new", "meaning"]

#: words and phrases that a paper must hold, of a longer query the first
_MOST_WORDS = 20
#: words without quotes up to which a query is a keyword
_MOST_KEYWORD_WORDS = 8
_WORDS = re.compile(r'(-?)"([^"]+)"|(-?)([^\s"]+)')
_LETTER = re.compile(r"\w")
#: what words in the title or the names of authors add to the cosine of meaning, and what the newest
#: of the papers gets more than the oldest
_IN_TITLE, _NEWNESS = 0.3, 0.15
#: papers with the words in the title that are looked at, the newest, and among how many papers
_MOST_IN_TITLE, _TITLE_SPAN = 300, 200_000
#: papers of one page
PAGE_SIZE = 20
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
    #: id of the paper behind which the page begins, whatever its number; 0 = none
    after: int = 0
    #: papers of a page
    size: int = PAGE_SIZE

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.author.strip() or self.category.strip())

    @property
    def interest(self) -> Interest:
        """What a reader would be interested in who wants new papers like these by mail.

        Words that are in no quotes are one keyword, and a text where there are many.
        """
        words, excluded = _split(self.text)
        alone = " ".join(phrase for phrase, is_quoted in words if not is_quoted)
        is_text = alone.count(" ") >= _MOST_KEYWORD_WORDS
        keywords = [phrase for phrase, is_quoted in words if is_quoted]
        keywords += [alone] if alone and not is_text else []
        return Interest(
            keywords=(*keywords, *(f"-{phrase}" for phrase in excluded)),
            categories=tuple(filter(None, [self.category.strip()])),
            authors=tuple(filter(None, [self.author.strip()])),
            text=alone if is_text else "",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """One page of what was matches."""

    papers: tuple[Paper, ...]
    #: papers that hold all words; in the order of meaning, those that are near
    total: int
    #: ids of those that need not hold the words and are near in meaning
    near: frozenset[int]
    #: whether there are more, older papers that were not looked at
    is_cut: bool
    pages: int
    #: whether more papers follow
    has_more: bool
    #: words and phrases that were looked for
    words: tuple[str, ...]


def search(app: App, request: SearchRequest, corpora: CorpusCache) -> SearchResult:
    """Search titles, abstracts and authors.

    All words must occur, in any order; "in quotes" they stand together, and -word must not occur.
    Where few papers hold all of them, those that are near in meaning come after; the order
    "meaning" finds only these, whatever words they hold. An identifier or a link finds its paper.

    Args:
        corpora: keeps what one search leaves to the next.

    Raises:
        NotFoundError: there is no such page.
    """
    query = _parse(request)
    text = " ".join(query.words)
    wanted = replace(query, words=_choose_words(query.words))
    by_meaning = request.order == "meaning" and bool(query.words)
    near: list[int] = []
    with app.store.reading() as tx:
        ids = _find_named(tx, request.text)
        if ids:
            pass
        elif by_meaning:
            ids = find_near(app, tx, text, wanted, corpora)
        elif wanted.words or query.author or query.category:
            ids = store.search.find_ids(tx, wanted)
            if request.order == "relevance" and wanted.words:
                if len(ids) < _FEW and " " in text:
                    nearest = find_near(app, tx, text, wanted, corpora)
                    near = [ident for ident in nearest if ident not in ids][:PAGE_SIZE]
                ids = _rank(app, tx, text, wanted, ids, corpora)
        listed = ids + near
        start, shown = cut_page(listed, request.page, request.after, request.size)
        papers = store.papers.load(tx, shown, least=least_readers(app, tx))
    return SearchResult(
        papers=tuple(papers[ident] for ident in shown),
        total=len(ids),
        near=frozenset(near),
        is_cut=not by_meaning and len(ids) >= MOST_FOUND,
        pages=count_pages(listed, request.size),
        has_more=start + request.size < len(listed),
        words=query.words,
    )


def _parse(request: SearchRequest) -> WordQuery:
    words, excluded = _split(request.text)
    return WordQuery(
        words=tuple(phrase for phrase, _ in words),
        excluded=tuple(excluded[:_MOST_WORDS]) if words else (),
        author=request.author.strip(),
        category=request.category.strip(),
        since=request.since,
        until=request.until,
        source=request.source.strip(),
    )


def _split(text: str) -> tuple[list[tuple[str, bool]], list[str]]:
    """Split a query into words or phrases, with whether in quotes, and those with a minus."""
    words: list[tuple[str, bool]] = []
    excluded: list[str] = []
    for match in _WORDS.finditer(text):
        phrase = (match[2] or match[4]).strip()
        if not _LETTER.search(phrase):
            continue
        if match[1] or match[3]:
            excluded.append(phrase)
        else:
            words.append((phrase, match[2] is not None))
    return words, excluded


def _choose_words(words: Sequence[str]) -> tuple[str, ...]:
    """Choose the words that a paper must hold: "the" and "of" are left out beside others."""
    telling = [word for word in words if word.lower() not in features.STOP_WORDS]
    return tuple((telling or words)[:_MOST_WORDS])


def _find_named(tx: store.Connection, text: str) -> list[int]:
    """Find the paper of an identifier or a link."""
    identity = parse_name(text)
    if identity is None:
        return []
    ids = store.papers.find_by_identity(tx, identity.kind, identity.value)
    return [ident for ident, paper in store.papers.load(tx, ids).items() if is_public(paper)]


def _rank(
    app: App,
    tx: store.Connection,
    text: str,
    query: WordQuery,
    ids: list[int],
    corpora: CorpusCache,
) -> list[int]:
    """Sort papers by meaning, words in the title and newness.

    The cosines of all are estimated, those of the first page measured. Where more papers hold the
    words than were looked at, older ones that hold them in the title are added.

    Args:
        ids: newest first.
    """
    if len(ids) < 2:
        return ids
    in_title = _find_in_title(tx, query, ids)
    ordered = np.array(sorted({*ids, *in_title}, reverse=True), np.int64)
    values = _NEWNESS * np.linspace(1, 0, len(ordered))
    values += _IN_TITLE * np.isin(ordered, in_title)
    estimated = values + estimate_nearness(app, tx, text, ordered, corpora)
    order = np.argsort(-estimated, kind="stable")
    best, others = order[:PAGE_SIZE], order[PAGE_SIZE:]
    counts = features.vectorize([text])
    values[best] += measure_cosines(app, tx, counts, ordered[best].tolist(), corpora)
    best = best[np.argsort(-values[best], kind="stable")]
    ranked: list[int] = ordered[np.concatenate((best, others))].tolist()
    return ranked


def _find_in_title(tx: store.Connection, query: WordQuery, ids: Sequence[int]) -> list[int]:
    """Find papers with the words in the title or in the names of authors.

    Args:
        ids: newest papers with the words, newest first; where they are all, no others can be found.
    """
    # Looking through all papers for a phrase such as "of the model" takes long.
    pieces = [phrase.lower().split() for phrase in query.words]
    if any(len(words) > 1 and not features.STOP_WORDS.isdisjoint(words) for words in pieces):
        return []
    oldest = ids[-1] if len(ids) < MOST_FOUND else min(ids[-1], ids[0] - _TITLE_SPAN)
    title = replace(query, in_title=True)
    return store.search.find_ids(tx, title, _MOST_IN_TITLE, span=(oldest, ids[0]))
