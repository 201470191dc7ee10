"""One linear model per reader: a ladder whose steps blend into one another, from what was written
and what was rated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.model import Interest
from digest.ranking.profiles.discriminant import EXAMPLE, Learned, learn
from digest.ranking.profiles.keywords import (
    AUTHOR,
    AUTHOR_LEFT,
    CATEGORY,
    CATEGORY_LEFT,
    Keyword,
    keywords_of,
    named,
)
from digest.ranking.profiles.ratings import Background, Given, Rated


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Profile:
    """One reader's linear model of a paper's worth; see `scores` for the sum."""

    #: step of the ladder: "trending", "keywords", "examples", "thumbs"
    step: str
    thumbs_up: int = 0
    thumbs_down: int = 0
    #: columns of words that many readers' profiles share, and which of them this one weighs, each
    #: once
    base: NDArray[np.int32]
    at: NDArray[np.int32]
    #: shape of `at`; with those of the meaning of Euclidean length at most 1, as far as single
    #: precision goes
    weights: NDArray[np.float32]
    #: weights of the dense columns, shape (dense columns,); no number where the rows have none
    meaning: NDArray[np.float64]
    keywords: tuple[Keyword, ...] = ()
    #: (category or its leading part, what it adds)
    categories: tuple[tuple[str, float], ...] = ()
    #: (name, what it adds)
    authors: tuple[tuple[str, float], ...] = ()
    #: liked and example papers, to tell which is nearest
    near: tuple[Rated, ...] = ()
    #: what the likes of other readers add: (paper id, title of a paper that they and this reader
    #: like, what it adds)
    lifts: tuple[tuple[int, str, float], ...] = ()

    @property
    def columns(self) -> NDArray[np.int32]:
        """The columns of words with a learned weight, shape of `weights`."""
        return self.base[self.at]


def train(interests: Sequence[Interest], background: Background, **given: Any) -> Profile:
    """One reader's profile, from the fields of `Given`."""
    return train_all([Given(interests=interests, **given)], background)[0]


def train_all(readers: Sequence[Given], background: Background) -> list[Profile]:
    """The profiles of many readers, in order: the same as of each alone.

    Of whom little is known the profile knows less; it never holds a number that is not finite.
    """
    learned = learn(readers, background)
    return [_profile(given, parts) for given, parts in zip(readers, learned, strict=True)]


def _profile(given: Given, learned: Learned) -> Profile:
    interests, known = given.interests, len(given.liked.ids) + EXAMPLE * len(given.examples.ids)
    return Profile(
        step=_step(given),
        thumbs_up=len(given.liked.ids),
        thumbs_down=len(given.disliked.ids),
        base=learned.base,
        at=learned.at,
        weights=learned.weights,
        meaning=learned.meaning,
        keywords=keywords_of(given.phrases, known),
        categories=named(
            [name for interest in interests for name in interest.categories],
            CATEGORY,
            CATEGORY_LEFT,
            known,
        ),
        authors=named(
            [name for interest in interests for name in interest.authors],
            AUTHOR,
            AUTHOR_LEFT,
            known,
        ),
        near=tuple(part for part in (given.liked, given.examples) if len(part.ids)),
    )


def _step(given: Given) -> str:
    if len(given.liked.ids) or len(given.disliked.ids):
        return "thumbs"
    if len(given.examples.ids):
        return "examples"
    return (
        "keywords"
        if any(one.keywords or one.categories or one.authors for one in given.interests)
        else "trending"
    )
