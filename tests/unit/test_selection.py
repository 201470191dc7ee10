"""Which papers are chosen for a digest, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from digest.model import Digest, Paper, Provenance, Quiet, QuietReason, Score, Subscriber
from digest.ranking import selection
from digest.ranking.selection import Rules

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
PROVENANCE = Provenance(model="thumbs", features="words1", candidates=5, at=NOW)
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


def score_in_order(papers: Sequence[Paper], matches: Sequence[int] = ()) -> list[Score]:
    """Score papers that are given best first."""
    return [
        Score(
            paper_id=paper.id,
            value=1 - place / 10,
            chance=(matches[place] if matches else 90 - place) / 100,
        )
        for place, paper in enumerate(papers)
    ]


def choose(
    subscriber: Subscriber,
    papers: Sequence[Paper],
    matches: Sequence[int] = (),
    rules: Rules | None = None,
) -> Digest | Quiet:
    line = selection.line_of(subscriber.strictness)
    return selection.choose(
        subscriber,
        TODAY,
        score_in_order(papers, matches),
        {paper.id: paper for paper in papers},
        provenance=PROVENANCE,
        rules=replace(rules or Rules(), line=line),
    )


def listed_ids(outcome: Digest | Quiet) -> list[int]:
    assert isinstance(outcome, Digest)
    return [item.score.paper_id for item in outcome.items]


def quiet_reason(outcome: Digest | Quiet) -> QuietReason:
    assert isinstance(outcome, Quiet)
    return outcome.reason


PAPERS = [paper(number) for number in range(1, 6)]


def test_the_best_papers_come_first_with_their_positions() -> None:
    outcome = choose(alice(), PAPERS)
    assert listed_ids(outcome) == [1, 2, 3, 4, 5]
    assert isinstance(outcome, Digest)
    assert [item.position for item in outcome.items] == [1, 2, 3, 4, 5]
    assert (outcome.subscriber_id, outcome.local_date, outcome.provenance) == (7, TODAY, PROVENANCE)


def test_a_digest_is_never_longer_than_the_reader_wants() -> None:
    assert listed_ids(choose(alice(size=2), PAPERS)) == [1, 2]


def test_scores_are_taken_only_until_the_digest_is_full() -> None:
    taken: list[int] = []

    def one_by_one() -> Iterator[Score]:
        for score in score_in_order(PAPERS):
            taken.append(score.paper_id)
            yield score

    selection.choose(
        alice(size=2),
        TODAY,
        one_by_one(),
        {paper.id: paper for paper in PAPERS},
        provenance=PROVENANCE,
    )
    assert taken == [1, 2]


def test_a_paper_below_the_threshold_is_not_listed() -> None:
    assert listed_ids(choose(alice(strictness=50), PAPERS, [90, 50, 49, 10, 0])) == [1, 2]


def test_who_wants_a_full_digest_gets_papers_of_any_chance() -> None:
    assert listed_ids(choose(alice(strictness="always"), PAPERS[:2], [0, 0])) == [1, 2]


def test_seen_papers_are_never_listed_again() -> None:
    assert listed_ids(choose(alice(), PAPERS, rules=Rules(seen={1, 3}))) == [2, 4, 5]


def test_a_withdrawn_paper_is_never_listed() -> None:
    assert listed_ids(choose(alice(), [paper(1, withdrawn=True), paper(2)])) == [2]


def test_a_paper_that_may_have_been_seen_is_marked() -> None:
    outcome = choose(alice(), PAPERS[:3], rules=Rules(maybe_seen={2}))
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
def test_near_duplicate_titles_are_listed_once(other: str) -> None:
    papers = [
        paper(1, "Learning to grasp soft things with two hands in the dark kitchen"),
        paper(2),
        paper(3, other),
    ]
    assert listed_ids(choose(alice(), papers)) == [1, 2]


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
def test_parts_of_a_series_and_short_titles_are_no_near_duplicates(left: str, right: str) -> None:
    assert listed_ids(choose(alice(), [paper(1, left), paper(2, right)])) == [1, 2]


def test_a_near_duplicate_takes_no_place() -> None:
    assert listed_ids(
        choose(alice(size=2), [paper(1, "On hands"), paper(2, "On hands!"), paper(3)])
    ) == [1, 3]


def test_a_score_of_an_unknown_paper_is_ignored() -> None:
    outcome = selection.choose(
        alice(), TODAY, score_in_order(PAPERS), {2: PAPERS[1]}, provenance=PROVENANCE
    )
    assert listed_ids(outcome) == [2]


def test_no_papers_is_a_quiet_day_with_its_reason() -> None:
    assert quiet_reason(choose(alice(), [])) is QuietReason.NO_NEW_PAPERS
    assert quiet_reason(choose(alice(), [paper(1, withdrawn=True)])) is QuietReason.NO_NEW_PAPERS


def test_only_seen_papers_are_a_quiet_day_with_its_reason() -> None:
    assert (
        quiet_reason(choose(alice(), PAPERS, rules=Rules(seen={1, 2, 3, 4, 5})))
        is QuietReason.ALL_SEEN
    )


def test_only_papers_below_the_threshold_are_a_quiet_day_with_its_reason() -> None:
    outcome = choose(alice(strictness=95), PAPERS, rules=Rules(seen={1}))
    assert quiet_reason(outcome) is QuietReason.BELOW_THRESHOLD
    assert (outcome.subscriber_id, outcome.local_date, outcome.provenance) == (7, TODAY, PROVENANCE)
