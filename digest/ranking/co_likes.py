"""Who liked what -> what other readers' likes add to a reader's scores.

Item-based collaborative filtering: two papers are alike as far as the same readers like both, and
a reader's scores are boosted for papers that are like the ones they liked. Readers are never
compared with each other. A paper that fewer than `least` readers liked, or a pair that fewer liked
together, is left out: the outcome is the same as if those thumbs had never been given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: the largest boost: less than a followed author adds
MAX_BOOST = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CoLikes:
    """How alike papers are by the readers who like them."""

    #: ids of papers that readers liked, ascending, shape (n,)
    liked_ids: NDArray[np.int64]
    #: ids of the papers that compete, ascending, shape (m,)
    competing_ids: NDArray[np.int64]
    #: cosines of the papers' vectors of likes, 0-1, shape (n, m); empty where fewer than `least`
    #: readers liked both
    similarity: sp.csr_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class CoLikeBoost:
    """What the likes of others add to a paper for one reader."""

    paper_id: int
    value: float
    #: the paper most like it among those that the reader liked
    liked_id: int


def count_co_likes(
    readers: NDArray[np.int64],
    papers: NDArray[np.int64],
    competing: Collection[int],
    counts: Mapping[int, int],
    *,
    least: int,
) -> CoLikes:
    """Count how often the same readers like two papers, one of which competes.

    Args:
        readers: the reader of each thumb up, shape (thumbs,); at least all thumbs of every reader
            who liked a competing paper.
        papers: the paper of each thumb up, shape (thumbs,), in the same order.
        competing: ids of the papers that compete.
        counts: paper id -> number of all readers who liked it; the thumbs are counted where an id
            is missing.
        least: papers and pairs that fewer readers liked are left out.
    """
    people, rows = np.unique(readers, return_inverse=True)
    ids, columns = np.unique(papers, return_inverse=True)
    likes = sp.csr_matrix(
        (np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(people), len(ids))
    )
    likes.data[:] = 1  # a repeated thumb counts once
    thumbs = np.asarray(likes.sum(axis=0)).ravel()
    enough = thumbs >= least
    competes = enough & np.isin(ids, np.fromiter(competing, dtype=np.int64, count=len(competing)))
    both = (likes[:, enough].T @ likes[:, competes]).tocoo()
    liked_ids, competing_ids = ids[enough], ids[competes]
    is_pair = (both.data >= least) & (liked_ids[both.row] != competing_ids[both.col])
    row, column, count = both.row[is_pair], both.col[is_pair], both.data[is_pair].astype(np.float64)
    totals = np.array(
        [
            max(counts.get(paper_id, 0), thumbs_here)
            for paper_id, thumbs_here in zip(ids.tolist(), thumbs.tolist(), strict=True)
        ],
        dtype=np.float64,
    )
    cosines = count / np.sqrt(totals[enough][row] * totals[competes][column])
    return CoLikes(
        liked_ids=liked_ids,
        competing_ids=competing_ids,
        similarity=sp.csr_matrix(
            (cosines, (row, column)), shape=(len(liked_ids), len(competing_ids))
        ),
    )


def boosts_of_readers(
    co_likes: CoLikes, likes: Sequence[Collection[int]]
) -> list[tuple[CoLikeBoost, ...]]:
    """Return the boosts of each reader in a batch, ordered by paper id.

    The boost grows with the summed similarity of a paper to the liked ones, and stays below
    `MAX_BOOST`. A reader's own liked papers get none.

    Args:
        likes: ids of the papers that each reader liked.
    """
    if not co_likes.similarity.nnz:
        return [()] * len(likes)
    row_of = {paper_id: row for row, paper_id in enumerate(co_likes.liked_ids.tolist())}
    pairs = [
        (reader, row_of[paper_id])
        for reader, liked_ids in enumerate(likes)
        for paper_id in sorted(liked_ids)
        if paper_id in row_of
    ]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    liked = sp.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(likes), len(co_likes.liked_ids))
    )
    sums = (liked @ co_likes.similarity).tocsr()
    by_competing = co_likes.similarity.tocsc()
    boosts: list[tuple[CoLikeBoost, ...]] = []
    for reader, liked_ids in enumerate(likes):
        span = slice(sums.indptr[reader], sums.indptr[reader + 1])
        totals = sorted(zip(sums.indices[span].tolist(), sums.data[span].tolist(), strict=True))
        boosts.append(
            tuple(
                CoLikeBoost(
                    paper_id=int(co_likes.competing_ids[column]),
                    value=MAX_BOOST * total / (1 + total),
                    liked_id=_most_similar(co_likes, by_competing, column, liked_ids),
                )
                for column, total in totals
                if int(co_likes.competing_ids[column]) not in liked_ids
            )
        )
    return boosts


def _most_similar(
    co_likes: CoLikes, by_competing: sp.csc_matrix, column: int, liked_ids: Collection[int]
) -> int:
    """Return the liked paper most similar to a competing one; ties by id."""
    span = slice(by_competing.indptr[column], by_competing.indptr[column + 1])
    ids = co_likes.liked_ids[by_competing.indices[span]].tolist()
    candidates = [
        (-similarity, paper_id)
        for paper_id, similarity in zip(ids, by_competing.data[span].tolist(), strict=True)
        if paper_id in liked_ids
    ]
    return int(min(candidates)[1])
