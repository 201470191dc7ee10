"""The recipes by name: the service's own, and what it is measured against."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp
from msgspec import structs
from numpy.typing import NDArray

from digest.errors import ConfigError
from digest.model import Part, Score
from digest.ranking import profiles, scores
from digest.ranking.recipes.per_interest import words_of
from digest.ranking.recipes.recipe import Known, Recipe

#: what a thumb down takes from a centroid beside what a thumb up adds
_AWAY = 0.25


# ----------------------------------------------------------------------------------------------
# what is learned


def _all(readers: Sequence[Known], background: profiles.Background) -> list[profiles.Profile]:
    given = [
        profiles.Given(
            interests=known.interests,
            phrases=known.phrases,
            liked=known.liked,
            disliked=known.disliked,
            examples=known.examples,
            ignored=known.ignored,
            ignored_weight=known.ignored_weight,
        )
        for known in readers
    ]
    found = profiles.train_all(given, background)
    return [
        replace(profile, lifts=known.lifts) if known.lifts else profile
        for profile, known in zip(found, readers, strict=True)
    ]


def _words(readers: Sequence[Known], background: profiles.Background) -> list[profiles.Profile]:
    given = [
        profiles.Given(liked=known.liked, disliked=known.disliked, examples=known.examples)
        for known in readers
    ]
    return profiles.train_all(given, background)


def _keywords(readers: Sequence[Known], background: profiles.Background) -> list[profiles.Profile]:
    return profiles.train_all(
        [profiles.Given(interests=known.interests, phrases=known.phrases) for known in readers],
        background,
    )


def _nothing(readers: Sequence[Known], background: profiles.Background) -> list[profiles.Profile]:
    return [replace(profiles.train((), background), step="recent")] * len(readers)


def _centroids(readers: Sequence[Known], background: profiles.Background) -> list[profiles.Profile]:
    return [_centroid(known, background) for known in readers]


def _centroid(known: Known, background: profiles.Background) -> profiles.Profile:
    liked, disliked = known.liked, known.disliked
    columns, weights = _mean(words_of(liked), words_of(disliked))
    return replace(
        profiles.train((), background),
        step="centroid" if len(columns) else "trending",
        thumbs_up=len(liked.ids),
        thumbs_down=len(disliked.ids),
        base=columns,
        at=np.arange(len(columns), dtype=np.int32),
        weights=weights.astype(np.float32),
        near=(liked,),
    )


def _mean(
    liked: sp.csr_matrix, disliked: sp.csr_matrix
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights, of length 1, of the mean liked paper less a share of the mean disliked
    one; empty where nothing is liked.
    """
    if not liked.nnz:
        return np.empty(0, np.int32), np.empty(0)
    columns = np.unique(liked.indices)
    weights = np.asarray(liked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    if disliked.nnz:
        weights -= _AWAY * np.asarray(disliked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    length = float(np.sqrt(weights @ weights))
    return columns.astype(np.int32), weights / (length or 1.0)


# ----------------------------------------------------------------------------------------------
# newest first


def _newness(readers: Sequence[profiles.Profile], day: scores.Day) -> list[scores.Scored]:
    days = np.array([paper.first_seen.toordinal() for paper in day.papers], dtype=np.float64)
    return [scores.scored(days, days)] * len(readers)


def _newest(
    _: profiles.Profile, day: scores.Day, scored: scores.Scored, among: Collection[int]
) -> Iterator[Score]:
    for score in scores.rank(scored, day, among):
        told = Part(
            kind="recency", name=date.fromordinal(int(score.value)).isoformat(), value=score.value
        )
        yield structs.replace(score, parts=(told,), rest=0.0)


# ---------------------------------------------------------------------------------------------- by
# name

#: the recipe that a service uses unless its config names another
OWN = "learned"

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(
                name=OWN,
                about="interests, thumbs and what is trending, learned anew each round",
                learn_all=_all,
                apart=True,
            ),
            Recipe(
                name="words",
                about="words of rated papers alone (tf-idf), no interests",
                learn_all=_words,
            ),
            Recipe(
                name="centroid",
                about="words of the mean liked paper (tf-idf)",
                learn_all=_centroids,
            ),
            Recipe(name="keywords", about="interests alone, thumbs ignored", learn_all=_keywords),
            Recipe(
                name="recent",
                about="newest first",
                learn_all=_nothing,
                score_all=_newness,
                reasons=_newest,
            ),
        )
    }
)


def named(name: str, key: str) -> Recipe:
    """The recipe of that name.

    Args:
        key: the setting that it comes from, for the message.

    Raises:
        ConfigError: there is none.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"{key} = {name!r}: there is no such recipe. Known are: {', '.join(RECIPES)}"
        )
    return RECIPES[name]
