"""Papers that hold a typed keyword, in the title or elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores
from tests.examples import examples
from tests.unit.scored import (
    INTERESTS,
    PAPER_LISTS,
    RECENT,
    has_title_keyword,
    make_day,
    make_paper,
    train_profile,
)

TITLED = make_paper(1, "Robot grasping", "We grasp.")
IN_ABSTRACT = make_paper(2, "Hands", "For robot grasping and robots.")
OTHER = make_paper(3, "A robot", "Grasping is hard.")


def title_ids(profile: profiles.Profile, day: scores.Day) -> list[int]:
    return day.ids[: day.competing][has_title_keyword(profile, day)].tolist()


def test_keywords_are_found_in_titles_and_elsewhere() -> None:
    day = make_day([IN_ABSTRACT, OTHER, TITLED], [make_paper(9, "Robot grasping of old")])
    profile = train_profile(Interest(keywords=("robot grasping", "-hands", "robots")))
    assert title_ids(profile, day) == [3, 1]
    phrase, word = scores.find_keywords(profile, day)
    assert (phrase.keyword.phrase.text, word.keyword.phrase.text) == ("robot grasping", "robots")
    assert (phrase.rows.tolist(), phrase.title_rows.tolist()) == ([0, 2], [2])
    assert (word.rows.tolist(), word.title_rows.tolist()) == ([0, 1, 2], [1, 2])


@pytest.mark.parametrize("likes", [0, 1, 3, 30])
def test_a_word_is_found_however_many_likes_there_are(likes: int) -> None:
    profile = train_profile(Interest(keywords=("robot",)), liked=(RECENT * 2)[:likes])
    assert [keyword.phrase.text for keyword in profile.keywords] == ["robot"]
    assert title_ids(profile, make_day([IN_ABSTRACT, TITLED])) == [1]


def test_a_keyword_without_strength_gives_no_right_to_a_title() -> None:
    profile = train_profile(Interest(keywords=("robot",)))
    weak = replace(
        profile, keywords=tuple(replace(keyword, strength=0.0) for keyword in profile.keywords)
    )
    day = make_day([IN_ABSTRACT, TITLED])
    assert (title_ids(profile, day), title_ids(weak, day)) == ([1], [])


def test_taken_rows_are_found_as_in_the_whole_day() -> None:
    day = make_day([IN_ABSTRACT, OTHER, TITLED], [make_paper(9, "Robot grasping of old")])
    profile = train_profile(Interest(keywords=("robot grasping",)))
    taken = day.take([3, 0, 2])
    assert has_title_keyword(profile, taken).tolist() == [True, False, True]


@settings(max_examples=examples(60))
@given(PAPER_LISTS, INTERESTS)
def test_titles_are_found_as_when_read_one_by_one(papers: list[Paper], interest: Interest) -> None:
    day, profile = make_day(papers, RECENT), train_profile(interest)
    wanted = [
        phrase
        for phrase in features.parse_keywords(interest.keywords, features.Frequencies())
        if not phrase.muted
    ]
    assert title_ids(profile, day) == [
        paper.id
        for paper in papers
        if any(phrase.spelling.occurs_in(paper.title, "") for phrase in wanted)
    ]
