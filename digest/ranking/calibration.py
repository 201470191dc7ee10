"""Scores -> the probability of a thumb up: the match that readers see.

Values of different readers have no scale in common. What they share is how far a value stands
above the reader's recent papers (the standard score), how many thumbs it was learned from, and how
often that reader's thumb goes up. A logistic regression with priors turns these into one log odds
that never falls as the standard score rises. An isotonic regression on equal-count bins then
recalibrates it to the observed shares, and each bin is shrunk towards the logistic regression.
All readers' ratings are pooled.

Knows no paper and no reader. Callers decide what to show before there are enough ratings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from digest.model import Score

#: with fewer ratings a match is shown in words
MIN_RATINGS = 200
#: ratings in a bin of the isotonic regression at least, and bins at most
BIN_SIZE, MAX_BINS = 40, 25
#: ratings that the logistic regression counts for in each bin (shrinkage)
PRIOR_RATINGS = 12.0
#: probabilities are clipped to these: no number of ratings makes certainty
LOWEST, HIGHEST = 0.01, 0.99
#: folds of the cross-validation that measures the error
_FOLDS = 5
#: Gaussian priors of the weights of: constant, standard score, number of thumbs, share of thumbs up
_PRIOR_MEAN = np.array([0.0, 0.5, 0.0, 0.5])
_PRIOR_DEVIATION = np.array([2.0, 1.0, 0.3, 0.7])
#: which of these weights belongs to the standard score
_STANDARD_SCORE = 1
#: log odds that differ by less are equal
_TOLERANCE = 1e-9
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RatedScores:
    """Scores of papers that were shown and then rated; one row each, in any order."""

    #: `Score.standard`, shape (n,)
    standard: NDArray[np.float64]
    #: thumbs that the score was learned from, shape (n,) each
    thumbs_up: NDArray[np.float64]
    thumbs_down: NDArray[np.float64]
    #: whether the thumb that followed was up, shape (n,)
    liked: NDArray[np.bool_]

    def __post_init__(self) -> None:
        columns = (self.standard, self.thumbs_up, self.thumbs_down, self.liked)
        if len({len(column) for column in columns}) != 1:
            raise ValueError("columns of rated scores differ in length")

    def select(self, mask: NDArray[np.bool_]) -> RatedScores:
        """Return the rows where a boolean mask is true."""
        return RatedScores(
            standard=self.standard[mask],
            thumbs_up=self.thumbs_up[mask],
            thumbs_down=self.thumbs_down[mask],
            liked=self.liked[mask],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A map from scores to the probability of a thumb up.

    A higher score of the same reader never has a lower probability. Field names are part of the
    stored format.
    """

    #: number of rated scores that it was fitted to
    ratings: int
    #: cross-validated calibration error; None where there are too few ratings
    error: float | None = None
    #: how many exploration papers were rated, which are never fitted to
    explored: int = 0
    #: calibration error on these; None where there are too few
    explored_error: float | None = None
    #: of the logistic regression: constant, standard score, number of thumbs, share of thumbs up
    weights: tuple[float, ...] = tuple(_PRIOR_MEAN.tolist())
    #: bins of the isotonic regression: (predicted log odds, observed log odds), both ascending
    steps: tuple[tuple[float, float], ...] = ()

    def probabilities(
        self,
        standard: NDArray[np.float64],
        thumbs_up: NDArray[np.float64],
        thumbs_down: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the probability of a thumb up for each row, 0.01 to 0.99, shape (n,)."""
        log_odds = _features(standard, thumbs_up, thumbs_down) @ np.array(self.weights)
        if self.steps:
            predicted, observed = np.array(self.steps).T
            # Outside the bins the slope is halved: the logistic regression cannot know whether
            # the curve levels out there.
            inside = np.clip(log_odds, predicted[0], predicted[-1])
            log_odds = np.interp(inside, predicted, observed) + (log_odds - inside) / 2
        return np.clip(_logistic(log_odds), LOWEST, HIGHEST)

    def matches(
        self, standard: NDArray[np.float64], *, thumbs_up: int, thumbs_down: int
    ) -> Sequence[int | None]:
        """Return the match of each score of one reader, in per cent; None while in words."""
        if not self.has_enough_ratings:
            return [None] * len(standard)
        ones = np.ones(len(standard))
        probabilities = self.probabilities(standard, ones * thumbs_up, ones * thumbs_down)
        return [round(100 * probability) for probability in probabilities.tolist()]

    @property
    def has_enough_ratings(self) -> bool:
        """Whether matches may be shown as numbers instead of words."""
        return self.ratings >= MIN_RATINGS

    def __str__(self) -> str:
        error = "" if self.error is None else f", off by {100 * self.error:.0f} in 100"
        return f"from {self.ratings} ratings{error}"

    def to_bytes(self) -> bytes:
        return msgspec.json.encode({"format": _FORMAT, "calibration": self})

    @classmethod
    def from_bytes(cls, data: bytes) -> Calibration:
        """Read what `to_bytes` of this version wrote.

        Raises:
            ValueError: it did not; the calibration has to be fitted anew.
        """
        try:
            stored = msgspec.json.decode(data)
            if stored["format"] != _FORMAT:
                raise ValueError(
                    f"a calibration of format {stored['format']}, and {_FORMAT} is read here"
                )
            calibration = msgspec.convert(stored["calibration"], cls)
        except (msgspec.DecodeError, KeyError, TypeError, msgspec.ValidationError) as error:
            raise ValueError(f"a stored calibration cannot be read: {error}") from error
        weights = len(calibration.weights)
        if weights != len(_PRIOR_MEAN):
            raise ValueError(f"a stored calibration cannot be read: {weights} weights")
        return calibration


def match_label(score: Score) -> str:
    """Return what a reader sees: "83 % match", or a word where there is no number."""
    return score.word if score.match is None else f"{score.match} % match"


# ----------------------------------------------------------------------------------------------
# fitting


def fit(ratings: RatedScores, explored: RatedScores | None = None) -> Calibration:
    """Fit a calibration to ratings, and measure its error.

    Any number of ratings will do, even none: the fewer there are, the closer the result stays to
    the priors. Equal input gives equal output.

    Args:
        ratings: papers that were chosen by their score.
        explored: papers that were drawn for exploration; only the error on them is measured.
    """
    calibration = _fit(ratings)
    explored_error = None
    if explored is not None and len(explored.liked) >= BIN_SIZE:
        explored_error = calibration_error(_predict(calibration, explored), explored.liked)
    return replace(
        calibration,
        error=_cross_validate(ratings) if calibration.has_enough_ratings else None,
        explored=0 if explored is None else len(explored.liked),
        explored_error=explored_error,
    )


def calibration_error(probabilities: NDArray[np.float64], liked: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over up to ten equal-count bins.

    It is the mean distance, 0-1, between predicted probability and observed share of thumbs up;
    0 without ratings.
    """
    if not len(probabilities):
        return 0.0
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, max(1, min(10, len(order) // BIN_SIZE)))
    return float(
        sum(len(rows) * abs(probabilities[rows].mean() - liked[rows].mean()) for rows in bins)
        / len(order)
    )


def _predict(calibration: Calibration, ratings: RatedScores) -> NDArray[np.float64]:
    return calibration.probabilities(ratings.standard, ratings.thumbs_up, ratings.thumbs_down)


def _cross_validate(ratings: RatedScores) -> float:
    """Return the calibration error, each fold predicted by a fit to the others."""
    folds = np.arange(len(ratings.liked)) % _FOLDS
    probabilities = np.empty(len(ratings.liked))
    for fold in range(_FOLDS):
        probabilities[folds == fold] = _predict(
            _fit(ratings.select(folds != fold)), ratings.select(folds == fold)
        )
    return calibration_error(probabilities, ratings.liked)


def _fit(rated_scores: RatedScores) -> Calibration:
    """Fit a logistic curve, then correct it by bins."""
    features = _features(rated_scores.standard, rated_scores.thumbs_up, rated_scores.thumbs_down)
    liked = rated_scores.liked.astype(np.float64)
    weights = _fit_logistic(features, liked)
    return Calibration(
        ratings=len(liked),
        weights=tuple(weights.tolist()),
        steps=_fit_bins(features @ weights, liked),
    )


def _features(
    standard: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the inputs of the logistic regression, shape (n, 4)."""
    # A few papers stand very high above the rest, hence logarithms that keep the sign.
    finite = np.nan_to_num(standard, nan=0.0, posinf=1e6, neginf=-1e6)
    return np.stack(
        (
            np.ones(len(finite)),
            np.sign(finite) * np.log1p(np.abs(finite)),
            np.log1p(up + down),
            np.log((up + 2) / (down + 2)),
        ),
        axis=1,
    )


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), dtype=np.float64)


def _fit_logistic(features: NDArray[np.float64], liked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maximum a posteriori weights; the standard score's is not negative.

    Own code because scikit-learn's logistic regression has neither a prior mean other than 0 nor
    a bound on a weight.
    """
    # Imported here: it takes a second, and most processes fit nothing.
    from scipy.optimize import minimize

    precision = 1 / _PRIOR_DEVIATION**2

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds, shift = features @ weights, weights - _PRIOR_MEAN
        gradient = features.T @ (_logistic(log_odds) - liked) + precision * shift
        likelihood = np.logaddexp(0, log_odds).sum() - liked @ log_odds
        return float(likelihood + 0.5 * (precision * shift**2).sum()), gradient

    optimum = minimize(
        loss,
        _PRIOR_MEAN,
        jac=True,
        method="L-BFGS-B",
        bounds=[
            (0.0 if number == _STANDARD_SCORE else None, None) for number in range(len(_PRIOR_MEAN))
        ],
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return np.asarray(optimum.x, dtype=np.float64)


def _fit_bins(
    log_odds: NDArray[np.float64], liked: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """Return predicted and observed log odds of equal-count bins, both ascending.

    Args:
        log_odds: predictions of the logistic regression, shape (n,).
        liked: 1.0 for a thumb up and 0.0 for one down, shape (n,).
    """
    from scipy.optimize import isotonic_regression

    count = min(MAX_BINS, len(log_odds) // BIN_SIZE)
    if count < 1:
        return ()
    bins = np.array_split(np.argsort(log_odds, kind="stable"), count)
    predicted = np.array([log_odds[rows].mean() for rows in bins])
    prior = np.array([_logistic(log_odds[rows]).mean() for rows in bins])
    sizes = np.array([len(rows) for rows in bins]) + PRIOR_RATINGS
    ups = np.array([liked[rows].sum() for rows in bins]) + PRIOR_RATINGS * prior

    # First bins of equal predictions are pooled, then those that the isotonic regression merges.
    starts = np.flatnonzero(np.diff(predicted, prepend=-np.inf) > _TOLERANCE)
    predicted, ups, sizes = _pool(starts, sizes, predicted * sizes, ups)
    starts = isotonic_regression(ups / sizes, weights=sizes).blocks[:-1]
    predicted, ups, sizes = _pool(starts, sizes, predicted * sizes, ups)
    shares = ups / sizes
    observed = np.log(shares / (1 - shares))
    return tuple(zip(predicted.tolist(), observed.tolist(), strict=True))


def _pool(
    starts: NDArray[np.int64],
    sizes: NDArray[np.float64],
    weighted_predictions: NDArray[np.float64],
    ups: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Merge runs of bins, given their starts: mean prediction, thumbs up and size."""
    pooled = np.add.reduceat(sizes, starts)
    return (
        np.add.reduceat(weighted_predictions, starts) / pooled,
        np.add.reduceat(ups, starts),
        pooled,
    )
