"""The two halves of a paper's row, what words it has and what they mean together; and a keyword in
the same columns.

`features` makes rows with both in one sparse matrix; learning and scoring take them apart, because
few of very many words are there and all of the few meanings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: words live in the lower half of the columns and pairs in the upper, so that the many rare pairs
#: never dilute a word's frequency
WORDS = 1 << 20
#: columns of words and pairs of words; what lies behind them is dense
COLUMNS = 2 * WORDS
#: dense numbers are rounded to whole multiples of it where many are multiplied at once
STEP = 2.0**-24


class Halves(NamedTuple):
    """Rows in two halves, in the same order."""

    #: shape (n, columns of words), float32
    words: sp.csr_matrix
    #: shape (n, dense columns), float32; no column where the rows have none
    meanings: NDArray[np.float32]


class Spelling(Protocol):
    """One way to write a keyword."""

    @property
    def text(self) -> str:
        """Its pieces as the features fold them, each between blanks."""

    @property
    def columns(self) -> NDArray[np.int32]:
        """Those that a paper with it has (its pairs, or its one word); one without it may have them
        too, from other words.

        None where no column tells, and each paper has to be looked at.
        """

    def stands_in(self, title: str, abstract: str) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Phrase:
    """A keyword of one or more words, in the columns of the features."""

    #: as the reader wrote it, without sign
    text: str
    #: written with a leading "-": its papers are unwanted
    against: bool
    #: written with a leading "+": its papers are always listed
    must: bool
    #: columns of its words and pairs, ascending, and what each weighs, of Euclidean length 1; then
    #: those of their meaning where it is known
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    #: a paper holds the phrase when one of these stands in its title or abstract
    spellings: tuple[Spelling, ...]

    def with_meaning(self, columns: NDArray[np.int32], weights: NDArray[np.float32]) -> Phrase:
        """The same keyword with further columns, which stand after those of the words."""
        return replace(
            self,
            columns=np.concatenate((self.columns, columns)),
            weights=np.concatenate((self.weights, weights)),
        )


def halves(rows: sp.csr_matrix) -> Halves:
    """Rows of any width with their dense columns apart."""
    number, width = rows.shape
    dense = width - COLUMNS
    if dense <= 0:
        return Halves(rows, np.zeros((number, 0), np.float32))
    behind = rows.indices >= COLUMNS
    ends = np.concatenate(([0], np.cumsum(~behind)))[rows.indptr].astype(rows.indptr.dtype)
    words = sp.csr_matrix(
        (rows.data[~behind], rows.indices[~behind], ends), shape=(number, COLUMNS)
    )
    meanings = np.zeros((number, dense), np.float32)
    owners = np.repeat(np.arange(number), np.diff(rows.indptr) - np.diff(ends))
    meanings[owners, rows.indices[behind] - COLUMNS] = rows.data[behind]
    return Halves(words, meanings)


def lengths(words: sp.csr_matrix, meanings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean length of each row, both halves together, shape (n,)."""
    number = len(meanings)
    whose = np.repeat(np.arange(number), np.diff(words.indptr))
    found: NDArray[np.float64] = np.sqrt(
        np.bincount(whose, weights=words.data**2, minlength=number) + (meanings**2).sum(axis=1)
    )
    return found


def compact(indices: NDArray[np.int32], width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The columns that occur and the place of each entry among them; those of few entries
    ascending, else in the order of their first entries.

    So what is common has the first places and what is rare stands beside what it came with:
    products of many such rows go through memory in order.
    """
    number = len(indices)
    if number * 20 < width:
        columns, inverse = np.unique(indices, return_inverse=True)
        return columns.astype(np.int32), inverse.astype(np.int32)
    first = np.empty(width, dtype=np.int64)
    first[indices[::-1]] = np.arange(number - 1, -1, -1)
    columns = indices[first[indices] == np.arange(number)]
    at = np.empty(width, dtype=np.int32)
    at[columns] = np.arange(len(columns), dtype=np.int32)
    return columns.astype(np.int32), at[indices]


def frequent_first(
    words: sp.csr_matrix, share: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """As `compact`, but first those that weigh something in this share of the rows."""
    columns, at = compact(words.indices, words.shape[1])
    seen = np.bincount(at[words.data != 0], minlength=len(columns))
    order = np.argsort(seen < share * words.shape[0], kind="stable")
    back = np.empty(len(order), dtype=np.int32)
    back[order] = np.arange(len(order), dtype=np.int32)
    return columns[order], back[at]


class Split(NamedTuple):
    """Words in two parts, of which products are made in two ways: a full table of the frequent
    ones, and only what is there of the rare.
    """

    #: how many columns hold frequent words; these come first
    often: int
    #: shape (n, often)
    frequent: sp.csr_matrix
    #: the other columns, turned, shape (columns - often, n)
    rare: sp.csr_matrix


def split(words: sp.csr_matrix, by_word: sp.csc_matrix, share: float) -> Split:
    """Rows whose columns are in order of `frequent_first`, of the same share."""
    number, width = words.shape
    heavy = words.data != 0
    often = int((np.bincount(words.indices[heavy], minlength=width) >= share * number).sum())
    some = heavy & (words.indices < often)
    ends = np.concatenate(([0], np.cumsum(some)))[words.indptr]
    first = by_word.indptr[often]
    rare = (by_word.data[first:], by_word.indices[first:], by_word.indptr[often:] - first)
    return Split(
        often,
        sp.csr_matrix((words.data[some], words.indices[some], ends), shape=(number, often)),
        sp.csr_matrix(rare, shape=(width - often, number)),
    )


def quantize(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """The nearest whole multiples of STEP; 0 for what is no number.

    The products of two such numbers below 1 and the sums of them below 16 have no error in double
    precision: whoever adds them up, in whatever order, comes to the same.
    """
    found: NDArray[np.float64] = np.rint(np.nan_to_num(numbers.astype(np.float64)) / STEP) * STEP
    return found
