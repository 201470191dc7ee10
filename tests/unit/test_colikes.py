"""What other readers' likes add: worked out beside a plain count, and blind below the floor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.co_likes import MOST, CoLikeBoost, CoLikes, learn, lifts

#: (reader, paper)
Likes = Collection[tuple[int, int]]
PAPERS = range(10, 18)
FRESH = (14, 15, 16, 17)

a_few_likes = st.sets(st.tuples(st.integers(1, 12), st.sampled_from(PAPERS)), max_size=60)


def learned(likes: Likes, least: int, fresh: Sequence[int] = FRESH) -> CoLikes:
    pairs = np.array(sorted(likes), dtype=np.int64).reshape(-1, 2)
    return learn(pairs[:, 0], pairs[:, 1], fresh, {}, least=least)


def added(
    likes: Likes, least: int, readers: Collection[int] = range(1, 13)
) -> list[tuple[CoLikeBoost, ...]]:
    return lifts(
        learned(likes, least),
        [{paper for reader, paper in likes if reader == one} for one in readers],
    )


@given(a_few_likes, st.integers(2, 5))
def test_fewer_readers_than_the_floor_leave_no_trace(likes: Likes, least: int) -> None:
    """Whoever the few are: with their thumbs or without, nobody else sees a difference."""
    few = {reader for reader, _ in likes if reader < least}  # least - 1 readers at most
    alone = {(reader, paper) for reader, paper in likes if reader in few}
    assert added(alone, least) == [()] * 12


@given(a_few_likes, st.integers(2, 5), st.sampled_from(PAPERS), st.sampled_from(FRESH))
def test_a_pair_that_fewer_like_is_as_if_nobody_liked_it(
    likes: Likes, least: int, old: int, new: int
) -> None:
    both = {reader for reader, _ in likes if {(reader, old), (reader, new)} <= set(likes)}
    known = learned(likes, least)
    place = {ident: number for number, ident in enumerate(known.liked.tolist())}
    column = {ident: number for number, ident in enumerate(known.fresh.tolist())}
    told = float(known.alike[place[old], column[new]]) if old in place and new in column else 0.0
    assert (told > 0) == (old != new and len(both) >= least)
    assert 0 <= told <= 1 + 1e-12


@given(a_few_likes, st.integers(2, 5), st.integers(2, 11))
def test_thumbs_on_papers_below_the_floor_change_nothing_for_anybody(
    likes: Likes, least: int, paper: int
) -> None:
    rare = {
        (reader, 14) for reader in range(20, 20 + least - 1)
    }  # least - 1 strangers like one paper that nobody else likes
    without = {(reader, which) for reader, which in likes if which != 14}
    assert added(without | rare, least) == added(without, least)


@given(a_few_likes, st.integers(2, 4))
def test_it_is_what_a_plain_count_says(likes: Likes, least: int) -> None:
    fans = {paper: {reader for reader, which in likes if which == paper} for paper in PAPERS}
    for reader, found in zip(range(1, 13), added(likes, least), strict=True):
        own = {paper for paper in PAPERS if reader in fans[paper]}
        wanted = {}
        for new, old in product(sorted(set(FRESH) - own), sorted(own)):
            both = len(fans[new] & fans[old])
            if both >= least:
                wanted.setdefault(new, {})[old] = both / (len(fans[new]) * len(fans[old])) ** 0.5
        assert [lift.paper_id for lift in found] == sorted(wanted)
        for lift in found:
            total = sum(wanted[lift.paper_id].values())
            assert lift.value == pytest.approx(MOST * total / (1 + total))
            assert 0 < lift.value < MOST
            assert wanted[lift.paper_id][lift.by] == pytest.approx(
                max(wanted[lift.paper_id].values())
            )
            assert lift.by in own  # the sentence says "as you did"


def test_what_everybody_likes_says_less_than_what_these_readers_like() -> None:
    fans = range(1, 6)
    likes = {(reader, paper) for reader in fans for paper in (10, 11, 14)} | {
        (reader, 11) for reader in range(6, 60)
    }
    known = learned(likes, 5)
    rare, common = (float(known.alike[known.liked.tolist().index(paper), 0]) for paper in (10, 11))
    assert rare == pytest.approx(1)
    assert common < rare / 2


def test_of_readers_who_like_nothing_that_is_fresh_the_count_alone_is_needed() -> None:
    likes = {(reader, paper) for reader in range(1, 6) for paper in (10, 14)}
    pairs = np.array(sorted(likes))
    (one,) = lifts(learn(pairs[:, 0], pairs[:, 1], FRESH, {10: 500}, least=5), [{10}])
    assert one[0].value < lifts(learned(likes, 5), [{10}])[0][0].value


def test_nothing_is_known_without_thumbs() -> None:
    assert added(set(), 5) == [()] * 12
    assert lifts(learned({(1, 10)}, 2), []) == []
