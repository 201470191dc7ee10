"""Calibration: from the prior to an install's own ratings; labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import GOOD_CHANCE, STRONG_CHANCE, Score
from digest.ranking.calibration import (
    HIGHEST,
    LOWEST,
    MIN_RATINGS,
    PRIOR,
    Calibration,
    RatedEvidence,
    calibration_error,
    fit,
)
from digest.ranking.scores import EVIDENCE

Numbers = NDArray[np.float64]
#: install -> its true weights: as the prior, generous readers, and keywords that say nothing
WORLDS = {
    "as the prior": PRIOR.weights,
    "generous readers": (PRIOR.weights[0] + 2.5, *PRIOR.weights[1:]),
    "keywords say nothing": (-4.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
}


def draw_evidence(number: int, seed: int) -> Numbers:
    """Draw evidence of listed papers: scores well above the recent ones."""
    draw = np.random.default_rng(seed)
    score, surety = draw.uniform(0.6, 2.2, number), draw.uniform(0, 1, number)
    titles = draw.integers(0, 3, number)
    return np.column_stack(
        (
            score,
            score + draw.normal(0, 0.2, number),
            score * surety,
            titles,
            titles * surety,
            draw.integers(0, 2, number),
            np.zeros(number),
        )
    )


def simulate(weights: tuple[float, ...], number: int, seed: int) -> tuple[RatedEvidence, Numbers]:
    """Simulate ratings; also return the true chance of each."""
    evidence = draw_evidence(number, seed)
    truth = Calibration(weights=weights).chances(evidence)
    liked = np.random.default_rng(seed + 1).random(number) < truth
    return RatedEvidence(evidence=evidence, liked=liked, weight=np.ones(number)), truth


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("ratings", "allowed"), [(MIN_RATINGS, 0.12), (1000, 0.08), (5000, 0.03)])
def test_chances_come_true_after_some_ratings(world: str, ratings: int, allowed: float) -> None:
    calibration = fit(simulate(WORLDS[world], ratings, 1)[0])
    held_out, truth = simulate(WORLDS[world], 20_000, 7)
    chances = calibration.chances(held_out.evidence)
    assert calibration_error(chances, held_out.liked) < allowed
    assert np.abs(chances - truth).mean() < allowed
    assert calibration.error is not None
    assert calibration.error < allowed + 0.05


@pytest.mark.parametrize("world", WORLDS)
def test_each_rating_moves_the_chances_a_little(world: str) -> None:
    rated, _ = simulate(WORLDS[world], 400, 3)
    evidence = draw_evidence(500, 5)
    before = PRIOR.chances(evidence)
    for number in range(1, 401):
        seen = np.arange(400) < number
        after = fit(rated.select(seen)).chances(evidence) if number % 25 < 2 else None
        if number % 25 == 1 and after is not None:
            assert before is None or np.abs(after - before).max() < 0.25
        before = after
    assert (
        np.abs(
            fit(rated.select(np.arange(400) < 1)).chances(evidence) - PRIOR.chances(evidence)
        ).max()
        < 0.1
    )


def test_without_ratings_the_prior_holds() -> None:
    nothing = RatedEvidence(
        evidence=np.empty((0, len(EVIDENCE))), liked=np.empty(0, np.bool_), weight=np.empty(0)
    )
    assert fit(nothing).weights == pytest.approx(PRIOR.weights, abs=1e-6)


def test_papers_left_without_a_thumb_lower_the_chances_less_than_thumbs_down() -> None:
    rated, _ = simulate(PRIOR.weights, 300, 1)
    nothing = np.zeros(len(rated.liked), np.bool_)
    weak = fit(replace(rated, liked=nothing, weight=np.full(len(nothing), 0.1)))
    strong = fit(replace(rated, liked=nothing))
    evidence = draw_evidence(100, 2)
    assert (strong.chances(evidence) <= weak.chances(evidence)).all()
    assert weak.chances(evidence).mean() < PRIOR.chances(evidence).mean()
    assert weak.ratings == 0
    assert strong.ratings == 300


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.floats(-15, 15), min_size=len(EVIDENCE), max_size=len(EVIDENCE)),
            st.booleans(),
            st.floats(0, 1),
        ),
        max_size=60,
    )
)
def test_more_evidence_never_lowers_a_chance(
    rows: list[tuple[list[float], bool, float]],
) -> None:
    calibration = fit(
        RatedEvidence(
            evidence=np.array([row[0] for row in rows]).reshape(len(rows), len(EVIDENCE)),
            liked=np.array([row[1] for row in rows], dtype=np.bool_),
            weight=np.array([row[2] for row in rows]),
        )
    )
    evidence = draw_evidence(20, 1)
    chances = calibration.chances(evidence)
    assert ((chances >= LOWEST) & (chances <= HIGHEST)).all()
    for column in range(len(EVIDENCE) - 1):
        more = evidence.copy()
        more[:, column] += 1
        assert (calibration.chances(more) >= chances - 1e-9).all()


def test_exploration_papers_are_measured_but_never_fitted_to() -> None:
    rated, _ = simulate(PRIOR.weights, 1000, 1)
    drawn = simulate(PRIOR.weights, 400, 2)[0]
    drawn = replace(drawn, liked=np.zeros(400, np.bool_))
    alone, both = fit(rated), fit(rated, drawn)
    assert (both.weights, both.ratings, both.error) == (alone.weights, alone.ratings, alone.error)
    assert both.explored == 400
    assert both.explored_error is not None
    assert both.explored_error > 0.3
    assert alone.explored_error is None


def test_a_calibration_survives_a_round_trip_and_refuses_other_bytes() -> None:
    calibration = fit(simulate(PRIOR.weights, 500, 3)[0])
    assert Calibration.from_bytes(calibration.to_bytes()) == calibration
    for data in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": 2}',
        b'{"format": 1, "calibration": {}}',
        b'{"format": 2, "calibration": {"ratings": 3, "weights": [1.0]}}',
        b'{"format": 2, "calibration": {"ratings": "x"}}',
    ):
        with pytest.raises(ValueError, match="calibration"):
            Calibration.from_bytes(data)


def test_columns_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 papers"):
        RatedEvidence(
            evidence=np.zeros((2, len(EVIDENCE))), liked=np.zeros(3, np.bool_), weight=np.ones(3)
        )
    with pytest.raises(ValueError, match="differ in length"):
        RatedEvidence(
            evidence=np.zeros((2, len(EVIDENCE))), liked=np.zeros(2, np.bool_), weight=np.ones(3)
        )


@pytest.mark.parametrize(
    ("chance", "word"),
    [
        (0.99, "strong match"),
        (STRONG_CHANCE, "strong match"),
        (STRONG_CHANCE - 0.001, "good match"),
        (GOOD_CHANCE, "good match"),
        (GOOD_CHANCE - 0.001, ""),
        (0.0, ""),
    ],
)
def test_the_word_follows_the_chance(chance: float, word: str) -> None:
    score = Score(paper_id=1, value=1.0, chance=chance)
    assert score.word == word
    assert score.match == round(100 * chance)
