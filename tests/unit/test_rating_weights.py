"""Weights of ratings by kind and age, and the rows of many readers' ratings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Paper
from digest.ranking import features, profiles
from digest.ranking.classifier import InterestClassifier
from digest.ranking.profiles.rating_weights import (
    DECAY_PER_DAY,
    DISLIKE_WEIGHT,
    DISLIKES_FOR_HALF,
    EXAMPLE_WEIGHT,
    MIN_DECAY,
    learn_weights,
    weigh_ratings,
)
from digest.ranking.profiles.ratings import Background, Rated, RatedRows, TrainingData
from tests.examples import examples

COUNT, DENSE = 30, 4


def random_rows(count: int, seed: int) -> sp.csr_matrix:
    random = np.random.default_rng(seed)
    words = sp.random(count, 40, density=0.3, format="csr", dtype=np.float32, random_state=random)
    spread = sp.csr_matrix(
        (words.data, words.indices * 7919, words.indptr), shape=(count, features.COLUMNS)
    )
    dense = random.normal(size=(count, DENSE)).astype(np.float32)
    return sp.csr_matrix(sp.hstack((spread, dense)))


PAPERS = [
    Paper(id=n + 1, title=f"Paper {n}", abstract="", first_seen=date(2026, 6, 1))
    for n in range(COUNT)
]
SHARED, OTHER = RatedRows(random_rows(COUNT, 1)), RatedRows(random_rows(COUNT, 2))
BACKGROUND = Background.from_papers(PAPERS, random_rows(COUNT, 3))


def rate(indices: Sequence[int], ages: Sequence[float] = (), rows: RatedRows = SHARED) -> Rated:
    return Rated.from_shared_rows([PAPERS[n] for n in indices], rows, indices, ages)


def test_likes_add_up_to_one_by_age_and_kind() -> None:
    data = TrainingData(liked=rate([0, 1], [0, 50]), examples=rate([2]))
    weights = weigh_ratings([data]).ratings.signed_weight
    expected = np.array([1, np.exp(-50 * DECAY_PER_DAY), EXAMPLE_WEIGHT])
    assert weights == pytest.approx(expected / expected.sum())


def test_a_very_old_thumb_keeps_a_tenth_of_its_weight() -> None:
    weights = weigh_ratings([TrainingData(liked=rate([0, 1], [0, 1e6]))]).ratings.signed_weight
    assert weights[1] / weights[0] == pytest.approx(MIN_DECAY)


@pytest.mark.parametrize("count", [1, 2, 10])
def test_dislikes_together_weigh_up_to_half_of_the_likes(count: int) -> None:
    data = TrainingData(liked=rate([20, 21]), disliked=rate(range(count)))
    weights = weigh_ratings([data]).ratings.signed_weight
    assert weights[2:].sum() == pytest.approx(-DISLIKE_WEIGHT * count / (count + DISLIKES_FOR_HALF))
    only_dislikes = weigh_ratings([TrainingData(disliked=rate(range(count)))])
    assert only_dislikes.ratings.signed_weight.sum() == pytest.approx(-1)


def test_ignored_papers_weigh_a_share_of_dislikes_and_need_a_like() -> None:
    ignored = TrainingData(ignored=rate([5, 6]), ignored_weight=0.1)
    assert not len(weigh_ratings([ignored]).ratings.row)
    data = TrainingData(liked=rate([0]), ignored=rate([5, 6]), ignored_weight=0.1)
    ratings = weigh_ratings([data]).ratings
    assert ratings.ignored.tolist() == [False, True, True]
    assert ratings.signed_weight[1:].sum() == pytest.approx(
        -0.1 * DISLIKE_WEIGHT * 2 / (2 + DISLIKES_FOR_HALF)
    )


def test_each_rating_refers_to_its_own_row_wherever_that_is() -> None:
    readers = [
        TrainingData(liked=rate([3, 1]), disliked=rate([2], rows=OTHER)),
        TrainingData(examples=rate([7], rows=OTHER)),
    ]
    blocks, ratings = weigh_ratings(readers)
    assert ratings.reader.tolist() == [0, 0, 0, 1]
    sources = [(SHARED, 3), (SHARED, 1), (OTHER, 2), (OTHER, 7)]
    for row, (source, index) in zip(ratings.row.tolist(), sources, strict=True):
        expected = source.rows[[index]].toarray().ravel()
        words = blocks.words[[row]].toarray().ravel()
        assert np.array_equal(words, expected[blocks.vocabulary])
        assert np.array_equal(blocks.dense[row], expected[features.COLUMNS :])


# ----------------------------------------------------------------------------------------------
# the batch form for many readers against the plain classifier


@st.composite
def readers(draw: st.DrawFn) -> TrainingData:
    """Draw a reader with ratings of every kind; no paper is rated in two ways."""
    indices = draw(st.permutations(range(COUNT)))
    # The likes come first, and of some readers they are most.
    bounds = sorted(draw(st.lists(st.integers(0, 28), min_size=4, max_size=4)))
    ages = draw(st.lists(st.floats(0, 400), min_size=COUNT, max_size=COUNT))
    parts = [
        rate(indices[start:end], ages[start:end], rows)
        for start, end, rows in zip(
            [0, *bounds], bounds, (SHARED, SHARED, OTHER, SHARED), strict=False
        )
    ]
    liked, disliked, examples, ignored = parts
    return TrainingData(
        liked=liked,
        disliked=disliked,
        examples=examples,
        ignored=ignored,
        ignored_weight=draw(st.sampled_from((0.0, 0.1, 1.0))),
    )


@settings(max_examples=examples(60))
@given(st.lists(readers(), min_size=1, max_size=4))
def test_each_reader_learns_what_the_plain_classifier_learns(data: list[TrainingData]) -> None:
    vocabulary, learned = learn_weights(data, BACKGROUND)
    for reader, weights in zip(data, learned, strict=True):
        blocks, ratings = weigh_ratings([reader])
        if not len(ratings.row):
            assert not len(weights.word_weights)
            continue
        background = np.concatenate(
            (BACKGROUND.mean[blocks.vocabulary], BACKGROUND.mean[features.COLUMNS :])
        )
        variances = np.concatenate(
            (BACKGROUND.variances[blocks.vocabulary], BACKGROUND.variances[features.COLUMNS :])
        )
        plain = InterestClassifier(background=background, variances=variances).fit(
            sp.csr_matrix(sp.hstack((blocks.words, blocks.dense)))[ratings.row],
            ratings.signed_weight > 0,
            sample_weight=np.abs(ratings.signed_weight),
            ignored=ratings.ignored,
        )
        coef = np.zeros(features.COLUMNS)
        coef[vocabulary[weights.indices]] = weights.word_weights
        words = len(blocks.vocabulary)
        assert coef[blocks.vocabulary] == pytest.approx(plain.coef_[0, :words], abs=1e-6)
        assert weights.dense_weights == pytest.approx(plain.coef_[0, words:], abs=1e-6)
        assert np.count_nonzero(coef) <= words


def test_a_profile_holds_the_learned_weights() -> None:
    data = TrainingData(liked=rate([1, 2, 3]), disliked=rate([4]))
    (profile,) = profiles.train_all([data], BACKGROUND)
    vocabulary, (weights,) = learn_weights([data], BACKGROUND)
    assert np.array_equal(profile.columns, vocabulary[weights.indices])
    assert np.array_equal(profile.word_weights, weights.word_weights)
    assert np.array_equal(profile.dense_weights, weights.dense_weights)
