"""Named ways to rank the day's papers for a reader: the service's own, and what it is measured
against.

Pure, like the stages that it is made of: it joins `features`, `profiles` and `scores` into one
value a recipe, so that composing, sharing a digest between two recipes and replaying the past all
rank by the same code. To add a recipe, write how profiles are learned and add an entry to `RECIPES`
in `named`; scoring and explaining are those of `scores` unless the recipe brings its own.
"""

from digest.ranking.recipes.named import OWN, RECIPES, named
from digest.ranking.recipes.per_interest import Learned, learn, learn_all
from digest.ranking.recipes.ranking import bare, counted, explain, rank, score_all
from digest.ranking.recipes.recipe import Known, Match, Recipe

__all__ = [
    "OWN",
    "RECIPES",
    "Known",
    "Learned",
    "Match",
    "Recipe",
    "bare",
    "counted",
    "explain",
    "learn",
    "learn_all",
    "named",
    "rank",
    "score_all",
]
