"""Several interests of one reader: whose a thumb is, which tastes lie in thumbs, and the places of
each in a digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import Interest, Paper
from digest.ranking import features, interests, profiles, recipes, scores

SHARES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.integers(1, 100), min_size=1, max_size=6
)


# ----------------------------------------------------------------------------------------------
# places


@given(st.integers(0, 100), SHARES, st.data())
def test_all_places_are_given_while_there_are_papers(
    size: int, shares: dict[str, int], data: st.DataObject
) -> None:
    there = {name: data.draw(st.integers(0, 60)) for name in shares}
    given_ = interests.places(size, shares, there)
    assert sum(given_.values()) == min(size, sum(there.values()))
    assert all(0 <= given_[name] <= there[name] for name in shares)


@given(st.integers(0, 100), SHARES)
def test_where_papers_suffice_each_has_its_share_to_within_one_place(
    size: int, shares: dict[str, int]
) -> None:
    given_ = interests.places(size, shares, dict.fromkeys(shares, 1000))
    whole = sum(shares.values())
    for name, share in shares.items():
        assert abs(given_[name] - size * share / whole) < 1


@given(st.integers(0, 100), SHARES, st.randoms(use_true_random=False))
def test_the_order_of_the_interests_gives_nobody_a_place(
    size: int, shares: dict[str, int], chance: object
) -> None:
    turned = list(shares.items())
    chance.shuffle(turned)  # type: ignore[attr-defined]
    there = dict.fromkeys(shares, 7)
    assert interests.places(size, dict(turned), there) == interests.places(size, shares, there)


def test_what_one_cannot_fill_goes_to_the_others_by_their_shares() -> None:
    assert interests.places(10, {"a": 1, "b": 1, "c": 3}, {"a": 9, "b": 9, "c": 0}) == {
        "a": 5,
        "b": 5,
        "c": 0,
    }
    assert interests.places(10, {"a": 1, "b": 3, "c": 4}, {"a": 9, "b": 9, "c": 2}) == {
        "a": 2,
        "b": 6,
        "c": 2,
    }


# ----------------------------------------------------------------------------------------------
# thumbs -> interests

WORDS = {
    "grasp": ["robot", "grasping", "tactile", "fingers", "slip", "gripper", "contact", "objects"],
    "climate": [
        "climate",
        "rainfall",
        "oceans",
        "glaciers",
        "satellite",
        "drought",
        "monsoon",
        "ice",
    ],
    "poetry": [
        "metre",
        "rhyme",
        "medieval",
        "poetry",
        "manuscripts",
        "monasteries",
        "verse",
        "scribes",
    ],
}


def paper(number: int, topic: str) -> Paper:
    some = WORDS[topic]
    words = [some[(number + step) % len(some)] for step in range(5)]
    return Paper(
        id=number,
        title=f"{words[0]} {words[1]} case{number}",
        abstract=" ".join(words),
        first_seen=date(2026, 5, 4),
    )


CORPUS = [paper(number, topic) for number, topic in enumerate([*WORDS] * 20, start=1)]
COUNTS = features.vectorize([features.text_of(one.title, one.abstract) for one in CORPUS])
FREQUENCIES = features.Frequencies().add(COUNTS)
ROWS = features.weigh(COUNTS, FREQUENCIES)


def of(topic: str, count: int, start: int = 0) -> list[int]:
    return [number for number, name in enumerate([*WORDS] * 20) if name == topic][
        start : start + count
    ]


def rated(places: list[int]) -> profiles.Rated:
    return profiles.Rated.from_papers([CORPUS[place] for place in places], ROWS[places])


def assigned(
    rows: sp.csr_matrix, towards: sp.csr_matrix, ups: int | None = None, **more: NDArray[np.float64]
) -> list[int]:
    number, count = rows.shape[0], towards.shape[0]
    fixed = more.get("fixed", np.full(number, -1)).astype(np.int64)
    found = interests.assign(
        rows,
        number if ups is None else ups,
        towards,
        fixed,
        more.get("named", np.zeros((number, count))),
    )
    return found.tolist()


def test_a_thumb_belongs_to_the_nearest_interest() -> None:
    places = [*of("grasp", 3), *of("climate", 3)]
    assert assigned(ROWS[places], ROWS[[of("climate", 1, 9)[0], of("grasp", 1, 9)[0]]]) == [
        1,
        1,
        1,
        0,
        0,
        0,
    ]


def test_a_thumb_belongs_to_the_interest_that_the_paper_was_listed_for() -> None:
    places = of("grasp", 2)
    fixed = np.array([0.0, -1.0])
    assert assigned(
        ROWS[places], ROWS[[of("climate", 1, 9)[0], of("grasp", 1, 9)[0]]], fixed=fixed
    ) == [0, 1]


def test_what_no_word_connects_goes_by_category_and_author_else_to_none() -> None:
    places = of("poetry", 2)
    towards = ROWS[[of("climate", 1)[0], of("grasp", 1)[0]]]
    assert assigned(ROWS[places], towards, named=np.array([[0, interests.CATEGORY], [0, 0]])) == [
        1,
        1,
    ]  # the second is like the first
    assert assigned(ROWS[places], towards) == [-1, -1]


def test_a_thumb_far_from_the_keywords_goes_by_the_thumbs_near_them() -> None:
    keyword = features.phrases(["robot"], FREQUENCIES)[0]
    towards = sp.csr_matrix(
        (keyword.weights, (np.zeros(len(keyword.columns), int), keyword.columns)),
        shape=(2, features.COLUMNS),
    )
    without = next(place for place in of("grasp", 20) if "robot" not in CORPUS[place].abstract)
    holding = [place for place in of("grasp", 20) if "robot" in CORPUS[place].abstract][:3]
    assert assigned(ROWS[[without]], towards) == [-1]
    assert assigned(ROWS[[*holding, without]], towards) == [0, 0, 0, 0]


# ----------------------------------------------------------------------------------------------
# tastes in thumbs


def test_two_clearly_separate_tastes_are_found() -> None:
    places = [*of("grasp", 7), *of("poetry", 7)]
    assert interests.tastes(ROWS[places]).tolist() == [0] * 7 + [1] * 7


def test_three_are_found_and_never_more() -> None:
    places = [place for topic in WORDS for place in of(topic, 6)]
    assert interests.tastes(ROWS[places]).tolist() == [0] * 6 + [1] * 6 + [2] * 6


def test_the_tastes_do_not_depend_on_the_order_of_the_thumbs() -> None:
    places = np.array([place for topic in WORDS for place in of(topic, 6)])
    turned = np.random.default_rng(1).permutation(len(places))
    apart, again = interests.tastes(ROWS[places]), interests.tastes(ROWS[places[turned]])
    same = apart[turned][:, None] == apart[turned][None, :]
    assert (same == (again[:, None] == again[None, :])).all()


@pytest.mark.parametrize(
    "places",
    [
        of("grasp", 20),
        [*of("grasp", 5), *of("poetry", 5)],
        [*of("grasp", 14), *of("poetry", 2)],
        [of("grasp", 1)[0]] * 30,
        [],
    ],
    ids=["one taste", "few thumbs", "two strays", "one paper thirty times", "none"],
)
def test_what_is_not_clearly_apart_stays_together(places: list[int]) -> None:
    assert set(interests.tastes(ROWS[places]).tolist()) <= {0}


def test_papers_without_words_are_one_taste() -> None:
    assert set(
        interests.tastes(sp.csr_matrix((20, features.COLUMNS), dtype=np.float32)).tolist()
    ) == {0}


# ---------------------------------------------------------------------------------------------- a
# profile of each

BACKGROUND = profiles.Background.from_papers(CORPUS[30:], ROWS[30:])
DAY = scores.day(CORPUS[:30], ROWS[:30], CORPUS[30:], ROWS[30:])
ALL = frozenset(range(1, 31))


def said(
    *interests_: Interest, liked: Sequence[int] = (), disliked: Sequence[int] = ()
) -> profiles.TrainingData:
    def known(some: tuple[Interest, ...]) -> profiles.TrainingData:
        words = [word for one in some for word in one.keywords]
        none = rated([])
        return profiles.TrainingData(
            interests=some,
            phrases=features.phrases(words, FREQUENCIES),
            liked=none,
            disliked=none,
            examples=none,
        )

    whole = known(interests_)
    per_interest = tuple(known((one,)) for one in interests_) if len(interests_) > 1 else ()
    return profiles.TrainingData(
        interests=whole.interests,
        phrases=whole.phrases,
        liked=rated([*liked]),
        disliked=rated([*disliked]),
        examples=whole.examples,
        per_interest=per_interest,
    )


def learned(known: profiles.TrainingData) -> tuple[recipes.TrainedProfile, ...]:
    return recipes.train(recipes.RECIPES[recipes.DEFAULT_RECIPE], known, BACKGROUND)


ROBOTS, VERSE = (
    Interest(name="hands", keywords=("gripper",)),
    Interest(name="verse", keywords=("rhyme",), share=3),
)


def test_each_interest_learns_from_its_own_thumbs() -> None:
    known = said(
        ROBOTS,
        VERSE,
        liked=[*of("grasp", 3, 12), *of("poetry", 2, 12)],
        disliked=of("poetry", 1, 16),
    )
    assert [
        (one.name, one.share, one.profile.thumbs_up, one.profile.thumbs_down)
        for one in learned(known)
    ] == [
        ("hands", 1.0, 3, 0),
        ("verse", 3.0, 2, 1),
    ]
    assert recipes.count_ratings(learned(known)) == {
        "model": "thumbs",
        "thumbs_up": 5,
        "thumbs_down": 1,
    }


@pytest.mark.parametrize("liked", [[], of("grasp", 4, 12), of("grasp", 11)])
def test_one_interest_or_none_has_the_one_profile_it_always_had(liked: list[int]) -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    for known in (said(liked=liked), said(ROBOTS, liked=liked)):
        (one,) = learned(known)
        plain = recipe.train(known, BACKGROUND)
        assert (one.name, one.share) == ("", 1.0)
        assert (scores.score(one.profile, DAY) == scores.score(plain, DAY)).all()
        ranked = list(recipes.rank(recipe, [one], DAY, ALL))
        assert [
            (s.paper_id, s.value, s.percentile, "") for s in recipe.explain(plain, DAY, ALL)
        ] == [(s.paper_id, s.value, s.percentile, s.interest) for s in ranked]


def test_the_thumbs_of_who_named_nothing_make_a_profile_of_each_taste() -> None:
    found = learned(
        said(liked=[*of("grasp", 7, 10), *of("poetry", 9, 10)], disliked=of("poetry", 1, 9))
    )
    assert [(one.share, one.profile.thumbs_up, one.profile.thumbs_down) for one in found] in (
        [(7, 7, 0), (9, 9, 1)],
        [(9, 9, 1), (7, 7, 0)],
    )
    for one in found:
        assert set(one.name.split(", ")) <= {*WORDS["grasp"]} or set(one.name.split(", ")) <= {
            *WORDS["poetry"]
        }


def test_one_recipe_alone_learns_interests_apart() -> None:
    known = said(ROBOTS, VERSE, liked=of("grasp", 3, 12))
    assert {
        name
        for name, recipe in recipes.RECIPES.items()
        if len(recipes.train(recipe, known, BACKGROUND)) > 1
    } == {recipes.DEFAULT_RECIPE}


def test_a_paper_is_ranked_by_the_profile_that_likes_it_most_and_explained_by_it() -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    each = learned(said(ROBOTS, VERSE, liked=of("grasp", 2, 12)))
    ranked = list(recipes.rank(recipe, each, DAY, ALL))
    assert sorted(score.paper_id for score in ranked) == sorted(ALL)
    alone = {
        one.name: {
            s.paper_id: s
            for s in scores.rank(recipes.score_all(recipe, [[one]], DAY)[0][0], DAY, ALL)
        }
        for one in each
    }
    for score in ranked:
        assert score.percentile == max(some[score.paper_id].percentile for some in alone.values())
        assert score.interest in {"", "hands", "verse"}
    assert {
        score.interest
        for score in ranked
        if score.paper_id - 1 in of("poetry", 10) and "rhyme" in CORPUS[score.paper_id - 1].abstract
    } == {"verse"}
    top = {score.paper_id: score for score in ranked[:6]}
    for ident, score in recipes.explain(recipe, each, DAY, top).items():
        assert (score.value, score.percentile, score.interest) == (
            top[ident].value,
            top[ident].percentile,
            top[ident].interest,
        )
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )


def test_the_order_of_the_interests_changes_nothing() -> None:
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    liked = [*of("grasp", 3, 12), *of("climate", 3, 12), *of("poetry", 3, 12)]
    some = [ROBOTS, VERSE, Interest(name="weather", keywords=("rainfall",))]
    one, other = (
        list(recipes.rank(recipe, learned(said(*turned, liked=liked)), DAY, ALL))
        for turned in (some, some[::-1])
    )
    assert one == other


@pytest.mark.parametrize("liked", [[], of("grasp", 5), [*of("climate", 5), 0, 0]])
def test_interests_that_say_nothing_in_words_are_no_error(liked: list[int]) -> None:
    each = learned(
        said(
            Interest(name="a", categories=("cs.RO",)),
            Interest(name="b", keywords=("the", "")),
            Interest(name="c"),
            liked=liked,
        )
    )
    assert [one.name for one in each] == ["a", "b", "c"]
    for one in each:
        assert np.isfinite(scores.score(one.profile, DAY)).all()
