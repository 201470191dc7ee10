"""learn, for everybody at once: what a score has turned out to be worth, from papers that were
shown and rated.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from digest import store
from digest.app import App
from digest.model import SKEW
from digest.ranking import calibration
from digest.ranking.calibration import Calibration, RatedScores
from digest.store.calibrations import Rating

log = logging.getLogger("digest.pipeline")

#: thumbs looked at, the latest: enough to tell 80 % from 85 % at every height
_LATEST = 5000
#: learned anew when so many thumbs came since, or a twentieth of what it was learned from; and not
#: more often than this once it is in use
_FEW, _SHARE = 10, 20
_REST = timedelta(hours=6)


def recalibrate(app: App) -> None:
    """Learn the calibrations anew where enough thumbs have come since; costs one look at an index
    where not.
    """
    now = app.now()
    with app.store.reading() as tx:
        stored = store.calibrations.load_all(tx)
        # One that was learned when the clock ran ahead says nothing of when to learn again.
        last = max(
            (one.fitted_at for one in stored.values() if one.fitted_at <= now + SKEW), default=None
        )
        known = {
            recipe: one
            for recipe, data in stored.items()
            if (one := _read(recipe, data.data)) is not None
        }
        ratings = max((one.ratings for one in known.values()), default=0)
        if known and ratings >= calibration.MIN_RATINGS and last is not None and now < last + _REST:
            return
        wanted = max(_FEW, ratings // _SHARE)
        if store.calibrations.count_votes_since(tx, last if known else None, wanted) < wanted:
            return
        found = store.calibrations.load_ratings(tx, _LATEST)
    with app.store.writing() as tx:
        for recipe in {one.recipe for one in found} | set(stored):
            made = learned([one for one in found if one.recipe == recipe])
            store.calibrations.save(tx, recipe, made.to_bytes(), now=now)
            log.info("calibrate recipe=%s ratings=%d error=%s", recipe, made.ratings, made.error)


def learned(ratings: Sequence[Rating]) -> Calibration:
    """The calibration of one recipe.

    Papers drawn to explore are counted apart, and pinned ones would be listed whatever their score.
    """
    return calibration.fit(
        _shown([one for one in ratings if one.slot == "normal"]),
        _shown([one for one in ratings if one.slot == "exploration"]),
    )


def load_calibrations(tx: store.Connection) -> Mapping[str, Calibration]:
    """Those in force, by recipe; one of an older version is left out until it is learned anew."""
    read = {
        recipe: _read(recipe, one.data)
        for recipe, one in sorted(store.calibrations.load_all(tx).items())
    }
    return {recipe: one for recipe, one in read.items() if one is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationProgress:
    """How far a recipe is on the way from words to numbers."""

    recipe: str
    #: papers shown by the recipe and rated since, as far as a calibration learns from them
    ratings: int
    #: what is in force; None = words
    calibration: Calibration | None

    @property
    def told(self) -> str:
        if self.calibration is not None:
            return f"numbers, {self.calibration}"
        far = f"{self.ratings} of {calibration.MIN_RATINGS} ratings"
        if self.ratings < calibration.MIN_RATINGS:
            return f"{far}; matches are told in words until then"
        return f"{far}; matches are told in numbers from the next round on"

    @property
    def json(self) -> dict[str, object]:
        error = None if self.calibration is None else self.calibration.error
        return {
            "recipe": self.recipe,
            "ratings": self.ratings,
            "needed": calibration.MIN_RATINGS,
            "numbers": self.calibration is not None,
            "error": error,
        }


def calibration_progress(tx: store.Connection, recipes: Sequence[str]) -> list[CalibrationProgress]:
    """For each of these recipes."""
    known = load_calibrations(tx)
    in_force = {
        recipe: known[recipe]
        for recipe in recipes
        if recipe in known and known[recipe].has_enough_ratings
    }
    # Thumbs of the last hours are not learned from yet, but they are on the way; counting them
    # costs a look at each.
    rated = [] if len(in_force) == len(recipes) else store.calibrations.load_ratings(tx, _LATEST)
    return [
        CalibrationProgress(
            recipe=recipe,
            ratings=in_force[recipe].ratings
            if recipe in in_force
            else sum(one.recipe == recipe and one.slot == "normal" for one in rated),
            calibration=in_force.get(recipe),
        )
        for recipe in recipes
    ]


def _read(recipe: str, data: bytes) -> Calibration | None:
    try:
        return Calibration.from_bytes(data)
    except ValueError as error:
        log.info("calibrate recipe=%s: %s; it is learned anew", recipe, error)
        return None


def _shown(ratings: Sequence[Rating]) -> RatedScores:
    return RatedScores(
        standard=np.array([one.standard for one in ratings], dtype=np.float64),
        thumbs_up=np.array([one.thumbs_up for one in ratings], dtype=np.float64),
        thumbs_down=np.array([one.thumbs_down for one in ratings], dtype=np.float64),
        liked=np.array([one.vote == 1 for one in ratings], dtype=np.bool_),
    )
