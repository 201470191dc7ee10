"""Rated papers -> linear weights: the difference of two weighted class means.

`InterestClassifier` is the plain form, for one reader: the mean of the liked papers minus the mean
of the others. The others are the disliked papers and, for the rest, the background: the mean of
recent papers that nobody rated. `classifiers.fit_many` does the same for many readers at once;
every round calls it, and needs no scikit-learn, which takes a second to import.

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

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from digest.ranking.classifiers import (
    DISLIKES_ONLY_LENGTH,
    MIN_LENGTH,
    Floats,
    count_equal,
    weigh_variances,
)


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
            (weight,) = weigh_variances(count_equal(weights[likes]), count_equal(weights[dislikes]))
            coef /= 1 + weight * variances
        length = float(np.linalg.norm(coef))
        wanted_length = 1.0 if likes.any() else DISLIKES_ONLY_LENGTH
        coef *= wanted_length / length if length >= MIN_LENGTH else 0.0
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


def _subtract_background(X: Any, signed_weights: Floats, background: Floats) -> Floats:
    """Sum weighted rows and subtract as much background; shape (n_features,).

    It is subtracted only in columns where the sum is not zero: the others would push down papers
    for words of which the reader said nothing.
    """
    total = np.asarray(X.T @ signed_weights, dtype=np.float64)
    return total - np.where(total != 0, signed_weights.sum() * background, 0.0)
