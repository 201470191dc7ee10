"""Tastes are found in the likes of readers who named no interest."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from digest.ranking import features
from digest.ranking.taste_clusters import find_tastes
from tests.unit.topics import ROWS, WORDS, places_of


def test_two_separate_tastes_are_found() -> None:
    places = [*places_of("grasp", 7), *places_of("poetry", 7)]
    assert find_tastes(ROWS[places]).tolist() == [0] * 7 + [1] * 7


def test_three_separate_tastes_are_found() -> None:
    places = [place for topic in WORDS for place in places_of(topic, 6)]
    assert find_tastes(ROWS[places]).tolist() == [0] * 6 + [1] * 6 + [2] * 6


def test_the_tastes_do_not_depend_on_the_order_of_the_thumbs() -> None:
    places = np.array([place for topic in WORDS for place in places_of(topic, 6)])
    order = np.random.default_rng(1).permutation(len(places))
    tastes, reordered = find_tastes(ROWS[places]), find_tastes(ROWS[places[order]])
    same = tastes[order][:, None] == tastes[order][None, :]
    assert (same == (reordered[:, None] == reordered[None, :])).all()


@pytest.mark.parametrize(
    "places",
    [
        places_of("grasp", 20),
        [*places_of("grasp", 5), *places_of("poetry", 5)],
        [*places_of("grasp", 14), *places_of("poetry", 2)],
        [places_of("grasp", 1)[0]] * 30,
        [],
    ],
    ids=["one taste", "few thumbs", "two strays", "one paper thirty times", "none"],
)
def test_papers_that_are_not_clearly_separate_stay_together(places: list[int]) -> None:
    assert set(find_tastes(ROWS[places]).tolist()) <= {0}


def test_papers_without_words_are_one_taste() -> None:
    assert set(find_tastes(sp.csr_matrix((20, features.COLUMNS), dtype=np.float32)).tolist()) == {0}
