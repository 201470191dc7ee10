"""Papers that are near a paper or a text, by the features that digests are chosen by."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digest import store
from digest.app import App
from digest.model import Paper
from digest.pipeline.steps.corpus_view import load_all_counts
from digest.ranking import features
from digest.ranking.rows import row_norms, split_blocks
from digest.services.explain import CorpusCache
from digest.store.search import WordQuery

#: papers that are compared, and words by which they are found
_COMPARED, _MOST_WORDS = 300, 8
#: similar papers that are named, and the cosine that they need
_NAMED, _NEAR = 5, 0.2
_WORD = re.compile(r"[^\W\d_][\w-]{3,}")


def find_similar(app: App, paper: Paper, corpora: CorpusCache) -> list[Paper]:
    """Find the papers that are nearest to a paper, among those with words of its title."""
    words = sorted(set(_WORD.findall(paper.title.lower())), key=lambda word: (-len(word), word))
    if not words:
        return []
    with app.store.reading() as tx:
        query = WordQuery(words=tuple(words[:_MOST_WORDS]), any_word=True)
        matches = sorted(store.search.find_papers(tx, query), key=lambda item: -item[1])
        ids = [ident for ident, _ in matches if ident != paper.id][:_COMPARED]
        papers = list(store.papers.load(tx, ids).values())
        text = features.text_of(paper.title, paper.abstract)
        cosines = measure_cosines(app, tx, text, papers, corpora)
    order = np.argsort(-cosines, kind="stable")[:_NAMED]
    return [papers[place] for place in order.tolist() if cosines[place] >= _NEAR]


def measure_cosines(
    app: App,
    tx: store.Connection,
    text: str,
    papers: Sequence[Paper],
    corpora: CorpusCache,
) -> NDArray[np.float64]:
    """Return the cosines of papers to a text, without an encoder's columns, shape (papers,)."""
    space = corpora.load(app, tx).view.space
    rows = space.rows(load_all_counts(tx, papers))
    own = space.rows(features.vectorize([text]))
    lengths = row_norms(*split_blocks(rows)) * row_norms(*split_blocks(own))
    cosines: NDArray[np.float64] = (rows @ own.T).toarray().ravel() / np.maximum(lengths, 1e-9)
    return cosines
