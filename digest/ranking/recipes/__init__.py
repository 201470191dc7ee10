"""Named ways to rank the day's papers: the service's own and its baselines.

A recipe joins `features`, `profiles` and `scores` into one value. So composing a digest, sharing a
digest between two recipes and replaying the past all rank by the same code. To add a recipe, write
how its profiles are trained and add an entry in `registry`; `scores` scores and explains unless the
recipe brings its own functions.
"""

from digest.ranking.recipes.best_papers import Ranking, Request, rank_all
from digest.ranking.recipes.per_interest import TrainedProfile, train, train_all
from digest.ranking.recipes.ranking import (
    Chosen,
    count_ratings,
    drop_training_data,
    explain_all,
    rank,
    score_all,
)
from digest.ranking.recipes.recipe import Recipe
from digest.ranking.recipes.registry import DEFAULT_RECIPE, RECIPES, get_recipe

__all__ = [
    "DEFAULT_RECIPE",
    "RECIPES",
    "Chosen",
    "Ranking",
    "Recipe",
    "Request",
    "TrainedProfile",
    "count_ratings",
    "drop_training_data",
    "explain_all",
    "get_recipe",
    "rank",
    "rank_all",
    "score_all",
    "train",
    "train_all",
]
