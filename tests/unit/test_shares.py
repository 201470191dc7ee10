"""Places of a digest are allocated by the interests' shares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.shares import allocate_places

SHARES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.integers(1, 100), min_size=1, max_size=6
)


@given(st.integers(0, 100), SHARES, st.data())
def test_all_places_are_placeswhile_available_are_papers(
    size: int, shares: dict[str, int], data: st.DataObject
) -> None:
    available = {name: data.draw(st.integers(0, 60)) for name in shares}
    places = allocate_places(size, shares, available)
    assert sum(places.values()) == min(size, sum(available.values()))
    assert all(0 <= places[name] <= available[name] for name in shares)


@given(st.integers(0, 100), SHARES)
def test_with_enough_papers_each_interest_gets_its_share_to_within_one_place(
    size: int, shares: dict[str, int]
) -> None:
    places = allocate_places(size, shares, dict.fromkeys(shares, 1000))
    total = sum(shares.values())
    for name, share in shares.items():
        assert abs(places[name] - size * share / total) < 1


@given(st.integers(0, 100), SHARES, st.randoms(use_true_random=False))
def test_the_order_of_the_interests_does_not_matter(
    size: int, shares: dict[str, int], random: object
) -> None:
    shuffled = list(shares.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    available = dict.fromkeys(shares, 7)
    assert allocate_places(size, dict(shuffled), available) == allocate_places(
        size, shares, available
    )


def test_unfilled_places_go_to_the_others_by_their_shares() -> None:
    assert allocate_places(10, {"a": 1, "b": 1, "c": 3}, {"a": 9, "b": 9, "c": 0}) == {
        "a": 5,
        "b": 5,
        "c": 0,
    }
    assert allocate_places(10, {"a": 1, "b": 3, "c": 4}, {"a": 9, "b": 9, "c": 2}) == {
        "a": 2,
        "b": 6,
        "c": 2,
    }
