"""Scores come back from the database as they were stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Part, PartKind, Score
from digest.store.explanations import decode_evidence, decode_score, encode_score

_AMOUNTS = st.integers(-(10**8), 10**8).map(lambda number: number / 1e7)
_SCORES = st.builds(
    Score,
    paper_id=st.integers(1, 10**9),
    value=_AMOUNTS,
    chance=st.floats(0, 1),
    evidence=st.lists(
        st.integers(-(10**6), 10**6).map(lambda number: number / 1e4), max_size=7
    ).map(tuple),
    titled=st.booleans(),
    percentile=st.integers(0, 100),
    standard=st.floats(-9, 9),
    parts=st.lists(
        st.builds(Part, kind=st.sampled_from(get_args(PartKind)), name=st.text(), value=_AMOUNTS),
        max_size=8,
    ).map(tuple),
    nearest=st.none() | st.tuples(st.text(), st.floats(0, 1)),
    nearest_is_example=st.booleans(),
    interest=st.text(),
)


def _row(score: Score) -> SimpleNamespace:
    return SimpleNamespace(paper_id=score.paper_id, score=score.value, standard=score.standard)


@given(score=_SCORES)
def test_a_score_comes_back_as_it_was_stored(score: Score) -> None:
    rest = score.value - sum(part.value for part in score.parts)
    whole = msgspec.structs.replace(score, rest=rest)
    assert decode_score(encode_score(whole), _row(whole)) == whole
    assert decode_evidence(encode_score(whole)) == whole.evidence


@given(score=_SCORES)
def test_a_score_that_an_older_version_stored_is_read(score: Score) -> None:
    text = msgspec.json.encode(score).decode()
    assert decode_score(text, _row(score)) == score
    assert decode_evidence(text) == score.evidence


def test_a_score_takes_less_than_half_of_its_bytes() -> None:
    score = Score(
        paper_id=4390,
        value=0.1329592,
        chance=0.949125,
        evidence=(1.2956, 1.9291, 0.9798, 1.0, 0.7563, 0.0, 0.0),
        titled=True,
        percentile=99,
        standard=2.653032020894479,
        parts=tuple(Part(kind="word", name="navigation", value=0.0075513888) for _ in range(8)),
        rest=0.0463631118,
    )
    assert len(encode_score(score)) < 0.42 * len(msgspec.json.encode(score))


def test_queries_find_the_interest_by_its_name() -> None:
    assert (
        msgspec.json.decode(encode_score(Score(paper_id=1, value=0, interest="x")))["interest"]
        == "x"
    )
