"""The scheduler: one tick at a time, quiet about long ones, and errors told once."""

from __future__ import annotations

import logging
import threading
import time
from itertools import pairwise

import pytest

from digest.errors import DigestError, InputError, StoreError
from digest.scheduler import Scheduler

LONG = 60.0


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


class Times:
    """Notes when it is called, and then takes a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.at, self.running, self.most = seconds, [], 0, 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.at.append(time.monotonic())
            self.running += 1
            self.most = max(self.most, self.running)
            self._changed.notify_all()
        time.sleep(self.seconds)
        with self._changed:
            self.running -= 1

    def wait_for(self, times: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.at) >= times, LONG)


def test_a_long_tick_delays_the_next_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    slow = Times(0.12)
    clock = Scheduler([slow], seconds=0.02)
    clock.start()
    slow.wait_for(12)
    assert clock.stop(LONG)
    assert slow.most == 1
    assert min(b - a for a, b in pairwise(slow.at)) >= 0.12
    assert not caplog.messages


def test_short_ticks_keep_their_interval() -> None:
    quick = Times()
    clock = Scheduler([quick], seconds=0.3)
    clock.start()
    quick.wait_for(4)
    clock.stop(LONG)
    assert quick.at[3] - quick.at[0] >= 0.85


def test_it_can_be_woken_and_takes_its_new_interval(caplog: pytest.LogCaptureFixture) -> None:
    seconds = 3600.0
    quick = Times()
    clock = Scheduler([quick], seconds=lambda: seconds)
    clock.start()
    quick.wait_for(1)
    time.sleep(0.2)  # the first tick has ended
    seconds = 0.05
    clock.wake()
    quick.wait_for(5)
    clock.stop(LONG)
    assert not caplog.messages


def test_waking_a_tick_that_runs_begins_no_second_one() -> None:
    slow = Times(0.4)
    clock = Scheduler([slow], seconds=3600)
    clock.start()
    slow.wait_for(1)
    for _ in range(20):
        clock.wake()
    assert clock.stop(LONG)
    assert len(slow.at) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_stopping_at_any_moment_neither_hangs_nor_ticks_again(seconds: float) -> None:
    for step in range(40):
        quick = Times(seconds)
        clock = Scheduler([quick], seconds=0.001)
        clock.start()
        time.sleep(step * 0.0005)
        assert clock.stop(10)
        count = len(quick.at)
        clock.wake()
        assert len(quick.at) == count


def test_a_failure_is_told_once_and_once_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[Exception | None] = [
        *[InputError("no such zone")] * 3,
        InputError("no such day"),
        None,
        None,
        *[KeyError("x")] * 3,
        None,
    ]

    def verb() -> None:
        if error := errors.pop(0):
            raise error

    clock = Scheduler([verb], seconds=1)
    while errors:
        clock.tick()
    assert caplog.messages == [
        "verb failed: no such zone",
        "verb failed: no such day",
        "verb works again",
        "verb failed by a mistake of ours",
        "verb works again",
    ]


class Gate:
    """A gate that a StoreError closes for a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._opens_at, self.asked = seconds, 0.0, 0

    def seconds_closed(self) -> float:
        self.asked += 1
        return max(0.0, self._opens_at - time.monotonic())

    def closes_by(self, error: DigestError) -> bool:
        if not isinstance(error, StoreError):
            return False
        self._opens_at = time.monotonic() + self.seconds
        return True


def test_while_the_gate_is_closed_no_verb_is_called(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def first() -> None:
        calls.append("first")
        if calls.count("first") == 1:
            raise StoreError("gone", reason="gone")

    second = Times()
    clock = Scheduler([first, second], seconds=3600, gate=Gate(0.3))
    began = time.monotonic()
    clock.start()
    second.wait_for(1)  # the next tick comes when the gate opens, not after an hour
    clock.stop(LONG)
    assert time.monotonic() - began >= 0.3
    assert calls == ["first", "first"]
    assert not caplog.messages


def test_it_says_in_time_when_it_will_be_heard_of_next() -> None:
    heard: list[tuple[float, float]] = []
    quick = Times()
    clock = Scheduler(
        [quick],
        seconds=0.1,
        advance=lambda seconds: heard.append((time.monotonic(), seconds)),
    )
    clock.start()
    quick.wait_for(4)
    clock.stop(LONG)
    for (at, seconds), (following, _) in pairwise(heard):
        assert following <= at + seconds
    assert len(heard) >= 2 * 4
