"""Ratings of many readers -> feature rows and sample weights -> learned weights."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.classifiers import LinearWeights, Ratings, fit_many
from digest.ranking.profiles.ratings import (
    EXAMPLE_WEIGHT,
    Background,
    FeatureBlocks,
    Rated,
    RatedRows,
    TrainingData,
)
from digest.ranking.rows import COLUMNS

#: a thumb loses 1 % of its weight a day, never more than nine tenths
DECAY_PER_DAY, MIN_DECAY = 0.01, 0.1
#: weight of all dislikes together with very many of them, beside all likes; with
#: `DISLIKES_FOR_HALF` dislikes half of it
DISLIKE_WEIGHT, DISLIKES_FOR_HALF = 0.5, 1.0
#: rows are selected first where the ratings refer to less than this share of them
_SELECT_BELOW_FRACTION = 0.25


class _Kind(IntEnum):
    """How a paper was rated."""

    LIKED = 0
    EXAMPLE = 1
    DISLIKED = 2
    IGNORED = 3


class WeightedRows(NamedTuple):
    """Feature rows and the ratings that refer to them."""

    blocks: FeatureBlocks
    ratings: Ratings


def learn_weights(
    readers: Sequence[TrainingData], background: Background
) -> tuple[NDArray[np.int32], list[LinearWeights]]:
    """Learn the weights of many readers.

    Returns:
        The feature columns of the words that weights refer to, and the weights of each reader.
    """
    blocks, ratings = weigh_ratings(readers)
    dense_columns = slice(COLUMNS, COLUMNS + blocks.dense.shape[1])
    statistics = background.word_statistics(blocks.vocabulary)
    weights = fit_many(
        blocks.words,
        blocks.dense,
        ratings,
        word_means=statistics.means,
        dense_means=background.mean[dense_columns],
        word_variances=statistics.variances,
        dense_variances=background.variances[dense_columns].astype(np.float64),
    )
    return blocks.vocabulary, weights


def weigh_ratings(readers: Sequence[TrainingData]) -> WeightedRows:
    """Collect the ratings of many readers and weigh them.

    The weights of a reader's likes and examples add up to 1. Those of the dislikes add up to
    `-DISLIKE_WEIGHT * n / (n + DISLIKES_FOR_HALF)` for n dislikes, or to -1 without any like. Those
    of the ignored papers add up to as much, times the reader's `ignored_weight`.
    """
    rated = _list_ratings(readers)
    sizes = [len(part.paper_ids) for _, _, part in rated]
    reader = np.repeat(np.array([number for number, _, _ in rated], np.int64), sizes)
    kind = np.repeat(np.array([kind for _, kind, _ in rated], np.int8), sizes)
    ages = np.concatenate([np.empty(0), *(part.ages for _, _, part in rated)])
    blocks, indices = _collect_rows([part for _, _, part in rated])
    ratings = Ratings(
        readers=len(readers),
        reader=reader,
        row=indices,
        signed_weight=_weigh(readers, reader, kind, ages),
        ignored=kind == _Kind.IGNORED,
    )
    return WeightedRows(blocks, ratings)


def _list_ratings(readers: Sequence[TrainingData]) -> list[tuple[int, _Kind, Rated]]:
    """List (number of the reader, kind, rated papers), without empty ones."""
    rated: list[tuple[int, _Kind, Rated]] = []
    for number, data in enumerate(readers):
        parts = [
            (_Kind.LIKED, data.liked),
            (_Kind.EXAMPLE, data.examples),
            (_Kind.DISLIKED, data.disliked),
        ]
        has_likes = len(data.liked.paper_ids) or len(data.examples.paper_ids)
        if data.ignored_weight > 0 and has_likes:
            parts.append((_Kind.IGNORED, data.ignored))
        rated += [(number, kind, part) for kind, part in parts if len(part.paper_ids)]
    return rated


def _collect_rows(rated: Sequence[Rated]) -> tuple[FeatureBlocks, NDArray[np.int64]]:
    """Join the feature rows that ratings refer to.

    Returns:
        The joined blocks, and for each rating the index of its row in them.
    """
    sources = list({id(part.rated_rows): part.rated_rows for part in rated}.values())
    sizes = [source.rows.shape[0] for source in sources]
    offsets = {
        id(source): offset
        # The last sum is the total and belongs to no source, hence strict=False.
        for source, offset in zip(sources, np.cumsum([0, *sizes]).tolist(), strict=False)
    }
    indices = np.concatenate(
        [
            np.empty(0, np.int64),
            *(part.row_indices + offsets[id(part.rated_rows)] for part in rated),
        ]
    )
    blocks = _join_sources(sources).blocks
    if len(indices) < _SELECT_BELOW_FRACTION * len(blocks.dense):
        # Kept in order, so that sums have the same rounding whether a reader is computed alone or
        # in a batch.
        selected, indices = np.unique(indices, return_inverse=True)
        blocks = blocks.take(selected)
    return blocks, indices


def _join_sources(sources: Sequence[RatedRows]) -> RatedRows:
    if len(sources) == 1:
        return sources[0]
    if not sources:
        return RatedRows(sp.csr_matrix((0, 0)))
    width = max(source.rows.shape[1] for source in sources)
    widened = [
        sp.csr_matrix(
            (source.rows.data, source.rows.indices, source.rows.indptr),
            shape=(source.rows.shape[0], width),
        )
        for source in sources
    ]
    return RatedRows(sp.vstack(widened, format="csr"))


def _weigh(
    readers: Sequence[TrainingData],
    reader: NDArray[np.int64],
    kind: NDArray[np.int8],
    ages: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weigh each rating by its age and kind, see `weigh_ratings`; shape (ratings,)."""
    number = len(readers)
    is_like, is_dislike = kind < _Kind.DISLIKED, kind == _Kind.DISLIKED
    is_ignored = kind == _Kind.IGNORED
    weights = np.maximum(np.exp(-DECAY_PER_DAY * ages), MIN_DECAY)
    weights[kind == _Kind.EXAMPLE] *= EXAMPLE_WEIGHT
    has_likes = np.bincount(reader[is_like], minlength=number) > 0
    ignored_weights = np.array([data.ignored_weight for data in readers])
    dislikes = _saturate(np.bincount(reader[is_dislike], minlength=number))
    ignored = _saturate(np.bincount(reader[is_ignored], minlength=number))
    for chosen, totals in (
        (is_like, np.ones(number)),
        (is_dislike, -np.where(has_likes, dislikes, 1.0)),
        (is_ignored, -ignored_weights * ignored),
    ):
        sums = np.bincount(reader[chosen], weights=weights[chosen], minlength=number)
        weights[chosen] *= totals[reader[chosen]] / sums[reader[chosen]]
    return weights


def _saturate(count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the weight of so many dislikes together."""
    return DISLIKE_WEIGHT * count / (count + DISLIKES_FOR_HALF)
