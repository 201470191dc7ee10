"""Boosts from co-likes, compared with a plain count.

Below the minimum number of readers there is no boost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.co_likes import (
    MAX_BOOST,
    CoLikeBoost,
    CoLikes,
    boosts_of_readers,
    count_co_likes,
)

#: (reader, paper)
Likes = Collection[tuple[int, int]]
PAPERS = range(10, 18)
COMPETING = (14, 15, 16, 17)

a_few_likes = st.sets(st.tuples(st.integers(1, 12), st.sampled_from(PAPERS)), max_size=60)


def count(likes: Likes, least: int, competing: Sequence[int] = COMPETING) -> CoLikes:
    pairs = np.array(sorted(likes), dtype=np.int64).reshape(-1, 2)
    return count_co_likes(pairs[:, 0], pairs[:, 1], competing, {}, least=least)


def boosts(
    likes: Likes, least: int, readers: Collection[int] = range(1, 13)
) -> list[tuple[CoLikeBoost, ...]]:
    return boosts_of_readers(
        count(likes, least),
        [{paper for owner, paper in likes if owner == reader} for reader in readers],
    )


@given(a_few_likes, st.integers(2, 5))
def test_fewer_readers_than_the_least_leave_no_trace(likes: Likes, least: int) -> None:
    few_readers = {reader for reader, _ in likes if reader < least}
    alone = {(reader, paper) for reader, paper in likes if reader in few_readers}
    assert boosts(alone, least) == [()] * 12


@given(a_few_likes, st.integers(2, 5), st.sampled_from(PAPERS), st.sampled_from(COMPETING))
def test_a_pair_that_too_few_readers_like_has_no_similarity(
    likes: Likes, least: int, old: int, new: int
) -> None:
    both = {reader for reader, _ in likes if {(reader, old), (reader, new)} <= set(likes)}
    co_likes = count(likes, least)
    row = {paper: place for place, paper in enumerate(co_likes.liked_ids.tolist())}
    column = {paper: place for place, paper in enumerate(co_likes.competing_ids.tolist())}
    has_pair = old in row and new in column
    similarity = float(co_likes.similarity[row[old], column[new]]) if has_pair else 0.0
    assert (similarity > 0) == (old != new and len(both) >= least)
    assert 0 <= similarity <= 1 + 1e-12


@given(a_few_likes, st.integers(2, 5), st.integers(2, 11))
def test_a_paper_that_too_few_readers_like_changes_nothing(
    likes: Likes, least: int, paper: int
) -> None:
    rare = {(reader, 14) for reader in range(20, 20 + least - 1)}
    without = {(reader, liked_paper) for reader, liked_paper in likes if liked_paper != 14}
    assert boosts(without | rare, least) == boosts(without, least)


@given(a_few_likes, st.integers(2, 4))
def test_boosts_equal_a_plain_count(likes: Likes, least: int) -> None:
    fans = {
        paper: {reader for reader, liked_paper in likes if liked_paper == paper} for paper in PAPERS
    }
    for reader, own_boosts in zip(range(1, 13), boosts(likes, least), strict=True):
        own = {paper for paper in PAPERS if reader in fans[paper]}
        expected = {}
        for new, old in product(sorted(set(COMPETING) - own), sorted(own)):
            both = len(fans[new] & fans[old])
            if both >= least:
                expected.setdefault(new, {})[old] = both / (len(fans[new]) * len(fans[old])) ** 0.5
        assert [boost.paper_id for boost in own_boosts] == sorted(expected)
        for boost in own_boosts:
            total = sum(expected[boost.paper_id].values())
            assert boost.value == pytest.approx(MAX_BOOST * total / (1 + total))
            assert 0 < boost.value < MAX_BOOST
            assert expected[boost.paper_id][boost.liked_id] == pytest.approx(
                max(expected[boost.paper_id].values())
            )
            assert boost.liked_id in own


def test_what_everybody_likes_is_less_similar_than_what_the_same_readers_like() -> None:
    fans = range(1, 6)
    likes = {(reader, paper) for reader in fans for paper in (10, 11, 14)} | {
        (reader, 11) for reader in range(6, 60)
    }
    co_likes = count(likes, 5)
    rows = co_likes.liked_ids.tolist()
    rare, common = (float(co_likes.similarity[rows.index(paper), 0]) for paper in (10, 11))
    assert rare == pytest.approx(1)
    assert common < rare / 2


def test_readers_who_like_no_competing_paper_may_be_given_as_a_count() -> None:
    likes = {(reader, paper) for reader in range(1, 6) for paper in (10, 14)}
    pairs = np.array(sorted(likes))
    counted = count_co_likes(pairs[:, 0], pairs[:, 1], COMPETING, {10: 500}, least=5)
    ((boost,),) = boosts_of_readers(counted, [{10}])
    assert boost.value < boosts_of_readers(count(likes, 5), [{10}])[0][0].value


def test_no_thumbs_give_no_boosts() -> None:
    assert boosts(set(), 5) == [()] * 12
    assert boosts_of_readers(count({(1, 10)}, 2), []) == []
