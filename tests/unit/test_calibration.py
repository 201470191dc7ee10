"""Matches mean what they say: simulated readers whose chances are known, and histories that no one
should learn much from.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import THRESHOLD_WORDS, Score
from digest.ranking.calibration import LEAST, Calibration, Shown, fit, label, reliability

Numbers = NDArray[np.float64]
Chance = Callable[[Numbers, Numbers], Numbers]

WORLDS: dict[str, Chance] = {
    "a higher score is likelier": lambda standard, taste: 1 / (1 + np.exp(-(standard - 4) - taste)),
    "all or nothing at one height": lambda standard, _: np.where(standard > 4, 0.9, 0.2),
    "scores say nothing": lambda standard, taste: 1 / (1 + np.exp(-0.8 - taste + 0 * standard)),
    "nearly everything is liked": lambda standard, _: np.full(len(standard), 0.97),
}


def simulated(chance: Chance, ratings: int, seed: int) -> tuple[Shown, Numbers]:
    """Ratings of readers who differ in taste: how readily their thumb goes up shows in the thumbs
    that they gave before.
    """
    draw = np.random.default_rng(seed)
    taste = draw.normal(0, 0.8, ratings)
    before = draw.integers(0, 80, ratings)
    up = draw.binomial(before, 1 / (1 + np.exp(-taste))).astype(np.float64)
    standard = draw.gamma(4, 1, ratings)
    likely = chance(standard, taste)
    return Shown(
        standard=standard,
        thumbs_up=up,
        thumbs_down=before - up,
        liked=draw.random(ratings) < likely,
    ), likely


def chances(made: Calibration, shown: Shown) -> Numbers:
    return made.chances(shown.standard, shown.thumbs_up, shown.thumbs_down)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("ratings", "allowed"), [(LEAST, 0.11), (1000, 0.06), (5000, 0.04)])
def test_of_papers_shown_with_about_80_about_80_in_100_are_liked(
    world: str, ratings: int, allowed: float
) -> None:
    made = fit(simulated(WORLDS[world], ratings, 1)[0])
    held_out, _ = simulated(WORLDS[world], 20_000, 2)
    foretold = chances(made, held_out)
    assert reliability(foretold, held_out.liked) < allowed
    about_80 = (foretold >= 0.7) & (foretold < 0.9)
    if about_80.sum() >= 500:
        assert abs(foretold[about_80].mean() - held_out.liked[about_80].mean()) < max(
            0.1, 2 * allowed
        )
    assert made.error is not None
    assert made.error < allowed + 0.05  # which the ratings themselves said of it


def test_it_tells_likely_papers_from_unlikely_ones_where_scores_do() -> None:
    made = fit(simulated(WORLDS["a higher score is likelier"], 2000, 1)[0])
    held_out, likely = simulated(WORLDS["a higher score is likelier"], 5000, 2)
    always = np.full(len(likely), likely.mean())
    assert np.mean((chances(made, held_out) - likely) ** 2) < 0.3 * np.mean((always - likely) ** 2)


@given(
    rows=st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(0, 5000),
            st.integers(0, 5000),
            st.booleans(),
        ),
        max_size=300,
    ),
    up=st.integers(0, 10_000),
    down=st.integers(0, 10_000),
)
def test_whatever_was_rated_chances_are_numbers_between_1_and_99_that_never_fall(
    rows: list[tuple[float, int, int, bool]], up: int, down: int
) -> None:
    standard, ups, downs, liked = zip(*rows, strict=True) if rows else ((), (), (), ())
    made = fit(
        Shown(
            standard=np.array(standard, dtype=np.float64),
            thumbs_up=np.array(ups, dtype=np.float64),
            thumbs_down=np.array(downs, dtype=np.float64),
            liked=np.array(liked, dtype=np.bool_),
        )
    )
    asked = np.concatenate(([-np.inf, -1e300, np.inf], np.linspace(-40, 40, 81), [np.nan]))
    found = made.chances(asked, np.full(len(asked), float(up)), np.full(len(asked), float(down)))
    assert np.isfinite(found).all()
    assert (found >= 0.01).all()
    assert (found <= 0.99).all()
    assert all(left <= right + 1e-12 for left, right in pairwise(found[3:-1]))
    assert made.error is None or 0 <= made.error <= 1


def history(liked: list[bool], standard: float | None = None) -> Shown:
    number = len(liked)
    heights = np.linspace(0, 8, number) if standard is None else np.full(number, standard)
    return Shown(
        standard=heights,
        thumbs_up=np.full(number, 5.0),
        thumbs_down=np.full(number, 5.0),
        liked=np.array(liked, dtype=np.bool_),
    )


def test_all_up_and_all_down_are_believed_but_never_wholly() -> None:
    for number in (1, 10, 1000):
        up, down = fit(history([True] * number)), fit(history([False] * number))
        for height in (0.0, 4.0, 8.0):
            (high,) = up.chances(np.array([height]), np.array([5.0]), np.array([5.0]))
            (low,) = down.chances(np.array([height]), np.array([5.0]), np.array([5.0]))
            assert 0.01 <= low < high <= 0.99
    (one,) = fit(history([True])).chances(np.array([4.0]), np.array([5.0]), np.array([5.0]))
    assert one < 0.9


def test_contradicting_ratings_of_one_height_are_what_they_are_on_average() -> None:
    made = fit(history([True, True, True, False] * 250, standard=3.0))
    assert made.chances(np.array([3.0]), np.array([5.0]), np.array([5.0]))[0] == pytest.approx(
        0.75, abs=0.02
    )


def test_where_lower_scores_are_liked_better_all_scores_are_equal() -> None:
    made = fit(history([True] * 300 + [False] * 300))
    found = made.chances(np.array([0.0, 4.0, 8.0]), np.full(3, 5.0), np.full(3, 5.0))
    assert np.ptp(found) < 1e-9
    assert found[0] == pytest.approx(0.5, abs=0.02)


def test_of_explored_papers_the_error_is_measured_and_nothing_is_learned() -> None:
    shown, _ = simulated(WORLDS["a higher score is likelier"], 1000, 1)
    alone, both = fit(shown), fit(shown, history([False] * 400, standard=9.0))
    assert (both.weights, both.steps, both.ratings, both.error) == (
        alone.weights,
        alone.steps,
        alone.ratings,
        alone.error,
    )
    assert both.explored == 400
    assert both.explored_error is not None
    assert both.explored_error > 0.5
    assert alone.explored_error is None


def test_a_calibration_survives_the_store_and_refuses_what_it_did_not_write() -> None:
    made = fit(simulated(WORLDS["scores say nothing"], 500, 3)[0])
    assert Calibration.from_bytes(made.to_bytes()) == made
    for data in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": 1}',
        b'{"format": 0, "calibration": {}}',
        b'{"format": 1, "calibration": {"ratings": 3, "weights": [1.0]}}',
        b'{"format": 1, "calibration": {"ratings": "x"}}',
    ):
        with pytest.raises(ValueError, match="calibration"):
            Calibration.from_bytes(data)


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Shown(
            standard=np.zeros(2),
            thumbs_up=np.zeros(2),
            thumbs_down=np.zeros(2),
            liked=np.zeros(3, dtype=np.bool_),
        )


# ----------------------------------------------------------------------------------------------
# words and numbers


def score(percentile: int = 0, match: int | None = None, standard: float = 0.0) -> Score:
    return Score(paper_id=1, value=1.0, percentile=percentile, match=match, standard=standard)


def test_words_stand_until_enough_was_rated() -> None:
    few, enough = (
        fit(simulated(WORLDS["a higher score is likelier"], number, 1)[0])
        for number in (LEAST - 1, LEAST)
    )
    (kept,) = few.matches(np.array([4.0]), thumbs_up=3, thumbs_down=1)
    assert kept is None
    assert label(score(98, kept, 4.0)) == "strong match"
    (told,) = enough.matches(np.array([4.0]), thumbs_up=3, thumbs_down=1)
    assert told == round(100 * enough.chances(np.array([4.0]), np.array([3.0]), np.array([1.0]))[0])
    assert label(score(98, told, 4.0)) == f"{told} % match"


@pytest.mark.parametrize(
    ("percentile", "match", "word"),
    [
        (97, None, "strong match"),
        (96, None, "good match"),
        (85, None, "good match"),
        (84, None, "possible match"),
        (99, 49, "possible match"),
        (0, 50, "good match"),
        (0, 75, "strong match"),
    ],
)
def test_a_word_is_of_the_number_where_there_is_one(
    percentile: int, match: int | None, word: str
) -> None:
    assert score(percentile, match).word == word


@given(st.integers(0, 100), st.none() | st.integers(1, 99), st.integers(0, 100))
def test_a_threshold_is_a_number_or_a_word(
    percentile: int, match: int | None, threshold: int
) -> None:
    shown = score(percentile, match)
    assert shown.reaches(threshold) == ((percentile if match is None else match) >= threshold)
    assert [shown.reaches(word) for word in THRESHOLD_WORDS] == [
        shown.word != "possible match",
        shown.word == "strong match",
    ]
    assert shown.reaches(0)
