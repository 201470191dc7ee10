"""Papers that are near a paper or a text, by the features that digests are chosen by.

Candidates come from the index of sign codes. Whether they still fit and how near they are is
decided by what is stored of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import store
from digest.app import App
from digest.model import Paper
from digest.pipeline.steps.word_counts import load_counts
from digest.ranking import features
from digest.ranking.rows import row_norms, split_blocks
from digest.services.explain import CorpusCache
from digest.services.vector_index import LoadedIndex
from digest.store.search import WordQuery

#: candidates, and those whose cosine is measured
_CANDIDATES, _MEASURED = 1000, 100
#: where fewer papers pass the filters, only these are compared
_FEW_PASS = 10_000
#: cosine that a paper near a text needs, and one near a paper
_NEAR, _SIMILAR = 0.15, 0.2
#: similar papers that are named
_NAMED = 5


def find_similar(app: App, paper: Paper, corpora: CorpusCache) -> list[Paper]:
    """Find the papers that are nearest to a paper, nearest first."""
    counts = features.vectorize([features.text_of(paper.title, paper.abstract)])
    with app.store.reading() as tx:
        nearest = _find_nearest(app, tx, counts, WordQuery(), _SIMILAR, corpora)
        ids = [ident for ident in nearest if ident != paper.id][:_NAMED]
        papers = store.papers.load(tx, ids)
    return [papers[ident] for ident in ids]


def find_near(
    app: App, tx: store.Connection, text: str, query: WordQuery, corpora: CorpusCache
) -> list[int]:
    """Find the ids of papers that are near a text in meaning, nearest first.

    Args:
        query: what else they must be; they need not hold its words.
    """
    ids = _find_nearest(app, tx, features.vectorize([text]), query, _NEAR, corpora)
    if query.excluded:
        papers = store.papers.load(tx, ids)
        ids = [ident for ident in ids if not _holds_any(papers[ident], query.excluded)]
    return ids


def estimate_nearness(
    app: App,
    tx: store.Connection,
    text: str,
    ids: NDArray[np.int64],
    corpora: CorpusCache,
) -> NDArray[np.float64]:
    """Estimate the cosines of papers to a text; 0 for those that the index does not have."""
    cosines = np.zeros(len(ids))
    loaded = corpora.vectors.load(app, tx)
    if loaded is not None:
        row = loaded.dense_row(features.vectorize([text]))
        places = loaded.index.find_places(ids)
        is_known = places >= 0
        codes = loaded.index.codes[:, places[is_known]]
        cosines[is_known] = features.estimate_cosines(codes, row)
    return cosines


def measure_cosines(
    app: App, tx: store.Connection, counts: sp.csr_matrix, ids: Sequence[int], corpora: CorpusCache
) -> NDArray[np.float64]:
    """Return the cosines of papers to a text, without an encoder's columns, shape (papers,).

    Args:
        counts: the text's words, shape (1, COLUMNS).
    """
    cosines = np.zeros(len(ids))
    packed = store.papers.load_vectors(tx, features.VERSION, ids)
    known = [number for number, ident in enumerate(ids) if ident in packed]
    if known:
        space = corpora.load(app, tx).view.space
        rows = space.rows(load_counts(tx, {ids[number]: packed[ids[number]] for number in known}))
        own = space.rows(counts)
        lengths = row_norms(*split_blocks(rows)) * row_norms(*split_blocks(own))
        cosines[known] = rows @ own.toarray()[0] / np.maximum(lengths, 1e-9)
    return cosines


def _find_nearest(
    app: App,
    tx: store.Connection,
    counts: sp.csr_matrix,
    query: WordQuery,
    least: float,
    corpora: CorpusCache,
) -> list[int]:
    loaded = corpora.vectors.load(app, tx)
    row = None if loaded is None else loaded.dense_row(counts)
    if loaded is None or row is None or not row.any():
        return []
    candidates = _find_candidates(tx, loaded, row, query)
    fitting = store.search.keep_fitting(tx, candidates, query)
    ids = [ident for ident in candidates if ident in fitting][:_MEASURED]
    cosines = measure_cosines(app, tx, counts, ids, corpora)
    order = np.argsort(-cosines, kind="stable").tolist()
    return [ids[place] for place in order if cosines[place] >= least]


def _find_candidates(
    tx: store.Connection, loaded: LoadedIndex, row: NDArray[np.float32], query: WordQuery
) -> list[int]:
    """Find ids near a dense row, nearest first; not all of them need to pass the filters.

    Where few papers pass them, or an author is named, only those are compared.
    """
    index = loaded.index
    filters = replace(query, words=(), excluded=(), in_title=False, source="")
    places = None
    if filters != WordQuery():
        passing = store.search.find_ids(tx, filters, _FEW_PASS)
        if len(passing) < _FEW_PASS or query.author:
            places = index.find_places(np.array(sorted(passing), np.int64))
            places = places[places >= 0]
    codes = index.codes if places is None else index.codes[:, places]
    nearest, _ = features.find_nearest(codes, row, _CANDIDATES)
    ids: list[int] = index.ids[nearest if places is None else places[nearest]].tolist()
    return ids


def _holds_any(paper: Paper, phrases: Iterable[str]) -> bool:
    text = f"{paper.title} {paper.abstract} {' '.join(paper.authors)}".lower()
    return any(re.search(rf"\b{re.escape(phrase.lower())}\b", text) for phrase in phrases)
