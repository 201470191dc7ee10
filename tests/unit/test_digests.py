"""Which papers make a reader's digest, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest

from digest.model import Digest, Paper, Provenance, Quiet, QuietReason, Score, Subscriber
from digest.ranking import selection

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
MADE = Provenance(model="thumbs", features="words1", candidates=5, at=NOW)
NAMES = (
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
)


def alice(**more: object) -> Subscriber:
    return Subscriber(id=7, email="alice@example.org", created=NOW, **more)  # type: ignore[arg-type]


def paper(number: int, title: str = "", *, withdrawn: bool = False) -> Paper:
    return Paper(
        id=number, title=title or f"On {NAMES[number]}", first_seen=TODAY, withdrawn=withdrawn
    )


def scored(papers: Sequence[Paper], matches: Sequence[int] = ()) -> list[Score]:
    """The papers as scores, best first in the order given."""
    return [
        Score(
            paper_id=each.id, value=1 - place / 10, match=matches[place] if matches else 90 - place
        )
        for place, each in enumerate(papers)
    ]


def choose(
    who: Subscriber, papers: Sequence[Paper], matches: Sequence[int] = (), **more: object
) -> Digest | Quiet:
    return selection.choose(
        who,
        TODAY,
        scored(papers, matches),
        {each.id: each for each in papers},
        provenance=MADE,
        **more,
    )  # type: ignore[arg-type]


def listed(outcome: Digest | Quiet) -> list[int]:
    assert isinstance(outcome, Digest)
    return [item.score.paper_id for item in outcome.items]


def why(outcome: Digest | Quiet) -> QuietReason:
    assert isinstance(outcome, Quiet)
    return outcome.reason


PAPERS = [paper(number) for number in range(1, 6)]


def test_the_best_papers_come_first_with_their_positions() -> None:
    outcome = choose(alice(), PAPERS)
    assert listed(outcome) == [1, 2, 3, 4, 5]
    assert isinstance(outcome, Digest)
    assert [item.position for item in outcome.items] == [1, 2, 3, 4, 5]
    assert (outcome.subscriber_id, outcome.local_date, outcome.provenance) == (7, TODAY, MADE)


def test_a_digest_is_never_longer_than_the_reader_wants() -> None:
    assert listed(choose(alice(size=2), PAPERS)) == [1, 2]


def test_scores_are_taken_only_until_the_digest_is_full() -> None:
    taken: list[int] = []

    def one_by_one() -> Iterator[Score]:
        for score in scored(PAPERS):
            taken.append(score.paper_id)
            yield score

    selection.choose(
        alice(size=2), TODAY, one_by_one(), {each.id: each for each in PAPERS}, provenance=MADE
    )
    assert taken == [1, 2]


def test_a_paper_below_the_threshold_is_not_listed() -> None:
    assert listed(choose(alice(threshold=50), PAPERS, [90, 50, 49, 10, 0])) == [1, 2]


def test_without_a_threshold_a_match_of_nought_is_listed() -> None:
    assert listed(choose(alice(), PAPERS[:2], [0, 0])) == [1, 2]


def test_what_was_listed_or_rated_before_is_never_listed_again() -> None:
    assert listed(choose(alice(), PAPERS, seen={1, 3})) == [2, 4, 5]


def test_a_withdrawn_paper_is_never_listed() -> None:
    assert listed(choose(alice(), [paper(1, withdrawn=True), paper(2)])) == [2]


def test_a_paper_that_may_have_been_seen_is_marked() -> None:
    outcome = choose(alice(), PAPERS[:3], carried={2})
    assert isinstance(outcome, Digest)
    assert [item.seen_before for item in outcome.items] == [False, True, False]


@pytest.mark.parametrize(
    "other",
    [
        "learning to grasp soft things with two hands in the dark kitchen",
        "Learning to grasp soft things, with two hands, in the dark kitchen!",
        "Learning to Grasp Soft Things with Two Hands in the Dark Kitchen (Extended)",
    ],
)
def test_near_copies_of_a_title_are_listed_once(other: str) -> None:
    copies = [
        paper(1, "Learning to grasp soft things with two hands in the dark kitchen"),
        paper(2),
        paper(3, other),
    ]
    assert listed(choose(alice(), copies)) == [1, 2]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            "A long story of many robots in the large old house by the lake: Part I",
            "A long story of many robots in the large old house by the lake: Part II",
        ),
        (
            "What we found in the very large catalogue of the many faint stars of year 3",
            "What we found in the very large catalogue of the many faint stars of year 4",
        ),
        ("On robots", "On hands"),
        ("!!!", "???"),
    ],
)
def test_parts_of_a_series_and_short_titles_are_no_copies(left: str, right: str) -> None:
    assert listed(choose(alice(), [paper(1, left), paper(2, right)])) == [1, 2]


def test_a_copy_takes_no_place() -> None:
    assert listed(
        choose(alice(size=2), [paper(1, "On hands"), paper(2, "On hands!"), paper(3)])
    ) == [1, 3]


def test_a_score_of_an_unknown_paper_is_passed_over() -> None:
    outcome = selection.choose(alice(), TODAY, scored(PAPERS), {2: PAPERS[1]}, provenance=MADE)
    assert listed(outcome) == [2]


def test_no_papers_is_a_quiet_day_with_its_reason() -> None:
    assert why(choose(alice(), [])) is QuietReason.NO_NEW_PAPERS
    assert why(choose(alice(), [paper(1, withdrawn=True)])) is QuietReason.NO_NEW_PAPERS


def test_papers_that_were_all_seen_are_a_quiet_day_with_its_reason() -> None:
    assert why(choose(alice(), PAPERS, seen={1, 2, 3, 4, 5})) is QuietReason.ALL_SEEN


def test_papers_that_are_all_below_the_threshold_are_a_quiet_day_with_its_reason() -> None:
    outcome = choose(alice(threshold=95), PAPERS, seen={1})
    assert why(outcome) is QuietReason.BELOW_THRESHOLD
    assert (outcome.subscriber_id, outcome.local_date, outcome.provenance) == (7, TODAY, MADE)
