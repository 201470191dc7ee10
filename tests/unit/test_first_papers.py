"""The first papers to rate: near the line, and unlike each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.selection import choose_to_teach

CHANCES = st.lists(st.floats(0, 1), max_size=12)


def test_the_least_sure_paper_comes_first() -> None:
    chances = np.array([0.95, 0.1, 0.55, 0.3])
    assert choose_to_teach(chances, np.eye(4), 2, line=0.5) == [2, 3]


def test_a_paper_like_a_chosen_one_waits() -> None:
    chances = np.array([0.5, 0.5, 0.2])
    cosines = np.array([[1, 0.99, 0], [0.99, 1, 0], [0, 0, 1]])
    # its distance of 1 costs half, and so does the likeness of 0.99 of the other one
    assert choose_to_teach(chances, cosines, 3, line=0.5, balance=0.4) == [0, 2, 1]
    assert choose_to_teach(chances, cosines, 3, line=0.5, balance=0.9) == [0, 1, 2]


def test_no_paper_no_choice() -> None:
    assert choose_to_teach(np.empty(0), np.empty((0, 0)), 10, line=0.5) == []


@given(chances=CHANCES, count=st.integers(0, 15), line=st.floats(0, 1), seed=st.integers(0, 99))
def test_each_paper_is_chosen_once_at_most(
    chances: list[float], count: int, line: float, seed: int
) -> None:
    rows = np.random.default_rng(seed).normal(size=(len(chances), 3))
    cosines = np.corrcoef(rows) if len(chances) > 1 else np.eye(len(chances))
    chosen = choose_to_teach(np.array(chances), cosines, count, line=line)
    assert len(chosen) == len(set(chosen)) == min(count, len(chances))
    if chosen:
        distances = np.abs(np.array(chances) - line)
        assert distances[chosen[0]] == distances.min()
    longer = choose_to_teach(np.array(chances), cosines, count + 1, line=line)
    assert longer[: len(chosen)] == chosen
