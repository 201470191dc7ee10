"""A score is a sum of named parts."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Paper
from digest.ranking import features, scores
from tests.examples import examples
from tests.unit.scored import (
    INTERESTS,
    PAPER_LISTS,
    PAPERS,
    RECENT,
    TODAY,
    explain,
    make_day,
    make_paper,
    make_rows,
    part_of,
    train_profile,
)

# ----------------------------------------------------------------------------------------------
# parts add up


@settings(max_examples=examples(80))
@given(
    PAPER_LISTS,
    INTERESTS,
    st.lists(st.sampled_from(PAPERS), max_size=4),
    st.lists(st.sampled_from(RECENT), max_size=3),
)
def test_the_parts_of_a_score_add_up_to_it(
    papers: list[Paper], interest: Interest, liked: list[Paper], disliked: list[Paper]
) -> None:
    reader_profile, day = train_profile(interest, liked, disliked), make_day(papers, RECENT)
    values = dict(zip(day.ids.tolist(), scores.score(reader_profile, day).tolist(), strict=False))
    for score in explain(reader_profile, day, max_parts=10_000):
        assert score.value == values[score.paper_id]
        assert sum(part.value for part in score.parts) == pytest.approx(score.value, abs=1e-6)
        assert score.rest == pytest.approx(0, abs=1e-6)
    for score in explain(reader_profile, day):
        assert len(score.parts) <= scores.MAX_PARTS
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-12
        )
        assert [abs(part.value) for part in score.parts] == sorted(
            (abs(part.value) for part in score.parts), reverse=True
        )
        assert 0 <= score.percentile <= 100
        assert scores.write_reason(score)


def test_the_named_words_are_words_of_the_paper() -> None:
    shown = {
        score.paper_id: {part.name for part in score.parts if part.kind == "word"}
        for score in explain(train_profile(liked=PAPERS[:2]), make_day(PAPERS), words_alone=True)
    }
    assert sum(map(bool, shown.values())) > len(PAPERS) / 2
    for paper_id, names in shown.items():
        assert names <= set(
            features.words_of(PAPERS[paper_id - 1].title, PAPERS[paper_id - 1].abstract).values()
        )


def test_scores_are_ordered_best_first_and_ties_by_paper_id() -> None:
    same = [make_paper(number, "robot grasping") for number in (9, 3, 5)]
    assert [score.paper_id for score in explain(train_profile(), make_day(same))] == [3, 5, 9]
    values = [score.value for score in explain(train_profile(liked=PAPERS[:2]), make_day(PAPERS))]
    assert values == sorted(values, reverse=True)


def test_a_score_does_not_depend_on_the_other_papers() -> None:
    reader_profile = train_profile(Interest(keywords=("robot",)), liked=PAPERS[3:5])
    alone = explain(reader_profile, make_day(PAPERS[:1]))[0].value
    assert [
        score.value for score in explain(reader_profile, make_day(PAPERS)) if score.paper_id == 1
    ] == [alone]


def test_only_the_papers_that_compete_for_the_reader_are_scored() -> None:
    assert {
        score.paper_id
        for score in explain(train_profile(), make_day(PAPERS), candidate_ids={3, 5, 999})
    } == {3, 5}
    assert explain(train_profile(), make_day(PAPERS), candidate_ids=()) == []


def test_papers_are_explained_a_few_at_a_time_as_they_are_asked_for() -> None:
    named: list[str] = []

    def words_of(title: str, abstract: str) -> dict[int, str]:
        named.append(title)
        return {}

    list(
        itertools.islice(
            scores.explain(train_profile(liked=PAPERS[:1]), make_day(PAPERS), words_of=words_of), 2
        )
    )
    assert 2 <= len(named) < len(PAPERS)


# ----------------------------------------------------------------------------------------------
# percentiles and the nearest liked paper


def test_the_percentile_is_the_share_of_recent_papers_that_score_lower() -> None:
    reader_profile = train_profile(Interest(keywords=("tactile sensing",)))
    best, *_, worst = explain(
        reader_profile,
        make_day([make_paper(1, "tactile sensing robot"), make_paper(2, "poetry")], RECENT),
    )
    lower = sum(value < best.value for value in scores.score(reader_profile, make_day(RECENT)))
    assert best.percentile == 100 * lower // len(RECENT)
    assert best.percentile > worst.percentile


def test_a_recent_paper_counts_as_on_its_first_day() -> None:
    old = [replace(paper, first_seen=TODAY - timedelta(days=20)) for paper in RECENT]
    (score,) = explain(train_profile(), make_day([make_paper(1)], old))
    assert score.percentile == 0


def test_without_recent_papers_scores_are_measured_against_the_day() -> None:
    assert [
        score.percentile
        for score in explain(train_profile(), make_day([make_paper(1, upvotes=3), make_paper(2)]))
    ] == [50, 0]


def test_the_nearest_liked_paper_is_named_with_its_cosine() -> None:
    liked = [make_paper(51, "tactile sensing robot"), make_paper(52, "poetry rhyme glacier")]
    (score,) = explain(
        train_profile(liked=liked), make_day([make_paper(1, "tactile sensing robot")])
    )
    assert score.nearest == ("tactile sensing robot", pytest.approx(1, abs=1e-5))


def test_a_liked_paper_is_near_neither_an_unrelated_paper_nor_itself() -> None:
    liked = [make_paper(51, "tactile sensing robot")]
    stranger, itself = explain(
        train_profile(liked=liked), make_day([make_paper(1, "auction price"), liked[0]])
    )
    assert stranger.nearest is None
    assert itself.nearest is None


# ----------------------------------------------------------------------------------------------
# upvotes, thumbs and co-likes


def upvotes_part(
    paper: Paper, candidate_ids: Sequence[Paper] = (), thumbs: dict[int, list[float]] | None = None
) -> float:
    papers = [paper, *candidate_ids]
    day = scores.make_day(papers, make_rows(papers), thumbs=thumbs)
    return next(
        (
            part.value
            for score in explain(train_profile(), day, candidate_ids=[paper.id])
            for part in score.parts
            if part.kind == "upvotes"
        ),
        0.0,
    )


def test_upvotes_fade_with_the_age_of_a_paper_or_its_pick() -> None:
    new = make_paper(99)
    fresh = upvotes_part(make_paper(1, upvotes=100), [new])
    old = upvotes_part(make_paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6)), [new])
    back = upvotes_part(
        make_paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6), picked=TODAY), [new]
    )
    assert fresh == back == pytest.approx(scores.UPVOTES)
    assert old == pytest.approx(scores.UPVOTES * np.log1p(25) / np.log1p(100), abs=1e-7)


def test_readers_thumbs_fade_by_their_own_age() -> None:
    old = make_paper(1, upvotes=6, first_seen=TODAY - timedelta(days=30))
    today, last_week = ({1: [age] * 6} for age in (0.0, 9.0))
    assert upvotes_part(old, [make_paper(99)], today) == pytest.approx(
        scores.UPVOTES * np.log1p(6) / np.log1p(100), abs=1e-7
    )
    assert upvotes_part(old, [make_paper(99)], last_week) == pytest.approx(
        scores.UPVOTES * np.log1p(6 / 8) / np.log1p(100), abs=1e-7
    )
    assert upvotes_part(make_paper(1, upvotes=6), [], {1: [-0.5] * 9}) == pytest.approx(
        scores.UPVOTES * np.log1p(9) / np.log1p(100), abs=1e-7
    )


def test_later_thumbs_do_not_raise_recent_papers() -> None:
    recent = [replace(paper, upvotes=7) for paper in RECENT]
    day = scores.make_day(
        [make_paper(1)],
        make_rows([make_paper(1)]),
        recent,
        make_rows(recent),
        thumbs={paper.id: [0.1] * 7 for paper in recent},
    )
    assert (day.trending[0] == 0).all()


def test_co_like_boosts_are_a_named_part_of_the_sum() -> None:
    reader_profile = replace(
        train_profile(),
        co_like_boosts=(
            (2, 'Old "favourite"', 0.05),
            (77, "Of a paper that does not compete", 0.05),
        ),
    )
    plain, boosted = (
        explain(profile, make_day([make_paper(1), make_paper(2)], RECENT))
        for profile in (train_profile(), reader_profile)
    )
    assert [score.paper_id for score in boosted] == [2, 1]
    best = boosted[0]
    assert best.value == pytest.approx(
        next(score.value for score in plain if score.paper_id == 2) + 0.05
    )
    assert part_of(best, "readers").value == 0.05
    assert sum(part.value for part in best.parts) + best.rest == pytest.approx(best.value, abs=1e-6)
    assert scores.write_reason(best) == 'Liked by readers who liked “Old "favourite"”, as you did.'
    assert scores.find_pinned(reader_profile, make_day([make_paper(2)])) == frozenset()


# ----------------------------------------------------------------------------------------------
# unusual input


def test_a_day_without_papers_has_no_scores() -> None:
    for reader_profile in (
        train_profile(),
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
    ):
        assert scores.score(reader_profile, make_day([])).shape == (0,)
        assert explain(reader_profile, make_day([], RECENT)) == []


def test_papers_without_words_are_scored() -> None:
    (score,) = explain(
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
        make_day([make_paper(1, "?")]),
    )
    assert np.isfinite(score.value)


def test_identical_papers_score_the_same() -> None:
    values = scores.score(
        train_profile(liked=PAPERS[:2]),
        make_day([make_paper(number, "robot grasping") for number in range(1, 40)]),
    )
    assert len(set(values.tolist())) == 1


def test_fifty_thousand_papers_are_scored() -> None:
    many = [make_paper(number) for number in range(1, 50_001)]
    few = make_rows(PAPERS)
    day = scores.make_day(many, few[np.arange(len(many)) % len(PAPERS)])  # type: ignore[index]
    explained = list(
        itertools.islice(
            scores.explain(train_profile(liked=PAPERS[:1]), day, words_of=features.words_of), 3
        )
    )
    assert [score.paper_id for score in explained] == [1, 31, 61]


def test_papers_and_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 papers with 1 rows"):
        scores.make_day(PAPERS[:2], make_rows(PAPERS[:1]))


def test_a_day_and_a_profile_can_be_pickled() -> None:
    reader_profile, day = (
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
        make_day(PAPERS, RECENT),
    )
    there = pickle.loads(pickle.dumps((reader_profile, day)))
    assert explain(*there) == explain(reader_profile, day)
