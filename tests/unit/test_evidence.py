"""The evidence of a paper: what was typed, where it stands, and how sure the score is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digest.model import Interest
from digest.ranking import scores
from digest.ranking.scores.evidence import MANY_LIKES
from tests.unit.scored import WORDS, make_day, make_paper, train_profile

SCORE, TYPED, LEARNED, TITLE, CONFIRMED, CATEGORY, UNTYPED = range(len(scores.EVIDENCE))
ROBOTS = Interest(keywords=("robot hands", "grasping"), categories=("cs.RO",))


def day_of(*titles: str, categories: tuple[str, ...] = ("cs.LG",)) -> scores.Day:
    papers = [
        make_paper(number, title, categories=categories)
        for number, title in enumerate(titles, start=1)
    ]
    return make_day(papers, [make_paper(100 + number, word) for number, word in enumerate(WORDS)])


def gather(interest: Interest, day: scores.Day) -> NDArray[np.float64]:
    profile = train_profile(interest)
    (scored,) = scores.score_all([profile], day)
    return scores.gather_evidence(profile, scored, profile, scored, day)


def test_a_keyword_counts_in_the_title_twice_at_most() -> None:
    day = day_of("Robot hands", "Robot hands and grasping", "Of verse", "Hands of a robot")
    assert gather(ROBOTS, day)[:, TITLE].tolist() == [1, 2, 0, 0]
    three = Interest(keywords=("robot", "hands", "grasping"))
    assert gather(three, day)[1, TITLE] == 2
    assert scores.has_title_keyword(gather(ROBOTS, day)).tolist() == [True, True, False, False]


def test_a_followed_category_counts_wherever_it_stands() -> None:
    assert gather(ROBOTS, day_of("A", categories=("cs.RO", "cs.LG")))[0, CATEGORY] == 1
    assert gather(ROBOTS, day_of("A", categories=("cs.LG", "cs.RO")))[0, CATEGORY] == 1
    assert gather(ROBOTS, day_of("A", categories=("cs.LG",)))[0, CATEGORY] == 0
    assert gather(Interest(categories=("cs",)), day_of("A"))[0, CATEGORY] == 1
    assert gather(Interest(categories=("-cs.LG",)), day_of("A"))[0, CATEGORY] == 0


def test_who_typed_no_keyword_is_told_apart() -> None:
    day = day_of("Robot hands", "Of verse")
    assert gather(ROBOTS, day)[:, UNTYPED].tolist() == [0, 0]
    for interest in (Interest(), Interest(categories=("cs.LG",)), Interest(keywords=("-verse",))):
        evidence = gather(interest, day)
        assert evidence[:, UNTYPED].tolist() == [1, 1]
        assert evidence[:, TYPED].tolist() == evidence[:, SCORE].tolist()


@pytest.mark.parametrize(
    "unwanted",
    [
        {"keywords": ("-verse",)},
        {"categories": ("-cs.CL",)},
        {"authors": ("-Walt Whitman",)},
    ],
    ids=["word", "category", "author"],
)
def test_papers_with_something_unwanted_are_not_measured_against(unwanted: Any) -> None:
    papers = [make_paper(1, "Robot hands"), make_paper(2, "Grasping")]
    others = [make_paper(100 + number, word) for number, word in enumerate(WORDS)]
    bad = [
        make_paper(number, "Of verse and robot", categories=("cs.CL",), authors=("Walt Whitman",))
        for number in range(200, 210)
    ]
    wanted = Interest(keywords=("robot hands", "grasping", *unwanted.get("keywords", ())))
    interest = replace(
        wanted,
        categories=unwanted.get("categories", ()),
        authors=unwanted.get("authors", ()),
    )
    assert gather(interest, make_day(papers, [*others, *bad])) == pytest.approx(
        gather(wanted, make_day(papers, others)), abs=0.02
    )


def test_a_score_and_a_keyword_in_the_title_are_surer_with_likes() -> None:
    day = day_of("Robot hands", "Of verse")
    (scored,) = scores.score_all([train_profile(ROBOTS)], day)
    learned, confirmed = [], []
    for likes in (0, 3, MANY_LIKES, 500):
        profile = replace(train_profile(ROBOTS), thumbs_up=likes)
        evidence = scores.gather_evidence(profile, scored, profile, scored, day)
        learned.append(evidence[0, LEARNED])
        confirmed.append(evidence[0, CONFIRMED])
        assert evidence[1, CONFIRMED] == 0
    assert learned[0] == 0
    assert 0 < learned[1] < learned[2] == learned[3]
    assert learned[2] == pytest.approx(gather(ROBOTS, day)[0, SCORE])
    assert confirmed == pytest.approx(np.array(learned) / learned[2])


def test_a_day_of_equal_papers_is_no_evidence() -> None:
    evidence = gather(Interest(), make_day([make_paper(1, "A"), make_paper(2, "B")], []))
    assert (evidence[:, [SCORE, TYPED, LEARNED, TITLE, CATEGORY]] == 0).all()
