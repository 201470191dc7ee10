"""The pace of servers and domains: buckets, pauses, and what replies teach; with a clock that the
tests turn.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.mailer.pacing import Go, Learned, Limits, Pace, Pauses, Wait

quietly = settings(database=None)
LIMITS = Limits()
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "well", "busy", "ours", "silent", "vanished"]),
        st.floats(0, 600),
        st.sampled_from(["a", "b"]),
    ),
    max_size=120,
)


class Fair(random.Random):
    """No luck at all, so that two runs can be compared."""

    def random(self) -> float:
        return 0.5


def pace(**more: object) -> Pace:
    return Pace(random=random.Random(7), **more)  # type: ignore[arg-type]


def granted(one: Pace, name: str, now: float, patience: float = 0.0) -> bool:
    return isinstance(one.take(name, now, patience=patience), Go)


def test_without_a_limit_and_without_complaint_everything_goes_at_once() -> None:
    one = pace()
    for _ in range(10_000):
        assert one.take("a", 1.0) == Go(0.0)
        one.well("a", 1.0)
    assert one.rate("a") == math.inf


@quietly
@given(ceiling=st.floats(1, 100), gaps=st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_no_minute_sees_more_than_the_limit_and_one_bucket(
    ceiling: float, gaps: list[float]
) -> None:
    one, now, sent = pace(ceiling=ceiling), 0.0, []
    for gap in gaps:
        now += gap
        while granted(one, "a", now):
            sent.append(now)
    bucket = max(1.0, ceiling * LIMITS.burst / 60)
    for first, start in enumerate(sent):
        assert bisect_left(sent, start + 60) - first <= ceiling + bucket + 1


@quietly
@given(ceiling=st.floats(1, 600), patience=st.floats(0, 120), many=st.integers(1, 60))
def test_who_waits_as_told_keeps_the_limit_and_who_would_wait_too_long_is_sent_away(
    ceiling: float, patience: float, many: int
) -> None:
    one = pace(ceiling=ceiling)
    turns = [one.take("a", 0.0, patience=patience) for _ in range(many)]
    goes = [turn.after for turn in turns if isinstance(turn, Go)]
    assert goes == sorted(goes)
    assert all(after <= patience for after in goes)
    bucket = max(1.0, ceiling * LIMITS.burst / 60)
    assert len(goes) <= bucket + patience * ceiling / 60 + 1
    backs = [turn.seconds for turn in turns if isinstance(turn, Wait)]
    assert backs == sorted(backs), "one behind the other"
    assert all(seconds > patience for seconds in backs)
    assert all(
        60 / ceiling - 1e-6 <= b - a for a, b in pairwise(backs) if b < patience + LIMITS.queue
    )
    assert all(seconds <= patience + 60 / ceiling + LIMITS.queue for seconds in backs), (
        "by then the rate may have grown"
    )


def test_each_lane_has_its_own_limit() -> None:
    one = pace(ceiling=math.inf, ceilings={"slow": 10.0})
    assert [granted(one, "slow", 0.0) for _ in range(3)] == [True, False, False]
    assert all(granted(one, "quick", 0.0) for _ in range(1000))


def test_later_pauses_and_halves_and_time_and_success_bring_it_back() -> None:
    one = pace()
    for second in range(60):
        for _ in range(10):
            assert granted(one, "a", float(second))
    before = one.rate("a")
    paused = one.slow("a", 60.0, "busy", "451 slow down")
    assert before == math.inf
    assert one.rate("a") == pytest.approx(300, rel=0.5), "half of what went in the last minute"
    assert 30 <= paused <= 60
    assert isinstance(one.take("a", 60.0 + paused - 1), Wait)
    assert one.holds(61.0) == {"a": pytest.approx(paused - 1)}
    assert one.holds(60.0 + paused) == {}
    now = 60.0 + paused
    for _ in range(100_000):
        turn = one.take("a", now, patience=math.inf)
        assert isinstance(turn, Go)
        now += turn.after
        one.well("a", now)
        if one.rate("a") == math.inf:
            break
    assert one.rate("a") == math.inf
    assert now > 300, "slowly"


def test_a_configured_limit_is_never_exceeded_by_recovery() -> None:
    one = pace(ceiling=100.0)
    granted(one, "a", 0.0)
    one.slow("a", 0.0, "busy", "")
    assert one.rate("a") <= 50
    now = 1000.0
    for _ in range(1000):
        one.take("a", now, patience=math.inf)
        one.well("a", now)
        now += 1
    assert one.rate("a") == 100


def test_each_pause_is_at_least_as_long_as_the_one_before_up_to_the_longest() -> None:
    for why, pauses in (("busy", LIMITS.busy), ("ours", LIMITS.ours)):
        one, now, waits = pace(), 0.0, []
        for _ in range(30):
            one.take("a", now)
            waits.append(one.slow("a", now, why, ""))  # type: ignore[arg-type]
            now += waits[-1]
        assert all(b >= a or b >= pauses.longest / 2 for a, b in pairwise(waits))
        assert pauses.longest / 2 <= waits[-1] <= pauses.longest
        assert waits[0] <= pauses.first


def test_after_a_steady_while_pauses_are_short_again() -> None:
    one, now = pace(), 0.0
    for _ in range(6):
        one.take("a", now)
        now += one.slow("a", now, "busy", "")
    for _ in range(6 * LIMITS.steady):
        one.take("a", now, patience=math.inf)
        one.well("a", now)
    assert one.slow("a", now, "busy", "") <= LIMITS.busy.first


def test_messages_that_were_under_way_together_are_one_event() -> None:
    one = pace()
    for _ in range(10):
        one.take("a", 0.0)
    first = one.slow("a", 1.0, "busy", "")
    rate = one.rate("a")
    for _ in range(9):
        assert one.slow("a", 1.0, "busy", "") == first
    assert one.rate("a") == rate


def test_a_policy_refusal_during_a_short_pause_makes_it_a_long_one() -> None:
    one = pace()
    one.take("a", 0.0)
    short = one.slow("a", 0.0, "busy", "451")
    long = one.slow("a", 0.0, "ours", "550 5.7.1")
    assert long > short
    assert one.slow("a", 1.0, "busy", "451") == long - 1, "and stays one"
    assert one.take("a", 1.0) == Wait(
        pytest.approx(one.holds(1.0)["a"], abs=LIMITS.busy.longest), "ours", "550 5.7.1"
    )


def test_after_a_pause_one_goes_ahead_and_the_others_follow_its_answer() -> None:
    one = pace()
    one.take("a", 0.0)
    now = one.slow("a", 0.0, "ours", "550 5.7.1")
    assert granted(one, "a", now)
    assert not any(granted(one, "a", now) for _ in range(5))
    one.well("a", now + 1)
    assert granted(one, "a", now + 1)
    assert granted(one, "a", now + 1)


@pytest.mark.parametrize("fate", ["silent", "never heard of"])
def test_when_the_one_that_went_ahead_is_lost_another_goes(fate: str) -> None:
    one = pace()
    one.take("a", 0.0)
    now = one.slow("a", 0.0, "busy", "")
    assert granted(one, "a", now)
    if fate == "silent":
        one.silent("a")
    else:
        now += LIMITS.probe
    assert granted(one, "a", now + 60)


def test_what_was_under_way_before_a_pause_does_not_end_it() -> None:
    one = pace()
    one.take("a", 0.0)
    paused = one.slow("a", 0.0, "busy", "")
    one.well("a", 1.0)
    assert isinstance(one.take("a", 2.0), Wait)
    assert granted(one, "a", paused)
    assert not granted(one, "a", paused), "the probe is still asked for"


@dataclass
class Clocked:
    """A lane driven by any events, and what must hold after each."""

    one: Pace = field(default_factory=pace)
    now: float = 0.0

    def step(self, event: str, gap: float, name: str) -> None:
        self.now += gap
        if event == "take":
            turn = self.one.take(name, self.now)
            if isinstance(turn, Wait):
                assert 0 < turn.seconds <= LIMITS.ours.longest + LIMITS.busy.longest + 60
                assert turn.why in ("busy", "ours")
            else:
                assert turn.after == 0
                assert name not in self.one.holds(self.now)
        elif event == "well":
            before = self.one.rate(name)
            self.one.well(name, self.now)
            assert self.one.rate(name) >= before
        elif event == "silent":
            self.one.silent(name)
        elif event == "vanished":
            paused = self.one.vanished(name, self.now, "")
            assert (name in self.one.holds(self.now)) or paused is None
        else:
            why: Literal["busy", "ours"] = "ours" if event == "ours" else "busy"
            before, held = self.one.rate(name), name in self.one.holds(self.now)
            seconds = self.one.slow(name, self.now, why, "")
            assert 0 < seconds <= LIMITS.ours.longest
            assert name in self.one.holds(self.now)
            assert self.one.rate(name) <= before
            if why == "busy" and not held and before > LIMITS.least:
                assert self.one.rate(name) < before
        assert self.one.rate(name) >= LIMITS.least
        assert set(self.one.holds(self.now)) <= {"a", "b"}


@quietly
@given(events=EVENTS)
def test_whatever_happens_in_whatever_order_the_rules_hold(
    events: list[tuple[str, float, str]],
) -> None:
    clocked = Clocked()
    for event in events:
        clocked.step(*event)


@quietly
@given(events=EVENTS)
def test_a_lane_always_opens_again(events: list[tuple[str, float, str]]) -> None:
    """Whatever was learned, who comes back when told gets through after a bounded
    number of tries."""
    clocked = Clocked()
    for event in events:
        clocked.step(*event)
    one, now = clocked.one, clocked.now
    for _ in range(200):
        turn = one.take("a", now)
        if isinstance(turn, Go):
            return
        now += turn.seconds + 1e-6
    raise AssertionError("never")


@quietly
@given(events=EVENTS)
def test_lanes_do_not_touch_each_other(events: list[tuple[str, float, str]]) -> None:
    both, alone = Clocked(Pace(random=Fair())), Clocked(Pace(random=Fair()))
    for event, gap, name in events:
        both.step(event, gap, name)
        if name == "a":
            alone.now = both.now - gap
            alone.step(event, gap, name)
    assert both.one.rate("a") == alone.one.rate("a")
    assert both.one.holds(both.now).get("a") == alone.one.holds(both.now).get("a")


def test_a_million_domains_are_not_remembered_but_the_slow_ones_are() -> None:
    one = pace()
    one.take("slow", 0.0)
    one.slow("slow", 0.0, "busy", "")
    for number in range(3 * Pace.MANY):
        one.take(f"d{number}", 100.0 + number)
    assert len(one._lanes) <= Pace.MANY + 1
    assert one.rate("slow") < math.inf


def test_some_messages_in_a_row_that_vanish_are_a_strike_and_then_each_one_is() -> None:
    one = pace()
    assert [one.vanished("a", 0.0, "") for _ in range(LIMITS.doubts - 1)] == [None] * (
        LIMITS.doubts - 1
    )
    one.well("a", 0.0)
    assert [one.vanished("a", 0.0, "") for _ in range(LIMITS.doubts - 1)] == [None] * (
        LIMITS.doubts - 1
    )
    paused = one.vanished("a", 0.0, "connection lost")
    assert paused
    assert granted(one, "a", paused)
    again = one.vanished("a", paused, "connection lost")
    assert again
    assert again > paused


def test_pauses_differ_between_senders() -> None:
    waits = set()
    for seed in range(5):
        one = Pace(random=random.Random(seed), limits=Limits(busy=Pauses(first=100, longest=100)))
        one.take("a", 0.0)
        waits.add(one.slow("a", 0.0, "busy", ""))
    assert len(waits) == 5
    assert all(50 <= wait <= 100 for wait in waits)


# ----------------------------------------------------------------------------------------------
# before anything is written


def test_a_turn_is_told_without_being_granted() -> None:
    one = pace(ceiling=60)
    for _ in range(3):
        assert one.queued("a", 0.0, 0) is None
    told = [one.queued("a", 0.0, before) for before in range(8)]
    assert [wait is None for wait in told] == [True] * 6 + [
        False
    ] * 2  # six seconds' worth at one a second
    assert [granted(one, "a", 0.0) for _ in range(8)] == [True] * 6 + [False] * 2


def test_those_who_wait_for_the_one_ahead_are_told_so_and_after_it_come_as_the_rate_goes() -> None:
    one = pace()
    paused = one.slow("a", 0.0, "busy", "451 later")
    backs = [wait.seconds for _ in range(50) if (wait := one.queued("a", 1.0, 0))]
    assert len(backs) == 50
    assert all(paused - 1 <= seconds <= paused + LIMITS.queue for seconds in backs)
    assert max(backs) - min(backs) > 60  # not all in the moment in which the pause ends
    now = paused + 1
    assert one.queued("a", now, 0) is None
    assert isinstance(one.queued("a", now, 1), Wait)
    assert granted(one, "a", now)
    assert isinstance(one.queued("a", now, 0), Wait)
    one.well("a", now)
    went = sum(one.queued("a", now + 10, before) is None for before in range(100))
    assert 1 <= went <= 60 * LIMITS.burst / 60


# ----------------------------------------------------------------------------------------------
# what other processes learned


def taught(**more: object) -> Learned:
    return Learned(
        **(
            {"seconds": 100.0, "why": "busy", "text": "451 later", "strikes": 2, "rate": 30.0}
            | more
        )
    )  # type: ignore[arg-type]


def test_what_was_learned_is_taken_over_by_a_process_that_starts() -> None:
    old = pace()
    for _ in range(100):
        granted(old, "a", 0.0)
    left = old.slow("a", 0.0, "busy", "451 later")
    new = pace()
    for name, one in old.learned(10.0).items():
        new.heed(name, 1000.0, one)
    assert new.take("a", 1001.0) == Wait(pytest.approx(left - 11, abs=1e-6), "busy", "451 later")
    assert new.rate("a") == old.rate("a")
    end = 1000.0 + left
    assert granted(new, "a", end)
    assert not granted(new, "a", end)  # one goes ahead
    new.well("a", end)
    assert new.learned(end) == {}
    assert new.slow("a", end, "busy", "451") > 30  # the second step, not the first again


def test_a_refusal_of_what_we_are_lets_one_ahead_at_once_where_a_process_starts_anew() -> None:
    one = pace()
    one.heed("a", 0.0, taught(why="ours", seconds=9000.0, rate=math.inf))
    assert granted(one, "a", 0.0)
    assert not granted(one, "a", 0.0)
    other = pace()
    other.take("a", 0.0)
    other.heed("a", 0.0, taught(why="ours", seconds=9000.0, rate=math.inf))
    assert not granted(other, "a", 8000.0)  # it was not started since


def test_a_pause_that_lasts_longer_here_stands_and_one_that_is_over_teaches_only_the_new() -> None:
    one = pace()
    left = one.slow("a", 0.0, "ours", "550 5.7.1")
    one.heed("a", 0.0, taught(seconds=left / 2))
    assert one.holds(0.0) == {"a": left}
    one.take("b", 0.0)
    one.heed("b", 0.0, taught(seconds=-5.0))
    assert (one.rate("b"), granted(one, "b", 0.0)) == (math.inf, True)
    one.heed("c", 0.0, taught(seconds=-5.0))
    assert one.rate("c") == 30.0
    assert granted(one, "c", 0.0)
    assert not granted(one, "c", 0.0)
