"""What a reader wants and has rated -> Profile: one linear model of their taste.

A ladder whose steps blend into one another. Nothing known: every weight is nought and what is
trending decides. Keywords, categories and authors pull papers up or push them down (`wishes`).
Example papers and thumbs (`ratings`) train a linear discriminant against recent papers that nobody
rated (`discriminant`), and the words of the keywords fade as it learns.

A reader with several interests has a profile of each; `recipes` trains them and `digests` gives
each its share. Rows come in from `features`; this package knows no text but the names of things.
"""

from digest.ranking.profiles.discriminant import EXAMPLE
from digest.ranking.profiles.keywords import (
    CATEGORY_LEFT,
    PHRASE_LEFT,
    UNWANTED,
    Keyword,
    fading,
    of_several_words,
)
from digest.ranking.profiles.profile import Profile, train, train_all
from digest.ranking.profiles.ratings import (
    NONE,
    Apart,
    Background,
    Given,
    Rated,
    Shelf,
    background,
    rated,
    rated_of,
    some_of,
)

__all__ = [
    "CATEGORY_LEFT",
    "EXAMPLE",
    "NONE",
    "PHRASE_LEFT",
    "UNWANTED",
    "Apart",
    "Background",
    "Given",
    "Keyword",
    "Profile",
    "Rated",
    "Shelf",
    "background",
    "fading",
    "of_several_words",
    "rated",
    "rated_of",
    "some_of",
    "train",
    "train_all",
]
