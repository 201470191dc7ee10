"""Calibration: readers with known probabilities, and histories with few ratings."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import THRESHOLD_WORDS, Score
from digest.ranking.calibration import (
    MIN_RATINGS,
    Calibration,
    RatedScores,
    calibration_error,
    fit,
    match_label,
)

Numbers = NDArray[np.float64]
Probability = Callable[[Numbers, Numbers], Numbers]

WORLDS: dict[str, Probability] = {
    "higher scores are liked more": lambda standard, taste: (
        1 / (1 + np.exp(-(standard - 4) - taste))
    ),
    "a step at one score": lambda standard, _: np.where(standard > 4, 0.9, 0.2),
    "scores say nothing": lambda standard, taste: 1 / (1 + np.exp(-0.8 - taste + 0 * standard)),
    "nearly everything is liked": lambda standard, _: np.full(len(standard), 0.97),
}


def simulate_readers(
    probability: Probability, ratings: int, seed: int
) -> tuple[RatedScores, Numbers]:
    """Simulate readers with different shares of thumbs up.

    Returns:
        Their ratings, and the true probability of each rating.
    """
    draw = np.random.default_rng(seed)
    taste = draw.normal(0, 0.8, ratings)
    before = draw.integers(0, 80, ratings)
    up = draw.binomial(before, 1 / (1 + np.exp(-taste))).astype(np.float64)
    standard = draw.gamma(4, 1, ratings)
    probabilities = probability(standard, taste)
    return RatedScores(
        standard=standard,
        thumbs_up=up,
        thumbs_down=before - up,
        liked=draw.random(ratings) < probabilities,
    ), probabilities


def predict(calibration: Calibration, ratings: RatedScores) -> Numbers:
    return calibration.probabilities(ratings.standard, ratings.thumbs_up, ratings.thumbs_down)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("ratings", "allowed"), [(MIN_RATINGS, 0.11), (1000, 0.06), (5000, 0.04)])
def test_about_80_in_100_papers_with_a_match_near_80_are_liked(
    world: str, ratings: int, allowed: float
) -> None:
    calibration = fit(simulate_readers(WORLDS[world], ratings, 1)[0])
    held_out, _ = simulate_readers(WORLDS[world], 20_000, 2)
    predicted = predict(calibration, held_out)
    assert calibration_error(predicted, held_out.liked) < allowed
    about_80 = (predicted >= 0.7) & (predicted < 0.9)
    if about_80.sum() >= 500:
        assert abs(predicted[about_80].mean() - held_out.liked[about_80].mean()) < max(
            0.1, 2 * allowed
        )
    assert calibration.error is not None
    assert calibration.error < allowed + 0.05


def test_it_separates_liked_papers_from_others_where_scores_do() -> None:
    calibration = fit(simulate_readers(WORLDS["higher scores are liked more"], 2000, 1)[0])
    held_out, truth = simulate_readers(WORLDS["higher scores are liked more"], 5000, 2)
    constant = np.full(len(truth), truth.mean())
    error = np.mean((predict(calibration, held_out) - truth) ** 2)
    assert error < 0.3 * np.mean((constant - truth) ** 2)


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
def test_any_ratings_give_probabilities_between_1_and_99_that_never_fall(
    rows: list[tuple[float, int, int, bool]], up: int, down: int
) -> None:
    standard, ups, downs, liked = zip(*rows, strict=True) if rows else ((), (), (), ())
    calibration = fit(
        RatedScores(
            standard=np.array(standard, dtype=np.float64),
            thumbs_up=np.array(ups, dtype=np.float64),
            thumbs_down=np.array(downs, dtype=np.float64),
            liked=np.array(liked, dtype=np.bool_),
        )
    )
    standard_scores = np.concatenate(
        ([-np.inf, -1e300, np.inf], np.linspace(-40, 40, 81), [np.nan])
    )
    probabilities = calibration.probabilities(
        standard_scores,
        np.full(len(standard_scores), float(up)),
        np.full(len(standard_scores), float(down)),
    )
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0.01).all()
    assert (probabilities <= 0.99).all()
    assert all(left <= right + 1e-12 for left, right in pairwise(probabilities[3:-1]))
    assert calibration.error is None or 0 <= calibration.error <= 1


def history(liked: list[bool], standard: float | None = None) -> RatedScores:
    number = len(liked)
    heights = np.linspace(0, 8, number) if standard is None else np.full(number, standard)
    return RatedScores(
        standard=heights,
        thumbs_up=np.full(number, 5.0),
        thumbs_down=np.full(number, 5.0),
        liked=np.array(liked, dtype=np.bool_),
    )


def test_all_up_and_all_down_never_make_certainty() -> None:
    for number in (1, 10, 1000):
        up, down = fit(history([True] * number)), fit(history([False] * number))
        for height in (0.0, 4.0, 8.0):
            (high,) = up.probabilities(np.array([height]), np.array([5.0]), np.array([5.0]))
            (low,) = down.probabilities(np.array([height]), np.array([5.0]), np.array([5.0]))
            assert 0.01 <= low < high <= 0.99
    (probability,) = fit(history([True])).probabilities(
        np.array([4.0]), np.array([5.0]), np.array([5.0])
    )
    assert probability < 0.9


def test_contradicting_ratings_of_one_score_give_their_mean() -> None:
    calibration = fit(history([True, True, True, False] * 250, standard=3.0))
    assert calibration.probabilities(np.array([3.0]), np.array([5.0]), np.array([5.0]))[
        0
    ] == pytest.approx(0.75, abs=0.02)


def test_all_scores_are_equal_where_lower_ones_are_liked_more() -> None:
    calibration = fit(history([True] * 300 + [False] * 300))
    probabilities = calibration.probabilities(
        np.array([0.0, 4.0, 8.0]), np.full(3, 5.0), np.full(3, 5.0)
    )
    assert np.ptp(probabilities) < 1e-9
    assert probabilities[0] == pytest.approx(0.5, abs=0.02)


def test_exploration_papers_are_measured_but_never_fitted_to() -> None:
    ratings, _ = simulate_readers(WORLDS["higher scores are liked more"], 1000, 1)
    alone, both = fit(ratings), fit(ratings, history([False] * 400, standard=9.0))
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


def test_a_calibration_survives_a_round_trip_and_refuses_other_bytes() -> None:
    calibration = fit(simulate_readers(WORLDS["scores say nothing"], 500, 3)[0])
    assert Calibration.from_bytes(calibration.to_bytes()) == calibration
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
        RatedScores(
            standard=np.zeros(2),
            thumbs_up=np.zeros(2),
            thumbs_down=np.zeros(2),
            liked=np.zeros(3, dtype=np.bool_),
        )


# ----------------------------------------------------------------------------------------------
# words and numbers


def score(percentile: int = 0, match: int | None = None, standard: float = 0.0) -> Score:
    return Score(paper_id=1, value=1.0, percentile=percentile, match=match, standard=standard)


def test_matches_are_words_until_there_are_enough_ratings() -> None:
    few, enough = (
        fit(simulate_readers(WORLDS["higher scores are liked more"], number, 1)[0])
        for number in (MIN_RATINGS - 1, MIN_RATINGS)
    )
    (missing,) = few.matches(np.array([4.0]), thumbs_up=3, thumbs_down=1)
    assert missing is None
    assert match_label(score(98, missing, 4.0)) == "strong match"
    (match,) = enough.matches(np.array([4.0]), thumbs_up=3, thumbs_down=1)
    assert match == round(
        100 * enough.probabilities(np.array([4.0]), np.array([3.0]), np.array([1.0]))[0]
    )
    assert match_label(score(98, match, 4.0)) == f"{match} % match"


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
def test_the_word_follows_the_match_where_there_is_one(
    percentile: int, match: int | None, word: str
) -> None:
    assert score(percentile, match).word == word


@given(st.integers(0, 100), st.none() | st.integers(1, 99), st.integers(0, 100))
def test_a_threshold_may_be_a_number_or_a_word(
    percentile: int, match: int | None, threshold: int
) -> None:
    rated = score(percentile, match)
    assert rated.reaches(threshold) == ((percentile if match is None else match) >= threshold)
    assert [rated.reaches(word) for word in THRESHOLD_WORDS] == [
        rated.word != "possible match",
        rated.word == "strong match",
    ]
    assert rated.reaches(0)
