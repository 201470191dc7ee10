"""What a digest has to respect beside the scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.model import Strictness
from digest.ranking.selection.near_duplicates import NearDuplicates

#: least chance of a paper that is listed, by how strict the reader is. A list whose papers all have
#: at least half of the best F1 has the best F1 (Lipton, Elkan and Narayanaswamy, "Optimal
#: thresholding of classifiers to maximize F1 measure", 2014): that is "balanced"
_LINES = {"few": 0.6, "balanced": 0.35, "many": 0.2, "always": 0.0}


def line_of(strictness: Strictness) -> float:
    """Return the least chance of a paper that fits."""
    return _LINES[strictness] if isinstance(strictness, str) else strictness / 100


def _no_cosines(paper_ids: Sequence[int], other_ids: Sequence[int]) -> NDArray[np.float64]:
    return np.zeros((len(paper_ids), len(other_ids)))


def _no_papers(_: int) -> Collection[int]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rules:
    """The rules of one reader's digest. The default is none of them."""

    #: ids listed or rated before, which are left out
    seen: Collection[int] = frozenset()
    #: ids that recent digests listed; near-duplicates of them are left out
    listed: frozenset[int] = frozenset()
    #: ids that an earlier digest may already have shown; they are listed with a mark
    maybe_seen: Collection[int] = frozenset()
    #: ids that an earlier digest could have listed; they are listed with the day of the paper
    left_over: Collection[int] = frozenset()
    #: the least chance of such a paper, unless its title holds a typed keyword: it could have been
    #: listed before
    left_over_line: float = 0.0
    #: ids that are never listed
    muted: Collection[int] = frozenset()
    #: least chance of a paper that is listed for its rank; 0 = as many as there are places
    line: float = 0.0
    #: ids that are always listed, on top, even below the line
    pinned: Collection[int] = frozenset()
    #: share of each of several interests, by `Score.interest`
    shares: Mapping[str, float] = field(default_factory=dict)
    #: finds near-duplicates; shared by the readers of a day
    near_duplicates: NearDuplicates = field(default_factory=NearDuplicates)
    #: id -> ids of papers with nearly the same words
    similar_words: Callable[[int], Collection[int]] = _no_papers
    #: ids, other ids -> cosines of their words, shape (ids, other ids)
    cosines: Callable[[Sequence[int], Sequence[int]], NDArray[np.float64]] = _no_cosines
    #: papers of one author at most while there are others; 0 = any number
    author_most: int = 0
    #: percentage of the digest that one primary category takes at most while there are others
    #: nearly as good; 0 and 100 = all of it
    category_most: int = 0
    #: categories or archives that the reader follows, to which `category_most` does not apply
    followed: Collection[str] = frozenset()
    #: whether one paper is drawn from just below the line
    explore: bool = False
