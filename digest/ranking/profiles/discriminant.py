"""Ratings -> the weights of a linear discriminant, for many readers at once.

The discriminant is Fisher's, with one covariance for all readers (Fisher, "The use of multiple
measurements in taxonomic problems", 1936): the rows come whitened by the corpus from `features`, so
what is left of it is a difference of means. Ridge regression against the same papers ranked no
better (`tests/bench/RESULTS.md`), and this needs no fitting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles.ratings import (
    Background,
    FeatureBlocks,
    Rated,
    RatedRows,
    TrainingData,
)
from digest.ranking.rows import COLUMNS

#: a thumb loses 1 % of its weight a day, never more than nine tenths
DECAY = 0.01
FADED = 0.1
#: an example paper beside a fresh thumb up
EXAMPLE_WEIGHT = 0.5
#: the mean disliked paper beside the mean liked one, with many thumbs down; half of it with as many
#: as DISLIKES
DISLIKE, DISLIKES = 0.5, 1.0
#: the pull away from what was disliked while nothing was liked
AWAY = 0.5


#: how a rating counts
_LIKED, _EXAMPLE, _DISLIKED, _IGNORED = range(4)


class LinearWeights(NamedTuple):
    """What `Profile` holds of ratings, under the same names."""

    vocabulary: NDArray[np.int32]
    indices: NDArray[np.int32]
    word_weights: NDArray[np.float32]
    dense_weights: NDArray[np.float64]


def learn(readers: Sequence[TrainingData], background: Background) -> list[LinearWeights]:
    """Of each reader the columns, their weights and those of the meaning, together of length 1;
    `AWAY` where there are dislikes alone, nothing where no word was rated.

    Only the columns of the rated papers: other words could do nothing but push down papers of which
    the reader said nothing.
    """
    number = len(readers)
    rows, owners, places, kinds, ages = _ratings(readers)
    if not len(owners):
        return [_nothing(0)] * number
    share = _shares(readers, owners, kinds, ages)
    ignored = kinds == _IGNORED
    words, meaning = _moved(
        rows, background, number, owners[~ignored], places[~ignored], share[~ignored]
    )
    if ignored.any():
        # Summed alone: a small weight must not push down words that only ignored papers have.
        more, further = _moved(
            rows, background, number, owners[ignored], places[ignored], share[ignored]
        )
        words, meaning = (words + more).tocsr(), meaning + further
    liking = np.bincount(owners[kinds < _DISLIKED], minlength=number) > 0
    found = []
    for place, (start, end) in enumerate(pairwise(words.indptr.tolist())):
        weights, meant = words.data[start:end], meaning[place]
        length = math.sqrt(float(weights @ weights) + float(meant @ meant))
        if not (math.isfinite(length) and length >= 1e-9):
            found.append(_nothing(len(meant)))
            continue
        scale = (1.0 if liking[place] else AWAY) / length
        found.append(
            LinearWeights(
                rows.vocabulary,
                words.indices[start:end],
                weights * np.float32(scale),
                meant * scale,
            )
        )
    return found


def _nothing(dense: int) -> LinearWeights:
    return LinearWeights(_EMPTY, _EMPTY, np.empty(0, np.float32), np.zeros(dense))


_EMPTY = np.empty(0, np.int32)


def _ratings(
    readers: Sequence[TrainingData],
) -> tuple[
    FeatureBlocks, NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], NDArray[np.float64]
]:
    """All ratings, reader by reader: the rows, and for each whose it is, its place among the rows,
    its kind and age; shape (ratings,) each.
    """
    found: list[tuple[int, int, Rated]] = []
    for owner, given in enumerate(readers):
        some = [(_LIKED, given.liked), (_EXAMPLE, given.examples), (_DISLIKED, given.disliked)]
        if given.ignored_weight > 0 and (
            len(given.liked.paper_ids) or len(given.examples.paper_ids)
        ):
            some.append((_IGNORED, given.ignored))
        found += [(owner, kind, part) for kind, part in some if len(part.paper_ids)]
    rows, starts = _stacked(
        list({id(part.rated_rows): part.rated_rows for _, _, part in found}.values())
    )
    sizes = [len(part.paper_ids) for _, _, part in found]
    places = np.concatenate(
        [
            np.empty(0, np.int64),
            *(part.row_indices + starts[id(part.rated_rows)] for _, _, part in found),
        ]
    )
    if len(places) * 4 < len(rows.dense):
        # In their order on the shelf, so that sums are added up in the same order for a reader
        # alone and among others.
        of_readers, places = np.unique(places, return_inverse=True)
        rows = rows.take(of_readers)
    return (
        rows,
        np.repeat(np.array([owner for owner, _, _ in found], np.int64), sizes),
        places,
        np.repeat(np.array([kind for _, kind, _ in found], np.int8), sizes),
        np.concatenate([np.empty(0), *(part.ages for _, _, part in found)]),
    )


def _stacked(shelves: Sequence[RatedRows]) -> tuple[FeatureBlocks, dict[int, int]]:
    """The rows of all, and where those of each begin."""
    starts = np.cumsum([0, *(shelf.rows.shape[0] for shelf in shelves)]).tolist()
    at = {id(shelf): start for shelf, start in zip(shelves, starts, strict=False)}
    if len(shelves) == 1:
        return shelves[0].blocks, at
    width = max((shelf.rows.shape[1] for shelf in shelves), default=0)
    rows = [
        sp.csr_matrix((each.data, each.indices, each.indptr), shape=(each.shape[0], width))
        for each in (one.rows for one in shelves)
    ]
    return RatedRows(sp.vstack(rows, format="csr") if rows else sp.csr_matrix((0, 0))).blocks, at


def _against(number: NDArray[np.int64]) -> NDArray[np.float64]:
    """What so many thumbs down take away together."""
    return DISLIKE * number / (number + DISLIKES)


def _shares(
    readers: Sequence[TrainingData],
    owners: NDArray[np.int64],
    kinds: NDArray[np.int8],
    ages: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What each rating counts: those for of one reader add up to 1, those against to what they take
    away.
    """
    number = len(readers)
    share = np.maximum(np.exp(-DECAY * ages), FADED)
    share[kinds == _EXAMPLE] *= EXAMPLE_WEIGHT
    liking = np.bincount(owners[kinds < _DISLIKED], minlength=number) > 0
    weights = np.array([given.ignored_weight for given in readers])
    counts = {
        kind: np.bincount(owners[kinds == kind], minlength=number) for kind in (_DISLIKED, _IGNORED)
    }
    for mine, whole in (
        (kinds < _DISLIKED, np.ones(number)),
        (kinds == _DISLIKED, -np.where(liking, _against(counts[_DISLIKED]), 1.0)),
        (kinds == _IGNORED, -weights * _against(counts[_IGNORED])),
    ):
        sums = np.bincount(owners[mine], weights=share[mine], minlength=number)
        share[mine] *= whole[owners[mine]] / sums[owners[mine]]
    return share


def _moved(
    rows: FeatureBlocks,
    background: Background,
    number: int,
    owners: NDArray[np.int64],
    places: NDArray[np.int64],
    share: NDArray[np.float64],
) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
    """Per reader the sum of the rows by their shares, less as much of the background; shape
    (number, columns) and (number, dense columns).
    """
    order, bounds = np.lexsort((places, owners)), np.searchsorted(owners, np.arange(number + 1))
    given = sp.csr_matrix(
        (share[order].astype(np.float32), places[order], bounds),
        shape=(number, rows.words.shape[0]),
    )
    whole = np.bincount(owners, weights=share, minlength=number)
    words = (given @ rows.words).tocsr()
    mean = background.word_means(rows.vocabulary)
    words.data -= np.repeat(whole.astype(np.float32), np.diff(words.indptr)) * mean[words.indices]
    meaning = np.asarray(given @ rows.dense, dtype=np.float64)
    if meaning.shape[1]:
        # As of words: what no rated paper has is not pushed down.
        meaning -= np.where(meaning != 0, np.outer(whole, background.mean[COLUMNS:]), 0.0)
    return words, meaning
