"""Thumbs of a reader with several interests -> the interest of each thumb.

Works on rows of weighed words; knows no paper, profile or score.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.rows import compact

#: cosine to an interest from which a thumb is assigned to it at once; the others are assigned in a
#: second pass, by the thumbs of the first
CLOSE_COSINE = 0.05
#: what a category, and an author, of an interest adds to a paper's cosine
CATEGORY_WEIGHT, AUTHOR_WEIGHT = 0.05, 1.0


def assign_thumbs(
    rows: sp.csr_matrix,
    liked_count: int,
    interest_rows: sp.csr_matrix,
    fixed: NDArray[np.int64],
    name_weights: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return the interest of each rated paper, shape (n,); -1 = near to none.

    Args:
        rows: weighed words of the papers, shape (n, columns), the liked ones first.
        liked_count: how many of them are liked.
        interest_rows: keywords and examples of each interest as words, shape (interests, columns),
            rows of any length.
        fixed: the interest that each paper was listed for, shape (n,), -1 = none; it is kept.
        name_weights: what matching categories and authors add to the cosines, shape
            (n, interests).
    """
    assigned = fixed.copy()
    unassigned = np.flatnonzero(assigned < 0)
    if not len(unassigned) or not interest_rows.shape[0]:
        return assigned
    rows, interest_rows = _drop_empty_columns(rows, interest_rows)
    similarity = _cosines(rows, interest_rows) + name_weights
    close = unassigned[similarity[unassigned].max(axis=1) >= CLOSE_COSINE]
    assigned[close] = similarity[close].argmax(axis=1)
    unassigned = np.flatnonzero(assigned < 0)
    if len(unassigned):
        # The likes of the first pass say more about an interest than its few keywords.
        liked = np.flatnonzero(assigned[:liked_count] >= 0)
        membership = sp.csr_matrix(
            (np.ones(len(liked)), (assigned[liked], liked)),
            shape=(interest_rows.shape[0], rows.shape[0]),
        )
        similarity = similarity + _cosines(rows, membership @ rows)
        near = unassigned[similarity[unassigned].max(axis=1) > 0]
        assigned[near] = similarity[near].argmax(axis=1)
    return assigned


def _drop_empty_columns(*matrices: sp.csr_matrix) -> list[sp.csr_matrix]:
    """Keep the columns that occur: products cost by their width."""
    columns, indices = compact(
        np.concatenate([matrix.indices for matrix in matrices]), matrices[0].shape[1]
    )
    ends = np.cumsum([matrix.nnz for matrix in matrices])[:-1]
    return [
        sp.csr_matrix(
            (matrix.data, own_indices, matrix.indptr), shape=(matrix.shape[0], len(columns))
        )
        for matrix, own_indices in zip(matrices, np.split(indices, ends), strict=True)
    ]


def _cosines(rows: sp.csr_matrix, others: sp.csr_matrix) -> NDArray[np.float64]:
    """Return the cosines of unit rows to rows of any length, shape (n, others)."""
    norms = np.sqrt(np.asarray(others.multiply(others).sum(axis=1), dtype=np.float64).ravel())
    norms[norms == 0] = 1
    products: NDArray[np.float64] = (
        np.asarray((rows @ others.T).toarray(), dtype=np.float64) / norms
    )
    return np.nan_to_num(products)
