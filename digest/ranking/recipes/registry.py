"""The recipes by name: the service's own, and the baselines to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from digest.errors import ConfigError
from digest.ranking import profiles
from digest.ranking.recipes import baselines
from digest.ranking.recipes.linear import (
    linear_svc,
    logistic_regression,
    ridge_classifier,
    sklearn_recipe,
)
from digest.ranking.recipes.recipe import Recipe

#: the recipe that a service uses unless its configuration names another
DEFAULT_RECIPE = "learned"

_RECIPES = (
    Recipe(
        name=DEFAULT_RECIPE,
        about="interests, thumbs and what is trending, learned anew each round",
        train_all=profiles.train_all,
        per_interest=True,
        ranks_by_chance=True,
    ),
    Recipe(
        name="words",
        about="words of rated papers alone (tf-idf), no interests",
        train_all=baselines.train_without_interests,
    ),
    Recipe(
        name="centroid",
        about="words of the mean liked paper (tf-idf)",
        train_all=baselines.train_centroids,
    ),
    Recipe(
        name="keywords",
        about="interests alone, thumbs ignored",
        train_all=baselines.train_without_thumbs,
    ),
    sklearn_recipe("logistic", "logistic regression on the same ratings", logistic_regression),
    sklearn_recipe("ridge", "ridge regression on the same ratings", ridge_classifier),
    sklearn_recipe("svm", "linear support vector machine on the same ratings", linear_svc),
    Recipe(
        name="recent",
        about="newest first",
        train_all=baselines.train_nothing,
        score_all=baselines.score_by_date,
        find_reasons=baselines.name_dates,
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _RECIPES})


def get_recipe(name: str, key: str) -> Recipe:
    """Look up a recipe by its name.

    Args:
        name: the name of the recipe.
        key: the setting that holds the name, for the error message.

    Raises:
        ConfigError: no recipe has this name.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"{key} = {name!r}: there is no such recipe. Known are: {', '.join(RECIPES)}"
        )
    return RECIPES[name]
