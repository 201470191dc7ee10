"""What a reader wrote and rated -> Profile.

A profile is one linear model of the reader's taste.

A profile works from the first day and improves with each rating. Without any input all weights are
zero and trending papers lead. Keywords, categories and authors raise or lower papers (`keywords`).
Example papers and thumbs (`ratings`) train a linear classifier against recent papers that nobody
rated (`rating_weights`, `digest.ranking.classifier`); meanwhile the words of keywords fade out of
the score, though their papers are still found. Thumbs down on what a keyword brings weaken it; a
lone word counts where its context agrees (`contexts`).

A reader with several interests has one profile for each: `recipes` trains them and `selection`
gives each its share of a digest. This package reads no text, only feature rows and names.
"""

from digest.ranking.profiles.contexts import NEAR
from digest.ranking.profiles.keywords import (
    CATEGORY_FLOOR,
    PHRASE_FLOOR,
    STRENGTH_DOWNS,
    UNWANTED_PENALTY,
    Keyword,
    has_several_words,
    keyword_fade,
)
from digest.ranking.profiles.profile import Profile, build_profile, train, train_all
from digest.ranking.profiles.ratings import (
    EXAMPLE_WEIGHT,
    NO_RATINGS,
    Background,
    FeatureBlocks,
    Rated,
    RatedRows,
    TrainingData,
)

__all__ = [
    "CATEGORY_FLOOR",
    "EXAMPLE_WEIGHT",
    "NEAR",
    "NO_RATINGS",
    "PHRASE_FLOOR",
    "STRENGTH_DOWNS",
    "UNWANTED_PENALTY",
    "Background",
    "FeatureBlocks",
    "Keyword",
    "Profile",
    "Rated",
    "RatedRows",
    "TrainingData",
    "build_profile",
    "has_several_words",
    "keyword_fade",
    "train",
    "train_all",
]
