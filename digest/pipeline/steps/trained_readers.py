"""A reader with the profiles that rank for them, how they are trained, and by which recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from digest.config import Config
from digest.model import Subscriber
from digest.ranking import profiles, recipes, team_draft


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeSplit:
    """The recipe that ranks, and a second one to compare it with.

    The two share the digests of some readers.
    """

    recipe: str
    #: "" = none
    recipe_b: str = ""
    #: per cent of the readers whose digests both recipes share
    share: int = 0

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(
            recipe=config.digest.recipe,
            recipe_b=config.evaluate.recipe_b,
            share=config.evaluate.share,
        )

    @property
    def names(self) -> tuple[str, ...]:
        return (self.recipe, self.recipe_b) if self.recipe_b else (self.recipe,)

    def of(self, reader: Subscriber) -> tuple[str, ...]:
        """The recipes that choose for one reader."""
        both = (self.recipe, self.recipe_b)
        if self.recipe_b and team_draft.takes_part(reader.id, self.share, both):
            return both
        return (self.recipe,)


#: what begins the name of a recommender of others, so that it is never that of a recipe
SYSTEM_PREFIX = "api:"
_SYSTEM_MAX = 40


def system_name(key_name: str) -> str:
    """Return the team name of a recommender of others, by the name of its key."""
    return (SYSTEM_PREFIX + " ".join(key_name.split()))[:_SYSTEM_MAX]


def takes_part(config: Config, subscriber_id: int) -> bool:
    """Return whether recommenders of others may choose for a reader; the same on every day."""
    settings = config.evaluate
    teams = (config.digest.recipe, SYSTEM_PREFIX)
    return settings.recommenders and team_draft.takes_part(subscriber_id, settings.share, teams)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedReader:
    """A reader, what is known of their taste, and the profiles trained from it."""

    subscriber: Subscriber
    training_data: profiles.TrainingData
    #: ids of papers that the reader has rated or gave as examples
    rated_ids: frozenset[int] = frozenset()
    #: recipe -> one profile for each interest
    profiles: Mapping[str, tuple[recipes.TrainedProfile, ...]] = field(default_factory=dict)


def train_profiles(
    split: RecipeSplit, background: profiles.Background, readers: Sequence[TrainedReader]
) -> list[TrainedReader]:
    """Train by every recipe that ranks for a reader.

    It is pure, so any worker can run it.
    """
    trained: list[dict[str, tuple[recipes.TrainedProfile, ...]]] = [{} for _ in readers]
    for name in split.names:
        numbers = [n for n, reader in enumerate(readers) if name in split.of(reader.subscriber)]
        data = [readers[number].training_data for number in numbers]
        trained_here = recipes.train_all(recipes.RECIPES[name], data, background)
        for number, profiles_of_one in zip(numbers, trained_here, strict=True):
            trained[number][name] = profiles_of_one
    return [
        replace(reader, profiles=profiles_of_one)
        for reader, profiles_of_one in zip(readers, trained, strict=True)
    ]
