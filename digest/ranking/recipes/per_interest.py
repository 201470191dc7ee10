"""One profile per interest of a reader, or per taste found in the reader's thumbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking import features
from digest.ranking.profiles import (
    Background,
    Profile,
    Rated,
    TrainingData,
)
from digest.ranking.profiles import (
    train_all as train_profiles,
)
from digest.ranking.recipes.recipe import Recipe
from digest.ranking.recipes.taste_names import name_tastes
from digest.ranking.taste_clusters import find_tastes_of_readers
from digest.ranking.thumb_assignment import assign_thumbs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedProfile:
    """The profile of one interest, and its share of a digest beside the others'."""

    #: name of the interest; "" where the reader has only one
    name: str
    share: float
    profile: Profile
    #: the same interest by what the reader wrote alone: without thumbs
    typed: Profile
    #: what the profile was trained from
    data: TrainingData


class _Part(NamedTuple):
    """The part of a reader's training data that one profile is trained from."""

    name: str
    share: float
    data: TrainingData


def train(recipe: Recipe, data: TrainingData, background: Background) -> tuple[TrainedProfile, ...]:
    """Train the profiles of one reader, see `train_all`."""
    return train_all(recipe, [data], background)[0]


def train_all(
    recipe: Recipe, readers: Sequence[TrainingData], background: Background
) -> list[tuple[TrainedProfile, ...]]:
    """Train the profiles of many readers.

    Returns:
        For each reader a profile of each interest, ordered by name; of each taste in the thumbs
        where the reader named no interest; or one profile alone.
    """
    parts_by_reader = _split_all(readers) if recipe.per_interest else [[] for _ in readers]
    parts_by_reader = [
        sorted(parts, key=lambda part: part.name) if len(parts) > 1 else [_Part("", 1.0, data)]
        for parts, data in zip(parts_by_reader, readers, strict=True)
    ]
    all_data = [part.data for parts in parts_by_reader for part in parts]
    own = recipe.train_all(all_data, background)
    profiles, typed = iter(own), iter(_train_typed(recipe, all_data, own, background))
    return [
        tuple(
            TrainedProfile(
                name=name, share=share, profile=next(profiles), typed=next(typed), data=data
            )
            for name, share, data in parts
        )
        for parts in parts_by_reader
    ]


def _train_typed(
    recipe: Recipe, all_data: Sequence[TrainingData], own: Sequence[Profile], background: Background
) -> list[Profile]:
    """Train profiles by what readers wrote alone; of who gave no thumb, they are those at hand."""
    typed = list(own)
    others = [
        number
        for number, data in enumerate(all_data)
        if not recipe.ranks_by_chance or data.has_thumbs
    ]
    trained = train_profiles([all_data[number].without_thumbs() for number in others], background)
    for number, profile in zip(others, trained, strict=True):
        typed[number] = profile
    return typed


def words_of(*ratings: Rated) -> sp.csr_matrix:
    """Stack the word columns of rated papers, shape (n, features.COLUMNS)."""
    rows = []
    for rated in ratings:
        if len(rated.paper_ids):
            vocabulary = rated.rated_rows.blocks.vocabulary
            words = rated.rated_rows.blocks.words[rated.row_indices]
            rows.append(
                sp.csr_matrix(
                    (words.data, vocabulary[words.indices], words.indptr),
                    shape=(words.shape[0], features.COLUMNS),
                )
            )
    if not rows:
        return sp.csr_matrix((0, features.COLUMNS), dtype=np.float32)
    return sp.vstack(rows, format="csr")


def _split_all(readers: Sequence[TrainingData]) -> list[list[_Part]]:
    """Split each reader's data by interests, or else by tastes."""
    parts = [_split_by_interest(data) if data.per_interest else [] for data in readers]
    without_interests = [
        number
        for number, data in enumerate(readers)
        if not data.per_interest and not data.interests
    ]
    tastes_by_reader = _find_tastes([readers[number].liked for number in without_interests])
    for number, tastes in zip(without_interests, tastes_by_reader, strict=True):
        parts[number] = _split_by_taste(readers[number], tastes)
    return parts


# ----------------------------------------------------------------------------------------------
# by interest


def _split_by_interest(data: TrainingData) -> list[_Part]:
    """Give each interest the thumbs that belong to it."""
    ordered = sorted(data.per_interest, key=lambda part: part.interests[0].name)
    names = [part.interests[0].name for part in ordered]
    numbers = {name: number for number, name in enumerate(names)}
    words = words_of(data.liked, data.disliked)
    paper_ids = np.concatenate((data.liked.paper_ids, data.disliked.paper_ids)).tolist()
    listed_for = np.array(
        [numbers.get(data.interest_by_paper.get(paper_id, ""), -1) for paper_id in paper_ids],
        dtype=np.int64,
    )
    name_weights = np.array(
        [
            [data.name_weights_by_paper.get(paper_id, {}).get(name, 0.0) for name in numbers]
            for paper_id in paper_ids
        ]
    ).reshape(len(paper_ids), len(ordered))
    descriptions = [_describe_in_words(part, words.shape[1]) for part in ordered]
    assigned = assign_thumbs(
        words,
        len(data.liked.paper_ids),
        sp.vstack(descriptions, format="csr"),
        listed_for,
        name_weights,
    )
    return [
        _Part(name, float(part.interests[0].share), _add_thumbs(part, data, assigned, number))
        for number, (name, part) in enumerate(zip(names, ordered, strict=True))
    ]


def _describe_in_words(data: TrainingData, width: int) -> sp.csr_matrix:
    """Sum the keywords and the examples of an interest, each of length 1.

    The shape is (1, width).
    """
    phrases = [phrase for phrase in data.phrases if not phrase.muted]
    columns = np.concatenate([np.empty(0, np.int32), *(phrase.columns for phrase in phrases)])
    weights = np.concatenate([np.empty(0, np.float32), *(phrase.weights for phrase in phrases)])
    is_word = columns < width
    keywords = sp.csr_matrix(
        (weights[is_word], (np.zeros(int(is_word.sum()), np.int32), columns[is_word])),
        shape=(1, width),
    )
    if not len(data.examples.paper_ids):
        return _normalize(keywords)
    return _normalize(keywords) + _normalize(_sum_rows(words_of(data.examples)))


def _sum_rows(rows: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(
        (rows.data, (np.zeros(rows.nnz, np.int32), rows.indices)), shape=(1, rows.shape[1])
    )


def _normalize(row: sp.csr_matrix) -> sp.csr_matrix:
    """Scale a row to length 1; a row of zeros stays."""
    return row / (np.sqrt(row.multiply(row).sum()) or 1.0)


def _add_thumbs(
    part: TrainingData, data: TrainingData, assigned: NDArray[np.int64], number: int
) -> TrainingData:
    """Add to a part the thumbs assigned to it.

    A thumb assigned to none (-1) counts for each.
    """
    likes = len(data.liked.paper_ids)
    belongs = (assigned == number) | (assigned < 0)
    return replace(
        part,
        co_like_boosts=data.co_like_boosts,
        ignored=_select_listed_for(
            part.interests[0].name if data.per_interest else "",
            data.ignored,
            data.interest_by_paper,
        ),
        ignored_weight=data.ignored_weight,
        liked=data.liked.take(np.flatnonzero(belongs[:likes])),
        disliked=data.disliked.take(np.flatnonzero(belongs[likes:])),
    )


def _select_listed_for(name: str, ignored: Rated, interest_by_paper: Mapping[int, str]) -> Rated:
    """Select the ignored papers that were listed for an interest, or for none."""
    listed = [
        interest_by_paper.get(paper_id, "") in ("", name) for paper_id in ignored.paper_ids.tolist()
    ]
    return ignored.take(np.flatnonzero(listed))


# ----------------------------------------------------------------------------------------------
# by taste


def _find_tastes(likes_by_reader: Sequence[Rated]) -> list[NDArray[np.int64]]:
    """Cluster each reader's likes.

    Readers who share feature rows are clustered at once. Each result has shape (likes,).
    """
    tastes_by_reader = [np.empty(0, np.int64)] * len(likes_by_reader)
    sources = {id(liked.rated_rows): liked.rated_rows for liked in likes_by_reader}
    for rated_rows in sources.values():
        numbers = [
            number for number, liked in enumerate(likes_by_reader) if liked.rated_rows is rated_rows
        ]
        # In their strong words, papers of different subjects have next to nothing in common.
        clusters = find_tastes_of_readers(
            rated_rows.strong_words, [likes_by_reader[number].row_indices for number in numbers]
        )
        for number, tastes in zip(numbers, clusters, strict=True):
            tastes_by_reader[number] = tastes
    return tastes_by_reader


def _split_by_taste(data: TrainingData, tastes: NDArray[np.int64]) -> list[_Part]:
    """Give each taste its likes and the dislikes nearest to them.

    A reader with one taste gets [].
    """
    count = int(tastes.max(initial=0)) + 1
    if count < 2:
        return []
    assigned = np.concatenate((tastes, _nearest_tastes(data, tastes, count)))
    parts = [_add_thumbs(data, data, assigned, number) for number in range(count)]
    names = name_tastes([part.liked.titles for part in parts])
    return [
        _Part(name, float(len(part.liked.paper_ids)), part)
        for name, part in zip(names, parts, strict=True)
    ]


def _nearest_tastes(data: TrainingData, tastes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Find the taste whose mean liked paper is nearest to each disliked one.

    The shape is (disliked,). It is -1 where the paper shares no word with any taste.
    """
    if not len(data.disliked.paper_ids):
        return np.empty(0, np.int64)
    liked, disliked = words_of(data.liked), words_of(data.disliked)
    columns, indices = np.unique(liked.indices, return_inverse=True)
    cells = np.repeat(tastes, np.diff(liked.indptr)) * len(columns) + indices
    centres = np.bincount(cells, weights=liked.data, minlength=count * len(columns))
    centres = centres.reshape(count, len(columns))
    nearest_column = np.minimum(np.searchsorted(columns, disliked.indices), len(columns) - 1)
    shared = np.where(columns[nearest_column] == disliked.indices, disliked.data, 0)
    products = (
        sp.csr_matrix(
            (shared, nearest_column, disliked.indptr),
            shape=(len(data.disliked.paper_ids), len(columns)),
        )
        @ centres.T
    )
    cosines = products / np.linalg.norm(centres, axis=1)
    return np.where(cosines.max(axis=1) > 0, cosines.argmax(axis=1), -1)
