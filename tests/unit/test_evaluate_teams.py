"""Shared digests: a real preference is detected, and none is invented."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from digest.evaluate.reranking import RatedDigest
from digest.evaluate.teams import MIN_DECIDED, Comparison, compare
from digest.model import Item, MessageState, Provenance, Score
from digest.ranking.team_draft import interleave
from digest.store.past import PastDigest, PastItem

TEAMS = ("learned", "words")
START = date(2026, 6, 1)


def items(idents: list[int]) -> list[Item]:
    return [
        Item(position=n, score=Score(paper_id=ident, value=-n, chance=0.5))
        for n, ident in enumerate(idents, start=1)
    ]


def make_rated(
    reader: int,
    day: int,
    shared_items: tuple[Item, ...],
    votes: tuple[int, ...],
    teams: tuple[str, str] = TEAMS,
) -> RatedDigest:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC) + timedelta(days=day)
    past = PastDigest(
        subscriber_id=reader,
        local_date=at.date(),
        composed_at=at,
        max_paper_id=1,
        provenance=Provenance(
            model="thumbs", features="f", recipe=teams[0], recipe_b=teams[1], candidates=40, at=at
        ),
        state=MessageState.ACCEPTED,
        items=tuple(
            PastItem(
                position=i.position,
                paper_id=i.score.paper_id,
                match=i.score.match,
                slot=i.slot,
                probability=1,
                team=i.team,
            )
            for i in shared_items
        ),
    )
    return RatedDigest(digest=past, votes=votes)


def experiment(
    seed: int, *, skill: tuple[float, float], readers: int = 12, days: int = 6
) -> Comparison:
    """Play days on which two recipes share a digest of eight papers.

    Readers like a tenth of 40 papers a day. Each recipe sees what they like through its own noise.
    """
    random = np.random.default_rng(seed)
    rated_digests = []
    for reader in range(1, readers + 1):
        for day in range(days):
            liked = random.random(40) < 0.1
            lists = [np.argsort(-(of * liked + random.normal(size=40))).tolist() for of in skill]
            shared = interleave(
                items(lists[0]),
                items(lists[1]),
                teams=TEAMS,
                subscriber_id=reader + 1000 * seed,
                local_date=START + timedelta(days=day),
                size=8,
            )
            votes = tuple(
                int(random.random() < 0.8)
                if liked[item.score.paper_id]
                else -int(random.random() < 0.1)
                for item in shared
            )
            rated_digests.append(make_rated(reader, day, shared, votes))
    (comparison,) = compare(rated_digests)
    return comparison


@pytest.mark.parametrize(("skill", "better"), [((3.0, 0.5), "learned"), ((0.5, 3.0), "words")])
def test_the_better_recipe_is_found(skill: tuple[float, float], better: str) -> None:
    comparisons = [experiment(seed, skill=skill) for seed in range(12)]
    assert sum(comparison.decided for comparison in comparisons) >= 11
    assert all(
        f"liked the papers of {better} more" in comparison.verdict
        for comparison in comparisons
        if comparison.decided
    )
    assert all(comparison.lead.sure for comparison in comparisons if comparison.decided)


@pytest.mark.parametrize("skill", [0.0, 2.0])
def test_equal_recipes_differ_significantly_in_one_case_of_twenty_at_most(skill: float) -> None:
    comparisons = [experiment(seed, skill=(skill, skill), readers=10, days=4) for seed in range(40)]
    assert (
        sum(comparison.decided for comparison in comparisons) <= 5
    )  # at most 2 are expected; 6 or more has a chance of 1 %
    wins, losses = (
        sum(comparison.wins for comparison in comparisons),
        sum(comparison.losses for comparison in comparisons),
    )
    assert abs(wins - losses) < 4 * (wins + losses) ** 0.5


def one_item(team: str, position: int = 1) -> Item:
    return Item(position=position, score=Score(paper_id=position, value=0, chance=0.5), team=team)


def test_the_unit_is_the_digest_with_few_readers_and_the_reader_with_many() -> None:
    shared_items = (one_item("learned", 1), one_item("words", 2), one_item("", 3))
    few = [
        make_rated(reader, day, shared_items, (0, 1, 1)) for reader in (1, 2) for day in range(5)
    ]
    many = [
        make_rated(reader, day, shared_items, (0, 1, 0))
        for reader in range(1, 9)
        for day in range(5)
    ]
    assert [
        (comparison.unit, comparison.wins, comparison.losses, comparison.ties)
        for comparison in compare(few)
    ] == [("digests", 10, 0, 0)]
    assert [
        (comparison.unit, comparison.wins, comparison.losses, comparison.ties)
        for comparison in compare(many)
    ] == [("readers", 8, 0, 0)]
    assert compare(few)[0].lead.value == 1  # a paper of no team counts for neither


def test_a_thumb_down_counts_against_its_team_and_digests_without_thumbs_are_ignored() -> None:
    shared_items = (one_item("learned", 1), one_item("words", 2))
    (comparison,) = compare(
        [
            make_rated(1, 0, shared_items, (-1, 0)),
            make_rated(1, 1, shared_items, (1, 1)),
            make_rated(1, 2, shared_items, (0, 0)),
            make_rated(1, 3, shared_items, (1, -1)),
        ]
    )
    assert (comparison.wins, comparison.losses, comparison.ties, comparison.digests) == (1, 1, 1, 3)


def test_too_few_decided_digests_give_no_preference() -> None:
    shared_items = (one_item("learned", 1), one_item("words", 2))
    (comparison,) = compare(
        [make_rated(1, day, shared_items, (0, 1)) for day in range(MIN_DECIDED - 1)]
    )
    assert not comparison.decided
    assert "Too little" in comparison.verdict
    (enough,) = compare([make_rated(1, day, shared_items, (0, 1)) for day in range(MIN_DECIDED)])
    assert enough.decided
    assert 'Set [digest] recipe = "words"' in enough.verdict


def test_each_pair_of_recipes_is_a_comparison_of_its_own_the_latest_first() -> None:
    first = [
        make_rated(1, day, (one_item("learned", 1), one_item("words", 2)), (0, 1))
        for day in range(3)
    ]
    second = [
        make_rated(
            1, day, (one_item("words", 1), one_item("recent", 2)), (0, 1), ("words", "recent")
        )
        for day in range(3, 6)
    ]
    alone = [make_rated(1, 9, (one_item("", 1),), (1,), ("words", ""))]
    assert [
        (comparison.own, comparison.other) for comparison in compare([*first, *second, *alone])
    ] == [
        ("words", "recent"),
        ("learned", "words"),
    ]
    assert compare(alone) == []
