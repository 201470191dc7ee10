"""Robots: which presses are held, what is a burst, and who may come back."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.model import Button, Press
from digest.presses import (
    MANY,
    MOMENT,
    READING,
    WINDOW,
    find_held,
    is_burst,
    may_return,
    vote_without_held,
)
from tests.conftest import NOON


def press(seconds: float, button: Button = Button.THUMB, **values: object) -> Press:
    values_of_button = {
        "paper_id": 1 if button is Button.THUMB else None,
        "form": f"f{seconds}{button}{values}",
    } | values
    return Press(button=button, at=NOON + timedelta(seconds=seconds), **values_of_button)  # type: ignore[arg-type]


def thumbs(most: int = 8, spread: int = 200) -> st.SearchStrategy[list[Press]]:
    """Draw thumbs of one reader on two papers within minutes, oldest first."""
    thumb = st.tuples(
        st.floats(0, spread),
        st.sampled_from([1, 2]),
        st.sampled_from([-1, 1]),
        st.booleans(),
        st.sampled_from(["page", "mail"]),
    )
    return st.lists(thumb, max_size=most).map(
        lambda rows: [
            press(at, paper_id=paper, vote=vote, confirms=confirms, via=via, form=f"f{number}")
            for number, (at, paper, vote, confirms, via) in enumerate(sorted(rows))
        ]
    )


@given(thumbs(most=1))
def test_one_press_is_never_held(presses: list[Press]) -> None:
    assert find_held(presses) == set()


@given(thumbs())
def test_a_press_is_held_only_if_a_contrary_one_is_near(
    presses: list[Press],
) -> None:
    held = find_held(presses)
    for place, thumb in enumerate(presses):
        contrary = [
            other
            for other in presses
            if other.paper_id == thumb.paper_id
            and other.vote == -thumb.vote
            and abs(other.at - thumb.at) <= WINDOW
            and other.via == "page"
        ]
        stronger = [other for other in contrary if other.confirms or not thumb.confirms]
        assert (place in held) == (thumb.via == "page" and bool(stronger))


@given(thumbs())
def test_of_contrary_presses_both_are_held_or_the_confirmed_one_stands(
    presses: list[Press],
) -> None:
    held = find_held(presses)
    for place, thumb in enumerate(presses):
        for other_place, other in enumerate(presses):
            near = (
                thumb.paper_id == other.paper_id
                and thumb.vote == -other.vote
                and abs(thumb.at - other.at) <= WINDOW
            )
            if near and thumb.via == other.via == "page":
                assert place in held or other_place in held
                if thumb.confirms == other.confirms:
                    assert place in held
                    assert other_place in held


@given(thumbs())
def test_the_order_in_which_a_robot_presses_does_not_matter(presses: list[Press]) -> None:
    forms = {presses[place].form for place in find_held(presses)}
    turned = presses[::-1]
    assert {turned[place].form for place in find_held(turned)} == forms


def test_a_correction_on_the_answer_page_is_not_held() -> None:
    presses = [
        press(0, vote=1, form="a"),
        press(2, vote=-1, form="b", answers="a"),
        press(4, vote=1, form="c", answers="b"),
    ]
    assert find_held(presses) == set()
    assert vote_without_held(presses, set()) == 1


def test_a_correction_after_an_undo_is_not_held() -> None:
    up, undo = press(0, vote=1, form="a"), press(2, vote=0, form="b", answers="a")
    again, down = press(4, vote=1, form="c", answers="b"), press(6, vote=-1, form="d", answers="c")
    assert find_held([up, undo, again, down]) == set()
    stranger = press(8, vote=-1, form="e")
    assert find_held([up, undo, again, down, stranger]) == {0, 2, 4}


def test_held_presses_leave_the_vote_that_stood_before() -> None:
    presses = [press(0, vote=1, previous_vote=-1), press(1, vote=-1, previous_vote=1)]
    assert vote_without_held(presses, find_held(presses)) == -1


def test_a_later_robot_does_not_change_a_confirmed_thumb() -> None:
    presses = [press(0, vote=1, confirms=True), press(5, vote=-1)]
    assert find_held(presses) == {1}
    assert vote_without_held(presses, {1}) == 1


def test_leaving_after_one_thumb_is_no_burst_but_among_many_or_contrary_ones_it_is() -> None:
    leave = press(30, Button.LEAVE)
    assert not is_burst([press(25, vote=1), leave], leave.at)
    assert not is_burst(
        [press(paper, vote=1, paper_id=paper) for paper in (1, 2, 3)] + [leave], leave.at
    )
    assert is_burst(
        [press(21 + paper, vote=1, paper_id=paper) for paper in range(MANY)] + [leave], leave.at
    )
    assert is_burst([press(1, vote=1), press(2, vote=-1), leave], leave.at)


@given(st.floats(0, 300), st.booleans())
def test_leaving_wins_over_coming_back_within_a_moment(after: float, confirms: bool) -> None:
    leave = press(0, Button.LEAVE)
    at = leave.at + timedelta(seconds=after)
    expected = not confirms and after > MOMENT.total_seconds()
    assert may_return([leave], at, confirms=confirms) == (
        expected or after > WINDOW.total_seconds()
    )


@given(st.floats(0, 60))
def test_coming_back_after_time_to_read_is_confirmed(after: float) -> None:
    presses = [press(0, Button.LEAVE), press(1, Button.RETURN, state="held")]
    at = NOON + timedelta(seconds=1 + after)
    assert may_return(presses, at, confirms=True) == (
        at - presses[0].at > WINDOW or timedelta(seconds=after) >= READING
    )


@given(thumbs(), st.floats(-1e6, 1e6))
def test_a_clock_that_jumps_holds_nothing_for_long(presses: list[Press], jump: float) -> None:
    """Presses dated days ahead are as far away as those of days ago."""
    moved = [
        press(
            jump, vote=-1 if first.vote == 1 else 1, paper_id=first.paper_id, form=f"m{first.form}"
        )
        for first in presses[:1]
    ]
    far = abs(jump) > 200 + WINDOW.total_seconds()
    assert not far or not find_held([*presses[:1], *moved])
