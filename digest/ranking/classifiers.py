"""Rated papers of many readers -> linear weights: `InterestClassifier` for all of them at once.

See `classifier` for the method, and for its plain form.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: length of the weights of a reader who disliked papers and liked none; of others it is 1
DISLIKES_ONLY_LENGTH = 0.5
#: likes up to which the variances of the columns do not count
FEW_LIKES = 12
#: length below which weights are noise: nothing was learned
MIN_LENGTH = 1e-9

Floats = NDArray[np.float64]


class Ratings(NamedTuple):
    """The ratings of many readers, reader by reader.

    The arrays have the shape (ratings,).
    """

    #: how many readers there are
    readers: int
    #: number of the reader that each rating is of, ascending
    reader: NDArray[np.int64]
    #: which feature row is rated
    row: NDArray[np.int64]
    #: weight of the rating, negative where the paper is not liked
    signed_weight: Floats
    #: whether the paper was shown and not rated
    ignored: NDArray[np.bool_]


class LinearWeights(NamedTuple):
    """The weights learned for one reader: of some words and of all dense columns."""

    #: the words that have a weight, shape (weighed words,)
    indices: NDArray[np.int32]
    #: shape of `indices`
    word_weights: NDArray[np.float32]
    #: shape (dense columns,)
    dense_weights: Floats


def fit_many(
    words: sp.csr_matrix,
    dense: NDArray[np.float32],
    ratings: Ratings,
    word_means: NDArray[np.float32],
    dense_means: Floats,
    word_variances: NDArray[np.float32],
    dense_variances: Floats,
) -> list[LinearWeights]:
    """Learn the weights of many readers at once.

    Each reader gets the weights of an `InterestClassifier` with a background and variances,
    whoever the other readers are. Words are summed in single precision.

    Args:
        words: word weights of the feature rows without explicit zeros, shape (rows, words).
        dense: dense columns of the same rows, shape (rows, dense columns).
        ratings: the ratings of all readers.
        word_means: background of the words, shape (words,).
        dense_means: background of the dense columns, shape (dense columns,).
        word_variances: variances of the words, shape (words,), see `InterestClassifier`.
        dense_variances: variances of the dense columns, shape (dense columns,).
    """
    background = word_means, dense_means
    ignored = ratings.ignored
    word_sums, dense_sums = _subtract_backgrounds(words, dense, ratings, ~ignored, background)
    if ignored.any():
        more = _subtract_backgrounds(words, dense, ratings, ignored, background)
        word_sums, dense_sums = (word_sums + more[0]).tocsr(), dense_sums + more[1]
    signed_weight, reader = ratings.signed_weight, ratings.reader
    likes = count_equal(np.maximum(signed_weight, 0.0), reader, ratings.readers)
    dislike_weights = np.where(ignored, 0.0, np.maximum(-signed_weight, 0.0))
    dislikes = count_equal(dislike_weights, reader, ratings.readers)
    variance_weights = weigh_variances(likes, dislikes).tolist()
    learned = []
    for number, (start, end) in enumerate(pairwise(word_sums.indptr.tolist())):
        indices = word_sums.indices[start:end]
        word_weights, dense_weights = word_sums.data[start:end], dense_sums[number]
        if weight := variance_weights[number]:
            divisors = word_variances.take(indices)
            divisors *= np.float32(weight)
            divisors += 1
            word_weights = word_weights / divisors
            dense_weights = dense_weights / (1 + weight * dense_variances)
        length = math.sqrt(
            float(word_weights @ word_weights) + float(dense_weights @ dense_weights)
        )
        if not (math.isfinite(length) and length >= MIN_LENGTH):
            learned.append(no_weights(dense.shape[1]))
            continue
        scale = (1.0 if likes[number] else DISLIKES_ONLY_LENGTH) / length
        learned.append(
            LinearWeights(indices, word_weights * np.float32(scale), dense_weights * scale)
        )
    return learned


def weigh_variances(likes: Any, dislikes: Any) -> Any:
    """Compute how much variances count, by numbers of likes and dislikes; shape of `likes`.

    The shrunk variance of a column is `(1 - s) * variance + s` with `s = FEW_LIKES / n`, at most 1.
    Up to a factor that all columns share it is `1 + weight * variance`. Each dislike takes one off
    n: the variance of recent papers tells how to set likes apart from these, not from dislikes.
    """
    return np.maximum((likes - dislikes) / FEW_LIKES - 1, 0.0)


def count_equal(
    weights: Floats, reader: NDArray[np.int64] | None = None, readers: int = 1
) -> Floats:
    """Count the ratings of equal weight whose mean is as noisy; shape (readers,).

    This is Kish's effective sample size. A rating of weight 0 does not count.

    Args:
        weights: weights of the ratings, shape (ratings,).
        reader: number of the reader that each rating is of; all of one reader when left out.
    """
    reader = np.zeros(len(weights), np.int64) if reader is None else reader
    squares = np.bincount(reader, weights**2, readers)
    counts: Floats = np.bincount(reader, weights, readers) ** 2 / np.where(squares > 0, squares, 1)
    return counts


def _subtract_backgrounds(
    words: sp.csr_matrix,
    dense: NDArray[np.float32],
    ratings: Ratings,
    chosen: NDArray[np.bool_],
    background: tuple[NDArray[np.float32], Floats],
) -> tuple[sp.csr_matrix, Floats]:
    """Sum each reader's weighted rows and subtract as much background.

    Args:
        chosen: which ratings are summed, shape (ratings,).

    Returns:
        The sums of words, shape (readers, words), and of dense columns, shape (readers, dense).
    """
    reader, row = ratings.reader[chosen], ratings.row[chosen]
    signed_weight = ratings.signed_weight[chosen]
    order = np.lexsort((row, reader))
    indptr = np.searchsorted(reader, np.arange(ratings.readers + 1))
    weights = sp.csr_matrix(
        (signed_weight[order].astype(np.float32), row[order], indptr),
        shape=(ratings.readers, words.shape[0]),
    )
    excess = np.bincount(reader, weights=signed_weight, minlength=ratings.readers)
    word_sums = (weights @ words).tocsr()
    word_means, dense_means = background
    word_sums.data -= (
        np.repeat(excess.astype(np.float32), np.diff(word_sums.indptr))
        * word_means[word_sums.indices]
    )
    dense_sums = np.asarray(weights @ dense, dtype=np.float64)
    dense_sums -= np.where(dense_sums != 0, np.outer(excess, dense_means), 0.0)
    return word_sums, dense_sums


def no_weights(dense_columns: int) -> LinearWeights:
    """The weights of a reader of whom nothing is known."""
    return LinearWeights(np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(dense_columns))
