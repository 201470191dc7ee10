"""Recipes that train a linear classifier of scikit-learn for each reader.

They learn from the same rows and weights as the service's own classifier, and their coefficients
are the weights of the profile. So scores, reasons and mails are made by the same code.

Each library is imported when a recipe first trains: it takes a second, which most commands can do
without.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.classifiers import DISLIKES_ONLY_LENGTH
from digest.ranking.profiles import Background, FeatureBlocks, Profile, TrainingData, build_profile
from digest.ranking.profiles.rating_weights import weigh_ratings
from digest.ranking.recipes.recipe import Recipe
from digest.ranking.rows import COLUMNS

#: recent papers that stand for all papers that the reader did not rate
MAX_BACKGROUND_PAPERS = 1000

#: makes an untrained classifier with `fit(X, y, sample_weight)` and `coef_`
EstimatorFactory = Callable[[], Any]


def sklearn_recipe(name: str, about: str, make_estimator: EstimatorFactory) -> Recipe:
    """Make a recipe that trains any linear classifier of scikit-learn."""
    return Recipe(
        name=name, about=about, train_all=_SklearnTrainer(make_estimator), per_interest=True
    )


def logistic_regression() -> Any:
    """Make a logistic regression, with scikit-learn's default penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, random_state=0)


def ridge_classifier() -> Any:
    """Make a ridge regression on the labels, with scikit-learn's default penalty."""
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(random_state=0)


def linear_svc() -> Any:
    """Make a linear support vector machine, with scikit-learn's default penalty."""
    from sklearn.svm import LinearSVC

    return LinearSVC(dual=False, max_iter=10_000, random_state=0)


@dataclass(frozen=True, slots=True)
class _SklearnTrainer:
    """Trains one classifier per reader."""

    make_estimator: EstimatorFactory

    def __call__(self, readers: Sequence[TrainingData], background: Background) -> list[Profile]:
        return [self._train(data, background) for data in readers]

    def _train(self, data: TrainingData, background: Background) -> Profile:
        if not data.has_ratings:
            return build_profile(data)
        from sklearn.exceptions import ConvergenceWarning

        blocks, ratings = weigh_ratings([data])
        rated = blocks.take(ratings.row)
        X, labels, weights = _add_background(rated, ratings.signed_weight, background)
        if not X.shape[1]:
            return build_profile(data)
        estimator = self.make_estimator()
        with warnings.catch_warnings():
            # A model that stopped early still ranks.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(X, labels, sample_weight=weights)
        coef = np.asarray(estimator.coef_, dtype=np.float64).ravel()
        length = float(np.linalg.norm(coef))
        if not (np.isfinite(length) and length > 0):
            return build_profile(data)
        # Of the same length as the own classifier's, so that keywords and trends keep their size.
        coef *= (1.0 if data.likes else DISLIKES_ONLY_LENGTH) / length
        words = len(rated.vocabulary)
        return build_profile(
            data,
            rated.vocabulary,
            np.arange(words, dtype=np.int32),
            coef[:words].astype(np.float32),
            coef[words:],
        )


def _add_background(
    rated: FeatureBlocks, signed_weights: NDArray[np.float64], background: Background
) -> tuple[sp.csr_matrix, NDArray[np.int8], NDArray[np.float64]]:
    """Add recent papers to the lighter class, so that both classes weigh the same.

    The papers of the heavier class get a mean weight of 1. With n likes and no dislike, each of
    1,000 recent papers weighs n / 1,000.

    Args:
        rated: feature rows of the rated papers.
        signed_weights: weights of the ratings, negative where the paper is not liked.
        background: the recent papers.

    Returns:
        Rows of the words that rated papers have and of the dense columns, labels (1: liked), and
        sample weights.
    """
    step = max(1, math.ceil(background.rows.shape[0] / MAX_BACKGROUND_PAPERS))
    dense_columns = np.arange(COLUMNS, COLUMNS + rated.dense.shape[1])
    columns = np.concatenate((rated.vocabulary, dense_columns))
    others = background.rows[::step][:, columns]
    if not others.shape[0]:
        # Without recent papers their mean is zero, as in the service's own classifier.
        others = sp.csr_matrix((1, len(columns)), dtype=np.float32)
    excess = float(signed_weights.sum())
    is_heavier = signed_weights > 0 if excess > 0 else signed_weights < 0
    other_weights = np.full(others.shape[0], -excess / others.shape[0])
    signed = np.concatenate((signed_weights, other_weights))
    labels = (signed > 0).astype(np.int8)
    return (
        sp.vstack((sp.hstack((rated.words, rated.dense)), others), format="csr"),
        labels,
        np.abs(signed) * np.count_nonzero(is_heavier),
    )
