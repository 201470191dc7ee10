"""Two recipes share a digest: the draft is fair, complete and can be drawn again."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Item, Score
from digest.ranking.team_draft import draft, takes_part

TEAMS = ("learned", "words")
DAY = date(2026, 6, 9)


def items(*idents: int, pinned: tuple[int, ...] = ()) -> list[Item]:
    return [
        Item(
            position=number,
            score=Score(paper_id=ident, value=-number, match=50),
            slot="pinned" if ident in pinned else "normal",
        )
        for number, ident in enumerate(idents, start=1)
    ]


def shared(
    first: list[Item], second: list[Item], day: date = DAY, size: int = 10, reader: int = 1
) -> tuple[Item, ...]:
    return draft(first, second, teams=TEAMS, subscriber_id=reader, local_date=day, size=size)


def ids(found: tuple[Item, ...]) -> list[int]:
    return [item.score.paper_id for item in found]


ranking = st.lists(st.integers(1, 30), unique=True, max_size=14)


@given(
    first=ranking,
    second=ranking,
    size=st.integers(1, 12),
    day=st.dates(),
    reader=st.integers(0, 10**9),
)
def test_a_draft_lists_each_paper_once_from_the_two_lists_and_evenly(
    first: list[int], second: list[int], size: int, day: date, reader: int
) -> None:
    found = shared(items(*first), items(*second), day, size, reader)
    chosen = ids(found)
    assert len(chosen) == len(set(chosen)) <= size
    assert [item.position for item in found] == list(range(1, len(found) + 1))
    assert len(found) >= min(size, len(first))
    sizes = Counter(item.team for item in found)
    assert abs(sizes[TEAMS[0]] - sizes[TEAMS[1]]) <= 1
    for team, its in zip(TEAMS, (first, second), strict=True):
        picks = [item.score.paper_id for item in found if item.team == team]
        assert picks == sorted(picks, key=its.index)
    assert all(item.score.paper_id in first for item in found if not item.team)
    # a team passes over nothing that is still free
    for place, item in enumerate(found):
        its = first if item.team == TEAMS[0] else second
        if item.team:
            assert set(its[: its.index(item.score.paper_id)]) <= set(chosen[:place])


@given(both=ranking, size=st.integers(1, 12), day=st.dates())
def test_with_equal_lists_the_digest_is_that_list(both: list[int], size: int, day: date) -> None:
    assert ids(shared(items(*both), items(*both), day, size)) == both[:size]


def test_the_same_reader_and_date_draw_the_same_and_others_do_not() -> None:
    first, second = items(*range(1, 9)), items(*range(8, 16))
    assert shared(first, second) == shared(first, second)
    days = {tuple(ids(shared(first, second, DAY + timedelta(days=n)))) for n in range(30)}
    readers = {tuple(ids(shared(first, second, reader=n))) for n in range(30)}
    assert len(days) > 10
    assert len(readers) > 10


@pytest.mark.parametrize(
    ("first", "second"), [((1, 2, 3), (1, 2, 3)), ((1, 2, 3), (4, 5, 6)), ((1, 2, 3), (3, 1, 2))]
)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_over_many_days_neither_team_gets_the_better_places(
    first: tuple[int, ...], second: tuple[int, ...], size: int
) -> None:
    drawn = [
        shared(items(*first), items(*second), DAY + timedelta(days=n), size) for n in range(1000)
    ]
    for place in range(size):
        teams = Counter(found[place].team for found in drawn)
        assert (
            abs(teams[TEAMS[0]] - teams[TEAMS[1]]) < 130
        )  # four standard deviations of a fair coin


@pytest.mark.parametrize(
    ("first", "second"), [((1, 2), (1,)), ((1,), (1, 2)), ((1,), (1,)), ((), (1, 2)), ((1, 2), ())]
)
def test_a_list_that_runs_out_never_gives_the_other_team_a_pick_more(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    for n in range(50):
        found = shared(items(*first), items(*second), DAY + timedelta(days=n))
        assert ids(found) == list(first)
        assert {item.team for item in found} <= {""}


def test_pinned_papers_keep_their_places_and_count_for_nobody() -> None:
    for n in range(50):
        found = shared(
            items(7, 1, 2, 3, pinned=(7, 2)), items(2, 7, 4, 5), DAY + timedelta(days=n), size=5
        )
        assert [
            (item.position, item.slot, item.team) for item in found if item.slot == "pinned"
        ] == [(1, "pinned", ""), (3, "pinned", "")]
        assert Counter(item.team for item in found if item.slot == "normal")[""] <= 1
        assert len(ids(found)) == len(set(ids(found))) == 5


def test_two_papers_with_one_key_are_one_paper() -> None:
    found = draft(
        items(1, 2, 3),
        items(11, 12, 13),
        teams=TEAMS,
        subscriber_id=1,
        local_date=DAY,
        size=6,
        key=lambda ident: ident % 10,
    )
    assert sorted(ident % 10 for ident in ids(found)) == [1, 2, 3]


def test_the_share_of_readers_is_about_as_asked_and_a_reader_stays_in_or_out() -> None:
    for share, least, most in ((1, 1, 30), (50, 430, 570), (100, 1000, 1000)):
        within = [takes_part(number, share, TEAMS) for number in range(1000)]
        assert least <= sum(within) <= most
        assert within == [takes_part(number, share, TEAMS) for number in range(1000)]
    ten = {n for n in range(1000) if takes_part(n, 10, TEAMS)}
    assert ten <= {n for n in range(1000) if takes_part(n, 20, TEAMS)}
    assert ten != {n for n in range(1000) if takes_part(n, 10, ("learned", "recent"))}


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.5, float("nan")])
def test_an_item_refuses_what_is_no_probability(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Item(position=1, score=Score(paper_id=1, value=0, match=0), probability=probability)
