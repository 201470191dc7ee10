"""Sign codes and the index of them: what finds candidates among all papers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.ranking import features
from digest.ranking.features import VectorIndex
from digest.ranking.features.sign_codes import encode_signs

SPACE = features.Space(
    frequencies=features.Frequencies(papers=7, counts=features.Frequencies().counts),
    table=features.Table(),
    idf=np.arange(3, dtype=np.float32),
    mean=np.zeros(features.DIMENSIONS, np.float32),
    whitening=np.eye(features.DIMENSIONS, dtype=np.float32),
)


def make_rows(number: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(number, features.DIMENSIONS)).astype(np.float32)


def make_index(*ids: int, seed: int = 0) -> VectorIndex:
    return VectorIndex.empty(SPACE).add(np.array(ids, np.int64), make_rows(len(ids), seed))


def test_estimates_follow_the_cosines() -> None:
    rows = make_rows(400)
    query = rows[0] + make_rows(1, 1)[0]
    exact = rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
    estimated = features.estimate_cosines(encode_signs(rows), query)
    assert np.abs(estimated - exact).max() < 0.25
    assert np.corrcoef(estimated, exact)[0, 1] > 0.75


def test_the_nearest_of_many_are_found() -> None:
    rows = make_rows(30_000)
    near = rows[123] + 0.5 * make_rows(5, 2)
    codes = encode_signs(np.concatenate((rows, near)))
    places, cosines = features.find_nearest(codes, rows[123], 6)
    assert set(places.tolist()) == {123, *range(30_000, 30_005)}
    assert places[0] == 123
    assert (np.diff(cosines) <= 0).all()
    assert len(features.find_nearest(codes[:, :0], rows[0], 6)[0]) == 0


@given(st.lists(st.lists(st.integers(1, 40), unique=True, max_size=9), max_size=6))
def test_adding_replaces_and_keeps_the_order(batches: list[list[int]]) -> None:
    index, expected = VectorIndex.empty(SPACE), {}
    for number, ids in enumerate(batches):
        rows = make_rows(len(ids), number)
        index = index.add(np.array(sorted(ids), np.int64), rows)
        expected |= dict(zip(sorted(ids), encode_signs(rows).T.tolist(), strict=True))
    assert index.ids.tolist() == sorted(expected)
    assert dict(zip(index.ids.tolist(), index.codes.T.tolist(), strict=True)) == expected
    wanted = np.array([0, 5, 40, 99], np.int64)
    places = index.find_places(wanted)
    for ident, place in zip(wanted.tolist(), places.tolist(), strict=True):
        assert (place >= 0) == (ident in expected)
        assert place < 0 or index.ids[place] == ident


@given(st.sets(st.integers(1, 2**62), max_size=5), st.binary(max_size=40))
def test_bytes_say_the_same(ids: set[int], fingerprint: bytes) -> None:
    index = replace(make_index(*sorted(ids)), last_record=2**40, fingerprint=fingerprint)
    again = VectorIndex.from_buffer(np.frombuffer(index.to_bytes(), np.uint8))
    for name in ("version", "fitted_papers", "last_record", "fingerprint"):
        assert getattr(again, name) == getattr(index, name)
    for name in ("idf", "mean", "whitening", "ids", "codes"):
        assert np.array_equal(getattr(again, name), getattr(index, name)), name


@given(st.data())
def test_damaged_bytes_are_refused(data: st.DataObject) -> None:
    sound = make_index(3, 4, 9).to_bytes()
    cut = sound[: data.draw(st.integers(0, len(sound) - 1))]
    place = data.draw(st.one_of(st.integers(0, 60), st.integers(0, len(sound) - 1)))
    flipped = bytearray(sound)
    flipped[place] ^= data.draw(st.integers(1, 255))
    for damaged in (cut, bytes(flipped)):
        with pytest.raises(ValueError, match=r"cut off|damaged|no index"):
            VectorIndex.from_buffer(np.frombuffer(damaged, np.uint8))
