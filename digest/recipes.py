"""Named ways to rank the day's papers for a reader: the service's own, and what it is measured against.

Pure, like the stages that it is made of: it joins `features`, `profiles` and `scores` into one value a recipe, so that composing, sharing a
digest between two recipes and replaying the past all rank by the same code. To add a recipe, write how a profile is learned and add an entry
to `RECIPES`; scoring and explaining are those of `scores` unless the recipe brings its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import features, profiles, scores
from digest.errors import ConfigError
from digest.model import Interest, Part, Score

#: what a thumb down takes from a centroid beside what a thumb up adds
_AWAY = 0.25


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """All that a recipe may know of a reader."""

    interests: tuple[Interest, ...]
    phrases: tuple[features.Phrase, ...]
    liked: profiles.Rated
    disliked: profiles.Rated
    examples: profiles.Rated


Learn = Callable[[Known, profiles.Background], profiles.Profile]
Values = Callable[[profiles.Profile, scores.Day], NDArray[np.float64]]
Explain = Callable[[profiles.Profile, scores.Day, Collection[int]], Iterator[Score]]


def _explain(profile: profiles.Profile, day: scores.Day, among: Collection[int]) -> Iterator[Score]:
    return scores.explain(profile, day, words_of=features.words_of, among=among)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One way to rank: what it learns of a reader, and how it scores with that."""

    name: str
    #: in a few words, for tables
    about: str
    learn: Learn
    #: the value of every competing paper of a day, shape (competing,); only the order means something
    score: Values = field(default=scores.score)
    #: scores with their reasons, best first, of the papers whose ids are given
    explain: Explain = field(default=_explain)


# ---------------------------------------------------------------------------------------------- what is learned


def _all(known: Known, background: profiles.Background) -> profiles.Profile:
    return profiles.train(
        known.interests, background, phrases=known.phrases, liked=known.liked, disliked=known.disliked, examples=known.examples
    )


def _words(known: Known, background: profiles.Background) -> profiles.Profile:
    return profiles.train((), background, liked=known.liked, disliked=known.disliked, examples=known.examples)


def _keywords(known: Known, background: profiles.Background) -> profiles.Profile:
    return profiles.train(known.interests, background, phrases=known.phrases)


def _nothing(_: Known, background: profiles.Background) -> profiles.Profile:
    return replace(profiles.train((), background), step="recent")


def _centroid(known: Known, background: profiles.Background) -> profiles.Profile:
    liked, disliked = known.liked, known.disliked
    columns, weights = _mean(liked.rows, disliked.rows)
    return replace(
        profiles.train((), background),
        step="centroid" if len(columns) else "trending",
        thumbs_up=len(liked.ids),
        thumbs_down=len(disliked.ids),
        columns=columns,
        weights=weights,
        near=liked,
    )


def _mean(liked: sp.csr_matrix, disliked: sp.csr_matrix) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights, of length 1, of the mean liked paper less a share of the mean disliked one; empty where nothing is liked."""
    if not liked.nnz:
        return np.empty(0, np.int32), np.empty(0)
    columns = np.unique(liked.indices)
    weights = np.asarray(liked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    if disliked.nnz:
        weights -= _AWAY * np.asarray(disliked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    length = float(np.sqrt(weights @ weights))
    return columns.astype(np.int32), weights / (length or 1.0)


# ---------------------------------------------------------------------------------------------- newest first


def _newness(_: profiles.Profile, day: scores.Day) -> NDArray[np.float64]:
    return np.array([paper.first_seen.toordinal() for paper in day.papers], dtype=np.float64)


def _newest(profile: profiles.Profile, day: scores.Day, among: Collection[int]) -> Iterator[Score]:
    days = _newness(profile, day)
    for place in np.lexsort((day.ids[: day.competing], -days)).tolist():
        paper = day.papers[place]
        if paper.id in among:
            value = float(days[place])
            match = int(100 * np.mean(days < value))
            part = Part(kind="recency", name=paper.first_seen.isoformat(), value=value)
            yield Score(paper_id=paper.id, value=value, match=match, parts=(part,))


# ---------------------------------------------------------------------------------------------- by name

#: the recipe that a service uses unless its config names another
OWN = "learned"

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(name=OWN, about="interests, thumbs and what is trending, learned anew each round", learn=_all),
            Recipe(name="words", about="words of rated papers alone (tf-idf), no interests", learn=_words),
            Recipe(name="centroid", about="words of the mean liked paper (tf-idf)", learn=_centroid),
            Recipe(name="keywords", about="interests alone, thumbs ignored", learn=_keywords),
            Recipe(name="recent", about="newest first", learn=_nothing, score=_newness, explain=_newest),
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
        raise ConfigError(f"{key} = {name!r}: there is no such recipe. Known are: {', '.join(RECIPES)}")
    return RECIPES[name]
