"""Recipes that train a linear classifier of scikit-learn on the reader's ratings."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from digest.model import Score
from digest.ranking import features, scores
from digest.ranking.classifier import InterestClassifier
from digest.ranking.classifiers import DISLIKES_ONLY_LENGTH
from digest.ranking.profiles import Background, Profile, Rated, TrainingData
from digest.ranking.recipes import RECIPES, Recipe
from digest.ranking.recipes.linear import MAX_BACKGROUND_PAPERS, sklearn_recipe
from tests.unit.three_topics import (
    ALL,
    BACKGROUND,
    DAY,
    GALAXIES,
    PAPERS,
    ROBOTS,
    ROWS,
    rate,
    topics_by_rank,
    training_data,
)

NAMES = ("logistic", "ridge", "svm")
NO_BACKGROUND = Background.from_papers([], ROWS[:0])


def explain(name: str, data: TrainingData) -> list[Score]:
    recipe = RECIPES[name]
    return list(recipe.explain(recipe.train(data, BACKGROUND), DAY, ALL))


def length(profile: Profile) -> float:
    return float(
        np.hypot(np.linalg.norm(profile.word_weights), np.linalg.norm(profile.dense_weights))
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_liked_topic_leads_and_its_words_are_the_reasons(name: str) -> None:
    data = training_data(liked=(16, 19, 22), disliked=(15, 18))
    assert set(topics_by_rank(name, data)[:5]) == {GALAXIES}
    assert set(topics_by_rank(name, data)[-5:]) == {ROBOTS}
    best, worst = explain(name, data)[0], explain(name, data)[-1]
    named = {part.name for part in best.parts if part.kind == "word" and part.value > 0}
    assert named & {"galaxy", "redshift", "survey", "dust"}
    assert any(part.kind == "word" and part.value < 0 for part in worst.parts)
    assert best.nearest


@pytest.mark.parametrize("name", NAMES)
def test_likes_alone_are_enough(name: str) -> None:
    data = training_data(liked=(16,))
    assert set(topics_by_rank(name, data)[:5]) == {GALAXIES}
    assert length(RECIPES[name].train(data, BACKGROUND)) == pytest.approx(1)


@pytest.mark.parametrize("name", NAMES)
def test_dislikes_alone_push_their_topic_down(name: str) -> None:
    data = training_data(disliked=(16, 19))
    assert set(topics_by_rank(name, data)[-5:]) == {GALAXIES}
    profile = RECIPES[name].train(data, BACKGROUND)
    assert length(profile) == pytest.approx(DISLIKES_ONLY_LENGTH)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("background", [BACKGROUND, NO_BACKGROUND], ids=["recent", "nothing"])
@pytest.mark.parametrize(
    "data",
    [
        training_data(),
        training_data(liked=(16,)),
        training_data(disliked=(16,)),
        training_data(liked=(16, 17), disliked=(16, 17)),
        training_data(liked=tuple(range(30)), disliked=tuple(range(30))),
        TrainingData(liked=rate(16), ignored=rate(15), ignored_weight=1.0),
        TrainingData(liked=Rated.from_papers(PAPERS[:1], sp.csr_matrix((1, features.COLUMNS)))),
    ],
    ids=["nothing", "like", "dislike", "contradiction", "all twice", "ignored", "no words"],
)
def test_any_ratings_make_a_profile_of_finite_numbers(
    name: str, background: Background, data: TrainingData
) -> None:
    profile = RECIPES[name].train(data, background)
    assert np.isfinite(scores.score(profile, DAY)).all()
    assert length(profile) <= 1 + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_keywords_and_boosts_count_beside_the_weights(name: str) -> None:
    data = training_data(liked=(16,), keywords=("rhyme",))
    recipe = RECIPES[name]
    profile = recipe.train(data, BACKGROUND)
    own = RECIPES["learned"].train(data, BACKGROUND)
    assert [(keyword.weight, keyword.bonus) for keyword in profile.keywords] == [
        (keyword.weight, keyword.bonus) for keyword in own.keywords
    ]
    boosted = TrainingData(liked=rate(16), co_like_boosts=((1, "Another", 0.1),))
    assert recipe.train(boosted, BACKGROUND).co_like_boosts == boosted.co_like_boosts


@pytest.mark.parametrize("name", NAMES)
def test_training_twice_gives_the_same_weights_also_in_another_process(name: str) -> None:
    data = training_data(liked=(16, 19), disliked=(15,))
    recipe: Recipe = pickle.loads(pickle.dumps(RECIPES[name]))
    first, second = (copy.train(data, BACKGROUND) for copy in (RECIPES[name], recipe))
    assert np.array_equal(first.word_weights, second.word_weights)
    assert np.array_equal(first.columns, second.columns)


# ----------------------------------------------------------------------------------------------
# any other classifier


def test_the_own_classifier_as_a_recipe_learns_what_the_round_learns() -> None:
    recipe = sklearn_recipe("plain", "the plain form", InterestClassifier)
    for data in (
        training_data(liked=(16, 19)),
        training_data(disliked=(15,)),
        training_data(liked=(16, 19, 22), disliked=(15, 18)),
    ):
        plain = recipe.train(data, BACKGROUND)
        own = RECIPES["learned"].train(data, BACKGROUND)
        assert scores.score(plain, DAY) == pytest.approx(scores.score(own, DAY), abs=1e-6)


class _Recorder:
    """A classifier that records its input and learns to like the first column."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any]] = []

    def __call__(self) -> _Recorder:
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        self.calls.append((X, y, sample_weight))
        self.coef_ = np.eye(1, X.shape[1])


def test_recent_papers_fill_up_the_lighter_class_with_a_small_weight() -> None:
    recorder = _Recorder()
    recipe = sklearn_recipe("recorder", "", recorder)
    recipe.train(training_data(liked=(0, 1, 2, 3), disliked=(4,)), BACKGROUND)
    ((X, y, weights),) = recorder.calls
    assert X.shape[0] == len(y) == len(weights) == 4 + 1 + len(PAPERS[15:])
    assert y.tolist() == [1] * 4 + [0] * (1 + 15)
    assert weights[:4] == pytest.approx([1] * 4)
    assert weights[4] == pytest.approx(1)  # the only dislike weighs a quarter of the likes
    assert weights[5:] == pytest.approx([3 / 15] * 15)


def test_no_more_than_a_thousand_recent_papers_are_used() -> None:
    recorder = _Recorder()
    many = sp.vstack([ROWS] * 84, format="csr")
    background = Background.from_papers(PAPERS * 84, many)
    sklearn_recipe("recorder", "", recorder).train(training_data(liked=(0,)), background)
    assert 500 < recorder.calls[0][0].shape[0] - 1 <= MAX_BACKGROUND_PAPERS


def test_a_classifier_that_stops_early_still_ranks_without_a_warning() -> None:
    recipe = sklearn_recipe("early", "", lambda: LogisticRegression(max_iter=1))
    profile = recipe.train(training_data(liked=(16, 19, 22), disliked=(15, 18)), BACKGROUND)
    values = scores.score(profile, DAY)
    assert values[1::3].mean() > values[0::3].mean()
