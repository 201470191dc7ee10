"""Profiles x a day -> what every paper is worth to each of many readers.

Computes the sum of `plain` in batches. A reader's values are the same, to the last bit, alone and
in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles import Profile
from digest.ranking.rows import quantize
from digest.ranking.scores.days import Day
from digest.ranking.scores.parts import (
    category_and_author_parts,
    co_like_parts,
    dense_weights,
    find_unwanted_rows,
    keyword_rows,
    phrase_words,
)

#: values are rounded to so many decimals: the noise of the arithmetic must not order papers
DECIMALS = 7
#: standard deviation up to which all papers are worth the same
NO_DEVIATION = 1e-9
#: readers in a batch, about
_BATCH_SIZE = 128


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scored:
    """What the papers of a day are worth to one reader."""

    #: shape (competing,); only the order has a meaning
    values: NDArray[np.float64]
    #: the values that they are measured against, in any order, and their mean and deviation
    compared: NDArray[np.float64]
    mean: float
    deviation: float
    #: what is known of each paper, shape (competing, EVIDENCE); empty = not gathered
    evidence: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))


def standardize(values: NDArray[np.float64], mean: Any, deviation: Any) -> NDArray[np.float64]:
    """Return how many deviations values lie above a mean, as that of the values to compare with.

    0 where these do not differ.

    Args:
        values: of any shape.
        mean, deviation: numbers, or arrays of a shape that fits.
    """
    differs = np.asarray(deviation) > NO_DEVIATION
    return np.where(differs, (values - mean) / np.where(differs, deviation, 1), 0.0)


def measure(values: NDArray[np.float64], compared: NDArray[np.float64]) -> Scored:
    """Measure values of shape (competing,) against others, of any number and order."""
    mean, deviation = 0.0, 0.0
    if len(compared):
        mean, deviation = float(compared.mean()), float(compared.std())
    return Scored(values=values, compared=compared, mean=mean, deviation=deviation)


def score(profile: Profile, day: Day) -> NDArray[np.float64]:
    """Score every competing paper, shape (competing,); only the order has a meaning."""
    values: NDArray[np.float64] = _sum_parts([profile], day)[0, : day.competing]
    return values


def score_all(profiles: Sequence[Profile], day: Day) -> list[Scored]:
    """Score the day's papers by each profile, and measure them.

    They are measured against the recent papers, or against one another where there are none.
    Papers with a word, category or author that the reader does not want are not measured against:
    they are worth so little that all others would stand close together.
    """
    # Equal batches: two readers that are left over would cost as much as fifty.
    count = max(round(len(profiles) / _BATCH_SIZE), 1)
    bounds = np.linspace(0, len(profiles), count + 1).astype(int).tolist() if profiles else [0]
    scored: list[Scored] = []
    for start, end in pairwise(bounds):
        scored += _score_batch(profiles[start:end], day)
    return scored


def _score_batch(profiles: Sequence[Profile], day: Day) -> list[Scored]:
    values = _sum_parts(profiles, day)
    competing = values[:, : day.competing]
    first = day.competing if values.shape[1] > day.competing else 0
    compared = values[:, first:]
    is_empty = not compared.shape[1]
    # Averaged and squared for all readers at once.
    means = deviations = [0.0] * len(values)
    if not is_empty:
        means, deviations = compared.mean(axis=1).tolist(), compared.std(axis=1).tolist()
    scored = [
        Scored(
            values=competing[number],
            compared=compared[number],
            mean=means[number],
            deviation=deviations[number],
        )
        for number in range(len(profiles))
    ]
    for number, profile in enumerate(profiles):
        unwanted = find_unwanted_rows(profile, day)
        if len(unwanted):
            others = np.delete(compared[number], unwanted[unwanted >= first] - first)
            scored[number] = measure(competing[number], others)
    return scored


# ----------------------------------------------------------------------------------------------
# the sum


def _sum_parts(profiles: Sequence[Profile], day: Day) -> NDArray[np.float64]:
    """Return the values of all papers, the recent ones too, shape (profiles, all)."""
    values = _word_values(profiles, day).astype(np.float64)
    if day.dense.shape[1]:
        weights = np.stack([dense_weights(profile, day) for profile in profiles])
        values += day.dense_scores(quantize(weights))
    values += day.trending.sum(axis=0)
    _add_named_parts(values, profiles, day)
    return np.round(values, DECIMALS)


def _add_named_parts(values: NDArray[np.float64], profiles: Sequence[Profile], day: Day) -> None:
    """Add keywords, categories, authors and co-likes to values of shape (profiles, all).

    They are added in the order in which a profile has them, whoever the other readers are.
    """
    row_arrays, amount_arrays = [np.empty(0, np.int64)], [np.empty(0)]
    sizes = np.zeros(len(profiles), dtype=np.int64)
    for number, profile in enumerate(profiles):
        first = len(row_arrays)
        for keyword, rows in keyword_rows(profile, day):
            row_arrays.append(rows)
            amount_arrays.append(np.full(len(rows), keyword.bonus))
        for _, rows, amounts in (
            *category_and_author_parts(profile, day),
            *co_like_parts(profile, day),
        ):
            row_arrays.append(rows)
            amount_arrays.append(amounts)
        sizes[number] = sum(map(len, row_arrays[first:]))
    starts = np.repeat(np.arange(len(profiles)) * values.shape[1], sizes)
    np.add.at(
        values.reshape(-1), starts + np.concatenate(row_arrays), np.concatenate(amount_arrays)
    )


def _word_values(profiles: Sequence[Profile], day: Day) -> NDArray[np.float32]:
    """Return what words add, those of keywords too, shape (profiles, all)."""
    indices, weights, bounds = _stack_word_weights(profiles, day)
    blocks = day.frequency_blocks()
    if blocks is None:
        known = np.flatnonzero(indices >= 0)
        return _multiply_with_table(
            day.words, indices[known], weights[known], np.searchsorted(known, bounds)
        )
    # Frequent words are in most learned profiles, so a full table of them pays. Rare words hardly
    # meet, and who wrote some keywords has few words.
    learned = np.array([len(profile.indices) > 0 for profile in profiles])
    sizes = np.diff(bounds)
    # Viewed as unsigned, -1 is no frequent word.
    in_table = indices.view(np.uint32) < blocks.frequent_count
    in_table &= np.repeat(learned, sizes)
    tabled, others = np.flatnonzero(in_table), np.flatnonzero(~in_table & (indices >= 0))
    other_weights = sp.csr_matrix(
        (weights[others], indices[others], np.searchsorted(others, bounds)),
        shape=(len(profiles), blocks.transposed.shape[0]),
    )
    values: NDArray[np.float32] = (other_weights @ blocks.transposed).toarray()
    if len(tabled):
        own_bounds = np.concatenate(([0], np.searchsorted(tabled, bounds[1:])[learned]))
        values[learned] += _multiply_with_table(
            blocks.frequent, indices[tabled], weights[tabled], own_bounds
        )
    return values


def _stack_word_weights(
    profiles: Sequence[Profile], day: Day
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Return the word weights of all profiles, one after another.

    Returns:
        Index of each word in the day's vocabulary (-1 = none), its weight, and where the words of
        each profile begin, shape (profiles + 1,).
    """
    owners: list[int] = []
    index_arrays: list[NDArray[np.int32]] = []
    weight_arrays: list[NDArray[np.float32]] = []
    for number, profile in enumerate(profiles):
        owners.append(number)
        index_arrays.append(day.word_indices(profile.vocabulary)[profile.indices])
        weight_arrays.append(profile.word_weights)
        for keyword in profile.keywords:
            if keyword.weight:
                indices, weights = phrase_words(keyword.phrase, day)
                owners.append(number)
                index_arrays.append(indices)
                weight_arrays.append(np.float32(keyword.weight) * weights)
    bounds = np.zeros(len(profiles) + 1, dtype=np.int64)
    for owner, indices in zip(owners, index_arrays, strict=True):
        bounds[owner + 1] += len(indices)
    return (
        np.concatenate(index_arrays),
        np.concatenate(weight_arrays, dtype=np.float32),
        bounds.cumsum(),
    )


def _multiply_with_table(
    words: sp.csr_matrix,
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    bounds: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Multiply rows with a full table of all profiles' words, shape (profiles, n).

    Args:
        words: shape (n, words).
        indices, weights, bounds: as `_stack_word_weights` returns them, without unknown words.
    """
    readers, width = len(bounds) - 1, words.shape[1]
    table = np.zeros(width * readers, dtype=np.float32)
    owners = np.repeat(np.arange(readers, dtype=np.int32), np.diff(bounds))
    np.add.at(table, indices * readers + owners, weights)
    values: NDArray[np.float32] = np.ascontiguousarray((words @ table.reshape(width, readers)).T)
    return values
