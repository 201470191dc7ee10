"""Who liked what -> which papers are liked by the same readers, and what that adds for each of
them.

Nobody is compared with anybody: two papers are alike as far as the same readers like both, and a
reader is lifted towards what is like the papers they liked. Of a paper that fewer than `least`
readers liked, or a pair that fewer liked both of, nothing is known here: the outcome is the same as
if those thumbs had never been given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: what a paper gets at most: less than a followed author adds
MOST = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CoLikes:
    """How alike papers are by the readers who like them."""

    #: ids of papers that readers liked, ascending, shape (n,)
    liked: NDArray[np.int64]
    #: ids of the papers that compete, ascending, shape (m,)
    fresh: NDArray[np.int64]
    #: shape (n, m): readers who liked both beside those who liked one, 0-1; nothing where fewer
    #: than `least` liked both
    alike: sp.csr_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class CoLikeBoost:
    """What the likes of others add to a paper for a reader, and the paper which they and the reader
    like.
    """

    paper_id: int
    value: float
    by: int


def learn(
    readers: NDArray[np.int64],
    papers: NDArray[np.int64],
    fresh: Collection[int],
    counts: Mapping[int, int],
    *,
    least: int,
) -> CoLikes:
    """How alike the `fresh` papers are to all.

    Args:
        readers, papers: a thumb up each, shape (thumbs,) both, in any order; at least those of
        every reader who liked a fresh paper.
        counts: by paper, all readers who liked it; what is missing counts as the thumbs that are
        here.
        least: readers below which nothing is known of a paper or a pair.
    """
    people, rows = np.unique(readers, return_inverse=True)
    ids, columns = np.unique(papers, return_inverse=True)
    likes = sp.csr_matrix(
        (np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(people), len(ids))
    )
    likes.data[:] = 1  # a thumb that is told twice is one
    enough = np.asarray(likes.sum(axis=0)).ravel() >= least
    competing = enough & np.isin(ids, np.fromiter(fresh, dtype=np.int64, count=len(fresh)))
    both = (likes[:, enough].T @ likes[:, competing]).tocoo()
    liked, new = ids[enough], ids[competing]
    known = (both.data >= least) & (liked[both.row] != new[both.col])
    row, column, count = both.row[known], both.col[known], both.data[known].astype(np.float64)
    here = np.asarray(likes.sum(axis=0)).ravel()
    by = np.array(
        [
            max(counts.get(int(ident), 0), int(number))
            for ident, number in zip(ids, here, strict=True)
        ],
        dtype=np.float64,
    )
    alike = count / np.sqrt(by[enough][row] * by[competing][column])
    return CoLikes(
        liked=liked,
        fresh=new,
        alike=sp.csr_matrix((alike, (row, column)), shape=(len(liked), len(new))),
    )


def lifts(known: CoLikes, likes: Sequence[Collection[int]]) -> list[tuple[CoLikeBoost, ...]]:
    """What is added for each of a batch of readers, from the ids of the papers that each likes;
    never for a paper they rated up themselves.

    A paper gets the more, the more of what the reader likes it is like; never more than `MOST`.
    """
    if not known.alike.nnz:
        return [()] * len(likes)
    place = {ident: number for number, ident in enumerate(known.liked.tolist())}
    pairs = [
        (number, place[ident])
        for number, some in enumerate(likes)
        for ident in sorted(some)
        if ident in place
    ]
    rows, columns = (
        np.array(side, dtype=np.int64) for side in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    mine = sp.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(likes), len(known.liked))
    )
    sums = (mine @ known.alike).tocsr()
    by_paper = known.alike.tocsc()
    found: list[tuple[CoLikeBoost, ...]] = []
    for number, own in enumerate(likes):
        span = slice(sums.indptr[number], sums.indptr[number + 1])
        each = sorted(zip(sums.indices[span].tolist(), sums.data[span].tolist(), strict=True))
        found.append(
            tuple(
                CoLikeBoost(
                    paper_id=int(known.fresh[column]),
                    value=MOST * total / (1 + total),
                    by=_nearest(known, by_paper, column, own),
                )
                for column, total in each
                if int(known.fresh[column]) not in own
            )
        )
    return found


def _nearest(known: CoLikes, by_paper: sp.csc_matrix, column: int, own: Collection[int]) -> int:
    """Of the papers that the reader likes the one that is most like it; of equal ones that with the
    smallest id.
    """
    span = slice(by_paper.indptr[column], by_paper.indptr[column + 1])
    ids, alike = known.liked[by_paper.indices[span]], by_paper.data[span]
    best: tuple[float, int] = min(
        (-value, ident)
        for ident, value in zip(ids.tolist(), alike.tolist(), strict=True)
        if ident in own
    )
    return best[1]
