"""Rate limits of servers and domains, with a clock that the tests turn."""

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

from digest.mail.mailer.pacing import Backoff, Go, PauseState, Policy, RateLimiter, Wait

quietly = settings(database=None)
POLICY = Policy()
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "well", "busy", "ours", "silent", "vanished"]),
        st.floats(0, 600),
        st.sampled_from(["a", "b"]),
    ),
    max_size=120,
)


class Fair(random.Random):
    """A random generator without jitter, so that two runs can be compared."""

    def random(self) -> float:
        return 0.5


def make_limiter(**more: object) -> RateLimiter:
    return RateLimiter(random=random.Random(7), **more)  # type: ignore[arg-type]


def is_granted(limiter: RateLimiter, name: str, now: float, patience: float = 0.0) -> bool:
    return isinstance(limiter.take(name, now, patience=patience), Go)


def test_without_a_limit_and_without_complaint_everything_goes_at_once() -> None:
    limiter = make_limiter()
    for _ in range(10_000):
        assert limiter.take("a", 1.0) == Go(0.0)
        limiter.record_success("a", 1.0)
    assert limiter.rate("a") == math.inf


@quietly
@given(max_rate=st.floats(1, 100), gaps=st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_no_minute_sees_more_than_the_limit_and_one_bucket(
    max_rate: float, gaps: list[float]
) -> None:
    limiter, now, sent = make_limiter(max_rate=max_rate), 0.0, []
    for gap in gaps:
        now += gap
        while is_granted(limiter, "a", now):
            sent.append(now)
    bucket = max(1.0, max_rate * POLICY.burst / 60)
    for first, start in enumerate(sent):
        assert bisect_left(sent, start + 60) - first <= max_rate + bucket + 1


@quietly
@given(max_rate=st.floats(1, 600), patience=st.floats(0, 120), many=st.integers(1, 60))
def test_a_caller_that_waits_keeps_the_limit_and_too_long_a_wait_is_refused(
    max_rate: float, patience: float, many: int
) -> None:
    limiter = make_limiter(max_rate=max_rate)
    turns = [limiter.take("a", 0.0, patience=patience) for _ in range(many)]
    goes = [turn.after for turn in turns if isinstance(turn, Go)]
    assert goes == sorted(goes)
    assert all(after <= patience for after in goes)
    bucket = max(1.0, max_rate * POLICY.burst / 60)
    assert len(goes) <= bucket + patience * max_rate / 60 + 1
    backs = [turn.seconds for turn in turns if isinstance(turn, Wait)]
    assert backs == sorted(backs), "one behind the other"
    assert all(seconds > patience for seconds in backs)
    assert all(
        60 / max_rate - 1e-6 <= b - a for a, b in pairwise(backs) if b < patience + POLICY.max_queue
    )
    assert all(seconds <= patience + 60 / max_rate + POLICY.max_queue for seconds in backs), (
        "by then the rate may have grown"
    )


def test_each_lane_has_its_own_limit() -> None:
    limiter = make_limiter(max_rate=math.inf, max_rates={"slow": 10.0})
    assert [is_granted(limiter, "slow", 0.0) for _ in range(3)] == [True, False, False]
    assert all(is_granted(limiter, "quick", 0.0) for _ in range(1000))


def test_a_deferral_pauses_and_halves_the_rate_and_time_and_success_restore_it() -> None:
    limiter = make_limiter()
    for second in range(60):
        for _ in range(10):
            assert is_granted(limiter, "a", float(second))
    before = limiter.rate("a")
    paused = limiter.record_strike("a", 60.0, "busy", "451 slow down")
    assert before == math.inf
    assert limiter.rate("a") == pytest.approx(300, rel=0.5), "half of what went in the last minute"
    assert 30 <= paused <= 60
    assert isinstance(limiter.take("a", 60.0 + paused - 1), Wait)
    assert limiter.paused(61.0) == {"a": pytest.approx(paused - 1)}
    assert limiter.paused(60.0 + paused) == {}
    now = 60.0 + paused
    for _ in range(100_000):
        turn = limiter.take("a", now, patience=math.inf)
        assert isinstance(turn, Go)
        now += turn.after
        limiter.record_success("a", now)
        if limiter.rate("a") == math.inf:
            break
    assert limiter.rate("a") == math.inf
    assert now > 300, "slowly"


def test_a_configured_limit_is_never_exceeded_by_recovery() -> None:
    limiter = make_limiter(max_rate=100.0)
    is_granted(limiter, "a", 0.0)
    limiter.record_strike("a", 0.0, "busy", "")
    assert limiter.rate("a") <= 50
    now = 1000.0
    for _ in range(1000):
        limiter.take("a", now, patience=math.inf)
        limiter.record_success("a", now)
        now += 1
    assert limiter.rate("a") == 100


def test_each_pause_is_at_least_as_long_as_the_one_before_up_to_the_longest() -> None:
    for reason, pauses in (("busy", POLICY.busy), ("ours", POLICY.ours)):
        limiter, now, waits = make_limiter(), 0.0, []
        for _ in range(30):
            limiter.take("a", now)
            waits.append(limiter.record_strike("a", now, reason, ""))  # type: ignore[arg-type]
            now += waits[-1]
        assert all(b >= a or b >= pauses.longest / 2 for a, b in pairwise(waits))
        assert pauses.longest / 2 <= waits[-1] <= pauses.longest
        assert waits[0] <= pauses.first


def test_after_a_steady_while_pauses_are_short_again() -> None:
    limiter, now = make_limiter(), 0.0
    for _ in range(6):
        limiter.take("a", now)
        now += limiter.record_strike("a", now, "busy", "")
    for _ in range(6 * POLICY.successes_per_step):
        limiter.take("a", now, patience=math.inf)
        limiter.record_success("a", now)
    assert limiter.record_strike("a", now, "busy", "") <= POLICY.busy.first


def test_deferrals_of_concurrent_messages_count_as_one() -> None:
    limiter = make_limiter()
    for _ in range(10):
        limiter.take("a", 0.0)
    first = limiter.record_strike("a", 1.0, "busy", "")
    rate = limiter.rate("a")
    for _ in range(9):
        assert limiter.record_strike("a", 1.0, "busy", "") == first
    assert limiter.rate("a") == rate


def test_a_policy_refusal_during_a_short_pause_makes_the_pause_long() -> None:
    limiter = make_limiter()
    limiter.take("a", 0.0)
    short = limiter.record_strike("a", 0.0, "busy", "451")
    long = limiter.record_strike("a", 0.0, "ours", "550 5.7.1")
    assert long > short
    assert limiter.record_strike("a", 1.0, "busy", "451") == long - 1, "and stays one"
    assert limiter.take("a", 1.0) == Wait(
        pytest.approx(limiter.paused(1.0)["a"], abs=POLICY.busy.longest), "ours", "550 5.7.1"
    )


def test_after_a_pause_one_probe_is_sent_and_the_others_wait_for_its_reply() -> None:
    limiter = make_limiter()
    limiter.take("a", 0.0)
    now = limiter.record_strike("a", 0.0, "ours", "550 5.7.1")
    assert is_granted(limiter, "a", now)
    assert not any(is_granted(limiter, "a", now) for _ in range(5))
    limiter.record_success("a", now + 1)
    assert is_granted(limiter, "a", now + 1)
    assert is_granted(limiter, "a", now + 1)


@pytest.mark.parametrize("fate", ["silent", "never heard of"])
def test_when_the_probe_is_lost_another_message_is_the_probe(fate: str) -> None:
    limiter = make_limiter()
    limiter.take("a", 0.0)
    now = limiter.record_strike("a", 0.0, "busy", "")
    assert is_granted(limiter, "a", now)
    if fate == "silent":
        limiter.release_probe("a")
    else:
        now += POLICY.probe_timeout
    assert is_granted(limiter, "a", now + 60)


def test_a_success_of_a_message_sent_before_a_pause_does_not_end_the_pause() -> None:
    limiter = make_limiter()
    limiter.take("a", 0.0)
    paused = limiter.record_strike("a", 0.0, "busy", "")
    limiter.record_success("a", 1.0)
    assert isinstance(limiter.take("a", 2.0), Wait)
    assert is_granted(limiter, "a", paused)
    assert not is_granted(limiter, "a", paused), "the probe is still asked for"


@dataclass
class Clocked:
    """A lane driven by any events, and the rules that hold after each."""

    limiter: RateLimiter = field(default_factory=make_limiter)
    now: float = 0.0

    def step(self, event: str, gap: float, name: str) -> None:
        self.now += gap
        if event == "take":
            turn = self.limiter.take(name, self.now)
            if isinstance(turn, Wait):
                assert 0 < turn.seconds <= POLICY.ours.longest + POLICY.busy.longest + 60
                assert turn.reason in ("busy", "ours")
            else:
                assert turn.after == 0
                assert name not in self.limiter.paused(self.now)
        elif event == "well":
            before = self.limiter.rate(name)
            self.limiter.record_success(name, self.now)
            assert self.limiter.rate(name) >= before
        elif event == "silent":
            self.limiter.release_probe(name)
        elif event == "vanished":
            paused = self.limiter.record_unanswered(name, self.now, "")
            assert (name in self.limiter.paused(self.now)) or paused is None
        else:
            reason: Literal["busy", "ours"] = "ours" if event == "ours" else "busy"
            before, was_paused = self.limiter.rate(name), name in self.limiter.paused(self.now)
            seconds = self.limiter.record_strike(name, self.now, reason, "")
            assert 0 < seconds <= POLICY.ours.longest
            assert name in self.limiter.paused(self.now)
            assert self.limiter.rate(name) <= before
            if reason == "busy" and not was_paused and before > POLICY.min_rate:
                assert self.limiter.rate(name) < before
        assert self.limiter.rate(name) >= POLICY.min_rate
        assert set(self.limiter.paused(self.now)) <= {"a", "b"}


@quietly
@given(events=EVENTS)
def test_the_rules_hold_for_any_sequence_of_events(
    events: list[tuple[str, float, str]],
) -> None:
    clocked = Clocked()
    for event in events:
        clocked.step(*event)


@quietly
@given(events=EVENTS)
def test_a_lane_always_opens_again(events: list[tuple[str, float, str]]) -> None:
    """A caller that waits as told is sent after a bounded number of tries.

    Whatever the limiter has learned before.
    """
    clocked = Clocked()
    for event in events:
        clocked.step(*event)
    limiter, now = clocked.limiter, clocked.now
    for _ in range(200):
        turn = limiter.take("a", now)
        if isinstance(turn, Go):
            return
        now += turn.seconds + 1e-6
    raise AssertionError("never")


@quietly
@given(events=EVENTS)
def test_lanes_do_not_touch_each_other(events: list[tuple[str, float, str]]) -> None:
    both, alone = Clocked(RateLimiter(random=Fair())), Clocked(RateLimiter(random=Fair()))
    for event, gap, name in events:
        both.step(event, gap, name)
        if name == "a":
            alone.now = both.now - gap
            alone.step(event, gap, name)
    assert both.limiter.rate("a") == alone.limiter.rate("a")
    assert both.limiter.paused(both.now).get("a") == alone.limiter.paused(both.now).get("a")


def test_slow_lanes_are_remembered_among_a_million_domains() -> None:
    limiter = make_limiter()
    limiter.take("slow", 0.0)
    limiter.record_strike("slow", 0.0, "busy", "")
    for number in range(3 * RateLimiter.MAX_LANES):
        limiter.take(f"d{number}", 100.0 + number)
    assert len(limiter._lanes) <= RateLimiter.MAX_LANES + 1
    assert limiter.rate("slow") < math.inf


def test_several_lost_connections_in_a_row_are_a_strike_and_then_each_one_is() -> None:
    limiter = make_limiter()
    assert [
        limiter.record_unanswered("a", 0.0, "") for _ in range(POLICY.unanswered_per_strike - 1)
    ] == [None] * (POLICY.unanswered_per_strike - 1)
    limiter.record_success("a", 0.0)
    assert [
        limiter.record_unanswered("a", 0.0, "") for _ in range(POLICY.unanswered_per_strike - 1)
    ] == [None] * (POLICY.unanswered_per_strike - 1)
    paused = limiter.record_unanswered("a", 0.0, "connection lost")
    assert paused
    assert is_granted(limiter, "a", paused)
    again = limiter.record_unanswered("a", paused, "connection lost")
    assert again
    assert again > paused


def test_pauses_differ_between_senders() -> None:
    waits = set()
    for seed in range(5):
        limiter = RateLimiter(
            random=random.Random(seed), policy=Policy(busy=Backoff(first=100, longest=100))
        )
        limiter.take("a", 0.0)
        waits.add(limiter.record_strike("a", 0.0, "busy", ""))
    assert len(waits) == 5
    assert all(50 <= wait <= 100 for wait in waits)


# ----------------------------------------------------------------------------------------------
# before anything is written


def test_the_time_of_the_next_turn_is_known_without_taking_it() -> None:
    limiter = make_limiter(max_rate=60)
    for _ in range(3):
        assert limiter.peek("a", 0.0, 0) is None
    waits = [limiter.peek("a", 0.0, before) for before in range(8)]
    assert [wait is None for wait in waits] == [True] * 6 + [
        False
    ] * 2  # as many as in six seconds at one a second
    assert [is_granted(limiter, "a", 0.0) for _ in range(8)] == [True] * 6 + [False] * 2


def test_callers_behind_the_probe_learn_so_and_follow_it_at_the_rate() -> None:
    limiter = make_limiter()
    paused = limiter.record_strike("a", 0.0, "busy", "451 later")
    backs = [wait.seconds for _ in range(50) if (wait := limiter.peek("a", 1.0, 0))]
    assert len(backs) == 50
    assert all(paused - 1 <= seconds <= paused + POLICY.max_queue for seconds in backs)
    assert max(backs) - min(backs) > 60  # not all at the moment when the pause ends
    now = paused + 1
    assert limiter.peek("a", now, 0) is None
    assert isinstance(limiter.peek("a", now, 1), Wait)
    assert is_granted(limiter, "a", now)
    assert isinstance(limiter.peek("a", now, 0), Wait)
    limiter.record_success("a", now)
    went = sum(limiter.peek("a", now + 10, before) is None for before in range(100))
    assert 1 <= went <= 60 * POLICY.burst / 60


# ----------------------------------------------------------------------------------------------
# what other processes learned


def pause_state(**more: object) -> PauseState:
    return PauseState(
        **(
            {"seconds": 100.0, "reason": "busy", "text": "451 later", "strikes": 2, "rate": 30.0}
            | more
        )
    )  # type: ignore[arg-type]


def test_a_new_process_takes_over_the_learned_rates() -> None:
    old = make_limiter()
    for _ in range(100):
        is_granted(old, "a", 0.0)
    pause = old.record_strike("a", 0.0, "busy", "451 later")
    new = make_limiter()
    for name, state in old.export_pauses(10.0).items():
        new.import_pause(name, 1000.0, state)
    assert new.take("a", 1001.0) == Wait(pytest.approx(pause - 11, abs=1e-6), "busy", "451 later")
    assert new.rate("a") == old.rate("a")
    end = 1000.0 + pause
    assert is_granted(new, "a", end)
    assert not is_granted(new, "a", end)  # one message is the probe
    new.record_success("a", end)
    assert new.export_pauses(end) == {}
    assert new.record_strike("a", end, "busy", "451") > 30  # the second step, not the first again


def test_after_a_refusal_of_the_sender_a_new_process_probes_at_once() -> None:
    limiter = make_limiter()
    limiter.import_pause("a", 0.0, pause_state(reason="ours", seconds=9000.0, rate=math.inf))
    assert is_granted(limiter, "a", 0.0)
    assert not is_granted(limiter, "a", 0.0)
    other = make_limiter()
    other.take("a", 0.0)
    other.import_pause("a", 0.0, pause_state(reason="ours", seconds=9000.0, rate=math.inf))
    assert not is_granted(other, "a", 8000.0)  # the process has not been restarted since


def test_the_longer_pause_stands_and_an_expired_one_changes_only_new_lanes() -> None:
    limiter = make_limiter()
    pause = limiter.record_strike("a", 0.0, "ours", "550 5.7.1")
    limiter.import_pause("a", 0.0, pause_state(seconds=pause / 2))
    assert limiter.paused(0.0) == {"a": pause}
    limiter.take("b", 0.0)
    limiter.import_pause("b", 0.0, pause_state(seconds=-5.0))
    assert (limiter.rate("b"), is_granted(limiter, "b", 0.0)) == (math.inf, True)
    limiter.import_pause("c", 0.0, pause_state(seconds=-5.0))
    assert limiter.rate("c") == 30.0
    assert is_granted(limiter, "c", 0.0)
    assert not is_granted(limiter, "c", 0.0)
