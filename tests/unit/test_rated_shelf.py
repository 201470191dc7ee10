"""The papers that readers rated are read once, whoever came before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.pipeline.steps import rated_shelf
from digest.pipeline.steps.rated_shelf import RatedShelf
from tests.unit.scored import PAPERS, make_rows

BY_ID = {paper.id: paper for paper in PAPERS}


def put(shelf: RatedShelf, ids: list[int]) -> list[int]:
    """Add what is missing; return its ids."""
    missing = shelf.find_missing(ids)
    if missing:
        papers = {ident: BY_ID[ident] for ident in missing}
        shelf.add(papers, make_rows(list(papers.values())))
    return missing


@pytest.mark.parametrize("chunk", [2, 500])
@given(
    batches=st.lists(
        st.lists(st.sampled_from(sorted(BY_ID)), unique=True, min_size=1), min_size=1, max_size=5
    )
)
def test_a_shelf_is_the_same_in_whatever_batches_it_was_filled(
    chunk: int, batches: list[list[int]]
) -> None:
    shelf = RatedShelf()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rated_shelf, "_CHUNK", chunk)
        for batch in batches:
            put(shelf, batch)
    ids = sorted({ident for batch in batches for ident in batch})
    texts = make_rows([BY_ID[30], BY_ID[2]])
    followed, _ = shelf.take(ids, texts)
    assert np.array_equal(followed.rows[: len(ids)].toarray(), shelf.take(ids)[0].rows.toarray())
    assert np.array_equal(followed.rows[len(ids) :].toarray(), texts.toarray())
    taken, row_of = shelf.take(ids)
    assert list(row_of) == ids
    expected = make_rows([BY_ID[ident] for ident in ids])
    assert np.array_equal(taken.rows.toarray(), expected.toarray())


def test_only_what_is_missing_is_read() -> None:
    shelf = RatedShelf()
    assert put(shelf, [3, 1]) == [3, 1]
    assert put(shelf, [1, 2, 3]) == [2]
    assert put(shelf, [2]) == []


def test_a_full_shelf_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rated_shelf, "_MOST_PAPERS", 3)
    shelf = RatedShelf()
    put(shelf, [1, 2, 3])
    assert put(shelf, [3, 4]) == [3, 4]
    assert list(shelf.papers) == [3, 4]
    assert shelf.take([3, 4])[0].rows.shape[0] == 2
