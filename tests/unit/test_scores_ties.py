"""Ties: a threshold treats equal papers alike; a category lists all its papers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Digest, Interest, Paper, Provenance, Subscriber
from digest.ranking import scores, selection
from tests.unit.scored import PAPERS, TODAY, WORDS, make_day, make_paper, train_profile

NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)


def list_ids(
    interest: Interest, papers: list[Paper], recent: list[Paper], strictness: int | str
) -> set[int]:
    reader = Subscriber(id=1, email="r@example.org", size=100, strictness=strictness, created=NOW)  # type: ignore[arg-type]
    day = make_day(papers, recent)
    (scored,) = scores.score_all([train_profile(interest)], day)
    chosen = selection.choose(
        reader,
        TODAY,
        scores.rank(scored, day),
        {paper.id: paper for paper in papers},
        provenance=Provenance(model="keywords", features="words1", at=NOW),
    )
    return {item.score.paper_id for item in chosen.items} if isinstance(chosen, Digest) else set()


def category_paper(number: int, category: str, age: int = 0, upvotes: int = 0) -> Paper:
    first_seen = TODAY - timedelta(days=age)
    words = " ".join((WORDS * 2)[number % 15 : number % 15 + 4])
    return make_paper(
        number, f"{words} {number}", categories=(category,), first_seen=first_seen, upvotes=upvotes
    )


@pytest.mark.parametrize("strictness", [85, "few", 97, 99])
@pytest.mark.parametrize("share", [2, 10, 50, 90, 100])
@pytest.mark.parametrize("with_recent", [True, False])
def test_a_reader_with_only_a_category_gets_its_papers(
    strictness: int | str, share: int, with_recent: bool
) -> None:
    papers = [
        category_paper(number, "cs.LG" if number <= share else "math.CO", age=number % 3)
        for number in range(1, 101)
    ]
    recent = [
        category_paper(200 + number, "cs.LG" if number <= share else "math.CO", age=number % 9)
        for number in range(1, 101)
    ]
    expected = set(range(1, share + 1))
    assert (
        list_ids(Interest(categories=("cs.LG",)), papers, recent if with_recent else [], strictness)
        == expected
    )


@pytest.mark.parametrize("strictness", ["few", 85])
def test_popular_papers_of_other_categories_push_none_below_the_threshold(
    strictness: int | str,
) -> None:
    papers = [category_paper(number, "cs.LG", age=1) for number in range(1, 11)] + [
        category_paper(20, "math.CO"),
        category_paper(21, "math.CO", upvotes=1),
    ]
    recent = [
        category_paper(200 + number, "cs.LG" if number % 2 else "math.CO", upvotes=number % 7 * 50)
        for number in range(100)
    ]
    assert list_ids(Interest(categories=("cs.LG",)), papers, recent, strictness) >= set(
        range(1, 11)
    )


@settings(max_examples=60, deadline=None)
@given(
    papers=st.lists(
        st.builds(
            category_paper,
            st.integers(1, 40),
            st.sampled_from(["cs.LG", "cs.RO", "math.CO"]),
            st.integers(0, 2),
            st.sampled_from([0, 5]),
        ),
        min_size=1,
        unique_by=lambda paper: paper.id,
    ),
    recent=st.lists(
        st.builds(
            category_paper,
            st.integers(101, 180),
            st.sampled_from(["cs.LG", "cs.RO", "math.CO"]),
            st.integers(0, 9),
            st.sampled_from([0, 5, 90]),
        ),
        unique_by=lambda paper: paper.id,
    ),
    categories=st.lists(st.sampled_from(["cs.LG", "cs", "math.CO"]), max_size=2).map(tuple),
    keywords=st.lists(st.sampled_from(["robot", "tactile sensing", "C++"]), max_size=2).map(tuple),
    liked=st.lists(st.sampled_from(PAPERS), max_size=2),
    threshold=st.sampled_from(["good", "strong", 20, 85]),
)
def test_equal_scores_pass_a_threshold_alike_and_better_ones_too(
    papers: list[Paper],
    recent: list[Paper],
    categories: tuple[str, ...],
    keywords: tuple[str, ...],
    liked: list[Paper],
    threshold: int | str,
) -> None:
    day = make_day(papers, recent)
    reader_profile = train_profile(Interest(categories=categories, keywords=keywords), liked)
    ranked = list(scores.rank(scores.score_all([reader_profile], day)[0], day))
    reached = [score.reaches(threshold) for score in ranked]  # type: ignore[arg-type]
    assert reached == sorted(reached, reverse=True)
    assert all(
        (left.percentile, left.word) == (right.percentile, right.word)
        for left, right in pairwise(ranked)
        if left.value == right.value
    )
