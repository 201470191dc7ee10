"""Feature rows as a sparse and a dense block, and keywords in these columns.

`features` makes rows with both blocks in one sparse matrix. Training and scoring split them: a
paper has few of the very many words, but a value in each of the few dense columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: columns of single words; as many columns of word pairs follow, apart from them so that the many
#: rare pairs never dilute a word's frequency
WORDS = 1 << 20
#: columns of words and pairs together; the dense columns follow
COLUMNS = 2 * WORDS
#: fixed-point resolution of dense numbers, see `quantize`
FIXED_POINT_STEP = 2.0**-24
#: `compact` sorts the columns when less than one in so many has an entry
_FEW_ENTRIES = 20


class Blocks(NamedTuple):
    """Feature rows as two blocks, in the same row order."""

    #: words and pairs, shape (n, COLUMNS), float32
    words: sp.csr_matrix
    #: shape (n, dense columns), float32; no column where the rows have none
    dense: NDArray[np.float32]


class Spelling(Protocol):
    """The ways to write a keyword."""

    @property
    def text(self) -> str:
        """A name that no keyword with other ways has."""

    @property
    def variants(self) -> tuple[str, ...] | None:
        """Each way to write it, in small letters: words and signs, all between blanks.

        Every paper that holds the keyword has one of them, as `spellings.lower_units` writes the
        paper. None where every paper has to be read.
        """

    @property
    def is_exact(self) -> bool:
        """Whether every paper with one of `variants` holds the keyword."""

    def occurs_in(self, title: str, abstract: str) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Phrase:
    """A keyword of one or more words, in the columns of the features."""

    #: as the reader wrote it, without sign
    text: str
    #: written with a leading "-": its papers are never listed
    muted: bool
    #: written with a leading "+": its papers are always listed
    pinned: bool
    #: columns of its words and pairs, ascending, then its dense columns where there are any
    columns: NDArray[np.int32]
    #: weight of each column; those of words and pairs are of Euclidean length 1
    weights: NDArray[np.float32]
    #: a paper holds the phrase when this occurs in its title or abstract
    spelling: Spelling

    def with_dense(self, columns: NDArray[np.int32], weights: NDArray[np.float32]) -> Phrase:
        """Return the same keyword with dense columns after those of its words."""
        return replace(
            self,
            columns=np.concatenate((self.columns, columns)),
            weights=np.concatenate((self.weights, weights)),
        )


def split_blocks(rows: sp.csr_matrix) -> Blocks:
    """Split rows of any width into their sparse and their dense block."""
    number, width = rows.shape
    dense_width = width - COLUMNS
    if dense_width <= 0:
        return Blocks(rows, np.zeros((number, 0), np.float32))
    is_dense = rows.indices >= COLUMNS
    indptr = np.concatenate(([0], np.cumsum(~is_dense)))[rows.indptr].astype(rows.indptr.dtype)
    words = sp.csr_matrix(
        (rows.data[~is_dense], rows.indices[~is_dense], indptr), shape=(number, COLUMNS)
    )
    dense = np.zeros((number, dense_width), np.float32)
    row_of_entry = np.repeat(np.arange(number), np.diff(rows.indptr) - np.diff(indptr))
    dense[row_of_entry, rows.indices[is_dense] - COLUMNS] = rows.data[is_dense]
    return Blocks(words, dense)


def row_norms(words: sp.csr_matrix, dense: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the Euclidean norm of each row, both blocks together, shape (n,)."""
    number = len(dense)
    row_of_entry = np.repeat(np.arange(number), np.diff(words.indptr))
    squares = np.bincount(row_of_entry, weights=words.data**2, minlength=number)
    norms: NDArray[np.float64] = np.sqrt(squares + (dense**2).sum(axis=1))
    return norms


def compact(indices: NDArray[np.int32], width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Renumber the columns that occur, so that matrices become as narrow as possible.

    The columns of many entries are numbered in the order in which they first occur: common ones
    come first and rare ones stand beside those they came with, so products of many such rows read
    memory in order. The columns of few entries are numbered in ascending order.

    Args:
        indices: the column of each entry, shape (entries,).
        width: how many columns there are, most of them without an entry.

    Returns:
        The columns that occur, and the new number of each entry's column.
    """
    number = len(indices)
    if number * _FEW_ENTRIES < width:
        columns, inverse = np.unique(indices, return_inverse=True)
        return columns.astype(np.int32), inverse.astype(np.int32)
    first_entry = np.empty(width, dtype=np.int64)
    first_entry[indices[::-1]] = np.arange(number - 1, -1, -1)
    columns = indices[first_entry[indices] == np.arange(number)]
    new_number = np.empty(width, dtype=np.int32)
    new_number[columns] = np.arange(len(columns), dtype=np.int32)
    return columns.astype(np.int32), new_number[indices]


def compact_frequent_first(
    words: sp.csr_matrix, share: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Renumber columns as `compact`, those in at least this share of rows first."""
    columns, numbers = compact(words.indices, words.shape[1])
    row_counts = np.bincount(numbers[words.data != 0], minlength=len(columns))
    order = np.argsort(row_counts < share * words.shape[0], kind="stable")
    new_number = np.empty(len(order), dtype=np.int32)
    new_number[order] = np.arange(len(order), dtype=np.int32)
    return columns[order], new_number[numbers]


class FrequencyBlocks(NamedTuple):
    """The block of words split by frequency, to multiply each part its own way."""

    #: how many columns are frequent; they come first
    frequent_count: int
    #: frequent columns, multiplied with full tables; shape (n, frequent_count)
    frequent: sp.csr_matrix
    #: all columns, transposed, multiplied sparsely; shape (columns, n)
    transposed: sp.csr_matrix


def split_by_frequency(
    words: sp.csr_matrix, by_word: sp.csc_matrix, share: float
) -> FrequencyBlocks:
    """Split rows that `compact_frequent_first` renumbered with the same share.

    Args:
        words: the rows, shape (n, columns).
        by_word: the same, column by column.
        share: part of the rows from which a column is frequent.
    """
    number, width = words.shape
    has_weight = words.data != 0
    row_counts = np.bincount(words.indices[has_weight], minlength=width)
    frequent_count = int((row_counts >= share * number).sum())
    is_frequent = has_weight & (words.indices < frequent_count)
    indptr = np.concatenate(([0], np.cumsum(is_frequent)))[words.indptr]
    return FrequencyBlocks(
        frequent_count,
        sp.csr_matrix(
            (words.data[is_frequent], words.indices[is_frequent], indptr),
            shape=(number, frequent_count),
        ),
        by_word.T,
    )


def ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of several ranges, one range after another.

    Args:
        starts, sizes: first number and length of each range, shape (ranges,).
    """
    ends = sizes.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    numbers: NDArray[np.int64] = np.arange(total) + np.repeat(starts - ends + sizes, sizes)
    return numbers


def find_sorted(numbers: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Return where wanted numbers stand among ascending ones, -1 = nowhere; shape of `wanted`."""
    if not len(numbers):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(numbers.searchsorted(wanted), len(numbers) - 1)
    return np.where(numbers[places] == wanted, places, -1)


def join(arrays: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """Return arrays one after another, also where there are none."""
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def reduce_ranges(
    reduction: np.ufunc, values: NDArray[np.float64], bounds: NDArray[np.int64], empty: float
) -> NDArray[np.float64]:
    """Reduce each of the ranges that values consist of, such as by `np.add`.

    Args:
        bounds: where each range begins, shape (ranges + 1,); the last ends with the values.
        empty: the result for a range without a value.
    """
    reduced = np.full(len(bounds) - 1, empty)
    is_filled = bounds[1:] > bounds[:-1]
    if is_filled.any():
        reduced[is_filled] = reduction.reduceat(values, bounds[:-1][is_filled])
    return reduced


def quantize(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Round to fixed-point numbers, multiples of FIXED_POINT_STEP; NaN becomes 0.

    Products of two such numbers below 1, and sums of these below 16, have no error in double
    precision, so the result does not depend on the order in which they are added.
    """
    quantized: NDArray[np.float64] = (
        np.rint(np.nan_to_num(numbers.astype(np.float64)) / FIXED_POINT_STEP) * FIXED_POINT_STEP
    )
    return quantized
