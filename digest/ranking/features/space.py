"""Counts -> the rows that readers' profiles and scores are made of: tf-idf words and, beside them,
what the words mean together.

A row is one vector: the words' columns, of length 1, and then DIMENSIONS dense columns, of length
sqrt(MEANING): the paper's word vectors summed by their tf-idf, whitened by how the corpus is
spread, so that what all papers have in common counts for little. Both are linear in the paper's
words, so whatever a profile makes of the dense columns can be told word by word: see `Spread`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.table import DIMENSIONS, Table
from digest.ranking.features.training import PRIOR
from digest.ranking.features.weights import Frequencies, spelt, weigh
from digest.ranking.features.words import text_of, vectorize
from digest.ranking.rows import COLUMNS, Phrase

#: columns of a row
WIDTH = COLUMNS + DIMENSIONS
#: what the dense columns count beside the words
MEANING = 0.5
#: how far the covariance of the corpus is shrunk towards a ball (Friedman, "Regularized
#: discriminant analysis", 1989)
SHRINK = 0.8
#: with fewer papers their mean and spread say nothing
SPREAD_OUT = 30


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spread:
    """How the dense columns of one paper come from its words: `numbers @ w` is what each word adds
    under weights w, `rest @ w` what is left.
    """

    #: the words' columns, ascending, shape (n,)
    columns: NDArray[np.int32]
    #: shape (n, DIMENSIONS)
    numbers: NDArray[np.float32]
    #: shape (DIMENSIONS,)
    rest: NDArray[np.float32]
    #: where the dense columns begin
    first: int = COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Space:
    """A corpus's way to turn counts into rows; made once a round."""

    frequencies: Frequencies
    table: Table
    #: what each word of the table weighs, shape (words,)
    rarity: NDArray[np.float32]
    #: mean of the corpus's unit sums, shape (DIMENSIONS,), and what whitens them, shape
    #: (DIMENSIONS, DIMENSIONS)
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    _known: dict[tuple[str, str], Spread] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """Of the vectors; "" where there are none."""
        return self.table.version

    def rows(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Rows of shape (n, WIDTH), float32, from counts of shape (n, COLUMNS); a paper without
        words is a row of zeros.
        """
        words = weigh(counts, self.frequencies)
        dense, _ = self._dense(counts)
        return _beside(words, dense)

    def phrases(self, keywords: list[str] | tuple[str, ...]) -> tuple[Phrase, ...]:
        """Keywords in the columns of these rows: their words, and what those mean together.

        See `weights.phrases`.
        """
        if not keywords:
            return ()
        found, counts = spelt(keywords, self.frequencies)
        if not found or not len(self.table.columns):
            return found
        dense, _ = self._dense(counts)
        columns = np.arange(COLUMNS, WIDTH, dtype=np.int32)
        return tuple(
            phrase if not row.any() else phrase.with_meaning(columns, row)
            for phrase, row in zip(found, dense, strict=True)
        )

    def spread(self, title: str, abstract: str) -> Spread:
        """The share of each word in the dense columns of a paper."""
        key = (title, abstract)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= 1024:
                self._known.clear()
            found = self._known[key] = self._spread(vectorize([text_of(title, abstract)]))
        return found

    def _spread(self, counts: sp.csr_matrix) -> Spread:
        dense, lengths = self._dense(counts)
        weighed = _of_table(counts, self.table, self.rarity)
        summed, whole = lengths[0]
        if not dense.any():
            empty = np.zeros(DIMENSIONS, np.float32)
            return Spread(
                columns=np.empty(0, np.int32),
                numbers=np.empty((0, DIMENSIONS), np.float32),
                rest=empty,
            )
        scale = np.sqrt(MEANING) / whole
        numbers = (
            self.table.numbers[weighed.indices] * (weighed.data / summed)[:, None]
        ) @ self.whitening
        return Spread(
            columns=self.table.columns[weighed.indices],
            numbers=(numbers * scale).astype(np.float32),
            rest=(-(self.mean @ self.whitening) * scale).astype(np.float32),
        )

    def _dense(self, counts: sp.csr_matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The dense columns, shape (n, DIMENSIONS), and the two lengths that each row was divided
        by, shape (n, 2).
        """
        sums, first = _summed(counts, self.table, self.rarity)
        empty = first[:, 0] == 0
        white, second = _unit(np.asarray((sums - self.mean) @ self.whitening, dtype=np.float32))
        white[empty] = 0
        return white * np.float32(np.sqrt(MEANING)), np.hstack(
            (np.where(first > 0, first, 1), np.where(second > 0, second, 1))
        )


def space(table: Table, frequencies: Frequencies, counts: sp.csr_matrix) -> Space:
    """The space of a corpus, given by its word frequencies and the counts of about 1,000 of its
    papers, of shape (n, COLUMNS).

    Word frequencies of the table's own papers count as those of PRIOR more papers, so that a young
    corpus knows which words are common.
    """
    papers = frequencies.papers + (PRIOR if table.papers else 0)
    seen = np.minimum(
        frequencies.counts[table.columns], frequencies.papers
    ) + PRIOR * table.seen / max(table.papers, 1)
    rarity = np.log((1 + papers) / (1 + seen)).clip(min=0).astype(np.float32)
    sums, lengths = _summed(counts, table, rarity)
    sums = sums[lengths[:, 0] > 0]
    if len(sums) < SPREAD_OUT:
        mean, whitening = np.zeros(DIMENSIONS, np.float32), np.eye(DIMENSIONS, dtype=np.float32)
    else:
        mean = sums.mean(axis=0)
        whitening = whitening_of(sums - mean)
    return Space(
        frequencies=frequencies, table=table, rarity=rarity, mean=mean, whitening=whitening
    )


def whitening_of(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """What makes rows about their mean, shape (n, d), equally wide in all directions, as far as
    SHRINK leaves it to; shape (d, d).
    """
    covariance = (centred.T @ centred / len(centred)).astype(np.float64)
    values, axes = np.linalg.eigh(covariance)
    values = (1 - SHRINK) * np.maximum(values, 0) + SHRINK * max(values.mean(), 1e-12)
    whitening: NDArray[np.float32] = (axes / np.sqrt(values / values.mean())).astype(np.float32)
    return whitening


def _of_table(counts: sp.csr_matrix, table: Table, rarity: NDArray[np.float32]) -> sp.csr_matrix:
    """(1 + ln tf) * rarity of the words that the table knows, shape (n, words)."""
    places = (
        _places(table)[counts.indices] if len(table.columns) else np.full(counts.nnz, -1, np.int32)
    )
    keep = places >= 0
    starts = np.concatenate(([0], np.cumsum(keep)))[counts.indptr].astype(np.int32)
    data = (1 + np.log(np.maximum(counts.data[keep], 1))).astype(np.float32) * rarity[places[keep]]
    return sp.csr_matrix((data, places[keep], starts), shape=(counts.shape[0], len(table.columns)))


@lru_cache(maxsize=4)
def _places(table: Table) -> NDArray[np.int32]:
    """Column of the features -> row of the table, -1 = unknown."""
    places = np.full(COLUMNS, -1, dtype=np.int32)
    places[table.columns] = np.arange(len(table.columns), dtype=np.int32)
    return places


def _summed(
    counts: sp.csr_matrix, table: Table, rarity: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return _unit(np.asarray(_of_table(counts, table, rarity) @ table.numbers, dtype=np.float32))


def _unit(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of length 1 or 0, and the lengths that they had, shape (n, 1)."""
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32), lengths


def _beside(words: sp.csr_matrix, dense: NDArray[np.float32]) -> sp.csr_matrix:
    """Sparse and dense columns as one sparse matrix; a row of zeros stays without dense entries."""
    number = words.shape[0]
    filled = dense.any(axis=1)
    sizes = np.diff(words.indptr)
    starts = np.concatenate(([0], np.cumsum(sizes + DIMENSIONS * filled))).astype(np.int64)
    data, indices = np.empty(starts[-1], np.float32), np.empty(starts[-1], np.int32)
    # Where the words of each row go: as far on as the dense columns of the rows before it take
    # room.
    shift = np.repeat(starts[:-1] - words.indptr[:-1], sizes)
    at = np.arange(len(words.data)) + shift
    data[at], indices[at] = words.data, words.indices
    tail = ((starts[1:] - DIMENSIONS)[filled][:, None] + np.arange(DIMENSIONS)).ravel()
    data[tail], indices[tail] = (
        dense[filled].ravel(),
        np.tile(np.arange(COLUMNS, WIDTH, dtype=np.int32), int(filled.sum())),
    )
    return sp.csr_matrix((data, indices, starts), shape=(number, WIDTH))
