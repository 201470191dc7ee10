"""How alike the competing papers of a day are, and which are near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.scores.days import Day

#: cosine from which two papers are near-duplicates
NEAR_DUPLICATE = 0.95
#: largest number of cosines that a day keeps
_CACHED_COSINES = 4_000_000


def cosines(day: Day, paper_ids: Sequence[int], other_ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the cosines of competing papers to others, shape (papers, others).

    Papers that do not compete have a cosine of 0.
    """
    rows, columns = day.find_rows(paper_ids), day.find_rows(other_ids)
    known_rows = [position for position, row in enumerate(rows) if row is not None]
    known_columns = [position for position, row in enumerate(columns) if row is not None]
    table = np.zeros((len(rows), len(columns)))
    if known_rows and known_columns:
        table[np.ix_(known_rows, known_columns)] = _row_cosines(
            day,
            [row for row in rows if row is not None],
            [row for row in columns if row is not None],
        )
    return table


def _row_cosines(day: Day, rows: Sequence[int], other_rows: Sequence[int]) -> NDArray[np.float32]:
    """Return the cosines of some competing papers to others, shape (rows, other_rows)."""
    if day.competing**2 > _CACHED_COSINES:
        return _uncached_cosines(day, rows, other_rows)
    cache = day.cache
    if cache.cosines is None:
        cache.cosines = np.empty((day.competing, day.competing), dtype=np.float32)
    for row in rows:
        if row not in cache.cosine_rows:
            cache.cosines[row] = _cosines_to_all(day, row)
            cache.cosine_rows.add(row)
    # Row by row: the table is large, and its memory is read in order.
    return cache.cosines.take(rows, axis=0).take(other_rows, axis=1)


def _uncached_cosines(
    day: Day, rows: Sequence[int], other_rows: Sequence[int]
) -> NDArray[np.float32]:
    words, other_words = day.words[rows], day.words[other_rows]
    # Only the words of the first papers matter.
    index_of_word = np.full(len(day.vocabulary), -1, dtype=np.int32)
    index_of_word[words.indices] = 0
    occurring = np.flatnonzero(index_of_word == 0)
    index_of_word[occurring] = np.arange(len(occurring), dtype=np.int32)
    table = np.zeros((len(occurring), len(rows)), dtype=np.float32)
    owners = np.repeat(np.arange(len(rows)), np.diff(words.indptr))
    table[index_of_word[words.indices], owners] = words.data
    indices = index_of_word[other_words.indices]
    is_shared = indices >= 0
    indptr = np.concatenate(([0], np.cumsum(is_shared)))[other_words.indptr]
    shared = sp.csr_matrix(
        (other_words.data[is_shared], indices[is_shared], indptr),
        shape=(len(other_rows), len(occurring)),
    )
    products = (shared @ table).T + day.dense[rows] @ day.dense[other_rows].T
    row_cosines: NDArray[np.float32] = np.nan_to_num(
        products / np.outer(day.norms[rows], day.norms[other_rows])
    )
    return row_cosines


def _cosines_to_all(day: Day, row: int) -> NDArray[np.float32]:
    """Return the cosines of a competing paper to all of them, shape (competing,)."""
    competing = slice(0, day.competing)
    if day.cache.competing_words is None:
        day.cache.competing_words = day.words[competing]
    products = (
        day.cache.competing_words @ day.word_vector(row) + day.dense[competing] @ day.dense[row]
    )
    row_cosines: NDArray[np.float32] = np.nan_to_num(
        products / (day.norms[competing] * day.norms[row])
    )
    return row_cosines


def near_duplicates(day: Day, paper_id: int) -> frozenset[int]:
    """Return the ids of the near-duplicates of this one among competing papers.

    Two papers are near-duplicates if the cosine of their word and dense vectors, taken together,
    is at least NEAR_DUPLICATE.
    """
    cached = day.cache.near_duplicates.get(paper_id)
    if cached is None:
        row = day.find_row(paper_id)
        candidates = [] if row is None else _duplicate_candidates(day, row)
        duplicate_rows: list[int] = []
        if row is not None and candidates:
            products = (
                day.words[candidates] @ day.word_vector(row)
                + day.dense[candidates] @ day.dense[row]
            )
            row_cosines = np.nan_to_num(products / (day.norms[candidates] * day.norms[row]))
            positions = np.flatnonzero(row_cosines.astype(np.float32) >= NEAR_DUPLICATE)
            duplicate_rows = [candidates[position] for position in positions.tolist()]
        cached = frozenset(day.ids[duplicate_rows].tolist()) - {paper_id}
        day.cache.near_duplicates[paper_id] = cached
    return cached


def _duplicate_candidates(day: Day, row: int) -> list[int]:
    """Return the rows of the papers that could be near-duplicates of this one.

    By the Cauchy-Schwarz inequality a near-duplicate has at least one word of any set whose
    squares sum to more than 1 - NEAR_DUPLICATE^2 of the whole. The set is made of the rarest
    words, so that next to no paper is left.
    """
    span = slice(day.words.indptr[row], day.words.indptr[row + 1])
    indices = day.words.indices[span]
    squares = day.words.data[span].astype(np.float64) ** 2
    starts = day.words_by_column().indptr
    paper_counts = starts[indices + 1] - starts[indices]
    rarest = np.argsort(paper_counts / np.maximum(squares, 1e-12), kind="stable")
    needed = (1 - NEAR_DUPLICATE**2) * float(day.norms[row]) ** 2 * 1.001
    count = int(np.searchsorted(squares[rarest].cumsum(), needed)) + 1
    rows = [day.rows_with_word(index) for index in indices[rarest[:count]].tolist()]
    candidates = np.unique(np.concatenate([np.empty(0, np.int32), *rows]))
    return [
        candidate
        for candidate in candidates[candidates < day.competing].tolist()
        if candidate != row
    ]
