"""Readers with several interests, or several tastes, get a profile for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from digest.model import Interest
from digest.ranking import features, profiles, recipes, scores
from tests.unit.topics import CORPUS, FREQUENCIES, ROWS, WORDS, places_of

BACKGROUND = profiles.Background.from_papers(CORPUS[30:], ROWS[30:])
DAY = scores.make_day(CORPUS[:30], ROWS[:30], CORPUS[30:], ROWS[30:])
ALL = frozenset(range(1, 31))


def rate_papers(places: list[int]) -> profiles.Rated:
    return profiles.Rated.from_papers([CORPUS[place] for place in places], ROWS[places])


def training_data(
    *interests_: Interest, liked: Sequence[int] = (), disliked: Sequence[int] = ()
) -> profiles.TrainingData:
    def without_thumbs(interests: tuple[Interest, ...]) -> profiles.TrainingData:
        words = [word for interest in interests for word in interest.keywords]
        return profiles.TrainingData(
            interests=interests, phrases=features.parse_keywords(words, FREQUENCIES)
        )

    together = without_thumbs(interests_)
    per_interest = (
        tuple(without_thumbs((interest,)) for interest in interests_) if len(interests_) > 1 else ()
    )
    return profiles.TrainingData(
        interests=together.interests,
        phrases=together.phrases,
        liked=rate_papers([*liked]),
        disliked=rate_papers([*disliked]),
        per_interest=per_interest,
    )


def train(data: profiles.TrainingData) -> tuple[recipes.TrainedProfile, ...]:
    return recipes.train(recipes.RECIPES[recipes.DEFAULT_RECIPE], data, BACKGROUND)


ROBOTS, VERSE = (
    Interest(name="hands", keywords=("gripper",)),
    Interest(name="verse", keywords=("rhyme",), share=3),
)


def test_each_interest_is_trained_from_its_own_thumbs() -> None:
    data = training_data(
        ROBOTS,
        VERSE,
        liked=[*places_of("grasp", 3, 12), *places_of("poetry", 2, 12)],
        disliked=places_of("poetry", 1, 16),
    )
    assert [
        (model.name, model.share, model.profile.thumbs_up, model.profile.thumbs_down)
        for model in train(data)
    ] == [
        ("hands", 1.0, 3, 0),
        ("verse", 3.0, 2, 1),
    ]
    assert recipes.count_ratings(train(data)) == {
        "model": "thumbs",
        "thumbs_up": 5,
        "thumbs_down": 1,
    }


@pytest.mark.parametrize("liked", [[], places_of("grasp", 4, 12), places_of("grasp", 11)])
def test_one_interest_or_none_gives_one_profile(liked: list[int]) -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    for data in (training_data(liked=liked), training_data(ROBOTS, liked=liked)):
        (trained,) = train(data)
        plain = recipe.train(data, BACKGROUND)
        assert (trained.name, trained.share) == ("", 1.0)
        assert (scores.score(trained.profile, DAY) == scores.score(plain, DAY)).all()
        ranked = list(recipes.rank(recipe, [trained], DAY, ALL))
        assert {
            (s.paper_id, s.value, s.percentile, "") for s in recipe.explain(plain, DAY, ALL)
        } == {(s.paper_id, s.value, s.percentile, s.interest) for s in ranked}
        chances = [score.chance for score in ranked]
        assert chances == sorted(chances, reverse=True)


def test_a_reader_without_interests_gets_a_profile_for_each_taste() -> None:
    trained = train(
        training_data(
            liked=[*places_of("grasp", 7, 10), *places_of("poetry", 9, 10)],
            disliked=places_of("poetry", 1, 9),
        )
    )
    assert [
        (model.share, model.profile.thumbs_up, model.profile.thumbs_down) for model in trained
    ] in (
        [(7, 7, 0), (9, 9, 1)],
        [(9, 9, 1), (7, 7, 0)],
    )
    for model in trained:
        assert set(model.name.split(", ")) <= {*WORDS["grasp"]} or set(model.name.split(", ")) <= {
            *WORDS["poetry"]
        }


def test_baselines_alone_train_one_profile_for_all_interests() -> None:
    data = training_data(ROBOTS, VERSE, liked=places_of("grasp", 3, 12))
    assert {
        name
        for name, recipe in recipes.RECIPES.items()
        if len(recipes.train(recipe, data, BACKGROUND)) == 1
    } == {"words", "centroid", "keywords", "recent"}


def test_a_paper_is_ranked_and_explained_by_the_profile_with_its_highest_score() -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    trained = train(training_data(ROBOTS, VERSE, liked=places_of("grasp", 2, 12)))
    ranked = list(recipes.rank(recipe, trained, DAY, ALL))
    assert sorted(score.paper_id for score in ranked) == sorted(ALL)
    alone = {
        model.name: {
            s.paper_id: s
            for s in scores.rank(recipes.score_all(recipe, [[model]], DAY)[0][0], DAY, ALL)
        }
        for model in trained
    }
    for score in ranked:
        assert score.percentile == max(own[score.paper_id].percentile for own in alone.values())
        assert score.interest in {"", "hands", "verse"}
    assert {
        score.interest
        for score in ranked
        if score.paper_id - 1 in places_of("poetry", 10)
        and "rhyme" in CORPUS[score.paper_id - 1].abstract
    } == {"verse"}
    scored = recipes.score_all(recipe, [trained], DAY)[0]
    (explained,) = recipes.explain_all(
        recipe, DAY, [recipes.Chosen.from_scored(trained, scored, DAY, ranked[:6])]
    )
    for before, score in zip(ranked[:6], explained, strict=True):
        assert (score.paper_id, score.value, score.percentile, score.interest) == (
            before.paper_id,
            before.value,
            before.percentile,
            before.interest,
        )
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )


def test_the_order_of_the_interests_does_not_matter() -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    liked = [*places_of("grasp", 3, 12), *places_of("climate", 3, 12), *places_of("poetry", 3, 12)]
    interests = [ROBOTS, VERSE, Interest(name="weather", keywords=("rainfall",))]
    first, second = (
        list(recipes.rank(recipe, train(training_data(*ordered, liked=liked)), DAY, ALL))
        for ordered in (interests, interests[::-1])
    )
    assert first == second


@pytest.mark.parametrize("liked", [[], places_of("grasp", 5), [*places_of("climate", 5), 0, 0]])
def test_interests_without_words_are_accepted(liked: list[int]) -> None:
    trained = train(
        training_data(
            Interest(name="a", categories=("cs.RO",)),
            Interest(name="b", keywords=("the", "")),
            Interest(name="c"),
            liked=liked,
        )
    )
    assert [model.name for model in trained] == ["a", "b", "c"]
    for model in trained:
        assert np.isfinite(scores.score(model.profile, DAY)).all()
