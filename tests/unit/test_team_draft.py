"""Team-draft interleaving of two recipes: fair, complete and reproducible."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Item, Score
from digest.ranking.team_draft import interleave, takes_part

TEAMS = ("learned", "words")
DAY = date(2026, 6, 9)


def items(*idents: int, pinned: tuple[int, ...] = ()) -> list[Item]:
    return [
        Item(
            position=number,
            score=Score(paper_id=ident, value=-number, chance=0.5),
            slot="pinned" if ident in pinned else "normal",
        )
        for number, ident in enumerate(idents, start=1)
    ]


def interleave_lists(
    first: list[Item], second: list[Item], day: date = DAY, size: int = 10, reader: int = 1
) -> tuple[Item, ...]:
    return interleave(first, second, teams=TEAMS, subscriber_id=reader, local_date=day, size=size)


def paper_ids(items: tuple[Item, ...]) -> list[int]:
    return [item.score.paper_id for item in items]


rankings = st.lists(st.integers(1, 30), unique=True, max_size=14)


@given(
    first=rankings,
    second=rankings,
    size=st.integers(1, 12),
    day=st.dates(),
    reader=st.integers(0, 10**9),
)
def test_both_teams_pick_evenly_and_each_paper_is_listed_once(
    first: list[int], second: list[int], size: int, day: date, reader: int
) -> None:
    merged = interleave_lists(items(*first), items(*second), day, size, reader)
    chosen = paper_ids(merged)
    assert len(chosen) == len(set(chosen)) <= size
    assert [item.position for item in merged] == list(range(1, len(merged) + 1))
    assert len(merged) >= min(size, len(first))
    sizes = Counter(item.team for item in merged)
    assert abs(sizes[TEAMS[0]] - sizes[TEAMS[1]]) <= 1
    for team, ranking in zip(TEAMS, (first, second), strict=True):
        picks = [item.score.paper_id for item in merged if item.team == team]
        assert picks == sorted(picks, key=ranking.index)
    assert all(item.score.paper_id in first for item in merged if not item.team)
    # Each team picks its best paper that is not listed yet.
    for place, item in enumerate(merged):
        ranking = first if item.team == TEAMS[0] else second
        if item.team:
            assert set(ranking[: ranking.index(item.score.paper_id)]) <= set(chosen[:place])


@given(ranking=rankings, size=st.integers(1, 12), day=st.dates())
def test_equal_lists_give_the_same_list(ranking: list[int], size: int, day: date) -> None:
    assert (
        paper_ids(interleave_lists(items(*ranking), items(*ranking), day, size)) == ranking[:size]
    )


def test_the_result_depends_on_reader_and_date_alone() -> None:
    first, second = items(*range(1, 9)), items(*range(8, 16))
    assert interleave_lists(first, second) == interleave_lists(first, second)
    days = {
        tuple(paper_ids(interleave_lists(first, second, DAY + timedelta(days=n))))
        for n in range(30)
    }
    readers = {tuple(paper_ids(interleave_lists(first, second, reader=n))) for n in range(30)}
    assert len(days) > 10
    assert len(readers) > 10


@pytest.mark.parametrize(
    ("first", "second"), [((1, 2, 3), (1, 2, 3)), ((1, 2, 3), (4, 5, 6)), ((1, 2, 3), (3, 1, 2))]
)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_over_many_days_both_teams_get_the_top_places_equally_often(
    first: tuple[int, ...], second: tuple[int, ...], size: int
) -> None:
    digests = [
        interleave_lists(items(*first), items(*second), DAY + timedelta(days=n), size)
        for n in range(1000)
    ]
    for place in range(size):
        teams = Counter(items_of_day[place].team for items_of_day in digests)
        assert (
            abs(teams[TEAMS[0]] - teams[TEAMS[1]]) < 130
        )  # four standard deviations of a fair coin


@pytest.mark.parametrize(
    ("first", "second"), [((1, 2), (1,)), ((1,), (1, 2)), ((1,), (1,)), ((), (1, 2)), ((1, 2), ())]
)
def test_a_list_that_runs_out_gives_the_other_team_no_extra_pick(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    for n in range(50):
        merged = interleave_lists(items(*first), items(*second), DAY + timedelta(days=n))
        assert paper_ids(merged) == list(first)
        assert {item.team for item in merged} <= {""}


def test_pinned_papers_keep_their_places_and_belong_to_no_team() -> None:
    for n in range(50):
        merged = interleave_lists(
            items(7, 1, 2, 3, pinned=(7, 2)), items(2, 7, 4, 5), DAY + timedelta(days=n), size=5
        )
        assert [
            (item.position, item.slot, item.team) for item in merged if item.slot == "pinned"
        ] == [(1, "pinned", ""), (3, "pinned", "")]
        assert Counter(item.team for item in merged if item.slot == "normal")[""] <= 1
        assert len(paper_ids(merged)) == len(set(paper_ids(merged))) == 5


def test_papers_with_equal_keys_are_the_same_paper() -> None:
    merged = interleave(
        items(1, 2, 3),
        items(11, 12, 13),
        teams=TEAMS,
        subscriber_id=1,
        local_date=DAY,
        size=6,
        key=lambda ident: ident % 10,
    )
    assert sorted(ident % 10 for ident in paper_ids(merged)) == [1, 2, 3]


def test_about_the_given_share_of_readers_takes_part_and_always_the_same_ones() -> None:
    for share, least, most in ((1, 1, 30), (50, 430, 570), (100, 1000, 1000)):
        answers = [takes_part(number, share, TEAMS) for number in range(1000)]
        assert least <= sum(answers) <= most
        assert answers == [takes_part(number, share, TEAMS) for number in range(1000)]
    ten_percent = {n for n in range(1000) if takes_part(n, 10, TEAMS)}
    assert ten_percent <= {n for n in range(1000) if takes_part(n, 20, TEAMS)}
    assert ten_percent != {n for n in range(1000) if takes_part(n, 10, ("learned", "recent"))}


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.5, float("nan")])
def test_an_item_refuses_an_invalid_probability(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Item(position=1, score=Score(paper_id=1, value=0, chance=0.0), probability=probability)
