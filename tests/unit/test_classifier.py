"""The linear classifier: a scikit-learn estimator and its batch form.

Also the methods of which it is the limit.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from digest.ranking.classifier import InterestClassifier
from digest.ranking.classifiers import (
    DISLIKES_ONLY_LENGTH,
    FEW_LIKES,
    LinearWeights,
    Ratings,
    fit_many,
)
from tests.examples import examples

ROWS, WORDS, DENSE = 40, 60, 5


@parametrize_with_checks([InterestClassifier()])
def test_it_is_a_scikit_learn_classifier(
    estimator: BaseEstimator, check: Callable[[BaseEstimator], None]
) -> None:
    check(estimator)


# ----------------------------------------------------------------------------------------------
# the plain form


def test_likes_alone_are_set_against_the_background() -> None:
    liked = np.array([[1.0, 0.0, 0.2], [0.8, 0.0, 0.2]])
    background = np.array([0.1, 0.5, 0.2])
    classifier = InterestClassifier(background=background).fit(liked, [1, 1])
    difference = np.array([0.9 - 0.1, 0.0, 0.2 - 0.2])  # no liked paper has the second column
    assert classifier.coef_[0] == pytest.approx(difference / np.linalg.norm(difference))
    assert classifier.classes_.tolist() == [0, 1]
    assert classifier.predict(np.vstack((liked, background))).tolist() == [1, 1, 0]


def test_the_threshold_is_half_way_between_the_class_means() -> None:
    X = np.array([[3.0, 1.0], [1.0, 1.0], [0.5, 2.0]])
    classifier = InterestClassifier().fit(X, ["yes", "yes", "no"])
    means = X[:2].mean(axis=0), X[2]
    assert sum(classifier.decision_function(np.array(means))) == pytest.approx(0)
    assert classifier.predict(np.array(means)).tolist() == ["yes", "no"]


def test_dislikes_alone_push_away_with_less_weight() -> None:
    disliked, background = np.array([[1.0, 0.0]]), np.array([0.2, 0.6])
    classifier = InterestClassifier(background=background).fit(disliked, [0])
    assert classifier.coef_[0] == pytest.approx([-DISLIKES_ONLY_LENGTH, 0])
    assert classifier.classes_.tolist() == [0]
    assert classifier.predict(disliked).tolist() == [0]


def test_a_small_weight_of_ignored_papers_leaves_their_own_columns_alone() -> None:
    X, background = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 0.5])
    coefs = [
        InterestClassifier(background=background)
        .fit(X, [1, 0], sample_weight=[1, 1e-9], ignored=ignored)
        .coef_[0]
        for ignored in ([False, True], [False, False])
    ]
    assert coefs[0] == pytest.approx([1, 0], abs=1e-6)
    assert coefs[1] == pytest.approx([np.sqrt(0.5), -np.sqrt(0.5)], abs=1e-6)


def liked_papers(count: int) -> NDArray[np.float64]:
    """Papers that have both columns alike."""
    return np.ones((count, 2))


@pytest.mark.parametrize(
    ("likes", "ratio"),
    [(1, 1.0), (FEW_LIKES, 1.0), (2 * FEW_LIKES, 1 / 4), (11 * FEW_LIKES, 1 / 31)],
)
def test_many_likes_count_less_where_papers_vary_more(likes: int, ratio: float) -> None:
    """With s = 1/2 the shrunk variances of 3 and 0 are 2 and 1/2, with s = 1/11 31/11 and 1/11."""
    classifier = InterestClassifier(background=np.zeros(2), variances=[3.0, 0.0])
    weights = classifier.fit(liked_papers(likes), np.ones(likes)).coef_[0]
    assert weights[0] / weights[1] == pytest.approx(ratio)
    assert np.linalg.norm(weights) == pytest.approx(1)


def test_variances_count_less_where_likes_are_old_and_not_where_dislikes_are_as_many() -> None:
    likes = 3 * FEW_LIKES

    def ratio(weights: list[float], dislikes: int, ignored: bool = False) -> float:
        """Learn from likes of these weights and dislikes; compare the weights of the columns."""
        labels = np.array([1] * likes + [0] * dislikes)
        classifier = InterestClassifier(background=np.zeros(2), variances=[3.0, 0.0]).fit(
            liked_papers(likes + dislikes) * np.where(labels, 1.0, -1.0)[:, None],
            labels,
            sample_weight=[*weights, *[1.0] * dislikes],
            ignored=(labels == 0) & ignored,
        )
        return float(classifier.coef_[0, 0] / classifier.coef_[0, 1])

    alike = [0.5] * likes
    assert ratio(alike, 0) == pytest.approx(1 / 7)
    assert ratio(alike, 7, ignored=True) == pytest.approx(1 / 7)
    assert ratio(alike, FEW_LIKES) == pytest.approx(1 / 4)
    assert ratio(alike, likes) == 1
    assert 1 / 7 < ratio([1.0] * FEW_LIKES + [0.1] * 2 * FEW_LIKES, 0) < 1


def test_papers_that_are_all_the_same_teach_nothing() -> None:
    classifier = InterestClassifier().fit(np.ones((4, 3)), [0, 1, 0, 1])
    assert classifier.coef_.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("labels", "weights", "message"),
    [
        ([1, 1, 1], None, "both classes"),
        ([0, 1, 2], None, "Only binary"),
        ([0, 1, 1], [0, 0, 0], "zero"),
        ([0, 1, 1], [1, 1, -1], "[Nn]egative"),
        ([0, 1, 1], [1, 1], "inconsistent"),
    ],
)
def test_unusable_training_data_are_refused(
    labels: list[int], weights: list[float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        InterestClassifier().fit(np.eye(3), labels, sample_weight=weights)


def test_the_background_must_belong_to_one_of_two_classes() -> None:
    classifier = InterestClassifier(background=np.ones(3), background_label=7)
    with pytest.raises(ValueError, match=r"class 7, which is none of the classes \[0, 1\]"):
        classifier.fit(np.eye(3), [0, 1, 1])


# ----------------------------------------------------------------------------------------------
# the batch form


@st.composite
def ratings_of_readers(draw: st.DrawFn) -> Ratings:
    """Draw ratings of up to four readers; nobody rates a paper twice.

    Some like more than `FEW_LIKES` papers.
    """
    reader: list[int] = []
    row: list[int] = []
    signed_weight: list[float] = []
    ignored: list[bool] = []
    readers = draw(st.integers(1, 4))
    weights = st.floats(1e-3, 1.0) | st.just(1.0)
    for number in range(readers):
        rows = draw(st.lists(st.integers(0, ROWS - 1), unique=True, max_size=12))
        kinds = draw(st.sampled_from((("liked", "disliked", "ignored"), ("liked",))))
        if kinds == ("liked",):
            rows = sorted({*rows, *range(0, ROWS, 2)})
        for place in rows:
            kind = draw(st.sampled_from(kinds))
            reader.append(number)
            row.append(place)
            signed_weight.append(draw(weights) * (1 if kind == "liked" else -1))
            ignored.append(kind == "ignored")
    return Ratings(
        readers=readers,
        reader=np.array(reader, np.int64),
        row=np.array(row, np.int64),
        signed_weight=np.array(signed_weight, np.float64),
        ignored=np.array(ignored, np.bool_),
    )


def random_rows(seed: int) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    words = sp.random(ROWS, WORDS, density=0.2, format="csr", dtype=np.float32, random_state=random)
    return sp.csr_matrix(words), random.normal(size=(ROWS, DENSE)).astype(np.float32)


def random_variances(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    random = np.random.default_rng(seed + 2)
    return random.exponential(size=WORDS).astype(np.float32), random.exponential(size=DENSE)


def to_coef(weights: LinearWeights) -> NDArray[np.float64]:
    coef = np.zeros(WORDS + DENSE)
    coef[weights.indices] = weights.word_weights
    coef[WORDS:] = weights.dense_weights
    return coef


@settings(max_examples=examples(80))
@given(ratings_of_readers(), st.integers(0, 1000))
def test_the_batch_form_gives_each_reader_the_weights_of_the_plain_form(
    ratings: Ratings, seed: int
) -> None:
    words, dense = random_rows(seed)
    background_rows = random_rows(seed + 1)
    word_means = np.asarray(background_rows[0].mean(axis=0)).ravel().astype(np.float32)
    dense_means = background_rows[1].mean(axis=0).astype(np.float64)
    word_variances, dense_variances = random_variances(seed)
    batch = fit_many(
        words, dense, ratings, word_means, dense_means, word_variances, dense_variances
    )
    assert len(batch) == ratings.readers
    X = sp.csr_matrix(sp.hstack((words, dense)))
    for number, weights in enumerate(batch):
        coef = to_coef(weights)
        of_reader = ratings.reader == number
        if not of_reader.any():
            assert not coef.any()
            continue
        plain = InterestClassifier(
            background=np.concatenate((word_means, dense_means)),
            variances=np.concatenate((word_variances, dense_variances)),
        ).fit(
            X[ratings.row[of_reader]],
            ratings.signed_weight[of_reader] > 0,
            sample_weight=np.abs(ratings.signed_weight[of_reader]),
            ignored=ratings.ignored[of_reader],
        )
        assert coef == pytest.approx(plain.coef_[0], abs=1e-6)


@settings(max_examples=examples(30))
@given(ratings_of_readers(), st.integers(0, 1000))
def test_a_reader_has_the_same_weights_alone_and_among_others(ratings: Ratings, seed: int) -> None:
    words, dense = random_rows(seed)
    statistics = np.full(WORDS, 0.05, np.float32), np.full(DENSE, 0.1), *random_variances(seed)
    together = fit_many(words, dense, ratings, *statistics)
    for number in range(ratings.readers):
        of_reader = ratings.reader == number
        (alone,) = fit_many(
            words,
            dense,
            Ratings(
                readers=1,
                reader=np.zeros(of_reader.sum(), np.int64),
                row=ratings.row[of_reader],
                signed_weight=ratings.signed_weight[of_reader],
                ignored=ratings.ignored[of_reader],
            ),
            *statistics,
        )
        assert to_coef(alone) == pytest.approx(to_coef(together[number]), abs=1e-7)


def test_columns_that_cancel_out_take_no_background_in_either_form() -> None:
    words = sp.csr_matrix(np.array([[1.0, 0.0], [1.0, 0.5]], np.float32))
    ratings = Ratings(
        readers=1,
        reader=np.zeros(2, np.int64),
        row=np.arange(2),
        signed_weight=np.array([0.5, -0.5]),
        ignored=np.zeros(2, np.bool_),
    )
    means = np.array([0.3, 0.3], np.float32)
    no_dense = np.zeros((2, 0), np.float32)
    no_variances = np.zeros(2, np.float32), np.zeros(0)
    (batch,) = fit_many(words, no_dense, ratings, means, np.zeros(0), *no_variances)
    plain = InterestClassifier(background=means).fit(words, [1, 0])
    assert batch.indices.tolist() == [1]
    assert plain.coef_[0] == pytest.approx([0, -1])
    assert batch.word_weights == pytest.approx([-1])


# ----------------------------------------------------------------------------------------------
# the limit of ridge regression


@settings(max_examples=examples(40))
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(0, 12))
def test_ridge_regression_with_a_large_alpha_ranks_the_same(
    seed: int, likes: int, dislikes: int
) -> None:
    random = np.random.default_rng(seed)
    X = random.normal(size=(likes + dislikes, 20))
    background = random.normal(size=(30, 20))
    targets = np.array([1] * likes + [-1] * dislikes)
    weights = random.uniform(0.1, 1, likes + dislikes)
    plain = InterestClassifier(background=background.mean(axis=0), background_label=-1)
    plain.fit(X, targets, sample_weight=weights)
    # Ridge gets the papers of the background themselves, in the lighter class.
    excess = float(weights @ targets)
    ridge = Ridge(alpha=1e9, fit_intercept=False).fit(
        np.vstack((X, background)),
        np.concatenate((targets, np.full(30, -np.sign(excess)))),
        sample_weight=np.concatenate((weights, np.full(30, abs(excess) / 30))),
    )
    cosine = ridge.coef_ @ plain.coef_[0] / np.linalg.norm(ridge.coef_)
    assert cosine > 1 - 1e-6
    papers = random.normal(size=(200, 20))
    order = spearmanr(papers @ ridge.coef_, plain.decision_function(papers))
    assert order.statistic > 0.999


def test_the_command_line_starts_without_scikit_learn() -> None:
    program = "import sys, digest.cli, digest.serve; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
