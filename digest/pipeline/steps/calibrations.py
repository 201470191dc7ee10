"""Calibrations of scores: the stored ones, when to fit again, and the progress."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from digest import store
from digest.model import SKEW
from digest.ranking import calibration
from digest.ranking.calibration import Calibration, RatedEvidence
from digest.ranking.scores import EVIDENCE
from digest.store.calibrations import Rating

log = logging.getLogger("digest.pipeline")

#: the latest ratings that are looked at: enough to tell 80 % from 85 % at every height
_MAX_RATINGS = 5000
#: fitted again after so many new ratings, or a twentieth of the ratings fitted before
_MIN_NEW_RATINGS, _NEW_RATINGS_SHARE = 10, 20
#: least time between two fits once there are many ratings
_MIN_INTERVAL = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationProgress:
    """How far a recipe's chances have moved from the prior to the readers' own ratings."""

    recipe: str
    #: what is in force
    calibration: Calibration

    @property
    def summary(self) -> str:
        return f"chances {self.calibration}"

    @property
    def json(self) -> dict[str, object]:
        return {
            "recipe": self.recipe,
            "ratings": self.calibration.ratings,
            # Matches were words until there were so many ratings.
            "needed": 0,
            "numbers": True,
            "error": self.calibration.error,
        }


def load_calibrations(tx: store.Connection) -> Mapping[str, Calibration]:
    """Read the calibrations in force, by recipe.

    One of an older format is left out until it is fitted again.
    """
    parsed = {
        recipe: _parse(recipe, stored.data)
        for recipe, stored in sorted(store.calibrations.load_all(tx).items())
    }
    return {recipe: known for recipe, known in parsed.items() if known is not None}


def ratings_to_fit(tx: store.Connection, now: datetime) -> dict[str, list[Rating]]:
    """Read the ratings to fit calibrations on, by recipe.

    There are none while it is too early.
    """
    stored = store.calibrations.load_all(tx)
    # A fit dated in the future, from a clock that ran ahead, does not say when to fit again.
    last_fit = max(
        (
            stored_fit.fitted_at
            for stored_fit in stored.values()
            if stored_fit.fitted_at <= now + SKEW
        ),
        default=None,
    )
    known = load_calibrations(tx)
    ratings = max((stored_fit.ratings for stored_fit in known.values()), default=0)
    if (
        ratings >= calibration.MIN_RATINGS
        and last_fit is not None
        and now < last_fit + _MIN_INTERVAL
    ):
        return {}
    enough = max(_MIN_NEW_RATINGS, ratings // _NEW_RATINGS_SHARE)
    if store.calibrations.count_votes_since(tx, last_fit if known else None, enough) < enough:
        return {}
    latest = store.calibrations.load_ratings(tx, _MAX_RATINGS)
    names = {rating.recipe for rating in latest} | set(stored)
    return {name: [rating for rating in latest if rating.recipe == name] for name in names}


def fit_calibration(ratings: Sequence[Rating]) -> Calibration:
    """Fit the calibration of one recipe.

    Ratings of exploration papers are passed separately. Those of pinned papers are left out, since
    a pinned paper is listed whatever its score.

    Args:
        ratings: the ratings of this recipe alone.
    """
    return calibration.fit(
        _rated_evidence([rating for rating in ratings if rating.slot == "normal"]),
        _rated_evidence(
            [rating for rating in ratings if rating.slot == "exploration" and rating.vote]
        ),
    )


def calibration_progress(tx: store.Connection, recipes: Sequence[str]) -> list[CalibrationProgress]:
    """Return the progress of each of these recipes."""
    known = load_calibrations(tx)
    return [
        CalibrationProgress(recipe=recipe, calibration=known.get(recipe, calibration.PRIOR))
        for recipe in recipes
    ]


def _parse(recipe: str, data: bytes) -> Calibration | None:
    try:
        return Calibration.from_bytes(data)
    except ValueError as error:
        log.info("calibrate recipe=%s: %s; it is fitted again", recipe, error)
        return None


def _rated_evidence(ratings: Sequence[Rating]) -> RatedEvidence:
    columns = len(EVIDENCE)
    known = [rating for rating in ratings if len(rating.evidence) == columns]
    return RatedEvidence(
        evidence=np.array([rating.evidence for rating in known]).reshape(len(known), columns),
        liked=np.array([rating.vote == 1 for rating in known], dtype=np.bool_),
        weight=np.array([1.0 if rating.vote else calibration.UNRATED_WEIGHT for rating in known]),
    )
