"""One linear model per reader, from what the reader wrote and rated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.model import Interest
from digest.ranking.profiles.contexts import needs_context
from digest.ranking.profiles.keywords import (
    AUTHOR_BONUS,
    AUTHOR_FLOOR,
    CATEGORY_BONUS,
    CATEGORY_FLOOR,
    Keyword,
    weigh_keywords,
    weigh_names,
)
from digest.ranking.profiles.rating_weights import learn_weights
from digest.ranking.profiles.ratings import Background, Rated, TrainingData

_NO_WORDS = np.empty(0, np.int32)
_NO_PAPERS = np.empty((0, 0), np.float32)
_NO_WEIGHTS = np.empty(0, np.float32)
_NO_DENSE_WEIGHTS = np.empty(0, np.float64)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Profile:
    """One reader's linear model of a paper's worth; see `scores` for the sum."""

    #: what it was trained from: "trending", "keywords", "examples" or "thumbs"
    step: str
    thumbs_up: int = 0
    thumbs_down: int = 0
    #: feature columns of words that many readers' profiles share, shape (words,)
    vocabulary: NDArray[np.int32]
    #: which words of the vocabulary this profile weighs, each once, shape (weighed words,)
    indices: NDArray[np.int32]
    #: shape of `indices`; together with the dense weights of Euclidean length at most 1
    word_weights: NDArray[np.float32]
    #: weights of the dense columns, shape (dense columns,); empty where the rows have none
    dense_weights: NDArray[np.float64]
    keywords: tuple[Keyword, ...] = ()
    #: (category or its leading part, what it adds)
    categories: tuple[tuple[str, float], ...] = ()
    #: (name, what it adds)
    authors: tuple[tuple[str, float], ...] = ()
    #: liked and example papers, of which reasons name the nearest
    references: tuple[Rated, ...] = ()
    #: which of these were given as examples, and not liked
    example_ids: frozenset[int] = frozenset()
    #: what other readers' likes add: (paper id, title of a paper that both like, amount)
    co_like_boosts: tuple[tuple[int, str, float], ...] = ()

    @property
    def columns(self) -> NDArray[np.int32]:
        """The feature columns of the weighed words, shape of `word_weights`."""
        return self.vocabulary[self.indices]


def train(interests: Sequence[Interest], background: Background, **fields: Any) -> Profile:
    """Train one reader's profile; `fields` are further fields of `TrainingData`."""
    return train_all([TrainingData(interests=interests, **fields)], background)[0]


def train_all(readers: Sequence[TrainingData], background: Background) -> list[Profile]:
    """Train the profiles of many readers, in order.

    Each is the same as when trained alone.

    A profile holds finite numbers only, whatever the ratings are.
    """
    if not any(data.has_ratings for data in readers):
        return [build_profile(data) for data in readers]
    vocabulary, weights = learn_weights(readers, background)
    return [
        build_profile(data, vocabulary, *reader_weights)
        for data, reader_weights in zip(readers, weights, strict=True)
    ]


def build_profile(
    data: TrainingData,
    vocabulary: NDArray[np.int32] = _NO_WORDS,
    indices: NDArray[np.int32] = _NO_WORDS,
    word_weights: NDArray[np.float32] = _NO_WEIGHTS,
    dense_weights: NDArray[np.float64] = _NO_DENSE_WEIGHTS,
) -> Profile:
    """Build a profile of what the reader wrote and of learned weights; see `Profile`."""
    likes = data.likes
    categories = [name for interest in data.interests for name in interest.categories]
    authors = [name for interest in data.interests for name in interest.authors]
    return Profile(
        step=_training_step(data),
        thumbs_up=len(data.liked.paper_ids),
        thumbs_down=len(data.disliked.paper_ids),
        vocabulary=vocabulary,
        indices=indices,
        word_weights=word_weights,
        dense_weights=dense_weights,
        keywords=weigh_keywords(
            data.phrases,
            likes,
            liked_titles=(*data.liked.titles, *data.examples.titles),
            disliked_titles=data.disliked.titles,
            liked_dense=data.liked_dense() if any(map(needs_context, data.phrases)) else _NO_PAPERS,
        ),
        categories=weigh_names(categories, CATEGORY_BONUS, CATEGORY_FLOOR, likes),
        authors=weigh_names(authors, AUTHOR_BONUS, AUTHOR_FLOOR, likes),
        references=tuple(rated for rated in (data.liked, data.examples) if len(rated.paper_ids)),
        example_ids=frozenset(data.examples.paper_ids.tolist()).difference(
            data.liked.paper_ids.tolist()
        )
        if len(data.examples.paper_ids)
        else frozenset(),
        co_like_boosts=data.co_like_boosts,
    )


def _training_step(data: TrainingData) -> str:
    """Name the strongest evidence that a profile is trained from."""
    if len(data.liked.paper_ids) or len(data.disliked.paper_ids):
        return "thumbs"
    if len(data.examples.paper_ids):
        return "examples"
    written = (
        name
        for interest in data.interests
        for name in (*interest.keywords, *interest.categories, *interest.authors)
    )
    if all(name.lstrip().startswith("-") for name in written):
        return "trending"
    return "keywords"
