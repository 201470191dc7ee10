"""Rated papers -> linear weights: the difference of two weighted class means.

`InterestClassifier` is the plain form, for one reader: the mean of the liked papers minus the mean
of the others. The others are the disliked papers and, for the rest, the background: the mean of
recent papers that nobody rated. `fit_many` does the same for many readers at once; every round
calls it.

The method is Rocchio's relevance feedback (1971). It is also Fisher's linear discriminant (1936)
with one covariance for all readers, because the corpus has whitened the feature rows already. And
it is the limit of ridge regression: as `alpha` grows, the coefficients of scikit-learn's `Ridge`
approach the direction of these weights; it ranks no better (`tests/bench/RESULTS.md`). No solver is
needed.

With many likes the means are known well, and columns in which papers vary a lot tell less. So from
`FEW_LIKES` likes on each column is divided by its shrunk variance, and the shrinkage falls as likes
grow: diagonal discriminant analysis (Dudoit, Fridlyand and Speed, 2002), shrunk as in Friedman's
"Regularized discriminant analysis" (1989).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

#: length of the weights of a reader who disliked papers and liked none; of others it is 1
DISLIKES_ONLY_LENGTH = 0.5
#: likes up to which the variances of the columns do not count
FEW_LIKES = 12
#: length below which weights are noise: nothing was learned
_MIN_LENGTH = 1e-9

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


class InterestClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Tell liked from other papers by the difference of two weighted class means.

    Both classes weigh the same, because the background fills up the lighter one. Of a reader who
    only liked papers it is the whole second class. Without a background both classes are needed,
    and their weights are scaled to the same sum.

    Args:
        background: mean of recent papers, shape (n_features,).
        background_label: label of the other papers in `y`. Without a background it has no meaning:
            the liked papers have the greater of two labels.
        variances: variance of each column over recent papers, in units of a typical one of its
            block, shape (n_features,). When left out, no column is divided by its variance.

    Attributes:
        classes_: the labels in sorted order.
        coef_: weights of length 1, or `DISLIKES_ONLY_LENGTH` without likes, or 0 where nothing was
            learned; shape (1, n_features).
        intercept_: puts the threshold half-way between the class means, shape (1,).
        n_features_in_: the number of features.
    """

    def __init__(
        self,
        background: ArrayLike | None = None,
        background_label: Any = 0,
        variances: ArrayLike | None = None,
    ) -> None:
        self.background = background
        self.background_label = background_label
        self.variances = variances

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        ignored: ArrayLike | None = None,
    ) -> Self:
        """Learn the weights from rated papers.

        Args:
            X: feature rows, dense or sparse, shape (n, n_features).
            y: the label of each paper, shape (n,).
            sample_weight: weight of each rating, shape (n,); all 1 when left out.
            ignored: whether each paper was shown and not rated, shape (n,). Ignored papers belong
                to the other class, and the background is subtracted from them on their own.
        """
        X, likes, weights, background = self._check_inputs(X, y, sample_weight)
        signed = np.where(likes, weights, -weights)
        ignored = np.zeros(len(signed), bool) if ignored is None else np.asarray(ignored, bool)
        coef = _subtract_background(X, np.where(ignored, 0.0, signed), background)
        coef += _subtract_background(X, np.where(ignored, signed, 0.0), background)
        if self.variances is not None:
            variances = check_array(self.variances, dtype=np.float64, ensure_2d=False)
            dislikes = ~likes & ~ignored
            (weight,) = _weigh_variances(
                _count_equal(weights[likes]), _count_equal(weights[dislikes])
            )
            coef /= 1 + weight * variances
        length = float(np.linalg.norm(coef))
        wanted_length = 1.0 if likes.any() else DISLIKES_ONLY_LENGTH
        coef *= wanted_length / length if length >= _MIN_LENGTH else 0.0
        # The scores of both class means. The background is a part of the lighter class.
        class_weight = max(weights[likes].sum(), weights[~likes].sum())
        mean_scores = weights @ (X @ coef) + abs(signed.sum()) * (background @ coef)
        self.coef_, self.intercept_ = coef[np.newaxis], np.array([-mean_scores / class_weight / 2])
        return self

    def decision_function(self, X: Any) -> Floats:
        """Score papers, shape (n,); a liked paper has a positive score."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        scores: Floats = X @ self.coef_[0] + self.intercept_[0]
        return scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of each paper, shape (n,)."""
        scores = self.decision_function(X)
        labels: NDArray[Any] = self._labels[(scores > 0).astype(int)]
        return labels

    @staticmethod
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
        likes = _count_equal(np.maximum(signed_weight, 0.0), reader, ratings.readers)
        dislike_weights = np.where(ignored, 0.0, np.maximum(-signed_weight, 0.0))
        dislikes = _count_equal(dislike_weights, reader, ratings.readers)
        variance_weights = _weigh_variances(likes, dislikes).tolist()
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
            if not (math.isfinite(length) and length >= _MIN_LENGTH):
                learned.append(no_weights(dense.shape[1]))
                continue
            scale = (1.0 if likes[number] else DISLIKES_ONLY_LENGTH) / length
            learned.append(
                LinearWeights(indices, word_weights * np.float32(scale), dense_weights * scale)
            )
        return learned

    def _check_inputs(
        self, X: Any, y: Any, sample_weight: ArrayLike | None
    ) -> tuple[Any, NDArray[np.bool_], Floats, Floats]:
        """Check the arguments of `fit`, and set the labels.

        Returns:
            The rows, which of them are liked, their weights, and the background.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=(np.float64, np.float32))
        check_classification_targets(y)
        if (target := type_of_target(y, input_name="y")) != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {target}."
            )
        weights = np.ones(len(y))
        if sample_weight is not None:
            weights = check_array(
                sample_weight, dtype=np.float64, ensure_2d=False, ensure_non_negative=True
            )
            check_consistent_length(X, weights)
            if not weights.any():
                raise ValueError("All sample weights are zero.")
        if self.background is not None:
            background = check_array(self.background, dtype=np.float64, ensure_2d=False)
            self.classes_ = np.unique(np.append(y, self.background_label))
            if len(self.classes_) > 2:
                raise ValueError(
                    f"The background has the class {self.background_label!r}, which is none of the "
                    f"classes {np.unique(y).tolist()}."
                )
            is_other = self.classes_ == self.background_label
            self._labels = np.append(self.classes_[is_other], self.classes_[~is_other])[[0, -1]]
            return X, y != self._labels[0], weights, background
        self.classes_ = self._labels = np.unique(y)
        likes = y != self._labels[0]
        sums = np.array([weights[~likes].sum(), weights[likes].sum()])
        if not sums.all():
            raise ValueError("Without a background, both classes need papers: got one class only.")
        return X, likes, weights / sums[likes.astype(int)], np.zeros(X.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags


def _weigh_variances(likes: Any, dislikes: Any) -> Any:
    """Compute how much variances count, by numbers of likes and dislikes; shape of `likes`.

    The shrunk variance of a column is `(1 - s) * variance + s` with `s = FEW_LIKES / n`, at most 1.
    Up to a factor that all columns share it is `1 + weight * variance`. Each dislike takes one off
    n: the variance of recent papers tells how to set likes apart from these, not from dislikes.
    """
    return np.maximum((likes - dislikes) / FEW_LIKES - 1, 0.0)


def _count_equal(
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


def _subtract_background(X: Any, signed_weights: Floats, background: Floats) -> Floats:
    """Sum weighted rows and subtract as much background; shape (n_features,).

    It is subtracted only in columns where the sum is not zero: the others would push down papers
    for words of which the reader said nothing.
    """
    total = np.asarray(X.T @ signed_weights, dtype=np.float64)
    return total - np.where(total != 0, signed_weights.sum() * background, 0.0)


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
