"""Evidence -> the chance of a thumb up: the one number that decides what is listed.

The chance is meant for a reader who judges the paper. It is a logistic regression on the evidence
of `scores.evidence`, the same for all readers. Its weights begin as those of days that were read
whole (`PRIOR`) and move with the readers' own ratings, a little with each: the fit is the maximum
a posteriori estimate with Gaussian priors around these weights.

Knows no paper and no reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

#: chances are clipped to these: no number of ratings makes certainty
LOWEST, HIGHEST = 0.01, 0.99
#: weight of a paper that was listed and left without a thumb, in a digest with some, beside a
#: thumb. By trial: 0.1 serves best where readers rate a third to all of what they like
UNRATED_WEIGHT = 0.1
#: ratings from which the error of the chances is measured
MIN_RATINGS = 200
#: ratings in a bin of the measured error at least
BIN_SIZE = 40
#: folds of the cross-validation that measures the error
_FOLDS = 5
_FORMAT = 2


class _Prior(NamedTuple):
    """What is expected of one weight before any rating."""

    mean: float
    #: standard deviation: how far ratings move it easily
    deviation: float
    #: 1 = it is never negative, 0 = it may have any sign
    sign: int


#: the constant, then a weight for each column of `scores.EVIDENCE`. Fitted by
#: `tests/bench/judged_days.py` to four real days of arXiv on which every paper was judged for six
#: readers. With deviations four times as large the first twenty thumbs of one reader did harm there
_PRIORS = (
    _Prior(-7.17, 0.4, 0),
    _Prior(2.94, 0.2, 1),  # score
    _Prior(1.73, 0.2, 1),  # typed
    _Prior(0.98, 0.2, 1),  # learned
    _Prior(0.53, 0.2, 1),  # title
    _Prior(1.93, 0.2, 1),  # confirmed
    _Prior(0.71, 0.2, 1),  # category
    _Prior(0.28, 0.2, 0),  # untyped
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RatedEvidence:
    """Papers that were shown and then judged; one row each, in any order."""

    #: what was known of each, shape (n, EVIDENCE)
    evidence: NDArray[np.float64]
    #: whether a thumb up followed, shape (n,)
    liked: NDArray[np.bool_]
    #: how much each counts, 0-1, shape (n,)
    weight: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.evidence.shape != (len(self.liked), len(_PRIORS) - 1):
            raise ValueError(
                f"evidence of shape {self.evidence.shape} for {len(self.liked)} papers and "
                f"{len(_PRIORS) - 1} columns"
            )
        if len(self.weight) != len(self.liked):
            raise ValueError("columns of rated papers differ in length")

    def select(self, mask: NDArray[np.bool_]) -> RatedEvidence:
        """Return the rows where a boolean mask is true."""
        return RatedEvidence(
            evidence=self.evidence[mask], liked=self.liked[mask], weight=self.weight[mask]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A map from evidence to the chance of a thumb up.

    Field names are part of the stored format.
    """

    #: number of thumbs that it was fitted to
    ratings: int = 0
    #: cross-validated calibration error; None where there are too few ratings
    error: float | None = None
    #: how many exploration papers were rated, which are never fitted to
    explored: int = 0
    #: calibration error on these; None where there are too few
    explored_error: float | None = None
    #: the constant, then the weight of each column of the evidence
    weights: tuple[float, ...] = tuple(prior.mean for prior in _PRIORS)

    def chances(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of a thumb up for each row of evidence, 0.01 to 0.99.

        Equal rows have equal chances, to the last bit, whatever else is asked for.

        Args:
            evidence: shape (..., columns); the chances have the shape (...,).
        """
        constant, *weights = self.weights
        # Not a product of matrices, which adds up in another order when there are more rows.
        log_odds = constant + (evidence * np.array(weights)).sum(axis=-1)
        return to_chances(log_odds)

    def __str__(self) -> str:
        if not self.ratings:
            return "from days that were judged in full"
        error = "" if self.error is None else f", off by {100 * self.error:.0f} in 100"
        thumbs = "1 thumb" if self.ratings == 1 else f"{self.ratings} thumbs"
        return f"from days that were judged in full and {thumbs}{error}"

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
        if weights != len(_PRIORS):
            raise ValueError(f"a stored calibration cannot be read: {weights} weights")
        return calibration


#: what is in force before any rating
PRIOR = Calibration()

# ----------------------------------------------------------------------------------------------
# fitting


def fit(rated: RatedEvidence, explored: RatedEvidence | None = None) -> Calibration:
    """Fit a calibration to ratings, and measure its error.

    Any number of ratings will do, even none: the fewer there are, the closer the result stays to
    the prior. Equal input gives equal output.

    Args:
        rated: papers that were chosen by their chance.
        explored: papers that were drawn for exploration; only the error on them is measured.
    """
    ratings = int((rated.weight >= 1).sum())
    calibration = Calibration(ratings=ratings, weights=_fit_weights(rated))
    explored_error = None
    if explored is not None and len(explored.liked) >= BIN_SIZE:
        explored_error = calibration_error(calibration.chances(explored.evidence), explored.liked)
    return replace(
        calibration,
        error=_cross_validate(rated) if ratings >= MIN_RATINGS else None,
        explored=0 if explored is None else len(explored.liked),
        explored_error=explored_error,
    )


def calibration_error(
    chances: NDArray[np.float64],
    liked: NDArray[np.bool_],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Return the expected calibration error over up to ten equal-count bins.

    It is the mean distance, 0-1, between predicted chance and observed share of thumbs up; 0
    without ratings.
    """
    if not len(chances):
        return 0.0
    weight = np.ones(len(chances)) if weight is None else weight
    order = np.argsort(chances, kind="stable")
    bins = np.array_split(order, max(1, min(10, len(order) // BIN_SIZE)))
    distances = [abs(float(weight[rows] @ (chances[rows] - liked[rows]))) for rows in bins]
    return float(sum(distances) / weight.sum())


def _cross_validate(rated: RatedEvidence) -> float:
    """Return the calibration error, each fold predicted by a fit to the others."""
    folds = np.arange(len(rated.liked)) % _FOLDS
    chances = np.empty(len(rated.liked))
    for fold in range(_FOLDS):
        fitted = Calibration(weights=_fit_weights(rated.select(folds != fold)))
        chances[folds == fold] = fitted.chances(rated.evidence[folds == fold])
    return calibration_error(chances, rated.liked, rated.weight)


def _fit_weights(rated: RatedEvidence) -> tuple[float, ...]:
    """Return the maximum a posteriori weights, of the signs that are expected.

    Own code because scikit-learn's logistic regression has neither a prior mean other than 0 nor
    a bound on a weight.
    """
    # Imported here: it takes a second, and most processes fit nothing.
    from scipy.optimize import minimize

    means = np.array([prior.mean for prior in _PRIORS])
    precision = np.array([prior.deviation for prior in _PRIORS]) ** -2.0
    columns = np.column_stack((np.ones(len(rated.liked)), rated.evidence))
    liked = rated.liked.astype(np.float64)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds, shift = columns @ weights, weights - means
        likelihood = rated.weight @ (np.logaddexp(0, log_odds) - liked * log_odds)
        gradient = columns.T @ (rated.weight * (_logistic(log_odds) - liked)) + precision * shift
        return float(likelihood + 0.5 * precision @ shift**2), gradient

    optimum = minimize(
        loss,
        means,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0 if prior.sign else None, None) for prior in _PRIORS],
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return tuple(optimum.x.tolist())


def to_chances(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances, 0.01 to 0.99, of log odds; the shapes are equal."""
    return np.clip(_logistic(log_odds), LOWEST, HIGHEST)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), dtype=np.float64)
