"""Numbers about rankings and rates, each with how sure it is.

Values in, values out; every draw is seeded.

nDCG and AUC are those of scikit-learn, and a test holds them against it. Its own functions take
lists of every paper in place of a few ranks, 390 and 1,790 us a call in place of 2 (10 papers,
2026-11-21, load 6: seconds for a history of a few hundred digests), and know no list of one paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

#: places that nDCG looks at
TOP = 10
#: readers from which on the reader, and not the digest, is the unit: digests of one reader resemble
#: each other
READERS = 8
#: draws of a bootstrap, and their seed: the same history gives the same report
RESAMPLES = 4000
SEED = 20260609


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number and its 95 % interval; the ends are NaN where too little is known for one."""

    value: float
    low: float
    high: float
    #: how many readers, digests or papers it is the mean of
    units: int

    @property
    def sure(self) -> bool:
        """Whether the interval has ends and leaves out nought."""
        return self.low > 0 or self.high < 0


# ---------------------------------------------------------------------------------------------- one
# ranking


def ndcg(ranks: Sequence[int]) -> float:
    """Normalised discounted cumulative gain of the first `TOP` places, 0-1, from the ranks (from 1)
    of the liked papers; at least one.
    """
    return float(sum(_gain(rank) for rank in ranks if rank <= TOP)) / _best(len(ranks))


def reciprocal(ranks: Sequence[int]) -> float:
    """1 / rank of the first liked paper."""
    return 1 / min(ranks)


def concordant(liked: Sequence[int], disliked: Sequence[int]) -> tuple[int, int]:
    """Pairs of a liked and a disliked paper: those with the liked one ranked above, and all.

    Their ratio is the AUC.
    """
    return sum(up < down for up in liked for down in disliked), len(liked) * len(disliked)


def chance_ndcg(liked: int, size: int) -> float:
    """What `ndcg` is on average when the papers are shuffled."""
    return liked / size * _best(size) / _best(liked)


def chance_reciprocal(liked: int, size: int) -> float:
    """What `reciprocal` is on average when the papers are shuffled."""
    # The first liked paper is at k when none of the k - 1 before it is liked and it is.
    none_before, total = 1.0, 0.0
    for place in range(1, size - liked + 2):
        left = size - place + 1
        total += none_before * liked / left / place
        none_before *= (left - liked) / left
    return total


def _gain(rank: int) -> float:
    return 1 / math.log2(1 + rank)


def _best(liked: int) -> float:
    return sum(_gain(rank) for rank in range(1, min(liked, TOP) + 1))


# ----------------------------------------------------------------------------------------------
# means and rates


def mean(values: Sequence[float]) -> Estimate:
    """The mean of independent units with a bootstrap's interval; without ends for fewer than two
    units.
    """
    some = np.array(values, dtype=np.float64)
    if not len(some):
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0)
    if len(some) < 2:
        return Estimate(value=float(some[0]), low=math.nan, high=math.nan, units=1)
    low, high = _ends(some[_draws(len(some))].mean(axis=1), len(some))
    return Estimate(value=float(some.mean()), low=low, high=high, units=len(some))


def _ends(resampled: NDArray[np.float64], units: float) -> tuple[float, float]:
    """The 95 % interval of resampled values, by percentiles further out for few units, as Student's
    t is wider than the normal.

    The plain percentiles of a dozen units leave out the truth too often.
    """
    freedom = max(units - 1, 1.0)
    tail = float(ndtr(stdtrit(freedom, 0.025) * math.sqrt((freedom + 1) / freedom)))
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return float(low), float(high)


def _draws(units: int) -> NDArray[np.intp]:
    """Places drawn with replacement, shape (RESAMPLES, units): the same for equal numbers, so that
    differences are paired.
    """
    return np.random.default_rng(SEED).integers(units, size=(RESAMPLES, units))


def wilson(hits: int, tries: int) -> Estimate:
    """A rate with Wilson's interval, which is honest near 0 and 1 and for few tries."""
    if not tries:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0)
    from scipy.stats import binomtest  # a second to import

    rate, ends = hits / tries, binomtest(hits, tries).proportion_ci(method="wilson")
    # At the ends rounding could put the rate itself outside.
    return Estimate(
        value=rate,
        low=min(max(float(ends.low), 0.0), rate),
        high=max(min(float(ends.high), 1.0), rate),
        units=tries,
    )


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p of so uneven a result, were win and loss equally likely; ties are left out.

    Exact.
    """
    from scipy.stats import binomtest

    return float(binomtest(min(wins, losses), wins + losses).pvalue) if wins + losses else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A paper that a draw put into a digest."""

    liked: bool
    #: with which this paper was drawn, and how many could have been
    probability: float
    candidates: int


def reweighed(drawn: Sequence[Drawn]) -> tuple[Estimate, float]:
    """How often a paper drawn evenly would be liked, from papers drawn unevenly but with known
    probability; and the effective number.

    Each counts by the inverse of its propensity, relative to an even draw, and the weights are
    normalised by their sum (Hajek's estimator: slightly biased, much steadier). The effective
    number (Kish) is how many even draws the weights are worth.
    """
    if not drawn:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0), 0.0
    weights = np.array([1 / (one.probability * one.candidates) for one in drawn])
    liked = np.array([one.liked for one in drawn], dtype=np.float64)
    value = float((weights * liked).sum() / weights.sum())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    low = high = math.nan
    if len(drawn) >= 2:
        # No thumb in all draws would make every resample 0: the interval of a plain rate is wider
        # there, and honest.
        places = _draws(len(drawn))
        again = (weights * liked)[places].sum(axis=1) / weights[places].sum(axis=1)
        plain = wilson(round(value * effective), max(round(effective), 1))
        low, high = _ends(again, effective)
        if not 0 < liked.sum() < len(liked):
            low, high = plain.low, plain.high
    return Estimate(value=value, low=low, high=high, units=len(drawn)), effective
