"""What was shown and how it was rated -> the chance that a score means a thumb up: the match that
readers see.

Values of different readers have no scale in common. What they share is how far a value stands above
the reader's recent papers, how many thumbs it was learned from, and how often that reader's thumb
goes up. A logistic regression with priors makes one number of the three (a higher value never means
a lower chance); a few steps of equal size then bend it to what was observed, each held by the
regression until it has seen enough. Everything is pooled over readers.

Knows no paper and no reader; what to do before enough was rated is for others to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from digest.model import Score

#: ratings of shown papers before which a match stands in words
LEAST = 200
#: ratings a step of the curve is made of at least, and steps at most
STEP, STEPS = 40, 25
#: ratings that the regression counts for in each step
HELD = 12.0
#: no number of ratings makes certainty
LOWEST, HIGHEST = 0.01, 0.99
#: parts that the ratings are cut into, to measure each by what the others taught
_FOLDS = 5
#: mean and standard deviation of the priors: constant, standing, number of thumbs, share of thumbs
#: up
_PRIOR = np.array([0.0, 0.5, 0.0, 0.5])
_SPREAD = np.array([2.0, 1.0, 0.3, 0.7])
_STANDING = 1
#: heights and shares that differ by less are the same
_SAME = 1e-9
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shown:
    """Papers that were shown and rated; one row each, in any order."""

    #: `Score.standard`, shape (n,)
    standard: NDArray[np.float64]
    #: thumbs that the score was learned from, shape (n,) each
    thumbs_up: NDArray[np.float64]
    thumbs_down: NDArray[np.float64]
    #: whether the thumb that followed was up, shape (n,)
    liked: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if (
            len(
                {
                    len(column)
                    for column in (self.standard, self.thumbs_up, self.thumbs_down, self.liked)
                }
            )
            != 1
        ):
            raise ValueError("columns of shown papers differ in length")

    def among(self, chosen: NDArray[np.bool_]) -> Shown:
        """The rows that are chosen by a mask."""
        return Shown(
            standard=self.standard[chosen],
            thumbs_up=self.thumbs_up[chosen],
            thumbs_down=self.thumbs_down[chosen],
            liked=self.liked[chosen],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """From a score to the chance of a thumb up; a higher score of the same reader never has a lower
    chance.
    """

    #: papers, shown and rated, that it was learned from
    ratings: int
    #: mean distance between the chance foretold and the share of thumbs up, over papers that it was
    #: not learned from; None where too few
    error: float | None = None
    #: the same of papers that were drawn to explore, from which nothing is learned, and how many
    #: were rated
    explored: int = 0
    explored_error: float | None = None
    #: of the regression: constant, standing, number of thumbs, share of thumbs up
    weights: tuple[float, ...] = tuple(_PRIOR.tolist())
    #: (log odds of the regression, log odds that were observed), both ascending
    steps: tuple[tuple[float, float], ...] = ()

    def chances(
        self,
        standard: NDArray[np.float64],
        thumbs_up: NDArray[np.float64],
        thumbs_down: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The chance of a thumb up, 0.01 to 0.99, shape (n,)."""
        odds = _features(standard, thumbs_up, thumbs_down) @ np.array(self.weights)
        if self.steps:
            foretold, observed = np.array(self.steps).T
            # Beyond the outermost steps half of what the regression says is believed: it knows
            # nothing of a curve that levels out.
            inside = np.clip(odds, foretold[0], foretold[-1])
            odds = np.interp(inside, foretold, observed) + (odds - inside) / 2
        return np.clip(_logistic(odds), LOWEST, HIGHEST)

    def matches(
        self, standard: NDArray[np.float64], *, thumbs_up: int, thumbs_down: int
    ) -> Sequence[int | None]:
        """The match of each score of one reader, in per cent; None each until enough was rated."""
        if not self.enough:
            return [None] * len(standard)
        thumbs = np.ones(len(standard))
        return [
            round(100 * chance)
            for chance in self.chances(standard, thumbs * thumbs_up, thumbs * thumbs_down).tolist()
        ]

    @property
    def enough(self) -> bool:
        """Whether so much was rated that numbers may stand for words."""
        return self.ratings >= LEAST

    def __str__(self) -> str:
        off = "" if self.error is None else f", off by {100 * self.error:.0f} in 100"
        return f"from {self.ratings} ratings{off}"

    def to_bytes(self) -> bytes:
        return msgspec.json.encode({"format": _FORMAT, "calibration": self})

    @classmethod
    def from_bytes(cls, data: bytes) -> Calibration:
        """Raises ValueError for what `to_bytes` of this version did not write: it is to be learned
        anew.
        """
        try:
            stored = msgspec.json.decode(data)
            if stored["format"] != _FORMAT:
                raise ValueError(
                    f"a calibration of format {stored['format']}, and {_FORMAT} is read here"
                )
            found = msgspec.convert(stored["calibration"], cls)
        except (msgspec.DecodeError, KeyError, TypeError, msgspec.ValidationError) as error:
            raise ValueError(f"a stored calibration cannot be read: {error}") from error
        if len(found.weights) != len(_PRIOR):
            raise ValueError(f"a stored calibration cannot be read: {len(found.weights)} weights")
        return found


def label(score: Score) -> str:
    """What a reader sees: "83 % match", or in words while nobody knows what a number is worth."""
    return score.word if score.match is None else f"{score.match} % match"


# ----------------------------------------------------------------------------------------------
# learning


def fit(shown: Shown, explored: Shown | None = None) -> Calibration:
    """The calibration that shown papers and their ratings teach; of `explored` papers only the
    error is measured.

    Any number of ratings will do, also none: the fewer, the nearer it stays to what is likely
    beforehand. Equal input, equal output.
    """
    made = _fit(shown)
    explored_error = None
    if explored is not None and len(explored.liked) >= STEP:
        explored_error = reliability(_chances(made, explored), explored.liked)
    return replace(
        made,
        error=_error(shown) if made.enough else None,
        explored=0 if explored is None else len(explored.liked),
        explored_error=explored_error,
    )


def reliability(chances: NDArray[np.float64], liked: NDArray[np.bool_]) -> float:
    """Mean distance, 0-1, between chance and share of thumbs up, over up to ten groups of equal
    size and like chance; 0 of nothing.
    """
    if not len(chances):
        return 0.0
    order = np.argsort(chances, kind="stable")
    groups = np.array_split(order, max(1, min(10, len(order) // STEP)))
    return float(
        sum(len(group) * abs(chances[group].mean() - liked[group].mean()) for group in groups)
        / len(order)
    )


def _chances(calibration: Calibration, shown: Shown) -> NDArray[np.float64]:
    return calibration.chances(shown.standard, shown.thumbs_up, shown.thumbs_down)


def _error(shown: Shown) -> float:
    """Reliability where each part is judged by what the others taught."""
    part = np.arange(len(shown.liked)) % _FOLDS
    chances = np.empty(len(shown.liked))
    for number in range(_FOLDS):
        chances[part == number] = _chances(
            _fit(shown.among(part != number)), shown.among(part == number)
        )
    return reliability(chances, shown.liked)


def _fit(shown: Shown) -> Calibration:
    features = _features(shown.standard, shown.thumbs_up, shown.thumbs_down)
    liked = shown.liked.astype(np.float64)
    weights = _regress(features, liked)
    return Calibration(
        ratings=len(liked), weights=tuple(weights.tolist()), steps=_steps(features @ weights, liked)
    )


def _features(
    standard: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shape (n, 4). A few papers stand very high above the rest: logarithms, with the sign kept."""
    standing = np.nan_to_num(standard, nan=0.0, posinf=1e6, neginf=-1e6)
    return np.stack(
        (
            np.ones(len(standing)),
            np.sign(standing) * np.log1p(np.abs(standing)),
            np.log1p(up + down),
            np.log((up + 2) / (down + 2)),
        ),
        axis=1,
    )


def _logistic(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), dtype=np.float64)


def _regress(features: NDArray[np.float64], liked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Most likely weights under the priors; that of the standing is never negative.

    scikit-learn's regression knows neither priors about another value than 0 nor a bound.
    """
    from scipy.optimize import (
        minimize,
    )  # with what it brings it takes a second to import, and most processes learn nothing

    precision = 1 / _SPREAD**2

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, off = features @ at, at - _PRIOR
        slope = features.T @ (_logistic(odds) - liked) + precision * off
        return float(
            np.logaddexp(0, odds).sum() - liked @ odds + 0.5 * (precision * off**2).sum()
        ), slope

    bounds = [(0.0 if number == _STANDING else None, None) for number in range(len(_PRIOR))]
    found = minimize(
        loss,
        _PRIOR,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return np.asarray(found.x, dtype=np.float64)


def _steps(
    odds: NDArray[np.float64], liked: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """What was observed at some heights of the regression, ascending in both."""
    count = min(STEPS, len(odds) // STEP)
    if count < 1:
        return ()
    groups = np.array_split(np.argsort(odds, kind="stable"), count)
    foretold = np.array([odds[group].mean() for group in groups])
    shares = np.array(
        [
            (liked[group].sum() + HELD * _logistic(odds[group]).mean()) / (len(group) + HELD)
            for group in groups
        ]
    )
    return _ascending(foretold, shares, np.array([len(group) + HELD for group in groups]))


def _ascending(
    heights: NDArray[np.float64], shares: NDArray[np.float64], sizes: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """Height and log odds, both ascending: neighbours out of order, or of the same height, are
    pooled until none are.
    """
    from sklearn.isotonic import isotonic_regression

    def pooled(
        apart: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        where = np.concatenate(([0], np.cumsum(apart)))
        whole = np.bincount(where, weights=sizes).astype(np.float64)
        return (
            np.bincount(where, sizes * heights) / whole,
            np.bincount(where, sizes * shares) / whole,
            whole,
        )

    heights, shares, sizes = pooled(np.diff(heights) > _SAME)
    heights, shares, _ = pooled(np.diff(isotonic_regression(shares, sample_weight=sizes)) > _SAME)
    return tuple(zip(heights.tolist(), np.log(shares / (1 - shares)).tolist(), strict=True))
