"""What is listed by its chance, by a typed keyword in the title, or drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import Digest, Paper, Quiet, QuietReason, Score, Subscriber
from digest.ranking import selection
from digest.ranking.selection import Rules
from tests.unit.selected import MADE, PAPERS, TODAY, choose, ids, paper, reader

# ----------------------------------------------------------------------------------------------
# exploration


def test_one_paper_from_just_below_the_line_is_listed_last_with_its_slot() -> None:
    # nine reach 91 in a hundred
    outcome = choose(PAPERS, Rules(explore=True), reader(strictness=91))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 9 + ["exploration"]
    assert ids(outcome)[:9] == list(range(9))
    assert 9 <= ids(outcome)[9] < 9 + selection.MAX_CANDIDATES
    assert 0 < outcome.items[9].probability < 1
    assert outcome == choose(PAPERS, Rules(explore=True), reader(strictness=91))


def test_no_paper_is_drawn_in_the_place_of_one_that_fits() -> None:
    outcome = choose(PAPERS, Rules(explore=True), reader(strictness=90))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 10


def test_papers_are_drawn_as_often_as_their_probability_says() -> None:
    drawn: Counter[int] = Counter()
    probabilities: dict[int, float] = {}
    days = 2000
    for step in range(days):
        outcome = choose(
            PAPERS[:12],
            Rules(explore=True),
            reader(6, strictness=95),
            TODAY + timedelta(days=step),
        )
        assert isinstance(outcome, Digest)
        drawn[outcome.items[5].score.paper_id] += 1
        probabilities[outcome.items[5].score.paper_id] = outcome.items[5].probability
    assert abs(sum(probabilities.values()) - 1) < 1e-9
    for paper_id, probability in probabilities.items():
        assert (
            abs(drawn[paper_id] / days - probability)
            < 4 * (probability * (1 - probability) / days) ** 0.5
        )


def test_papers_unlike_the_listed_ones_are_drawn_more_often() -> None:
    def cosines(ids: Sequence[int], paper_ids: Sequence[int]) -> NDArray[np.float64]:
        return np.array([[0.8 if paper_id % 2 else 0.0 for paper_id in paper_ids] for _ in ids])

    drawn = Counter(
        ids(
            choose(
                PAPERS[:40],
                Rules(explore=True, cosines=cosines),
                reader(strictness=91),
                TODAY + timedelta(days=step),
            )
        )[-1]
        % 2
        for step in range(200)
    )
    assert drawn[0] > 2 * drawn[1]


@pytest.mark.parametrize(
    ("papers", "subscriber", "listed"),
    [
        (PAPERS, reader(5), 5),
        (PAPERS[:10], reader(10), 10),
        # the first four reach 96 in a hundred
        (PAPERS, reader(10, strictness=96), 4),
    ],
)
def test_no_exploration_in_small_digests_nor_below_few_papers_nor_where_all_are_listed(
    papers: list[Paper], subscriber: Subscriber, listed: int
) -> None:
    outcome = choose(papers, Rules(explore=True), subscriber)
    assert isinstance(outcome, Digest)
    assert {item.slot for item in outcome.items} == {"normal"}
    assert len(outcome.items) == listed


def test_a_paper_is_drawn_from_below_the_line_beside_five_that_fit() -> None:
    outcome = choose(PAPERS, Rules(explore=True), reader(10, strictness=95))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 5 + ["exploration"]
    assert outcome.items[-1].score.chance < 0.95


# ----------------------------------------------------------------------------------------------
# the line, and typed keywords in titles


def choose_by_chance(
    chances: Sequence[float], titled: Collection[int], line: float, size: int = 10, **rules: Any
) -> list[int]:
    """Choose from papers that come as `recipes.rank` gives them."""
    ranked = sorted(
        (
            Score(paper_id=number, value=chance, chance=chance, titled=number in titled)
            for number, chance in enumerate(chances)
        ),
        key=lambda score: (
            score.chance < line,
            score.chance < line and not score.titled,
            -score.chance,
        ),
    )
    return ids(
        selection.choose(
            reader(size),
            TODAY,
            ranked,
            {number: paper(number) for number in range(len(chances))},
            provenance=MADE,
            rules=Rules(line=line, **rules),
        )
    )


def test_what_does_not_fit_is_not_listed() -> None:
    assert choose_by_chance([0.9, 0.35, 0.349, 0.1], (), 0.35) == [0, 1]


def test_papers_at_the_line_are_listed_alike() -> None:
    assert choose_by_chance([0.35] * 8 + [0.34], (), 0.35) == list(range(8))


def test_a_typed_keyword_in_the_title_lists_a_paper_while_places_are_free() -> None:
    assert choose_by_chance([0.9, 0.2, 0.1, 0.05], {3}, 0.35) == [0, 3]
    assert choose_by_chance([0.9] * 10 + [0.2], {10}, 0.35) == list(range(10))


def test_a_paper_of_an_earlier_day_has_to_fit_better() -> None:
    chances, late = [0.9, 0.5, 0.49, 0.4, 0.4, 0.1], {1, 2, 4}
    listed = choose_by_chance(chances, (), 0.35, left_over=late, left_over_line=0.5)
    assert listed == [0, 1, 3]
    held = choose_by_chance(chances, {4, 5}, 0.35, left_over={*late, 5}, left_over_line=0.5)
    assert held == [0, 1, 3, 4, 5]


def test_where_only_papers_come_too_late_the_best_of_them_is_the_nearest() -> None:
    outcome = selection.choose(
        reader(10),
        TODAY,
        [Score(paper_id=number, value=0.4, chance=0.4) for number in (1, 2)],
        {number: paper(number) for number in (1, 2)},
        provenance=MADE,
        rules=Rules(line=0.35, left_over={1, 2}, left_over_line=0.5),
    )
    assert isinstance(outcome, Quiet)
    assert outcome.reason is QuietReason.BELOW_THRESHOLD
    assert outcome.nearest_paper_id == 1


@given(
    chances=st.lists(st.floats(0.01, 0.99), max_size=30),
    titled=st.sets(st.integers(0, 29)),
    size=st.integers(1, 12),
    line=st.sampled_from([0.0, 0.2, 0.35, 0.6]),
)
def test_keywords_in_titles_take_half_of_the_places_at_most(
    chances: list[float], titled: set[int], size: int, line: float
) -> None:
    fitting = sum(chance >= line for chance in chances)
    if not any(chance >= line or place in titled for place, chance in enumerate(chances)):
        return
    listed = choose_by_chance(chances, titled, line, size)
    below = [number for number in listed if chances[number] < line]
    held = [number for number, chance in enumerate(chances) if chance < line and number in titled]
    assert len(listed) - len(below) == min(fitting, size)
    assert set(below) <= set(held)
    assert len(below) == min(len(held), max(size // 2, 1), max(size - fitting, 0))


def test_papers_of_many_days_are_ranked_as_one_list() -> None:
    papers = [paper(number, first_seen=TODAY - timedelta(days=number % 7)) for number in range(40)]
    assert ids(choose(papers, Rules())) == list(range(10))
