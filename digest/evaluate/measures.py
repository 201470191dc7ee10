"""Measures of rankings and rates, each with its confidence interval.

Pure functions; every random draw is seeded.

nDCG and AUC equal those of scikit-learn, and a test compares them. Its functions take lists of all
papers instead of a few ranks, 390 and 1,790 us a call instead of 2 (10 papers, 2026-11-21: seconds
for a history of a few hundred digests), and accept no list of one paper.
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
#: readers from which the reader, not the digest, is the independent unit, since digests of one
#: reader resemble each other
READERS = 8
#: resamples of a bootstrap, and the seed that gives equal reports of equal histories
RESAMPLES = 4000
SEED = 20260609


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number and its 95 % interval; the ends are NaN where too little is known."""

    value: float
    low: float
    high: float
    #: how many readers, digests or papers it is the mean of
    units: int

    @property
    def sure(self) -> bool:
        """Whether the interval is known and excludes zero."""
        return self.low > 0 or self.high < 0


# ----------------------------------------------------------------------------------------------
# one ranking


def ndcg(ranks: Sequence[int]) -> float:
    """Return the normalised discounted cumulative gain of the first `TOP` places, 0-1.

    Args:
        ranks: ranks of the liked papers, from 1; at least one.
    """
    return float(sum(_gain(rank) for rank in ranks if rank <= TOP)) / _ideal_gain(len(ranks))


def reciprocal(ranks: Sequence[int]) -> float:
    """Return 1 / rank of the first liked paper."""
    return 1 / min(ranks)


def count_concordant(liked: Sequence[int], disliked: Sequence[int]) -> tuple[int, int]:
    """Count the pairs of a liked and a disliked paper: in the right order, and all.

    Their ratio is the AUC.
    """
    return sum(up < down for up in liked for down in disliked), len(liked) * len(disliked)


def chance_ndcg(liked: int, size: int) -> float:
    """Return the mean `ndcg` of shuffled papers."""
    return liked / size * _ideal_gain(size) / _ideal_gain(liked)


def chance_reciprocal(liked: int, size: int) -> float:
    """Return the mean `reciprocal` of shuffled papers."""
    # The first liked paper is at k when it is liked and none of the k - 1 before it is.
    none_before, total = 1.0, 0.0
    for place in range(1, size - liked + 2):
        left = size - place + 1
        total += none_before * liked / left / place
        none_before *= (left - liked) / left
    return total


def _gain(rank: int) -> float:
    return 1 / math.log2(1 + rank)


def _ideal_gain(liked: int) -> float:
    return sum(_gain(rank) for rank in range(1, min(liked, TOP) + 1))


# ----------------------------------------------------------------------------------------------
# means and rates


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean of independent units with a bootstrap interval.

    The ends are NaN for fewer than two units.
    """
    units = np.array(values, dtype=np.float64)
    if not len(units):
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0)
    if len(units) < 2:
        return Estimate(value=float(units[0]), low=math.nan, high=math.nan, units=1)
    low, high = _percentile_interval(units[_resample(len(units))].mean(axis=1), len(units))
    return Estimate(value=float(units.mean()), low=low, high=high, units=len(units))


def _percentile_interval(resampled: NDArray[np.float64], units: float) -> tuple[float, float]:
    """Return the 95 % interval of resampled values.

    The percentiles lie further out for few units, as Student's t is wider than the normal: plain
    percentiles of a dozen units exclude the truth too often.
    """
    freedom = max(units - 1, 1.0)
    tail = float(ndtr(stdtrit(freedom, 0.025) * math.sqrt((freedom + 1) / freedom)))
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return float(low), float(high)


def _resample(units: int) -> NDArray[np.intp]:
    """Draw units with replacement, shape (RESAMPLES, units).

    Equal numbers of units give equal draws, so that differences are paired.
    """
    return np.random.default_rng(SEED).integers(units, size=(RESAMPLES, units))


def estimate_rate(hits: int, tries: int) -> Estimate:
    """Return a rate with Wilson's interval, which suits few tries."""
    if not tries:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0)
    from scipy.stats import binomtest  # takes a second

    rate, interval = hits / tries, binomtest(hits, tries).proportion_ci(method="wilson")
    # Rounding could put a rate of 0 or 1 outside its interval.
    return Estimate(
        value=rate,
        low=min(max(float(interval.low), 0.0), rate),
        high=max(min(float(interval.high), 1.0), rate),
        units=tries,
    )


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p of the exact sign test; ties are left out."""
    from scipy.stats import binomtest

    return float(binomtest(min(wins, losses), wins + losses).pvalue) if wins + losses else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A paper that was drawn for exploration."""

    liked: bool
    #: with which it was drawn, and the number of papers that competed
    probability: float
    candidates: int


def reweigh(drawn: Sequence[Drawn]) -> tuple[Estimate, float]:
    """Estimate how often an evenly drawn paper would be liked, from uneven draws.

    Inverse propensity weights, relative to an even draw, are normalised by their sum (Hajek's
    estimator: slightly biased, much less variance).

    Returns:
        The rate, and the effective sample size (Kish): how many even draws the weights are worth.
    """
    if not drawn:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, units=0), 0.0
    weights = np.array([1 / (paper.probability * paper.candidates) for paper in drawn])
    liked = np.array([paper.liked for paper in drawn], dtype=np.float64)
    value = float((weights * liked).sum() / weights.sum())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    low = high = math.nan
    if len(drawn) >= 2:
        places = _resample(len(drawn))
        resampled = (weights * liked)[places].sum(axis=1) / weights[places].sum(axis=1)
        low, high = _percentile_interval(resampled, effective)
        if not 0 < liked.sum() < len(liked):
            # All resamples would be equal; the interval of a plain rate is wider and holds.
            plain = estimate_rate(round(value * effective), max(round(effective), 1))
            low, high = plain.low, plain.high
    return Estimate(value=value, low=low, high=high, units=len(drawn)), effective
