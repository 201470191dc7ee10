"""Simple recipes that the service's own one is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper, Part
from digest.ranking import profiles, scores
from digest.ranking.profiles import Background, Profile, TrainingData
from digest.ranking.recipes.per_interest import words_of

#: weight of the mean disliked paper in a centroid, beside the mean liked one
CENTROID_DISLIKE_WEIGHT = 0.25


def train_without_interests(
    readers: Sequence[TrainingData], background: Background
) -> list[Profile]:
    """Train profiles on thumbs and example papers alone."""
    return profiles.train_all(
        [
            TrainingData(liked=data.liked, disliked=data.disliked, examples=data.examples)
            for data in readers
        ],
        background,
    )


def train_without_thumbs(readers: Sequence[TrainingData], background: Background) -> list[Profile]:
    """Train profiles on keywords, categories and authors alone."""
    return profiles.train_all(
        [TrainingData(interests=data.interests, phrases=data.phrases) for data in readers],
        background,
    )


# ----------------------------------------------------------------------------------------------
# the mean liked paper


def train_centroids(readers: Sequence[TrainingData], background: Background) -> list[Profile]:
    """Use the mean liked paper, less a share of the mean disliked one, as the weights."""
    return [_train_centroid(data, background) for data in readers]


def _train_centroid(data: TrainingData, background: Background) -> Profile:
    columns, weights = _mean_difference(words_of(data.liked), words_of(data.disliked))
    return replace(
        profiles.train((), background),
        step="centroid" if len(columns) else "trending",
        thumbs_up=len(data.liked.paper_ids),
        thumbs_down=len(data.disliked.paper_ids),
        vocabulary=columns,
        indices=np.arange(len(columns), dtype=np.int32),
        word_weights=weights.astype(np.float32),
        references=(data.liked,),
    )


def _mean_difference(
    liked: sp.csr_matrix, disliked: sp.csr_matrix
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights of the centroid, of length 1; empty where nothing is liked."""
    if not liked.nnz:
        return np.empty(0, np.int32), np.empty(0)
    columns = np.unique(liked.indices)
    weights = _mean_of_columns(liked, columns)
    if disliked.nnz:
        weights -= CENTROID_DISLIKE_WEIGHT * _mean_of_columns(disliked, columns)
    length = float(np.sqrt(weights @ weights))
    return columns.astype(np.int32), weights / (length or 1.0)


def _mean_of_columns(rows: sp.csr_matrix, columns: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.asarray(rows[:, columns].mean(axis=0), dtype=np.float64).ravel()


# ----------------------------------------------------------------------------------------------
# newest first


def train_nothing(readers: Sequence[TrainingData], background: Background) -> list[Profile]:
    """Give every reader the same empty profile."""
    return [replace(profiles.train((), background), step="recent")] * len(readers)


def score_by_date(readers: Sequence[Profile], day: scores.Day) -> list[scores.Scored]:
    """Score each paper by the day on which it was first seen."""
    days = np.array([paper.first_seen.toordinal() for paper in day.papers], dtype=np.float64)
    return [scores.measure(days, days)] * len(readers)


def name_dates(requests: Sequence[scores.Request], day: scores.Day) -> list[list[scores.Reasons]]:
    """Name the day on which each paper was first seen as its only reason."""
    return [
        [scores.Reasons((_name_date(day.papers[row]),)) for row in rows] for _, rows in requests
    ]


def _name_date(paper: Paper) -> Part:
    first_seen = paper.first_seen
    return Part(kind="recency", name=first_seen.isoformat(), value=float(first_seen.toordinal()))
