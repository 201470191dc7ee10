"""Scores of many readers and many papers are those of each alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest
from digest.ranking import scores
from tests.examples import examples
from tests.unit.scored import PAPERS, RECENT, WORDS, day, paper, profile


@pytest.mark.parametrize("many", [0, 1 << 30], ids=["taken apart", "whole"])
def test_a_reader_is_scored_the_same_alone_and_among_others(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last digit: what is previewed is what is sent, however readers are cut
    into batches."""
    monkeypatch.setattr(scores.days, "_MANY", many)
    monkeypatch.setattr(scores.days, "OFTEN", 0.1)
    some = [
        profile(
            Interest(keywords=("robot",)), liked=PAPERS[n : n + 3], disliked=PAPERS[n + 5 : n + 6]
        )
        for n in range(0, 20)
    ]
    when = day(PAPERS, RECENT)
    together = scores.score_all(some * 7, when)
    for who, found in zip(some * 7, together, strict=True):
        (alone,) = scores.score_all([who], when)
        assert np.array_equal(alone.values, found.values)
        assert np.array_equal(alone.compared, found.compared)
        assert (alone.mean, alone.deviation) == (found.mean, found.deviation)


@pytest.mark.parametrize("often", [0.0, 0.1, 0.3, 2.0])
def test_words_of_a_large_day_add_what_they_add_on_a_small_one(
    often: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = [
        profile(Interest(keywords=("tactile sensing", "-survey", "robot")), liked=PAPERS[n : n + 2])
        for n in range(5)
    ]
    small = scores.score_all([*who, profile()], day(PAPERS, RECENT))
    monkeypatch.setattr(scores.days, "_MANY", 0)
    monkeypatch.setattr(scores.days, "OFTEN", often)
    large = scores.score_all([*who, profile()], day(PAPERS, RECENT))
    for one, other in zip(small, large, strict=True):
        assert np.allclose(one.values, other.values, atol=2e-7)
        assert np.allclose(one.compared, other.compared, atol=2e-7)


def test_cosines_of_a_large_day_are_those_of_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    when, ids = day(PAPERS), [each.id for each in PAPERS]
    small = scores.cosines(when, [*ids[:3], 999], ids)
    monkeypatch.setattr(scores.days, "_KEPT", 0)
    large = scores.cosines(day(PAPERS), [*ids[:3], 999], ids)
    assert np.allclose(small, large, atol=1e-6)
    assert not small[3].any()
    assert small[0, 0] == pytest.approx(1, abs=1e-6)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8), min_size=2, max_size=12))
@settings(max_examples=examples(60))
def test_copies_are_those_of_a_cosine_that_high_and_no_others(texts: list[list[str]]) -> None:
    papers = [paper(number, " ".join(words) or "?") for number, words in enumerate(texts, start=1)]
    when = day(papers)
    every = [each.id for each in papers]
    cosines = scores.cosines(when, every, every)
    for number, ident in enumerate(every):
        near = {
            other
            for place, other in enumerate(every)
            if cosines[number, place] >= scores.days.SAME and other != ident
        }
        sure = {
            other
            for place, other in enumerate(every)
            if abs(cosines[number, place] - scores.days.SAME) > 1e-5
        }
        assert when.copies(ident) & sure == near & sure


def test_some_papers_of_a_day_are_worth_what_they_are_on_it() -> None:
    when, who = (
        day(PAPERS),
        profile(Interest(keywords=("tactile sensing", "-survey", "robot")), liked=PAPERS[:2]),
    )
    rows = [7, 3, 20, 3, 0]
    assert np.array_equal(scores.score(who, when.some(rows)), scores.score(who, when)[rows])
