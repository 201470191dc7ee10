"""The recommender on plain texts: the service's stages, without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores

_DAY = date(2000, 1, 1)


@dataclass(kw_only=True)
class _Corpus:
    """The texts that `prepare` saw, and what was fitted to them."""

    space: features.Space = field(
        default_factory=lambda: features.fit_space(
            features.load_base_table(), features.Frequencies(), features.vectorize([])
        )
    )
    background: profiles.Background = field(
        default_factory=lambda: profiles.Background.from_papers(
            [], sp.csr_matrix((0, features.WIDTH))
        )
    )
    rated_rows: profiles.RatedRows = field(
        default_factory=lambda: profiles.RatedRows(sp.csr_matrix((0, features.WIDTH)))
    )
    papers: list[Paper] = field(default_factory=list)
    row_by_text: dict[str, int] = field(default_factory=dict)
    #: where the texts were given with an encoder's vectors
    encoding: features.Encoding | None = None
    #: all papers, so that what the service does once a day is done once here too
    day: scores.Day | None = None


@cache
def _corpus() -> _Corpus:
    # Not at import: every command would pay for loading the table, and none could start without it.
    return _Corpus()


def prepare(all_texts: Sequence[str], encoded: NDArray[np.float32] | None = None) -> None:
    """Fit the features to a corpus, of which `recommend` then looks texts up.

    Training continues from the base table of word vectors where the corpus is large enough.

    Args:
        all_texts: each a title, ". " and an abstract.
        encoded: an encoder's vectors of these texts, shape (len(all_texts), dimensions), for
            further dense columns; other texts have zeros in them.
    """
    corpus = _corpus()
    first_row = {text: row for row, text in reversed(list(enumerate(all_texts)))}
    texts = list(dict.fromkeys(all_texts))
    counts = features.vectorize(texts)
    frequencies = features.Frequencies().add(counts)
    table = features.load_base_table()
    if len(texts) >= features.MIN_PAPERS:
        split = [text.partition(". ") for text in texts]
        titles = features.vectorize([title for title, _, _ in split])
        table = features.train(
            titles, features.vectorize([abstract for _, _, abstract in split]), start=table
        )
    corpus.space = features.fit_space(table, frequencies, counts)
    rows, corpus.encoding = corpus.space.rows(counts), None
    if encoded is not None and (encoding := features.fit_encoding("", encoded)) is not None:
        rows, corpus.encoding = (
            encoding.append_columns(rows, encoded[[first_row[text] for text in texts]]),
            encoding,
        )
    corpus.rated_rows = profiles.RatedRows(rows)
    _ = corpus.rated_rows.blocks  # computed here, or it would count as the first reader's time
    corpus.papers = [_make_paper(number + 1, text) for number, text in enumerate(texts)]
    corpus.row_by_text = {text: number for number, text in enumerate(texts)}
    corpus.background = profiles.Background.from_papers(corpus.papers, rows, frequencies)
    corpus.day = scores.make_day(corpus.papers, rows)


def _make_paper(number: int, text: str) -> Paper:
    title, _, abstract = text.partition(". ")
    return Paper(id=number, title=title, abstract=abstract, first_seen=_DAY)


def recommend(
    liked: Sequence[str],
    unlabelled: Sequence[str],
    candidates: Sequence[str],
    keywords: Sequence[str] = (),
    disliked_texts: Sequence[str] = (),
) -> NDArray[np.float64]:
    """Score candidates for a reader, shape (len(candidates),); higher is better.

    The reader is described by liked and disliked texts and keywords. The background is the mean of
    the texts that `prepare` saw, which include the `unlabelled` ones.
    """
    corpus = _corpus()
    # Single words that the likes have faded out need not be looked up.
    interest = Interest(
        keywords=tuple(
            word
            for word in keywords
            if profiles.keyword_fade(len(liked)) or profiles.has_several_words(word)
        )
    )
    profile = profiles.train(
        [interest],
        corpus.background,
        phrases=corpus.space.parse_keywords(interest.keywords),
        liked=_rate(liked),
        disliked=_rate(disliked_texts),
    )
    try:
        rows = list(map(corpus.row_by_text.__getitem__, candidates))
    except KeyError:
        rows = []
    if corpus.day is None or not rows:
        return scores.score(profile, scores.make_day(*_vectorize(candidates)))
    return scores.score(profile, corpus.day.take(rows))


def _rate(texts: Sequence[str]) -> profiles.Rated:
    corpus = _corpus()
    rows = [corpus.row_by_text.get(text, -1) for text in texts]
    if -1 in rows:
        return profiles.Rated.from_papers(*_vectorize(texts))
    return profiles.Rated.from_shared_rows(
        [corpus.papers[row] for row in rows], corpus.rated_rows, rows
    )


def _vectorize(texts: Sequence[str]) -> tuple[list[Paper], sp.csr_matrix]:
    """Return papers and feature rows of texts, some of which `prepare` did not see."""
    corpus = _corpus()
    corpus_rows = [corpus.row_by_text.get(text, -1) for text in texts]
    papers = [
        corpus.papers[row] if row >= 0 else _make_paper(-1 - number, texts[number])
        for number, row in enumerate(corpus_rows)
    ]
    rows = corpus.space.rows(features.vectorize(texts))
    return papers, corpus.encoding.append_zeros(rows) if corpus.encoding else rows
