"""Scores in a batch of readers and papers equal the scores of each alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest
from digest.ranking import features, profiles, scores
from tests.examples import examples
from tests.unit.scored import (
    FREQUENCIES,
    PAPERS,
    RECENT,
    WORDS,
    count_words,
    make_day,
    make_paper,
    train_profile,
)


@pytest.mark.parametrize("many_entries", [0, 1 << 30], ids=["split by frequency", "whole"])
def test_a_reader_is_scored_the_same_alone_and_among_others(
    many_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal to the last bit, so that a preview shows what will be sent."""
    monkeypatch.setattr(scores.days, "_MANY_ENTRIES", many_entries)
    monkeypatch.setattr(scores.days, "FREQUENT_WORD", 0.1)
    readers = [
        train_profile(
            Interest(keywords=("robot",)), liked=PAPERS[n : n + 3], disliked=PAPERS[n + 5 : n + 6]
        )
        for n in range(0, 20)
    ]
    day = make_day(PAPERS, RECENT)
    together = scores.score_all(readers * 7, day)
    for reader, in_batch in zip(readers * 7, together, strict=True):
        (alone,) = scores.score_all([reader], day)
        assert np.array_equal(alone.values, in_batch.values)
        assert np.array_equal(alone.compared, in_batch.compared)
        assert (alone.mean, alone.deviation) == (in_batch.mean, in_batch.deviation)


@pytest.mark.parametrize("frequent_word", [0.0, 0.1, 0.3, 2.0])
def test_words_split_by_frequency_add_the_same(
    frequent_word: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = [
        train_profile(
            Interest(keywords=("tactile sensing", "-survey", "robot")), liked=PAPERS[n : n + 2]
        )
        for n in range(5)
    ]
    small = scores.score_all([*readers, train_profile()], make_day(PAPERS, RECENT))
    monkeypatch.setattr(scores.days, "_MANY_ENTRIES", 0)
    monkeypatch.setattr(scores.days, "FREQUENT_WORD", frequent_word)
    large = scores.score_all([*readers, train_profile()], make_day(PAPERS, RECENT))
    for whole, split in zip(small, large, strict=True):
        assert np.allclose(whole.values, split.values, atol=2e-7)
        assert np.allclose(whole.compared, split.compared, atol=2e-7)


def test_cosines_without_the_cache_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    day, ids = make_day(PAPERS), [paper.id for paper in PAPERS]
    small = scores.cosines(day, [*ids[:3], 999], ids)
    monkeypatch.setattr(scores.similarity, "_CACHED_COSINES", 0)
    large = scores.cosines(make_day(PAPERS), [*ids[:3], 999], ids)
    assert np.allclose(small, large, atol=1e-6)
    assert not small[3].any()
    assert small[0, 0] == pytest.approx(1, abs=1e-6)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8), min_size=2, max_size=12))
@settings(max_examples=examples(60))
def test_near_duplicates_are_the_papers_with_such_a_cosine(texts: list[list[str]]) -> None:
    papers = [
        make_paper(number, " ".join(words) or "?") for number, words in enumerate(texts, start=1)
    ]
    day = make_day(papers)
    ids = [paper.id for paper in papers]
    cosines = scores.cosines(day, ids, ids)
    for number, paper_id in enumerate(ids):
        near = {
            other
            for place, other in enumerate(ids)
            if cosines[number, place] >= scores.similarity.NEAR_DUPLICATE and other != paper_id
        }
        sure = {
            other
            for place, other in enumerate(ids)
            if abs(cosines[number, place] - scores.similarity.NEAR_DUPLICATE) > 1e-5
        }
        assert scores.near_duplicates(day, paper_id) & sure == near & sure


def test_papers_taken_from_a_day_have_the_same_scores() -> None:
    day, reader = (
        make_day(PAPERS),
        train_profile(Interest(keywords=("tactile sensing", "-survey", "robot")), liked=PAPERS[:2]),
    )
    rows = [7, 3, 20, 3, 0]
    assert np.array_equal(scores.score(reader, day.take(rows)), scores.score(reader, day)[rows])


@given(
    asked=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.lists(st.integers(0, len(PAPERS) - 1), max_size=6, unique=True),
        ),
        max_size=8,
    )
)
@settings(max_examples=examples(30), deadline=None)
def test_reasons_are_the_same_alone_and_among_others(asked: list[tuple[int, list[int]]]) -> None:
    counts = count_words([*PAPERS, *RECENT])
    space = features.fit_space(features.load_base_table(), FREQUENCIES, counts)
    rows = space.rows(counts)
    number = len(PAPERS)
    day = scores.make_day(
        PAPERS, rows[:number], RECENT, rows[number:], contributions=space.contributions(counts)
    )
    background = profiles.Background.from_papers(RECENT, rows[number:])
    shelf = profiles.RatedRows(rows[:number])
    readers = [
        profiles.train(
            [Interest(keywords=WORDS[start : start + 2], categories=("cs.RO",))],
            background,
            phrases=space.parse_keywords([*WORDS[start : start + 2], "tactile sensing"]),
            liked=profiles.Rated.from_shared_rows(PAPERS[start:liked], shelf, range(start, liked)),
        )
        for start, liked in [(0, 0), (1, 2), (2, 4), (3, 9), (4, 20), (5, 5)]
    ]
    requests = [scores.Request(readers[reader], papers) for reader, papers in asked]
    together = scores.find_reasons(requests, day, words_of=features.words_of)
    for request, in_batch in zip(requests, together, strict=True):
        (alone,) = scores.find_reasons([request], day, words_of=features.words_of)
        assert list(map(_read, in_batch)) == list(map(_read, alone))


def _read(reasons: scores.Reasons) -> tuple[object, ...]:
    nearest = reasons.nearest
    return reasons.parts, nearest and (nearest.title, nearest.cosine, nearest.is_example)
