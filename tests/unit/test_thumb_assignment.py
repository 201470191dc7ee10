"""Thumbs are assigned to the nearest interest of a reader."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking import features
from digest.ranking.thumb_assignment import CATEGORY_WEIGHT, assign_thumbs
from tests.unit.topics import CORPUS, FREQUENCIES, ROWS, places_of


def assign(
    rows: sp.csr_matrix, interest_rows: sp.csr_matrix, **arrays: NDArray[np.float64]
) -> list[int]:
    number, count = rows.shape[0], interest_rows.shape[0]
    fixed = arrays.get("fixed", np.full(number, -1)).astype(np.int64)
    assigned = assign_thumbs(
        rows,
        number,
        interest_rows,
        fixed,
        arrays.get("name_weights", np.zeros((number, count))),
    )
    return assigned.tolist()


def test_a_thumb_belongs_to_the_nearest_interest() -> None:
    places = [*places_of("grasp", 3), *places_of("climate", 3)]
    assert assign(
        ROWS[places], ROWS[[places_of("climate", 1, 9)[0], places_of("grasp", 1, 9)[0]]]
    ) == [
        1,
        1,
        1,
        0,
        0,
        0,
    ]


def test_a_thumb_belongs_to_the_interest_that_the_paper_was_listed_for() -> None:
    places = places_of("grasp", 2)
    fixed = np.array([0.0, -1.0])
    assert assign(
        ROWS[places],
        ROWS[[places_of("climate", 1, 9)[0], places_of("grasp", 1, 9)[0]]],
        fixed=fixed,
    ) == [0, 1]


def test_a_thumb_without_common_words_goes_by_category_and_author_else_to_none() -> None:
    places = places_of("poetry", 2)
    interest_rows = ROWS[[places_of("climate", 1)[0], places_of("grasp", 1)[0]]]
    assert assign(
        ROWS[places], interest_rows, name_weights=np.array([[0, CATEGORY_WEIGHT], [0, 0]])
    ) == [
        1,
        1,
    ]
    assert assign(ROWS[places], interest_rows) == [-1, -1]


def test_a_thumb_far_from_the_keywords_goes_by_the_thumbs_close_to_them() -> None:
    keyword = features.parse_keywords(["robot"], FREQUENCIES)[0]
    interest_rows = sp.csr_matrix(
        (keyword.weights, (np.zeros(len(keyword.columns), int), keyword.columns)),
        shape=(2, features.COLUMNS),
    )
    without = next(
        place for place in places_of("grasp", 20) if "robot" not in CORPUS[place].abstract
    )
    holding = [place for place in places_of("grasp", 20) if "robot" in CORPUS[place].abstract][:3]
    assert assign(ROWS[[without]], interest_rows) == [-1]
    assert assign(ROWS[[*holding, without]], interest_rows) == [0, 0, 0, 0]
