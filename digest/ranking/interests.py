"""Several interests of one reader: which of them each thumb belongs to, what tastes lie in the
thumbs of one who named none, and how many places of a digest each gets.

Works on rows of words and on numbers; knows no paper, profile or score. Results do not depend on
the order in which interests are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.rows import compact

#: cosine to an interest from which a thumb belongs to it at once; what lies further off goes by the
#: thumbs that were assigned so
CLOSE = 0.05
#: thumbs up from which tastes are looked for, the most tastes, and the least thumbs of one
ENOUGH, MOST, LEAST = 12, 3, 4
#: how much nearer the liked papers of each taste must be to one another than to the next (0 = as
#: near to both, 1 = nothing in common), and the part of all liked papers that must be nearer to
#: their own at all
APART, TRUE = 0.55, 0.9
#: what a category of an interest adds to a paper's cosine, and what an author does
CATEGORY, AUTHOR = 0.05, 1.0
#: starts of the clustering, of which the best counts
_STARTS = 8
_STEPS = 30
#: steps between a cosine of 0 and one of 1
_WHOLE = 16384
#: readers whose tastes are looked for at once
_TOGETHER = 64


# ----------------------------------------------------------------------------------------------
# places of a digest


def places(size: int, shares: Mapping[str, float], available: Mapping[str, int]) -> dict[str, int]:
    """How many of `size` places each interest gets: by its share, in whole places by the largest
    remainder, never more than it can fill.

    What one cannot fill goes to the others by their shares. Together they get min(size, all that is
    available); ties go by name.
    """
    given = dict.fromkeys(sorted(shares), 0)
    while (left := size - sum(given.values())) > 0:
        hungry = [
            name for name in given if available.get(name, 0) > given[name] and shares[name] > 0
        ]
        if not hungry:
            break
        whole = sum(shares[name] for name in hungry)
        exact = {name: left * shares[name] / whole for name in hungry}
        more = {name: int(exact[name]) for name in hungry}
        for name in sorted(hungry, key=lambda name: (more[name] - exact[name], name))[
            : left - sum(more.values())
        ]:
            more[name] += 1
        for name in hungry:
            given[name] = min(given[name] + more[name], available[name])
    return given


# ----------------------------------------------------------------------------------------------
# thumbs -> interests


def assign(
    rows: sp.csr_matrix,
    ups: int,
    towards: sp.csr_matrix,
    fixed: NDArray[np.int64],
    named: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The interest that each rated paper belongs to, shape (n,); -1 where it is near none of them.

    Args:
        rows: weighed words of the papers, shape (n, columns), the liked ones first.
        ups: how many of them are liked.
        towards: what each interest says of itself in words: keywords and examples, shape
        (interests, columns), rows of any length.
        fixed: shape (n,), the interest whose place in a digest the paper had, -1 = none: that one
        is it.
        named: shape (n, interests), what the paper's categories and authors add to its cosines.
    """
    found = fixed.copy()
    open_ = np.flatnonzero(found < 0)
    if not len(open_) or not towards.shape[0]:
        return found
    rows, towards = narrow(rows, towards)
    first = _cosines(rows, towards) + named
    sure = open_[first[open_].max(axis=1) >= CLOSE]
    found[sure] = first[sure].argmax(axis=1)
    open_ = np.flatnonzero(found < 0)
    if len(open_):
        # What the surely assigned likes are about says more of an interest than its few keywords.
        liked = np.flatnonzero(found[:ups] >= 0)
        taught = (
            sp.csr_matrix(
                (np.ones(len(liked)), (found[liked], liked)),
                shape=(towards.shape[0], rows.shape[0]),
            )
            @ rows
        )
        second = first + _cosines(rows, taught)
        near = open_[second[open_].max(axis=1) > 0]
        found[near] = second[near].argmax(axis=1)
    return found


def narrow(*matrices: sp.csr_matrix) -> list[sp.csr_matrix]:
    """The matrices without the columns that occur in none of them: products of wide ones cost by
    their width.
    """
    columns, places = compact(
        np.concatenate([each.indices for each in matrices]), matrices[0].shape[1]
    )
    ends = np.cumsum([each.nnz for each in matrices])[:-1]
    return [
        sp.csr_matrix((each.data, its, each.indptr), shape=(each.shape[0], len(columns)))
        for each, its in zip(matrices, np.split(places, ends), strict=True)
    ]


def _cosines(rows: sp.csr_matrix, towards: sp.csr_matrix) -> NDArray[np.float64]:
    lengths = np.sqrt(np.asarray(towards.multiply(towards).sum(axis=1), dtype=np.float64).ravel())
    lengths[lengths == 0] = 1
    products: NDArray[np.float64] = (
        np.asarray((rows @ towards.T).toarray(), dtype=np.float64) / lengths
    )
    return np.nan_to_num(products)


# ----------------------------------------------------------------------------------------------
# tastes of readers who named none


def tastes(rows: sp.csr_matrix) -> NDArray[np.int64]:
    """The tastes of one reader by the rows of their liked papers; see `tastes_all`."""
    return tastes_all(rows, [np.arange(rows.shape[0])])[0]


def tastes_all(rows: sp.csr_matrix, liked: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The taste that each liked paper of each reader belongs to, shape (n,) each, numbered by their
    first papers; all 0 where they are of one taste, or not clearly of several.

    Spherical k-means on rows of length 1, with a seed that depends on nothing. Two or three tastes
    count only when each liked paper is much nearer to the others of its own than to those of the
    next.

    Args:
        rows: weighed words of papers, shape (papers, columns).
        liked: the rows of each reader's liked papers.
    """
    found = [np.zeros(len(some), dtype=np.int64) for some in liked]
    # Readers with about as many likes are worked on together.
    enough = sorted(
        (number for number, some in enumerate(liked) if len(some) >= ENOUGH),
        key=lambda number: len(liked[number]),
    )
    every = np.array([len(liked[number]) for number in enough], dtype=np.int64)
    likeness, squares = _likeness(
        rows, [np.empty(0, np.int64), *(liked[number] for number in enough)]
    )
    for start in range(0, len(enough), _TOGETHER):
        group, sizes = enough[start : start + _TOGETHER], every[start : start + _TOGETHER]
        alike = _tables(likeness, squares, int(every[:start].sum()), sizes)
        best: dict[int, NDArray[np.int64]] = {}
        for count in range(2, MOST + 1):
            labels = _cluster(alike, sizes, count)
            clear = _clearness(alike, sizes, labels, count) >= APART
            best |= {place: labels[place] for place in np.flatnonzero(clear).tolist()}
        for place, row in best.items():
            mine = row[: sizes[place]].tolist()
            order = {label: number for number, label in enumerate(dict.fromkeys(mine))}
            found[group[place]] = np.array([order[label] for label in mine], dtype=np.int64)
    return found


def _likeness(
    rows: sp.csr_matrix, liked: Sequence[NDArray[np.int64]]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """Cosines of each reader's liked papers to one another, shape (papers, papers) where all
    readers' papers stand in a row, and to themselves.
    """
    words = rows[np.concatenate(liked)]
    owners = np.repeat(np.arange(len(liked)), [len(some) for some in liked])
    by_word = words.tocsc()
    of_word, whose = (
        np.repeat(np.arange(words.shape[1]), np.diff(by_word.indptr)),
        owners[by_word.indices],
    )
    # A word that several papers of one reader share makes these alike, and nothing else does.
    apart = np.ones(words.nnz + 1, dtype=np.bool_)
    apart[1:-1] = (of_word[1:] != of_word[:-1]) | (whose[1:] != whose[:-1])
    runs = np.diff(np.flatnonzero(apart))
    several = runs > 1
    shared, ends = np.repeat(several, runs), np.concatenate(([0], np.cumsum(runs[several])))
    common = sp.csr_matrix(
        (by_word.data[shared], by_word.indices[shared], ends), shape=(len(ends) - 1, words.shape[0])
    )
    products = common.T.tocsr() @ common
    products.data = _exact(products.data)
    squares = np.bincount(
        np.repeat(np.arange(words.shape[0]), np.diff(words.indptr)),
        weights=words.data**2,
        minlength=words.shape[0],
    )
    return products, _exact(squares)


def _tables(
    likeness: sp.csr_matrix, squares: NDArray[np.float32], first: int, sizes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Cosines of some readers' papers, which begin at `first`, shape (readers, width, width); 0
    beyond their number.
    """
    whole, width = int(sizes.sum()), int(sizes.max())
    places = np.arange(whole) - np.repeat(sizes.cumsum() - sizes, sizes)
    at = np.repeat(np.arange(len(sizes)), sizes) * width**2 + places * width
    some = likeness[first : first + whole]
    alike = np.zeros(len(sizes) * width**2, dtype=np.float32)
    alike[np.repeat(at, np.diff(some.indptr)) + places[some.indices - first]] = some.data
    alike[at + places] = squares[first : first + whole]
    return alike.reshape(len(sizes), width, width)


def _exact(cosines: NDArray[Any]) -> NDArray[np.float32]:
    """In whole steps: the sums of up to a thousand of them have no error, so that the order in
    which a batch adds them up decides nothing.
    """
    found: NDArray[np.float32] = (np.rint(np.nan_to_num(cosines) * _WHOLE) / _WHOLE).astype(
        np.float32
    )
    return found


def _cluster(alike: NDArray[np.float32], sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Spherical k-means on tables of cosines alone: a centre is the sum of its papers.

    Labels, shape (readers, width), -1 beyond their number.
    """
    readers, width, _ = alike.shape
    labels = _nearest(
        np.stack(
            [alike[np.arange(readers)[:, None], first] for first in _starts(alike, sizes, count)],
            axis=1,
        )
    )
    beyond = np.broadcast_to((np.arange(width) >= sizes[:, None])[:, None, :], labels.shape)
    labels[beyond] = -1
    whole = np.empty((readers, _STARTS))
    some, left = alike, np.arange(readers)
    everywhere = np.arange(count)[:, None, None]
    for _ in range(_STEPS):
        mine = labels[left]
        member = (mine[:, None] == everywhere).astype(np.float32)
        near = (member.reshape(len(left), -1, width) @ some).reshape(member.shape)
        lengths = np.sqrt(np.maximum((member * near).sum(axis=3, dtype=np.float64), 1e-12))
        whole[left] = lengths.sum(axis=1)
        moved = _nearest(near / lengths[:, :, :, None].astype(np.float32))
        moved[beyond[left]] = -1
        labels[left] = moved
        # Nearly all readers are done after a step or two.
        still = (moved != mine).any(axis=(1, 2))
        some, left = some[still], left[still]
        if not len(left):
            break
    chosen: NDArray[np.int64] = labels[np.arange(readers), whole.argmax(axis=1)].astype(np.int64)
    return chosen


def _nearest(near: NDArray[np.float32]) -> NDArray[np.int8]:
    """Which of the centres is nearest, the first of equals; shape (readers, centres, starts, width)
    -> (readers, starts, width).
    """
    found, best = np.zeros((len(near), *near.shape[2:]), dtype=np.int8), near[:, 0]
    for centre in range(1, near.shape[1]):
        nearer = near[:, centre] > best
        found[nearer] = centre
        best = np.maximum(best, near[:, centre])
    return found


def _starts(
    alike: NDArray[np.float32], sizes: NDArray[np.int64], count: int
) -> list[NDArray[np.int64]]:
    """Papers to begin with, each drawn the more likely the less it is like those drawn before;
    `count` of shape (readers, _STARTS).
    """
    readers, width, _ = alike.shape
    chance = np.random.default_rng(count).random((count, _STARTS))
    chosen = [(chance[0] * sizes[:, None]).astype(np.int64)]
    whose = np.arange(readers)[:, None]
    far = np.repeat(
        (np.arange(width) < sizes[:, None])[:, None, :].astype(np.float64), _STARTS, axis=1
    )
    for drawn in chance[1:]:
        far = np.minimum(far, np.maximum(1 - alike[whose, chosen[-1]], 0))
        np.put_along_axis(far, chosen[-1][:, :, None], 0, axis=2)
        sums = far.cumsum(axis=2)
        last = (sums <= (drawn * sums[:, :, -1])[:, :, None]).sum(axis=2)
        chosen.append(
            np.where(
                sums[:, :, -1] > 0,
                np.minimum(last, sizes[:, None] - 1),
                (drawn * sizes[:, None]).astype(np.int64),
            )
        )
    return chosen


def _clearness(
    alike: NDArray[np.float32], sizes: NDArray[np.int64], labels: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Of the least clear taste, the mean of 1 - (mean cosine to the nearest other taste) / (mean
    cosine to their own); 0 where one is too small.

    Shape (readers,).
    """
    real = labels >= 0
    member = (labels[:, :, None] == np.arange(count)).astype(np.float32)
    counts = member.sum(axis=1)
    sums = (alike @ member).astype(np.float64)
    labels = np.maximum(labels, 0)
    mine = np.take_along_axis(counts, labels, axis=1)
    own = (
        np.take_along_axis(sums, labels[:, :, None], axis=2)[:, :, 0]
        - alike.diagonal(axis1=1, axis2=2)
    ) / np.maximum(mine - 1, 1)
    means = np.where(member > 0, -np.inf, sums / np.maximum(counts, 1)[:, None, :])
    other = means.max(axis=2)
    silhouette = np.where(real, (own - other) / np.maximum(np.maximum(own, other), 1e-12), 0.0)
    least = ((silhouette[:, None, :] @ member)[:, 0, :] / np.maximum(counts, 1)).min(axis=1)
    true = ((silhouette > 0) & real).sum(axis=1) / sizes
    found: NDArray[np.float64] = np.where(
        (counts.min(axis=1) >= LEAST) & (true >= TRUE), least, 0.0
    )
    return found
