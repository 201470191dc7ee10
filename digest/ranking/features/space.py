"""Word counts -> the feature rows that profiles and scores work on.

A row is one vector: a sparse block of tf-idf words, of length 1, and DIMENSIONS dense columns, of
length sqrt(DENSE_WEIGHT). The dense block is the sum of the paper's word vectors, weighed by their
tf-idf and whitened by the covariance of the corpus, so that what all papers have in common counts
for little. Both blocks are linear in the paper's words, so the score that a profile gives to the
dense columns can be explained word by word: see `Contributions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.table import DIMENSIONS, Table
from digest.ranking.features.training import PRIOR_PAPERS
from digest.ranking.features.weights import Frequencies, parse_and_count, weigh
from digest.ranking.rows import COLUMNS, Phrase

#: columns of a row, both blocks
WIDTH = COLUMNS + DIMENSIONS
#: squared length of the dense block; that of the words is 1
DENSE_WEIGHT = 0.5
#: shrinkage of the covariance towards the identity (Friedman, "Regularized discriminant analysis",
#: 1989)
SHRINKAGE = 0.8
#: papers that a mean and a covariance are estimated from at least
MIN_COVARIANCE_PAPERS = 30
#: keywords whose phrases a space keeps
_CACHED_KEYWORDS = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Contributions:
    """How the dense columns of some papers are made up of their words.

    Under weights w of the dense columns, a word adds its share times its word vector times
    `whitening @ w` to a score; the constant of the paper adds the rest.
    """

    table: Table
    #: shape (DIMENSIONS, DIMENSIONS)
    whitening: NDArray[np.float32]
    #: of each word of the table in each paper, shape (papers, words of the table)
    shares: sp.csr_matrix
    #: shape (papers, DIMENSIONS)
    constants: NDArray[np.float32]

    def words_of(self, paper: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the words of a paper that the table knows, as its rows, and their shares."""
        span = slice(self.shares.indptr[paper], self.shares.indptr[paper + 1])
        return self.shares.indices[span], self.shares.data[span]

    def per_word(self, paper: int) -> NDArray[np.float32]:
        """Return what each of these words adds to the dense columns, shape (m, DIMENSIONS)."""
        words, shares = self.words_of(paper)
        added: NDArray[np.float32] = shares[:, None] * (self.table.vectors[words] @ self.whitening)
        return added


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Space:
    """Turns the counts of a corpus's papers into rows; fitted once a round."""

    frequencies: Frequencies
    table: Table
    #: inverse document frequency of each word of the table, shape (words,)
    idf: NDArray[np.float32]
    #: mean of the corpus's unit sums of word vectors, shape (DIMENSIONS,), and the matrix that
    #: whitens them, shape (DIMENSIONS, DIMENSIONS)
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    _cached_phrases: dict[str, Phrase | None] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """The version of the word vectors; "" where there are none."""
        return self.table.version

    def rows(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Make rows of shape (n, WIDTH), float32, from counts of shape (n, COLUMNS).

        A paper without words is a row of zeros.
        """
        words = weigh(counts, self.frequencies)
        dense, _ = self._dense(counts)
        return _join_blocks(words, dense)

    def dense_rows(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        """Make the dense columns alone, shape (n, DIMENSIONS), as `rows` does."""
        return self._dense(counts)[0]

    def parse_keywords(self, keywords: list[str] | tuple[str, ...]) -> tuple[Phrase, ...]:
        """Parse keywords as `weights.parse_keywords`, with dense columns."""
        unknown = [
            keyword for keyword in dict.fromkeys(keywords) if keyword not in self._cached_phrases
        ]
        if unknown:
            if len(self._cached_phrases) >= _CACHED_KEYWORDS:
                self._cached_phrases.clear()
                unknown = list(dict.fromkeys(keywords))
            self._cached_phrases.update(zip(unknown, self._parse(unknown), strict=True))
        phrases = map(self._cached_phrases.get, keywords)
        return tuple(phrase for phrase in phrases if phrase is not None)

    def _parse(self, keywords: list[str]) -> list[Phrase | None]:
        phrases, counts = parse_and_count(keywords, self.frequencies)
        if not len(self.table.columns):
            return list(phrases)
        dense, _ = self._dense(counts)
        columns = np.arange(COLUMNS, WIDTH, dtype=np.int32)
        return [
            phrase.with_dense(columns, row) if phrase is not None and row.any() else phrase
            for phrase, row in zip(phrases, dense, strict=True)
        ]

    def contributions(self, counts: sp.csr_matrix) -> Contributions:
        """Return how the dense columns of papers are made up of their words.

        Args:
            counts: shape (n, COLUMNS).
        """
        dense, norms = self._dense(counts)
        sum_norms, white_norms = norms[:, :1], norms[:, 1:]
        scales = dense.any(axis=1, keepdims=True) * np.sqrt(DENSE_WEIGHT) / white_norms
        words = _weigh_known_words(counts, self.table, self.idf)
        shares = words.data * np.repeat((scales / sum_norms)[:, 0], np.diff(words.indptr))
        return Contributions(
            table=self.table,
            whitening=self.whitening,
            shares=sp.csr_matrix(
                (shares.astype(np.float32), words.indices, words.indptr), shape=words.shape
            ),
            constants=(scales * -(self.mean @ self.whitening)).astype(np.float32),
        )

    def _dense(self, counts: sp.csr_matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the dense block, shape (n, DIMENSIONS), and the divided-out norms.

        The norms are those of the sums of word vectors and those after whitening, shape (n, 2).
        """
        sums, sum_norms = _sum_word_vectors(counts, self.table, self.idf)
        white, white_norms = _normalize_rows(
            np.asarray((sums - self.mean) @ self.whitening, dtype=np.float32)
        )
        white[sum_norms[:, 0] == 0] = 0
        return white * np.float32(np.sqrt(DENSE_WEIGHT)), np.hstack(
            (np.where(sum_norms > 0, sum_norms, 1), np.where(white_norms > 0, white_norms, 1))
        )


def fit_space(table: Table, frequencies: Frequencies, counts: sp.csr_matrix) -> Space:
    """Fit a space to a corpus.

    Args:
        table: word vectors; their document frequencies count as those of PRIOR_PAPERS more papers,
            so that a young corpus knows which words are common.
        frequencies: document frequencies of the corpus.
        counts: word counts of about 1,000 of its papers, shape (n, COLUMNS).
    """
    papers = frequencies.papers + (PRIOR_PAPERS if table.papers else 0)
    seen = np.minimum(
        frequencies.counts[table.columns], frequencies.papers
    ) + PRIOR_PAPERS * table.document_counts / max(table.papers, 1)
    idf = np.log((1 + papers) / (1 + seen)).clip(min=0).astype(np.float32)
    sums, norms = _sum_word_vectors(counts, table, idf)
    sums = sums[norms[:, 0] > 0]
    if len(sums) < MIN_COVARIANCE_PAPERS:
        mean, whitening = np.zeros(DIMENSIONS, np.float32), np.eye(DIMENSIONS, dtype=np.float32)
    else:
        mean = sums.mean(axis=0)
        whitening = whitening_matrix(sums - mean)
    return Space(frequencies=frequencies, table=table, idf=idf, mean=mean, whitening=whitening)


def whitening_matrix(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the matrix, shape (d, d), that whitens centred rows, shape (n, d).

    It is the inverse square root of their shrunk covariance, which keeps the mean variance.
    """
    covariance = (centred.T @ centred / len(centred)).astype(np.float64)
    values, axes = np.linalg.eigh(covariance)
    values = (1 - SHRINKAGE) * np.maximum(values, 0) + SHRINKAGE * max(values.mean(), 1e-12)
    whitening: NDArray[np.float32] = (axes / np.sqrt(values / values.mean())).astype(np.float32)
    return whitening


def _weigh_known_words(
    counts: sp.csr_matrix, table: Table, idf: NDArray[np.float32]
) -> sp.csr_matrix:
    """Return (1 + ln tf) * idf of the words that the table knows, shape (n, words)."""
    words = (
        _word_by_column(table)[counts.indices]
        if len(table.columns)
        else np.full(counts.nnz, -1, np.int32)
    )
    is_known = words >= 0
    indptr = np.concatenate(([0], np.cumsum(is_known)))[counts.indptr].astype(np.int32)
    data = (1 + np.log(np.maximum(counts.data[is_known], 1))).astype(np.float32) * idf[
        words[is_known]
    ]
    return sp.csr_matrix(
        (data, words[is_known], indptr), shape=(counts.shape[0], len(table.columns))
    )


@lru_cache(maxsize=4)
def _word_by_column(table: Table) -> NDArray[np.int32]:
    """Return the row of the table of each column, shape (COLUMNS,), -1 = unknown."""
    words = np.full(COLUMNS, -1, dtype=np.int32)
    words[table.columns] = np.arange(len(table.columns), dtype=np.int32)
    return words


def _sum_word_vectors(
    counts: sp.csr_matrix, table: Table, idf: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    sums = _weigh_known_words(counts, table, idf) @ table.vectors
    return _normalize_rows(np.asarray(sums, dtype=np.float32))


def _normalize_rows(
    rows: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows of length 1 or 0, and the norms that they had, shape (n, 1)."""
    norms: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32), norms


def _join_blocks(words: sp.csr_matrix, dense: NDArray[np.float32]) -> sp.csr_matrix:
    """Join both blocks to one sparse matrix; a dense row of zeros gets no entries."""
    number = words.shape[0]
    has_dense = dense.any(axis=1)
    sizes = np.diff(words.indptr)
    indptr = np.concatenate(([0], np.cumsum(sizes + DIMENSIONS * has_dense))).astype(np.int64)
    data, indices = np.empty(indptr[-1], np.float32), np.empty(indptr[-1], np.int32)
    # The words of each row are shifted by the dense entries of the rows before it.
    shift = np.repeat(indptr[:-1] - words.indptr[:-1], sizes)
    word_entries = np.arange(len(words.data)) + shift
    data[word_entries], indices[word_entries] = words.data, words.indices
    dense_starts = (indptr[1:] - DIMENSIONS)[has_dense]
    dense_entries = (dense_starts[:, None] + np.arange(DIMENSIONS)).ravel()
    data[dense_entries] = dense[has_dense].ravel()
    indices[dense_entries] = np.tile(
        np.arange(COLUMNS, WIDTH, dtype=np.int32), int(has_dense.sum())
    )
    return sp.csr_matrix((data, indices, indptr), shape=(number, WIDTH))
