"""Several interests of one reader: which of them each thumb belongs to, what tastes lie in the thumbs of one who named none, and how many
places of a digest each gets.

Works on rows of words and on numbers; knows no paper, profile or score. Results do not depend on the order in which interests are given.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: cosine to an interest from which a thumb belongs to it at once; what lies further off goes by the thumbs that were assigned so
CLOSE = 0.05
#: thumbs up from which tastes are looked for, the most tastes, and the least thumbs of one
ENOUGH, MOST, LEAST = 12, 3, 4
#: how much nearer the liked papers of each taste must be to one another than to the next (0 = as near to both, 1 = nothing in common), and the
#: part of all liked papers that must be nearer to their own at all
APART, TRUE = 0.55, 0.9
#: what a category of an interest adds to a paper's cosine, and what an author does
CATEGORY, AUTHOR = 0.05, 1.0
#: starts of the clustering, of which the best counts
_STARTS = 8
_STEPS = 30


# ---------------------------------------------------------------------------------------------- places of a digest


def places(size: int, shares: Mapping[str, float], available: Mapping[str, int]) -> dict[str, int]:
    """How many of `size` places each interest gets: by its share, in whole places by the largest remainder, never more than it can fill.

    What one cannot fill goes to the others by their shares. Together they get min(size, all that is available); ties go by name.
    """
    given = dict.fromkeys(sorted(shares), 0)
    while (left := size - sum(given.values())) > 0:
        hungry = [name for name in given if available.get(name, 0) > given[name] and shares[name] > 0]
        if not hungry:
            break
        whole = sum(shares[name] for name in hungry)
        exact = {name: left * shares[name] / whole for name in hungry}
        more = {name: int(exact[name]) for name in hungry}
        for name in sorted(hungry, key=lambda name: (more[name] - exact[name], name))[: left - sum(more.values())]:
            more[name] += 1
        for name in hungry:
            given[name] = min(given[name] + more[name], available[name])
    return given


# ---------------------------------------------------------------------------------------------- thumbs -> interests


def assign(
    rows: sp.csr_matrix, ups: int, towards: sp.csr_matrix, fixed: NDArray[np.int64], named: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The interest that each rated paper belongs to, shape (n,); -1 where it is near none of them.

    Args:
        rows: weighed words of the papers, shape (n, columns), the liked ones first.
        ups: how many of them are liked.
        towards: what each interest says of itself in words: keywords and examples, shape (interests, columns), rows of any length.
        fixed: shape (n,), the interest whose place in a digest the paper had, -1 = none: that one is it.
        named: shape (n, interests), what the paper's categories and authors add to its cosines.
    """
    found = fixed.copy()
    open_ = np.flatnonzero(found < 0)
    if not len(open_) or not towards.shape[0]:
        return found
    first = _cosines(rows, towards) + named
    sure = open_[first[open_].max(axis=1) >= CLOSE]
    found[sure] = first[sure].argmax(axis=1)
    open_ = np.flatnonzero(found < 0)
    if len(open_):
        # What the surely assigned likes are about says more of an interest than its few keywords.
        liked = np.flatnonzero(found[:ups] >= 0)
        taught = sp.csr_matrix((np.ones(len(liked)), (found[liked], liked)), shape=(towards.shape[0], rows.shape[0])) @ rows
        second = first + _cosines(rows, taught)
        near = open_[second[open_].max(axis=1) > 0]
        found[near] = second[near].argmax(axis=1)
    return found


def _cosines(rows: sp.csr_matrix, towards: sp.csr_matrix) -> NDArray[np.float64]:
    lengths = np.sqrt(np.asarray(towards.multiply(towards).sum(axis=1), dtype=np.float64).ravel())
    lengths[lengths == 0] = 1
    products: NDArray[np.float64] = np.asarray((rows @ towards.T).toarray(), dtype=np.float64) / lengths
    return np.nan_to_num(products)


# ---------------------------------------------------------------------------------------------- tastes of a reader who named none


def tastes(rows: sp.csr_matrix) -> NDArray[np.int64]:
    """The taste that each liked paper belongs to, shape (n,), numbered by their first papers; all 0 where they are of one taste, or not clearly
    of several.

    Spherical k-means on rows of length 1, with a seed that depends on nothing. Two or three tastes count only when each liked paper is much
    nearer to the others of its own than to those of the next.
    """
    number = rows.shape[0]
    together = np.zeros(number, dtype=np.int64)
    if number < ENOUGH:
        return together
    alike = np.nan_to_num(np.asarray((rows @ rows.T).toarray(), dtype=np.float64))
    best = together
    for count in range(2, MOST + 1):
        labels = _cluster(alike, count)
        if _clearness(alike, labels, count) >= APART:
            best = labels
    order = {label: place for place, label in enumerate(dict.fromkeys(best.tolist()))}
    return np.array([order[label] for label in best.tolist()], dtype=np.int64)


def _cluster(alike: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Spherical k-means on the table of cosines alone: a centre is the sum of its papers."""
    chance = np.random.default_rng(count)
    best, most = np.zeros(len(alike), dtype=np.int64), -1.0
    for _ in range(_STARTS):
        labels = alike[:, _starts(alike, count, chance)].argmax(axis=1)
        for _ in range(_STEPS):
            member = np.eye(count)[labels]
            lengths = np.sqrt(np.maximum(np.einsum("ik,ij,jk->k", member, alike, member, optimize=True), 1e-12))
            moved = ((alike @ member) / lengths).argmax(axis=1)
            if (moved == labels).all():
                break
            labels = moved
        member = np.eye(count)[labels]
        total = float(np.sqrt(np.maximum(np.einsum("ik,ij,jk->k", member, alike, member, optimize=True), 0)).sum())
        if total > most + 1e-9:
            best, most = labels, total
    return best


def _starts(alike: NDArray[np.float64], count: int, chance: np.random.Generator) -> list[int]:
    """Papers to begin with, each drawn the more likely the less it is like those drawn before."""
    chosen = [int(chance.integers(len(alike)))]
    while len(chosen) < count:
        far = np.maximum(1 - alike[:, chosen].max(axis=1), 0)
        far[chosen] = 0
        chosen.append(int(chance.choice(len(alike), p=far / far.sum())) if far.sum() > 0 else int(chance.integers(len(alike))))
    return chosen


def _clearness(alike: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> float:
    """Of the least clear taste, the mean of 1 - (mean cosine to the nearest other taste) / (mean cosine to their own); 0 where one is too small."""
    sizes = np.bincount(labels, minlength=count)
    if sizes.min() < LEAST:
        return 0.0
    sums = alike @ np.eye(count)[labels]
    rows = np.arange(len(alike))
    own = (sums[rows, labels] - np.diag(alike)) / (sizes[labels] - 1)
    means = sums / sizes
    means[rows, labels] = -np.inf
    other = means.max(axis=1)
    larger = np.maximum(np.maximum(own, other), 1e-12)
    silhouette = (own - other) / larger
    least = float((np.bincount(labels, weights=silhouette, minlength=count) / sizes).min())
    return least if float(np.mean(silhouette > 0)) >= TRUE else 0.0
