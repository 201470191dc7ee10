"""A server that is down: asked with exponential backoff, told once, and once when it is back."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.outages import Outage

log = logging.getLogger("digest.test")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock, caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.DEBUG)
    return make_outage(clock)


def make_outage(clock: Clock, *, quiet: bool = False) -> Outage:
    return Outage(
        server="mail", log=log, first=10, longest=300, quiet=quiet, clock=clock, jitter=lambda: 1.0
    )


def fail_when_asked(outage: Outage, clock: Clock, times: int) -> list[float]:
    """Fail as often as it is asked; return the waits."""
    waits = []
    for _ in range(times):
        outage.fail("connection refused")
        waits.append(outage.seconds_left())
        clock.now += outage.seconds_left()
    return waits


def test_waits_double_up_to_the_longest_and_two_lines_are_logged(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert outage.seconds_left() == 0
    assert fail_when_asked(outage, clock, 7) == [10, 20, 40, 80, 160, 300, 300]
    assert outage.is_down
    outage.succeed()
    outage.succeed()
    assert (outage.is_down, outage.seconds_left()) == (False, 0)
    assert caplog.messages == [
        "outage server=mail: connection refused",
        "outage over server=mail seconds=910 failed_tries=7",
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_requests_that_were_under_way_count_as_one(outage: Outage) -> None:
    for _ in range(20):
        outage.fail("connection refused")
    assert outage.seconds_left() == 10


def test_another_reason_is_told(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.fail("refused", kind="gone")
    outage.fail("refused again", kind="gone")
    outage.fail("wrong password", kind="login")
    assert caplog.messages == ["outage server=mail: refused", "outage server=mail: wrong password"]


def test_a_relapse_goes_on_with_the_long_waits(outage: Outage, clock: Clock) -> None:
    fail_when_asked(outage, clock, 4)
    outage.succeed()
    clock.now += 299
    assert fail_when_asked(outage, clock, 1) == [160]
    outage.succeed()
    clock.now += 301
    assert fail_when_asked(outage, clock, 1) == [10]


def test_who_may_have_mended_it_is_believed(outage: Outage, clock: Clock) -> None:
    fail_when_asked(outage, clock, 5)
    outage.fail("connection refused")
    outage.ask_now()
    assert (outage.is_down, outage.seconds_left()) == (True, 0)
    assert fail_when_asked(outage, clock, 2) == [10, 20]


def test_a_quiet_one_is_left_to_the_caller(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = make_outage(clock, quiet=True)
    outage.fail("refused")
    outage.succeed()
    assert not caplog.messages


@given(st.lists(st.tuples(st.sampled_from(["fail", "succeed"]), st.floats(0, 2000)), max_size=60))
def test_lines_alternate_and_waits_are_bounded(steps: list[tuple[str, float]]) -> None:
    clock, lines = Clock(), []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.levelno)

    own = logging.Logger("own")
    own.addHandler(Lines())
    outage = Outage(server="x", log=own, first=1, longest=60, clock=clock)
    for step, seconds in steps:
        clock.now += seconds
        outage.fail("down") if step == "fail" else outage.succeed()
        assert 0 <= outage.seconds_left() <= 60
        assert outage.is_down == (step == "fail")
    assert lines == [logging.WARNING, logging.INFO] * (len(lines) // 2) + lines[len(lines) & ~1 :]
