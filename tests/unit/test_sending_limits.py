"""The rules of the ramp, and of stopping on bounces and complaints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.bounces.stopping import SentSample, StopPolicy, stop_reason
from digest.mail.mailer.ramp import FORGOTTEN_DAYS, Ramp


def test_a_ramp_grows_to_its_limit_and_no_further() -> None:
    ramp = Ramp(start=50, growth=1.5, most=400)
    limits = [ramp.first_limit(0)]
    for _ in range(7):
        limits.append(ramp.next_limit(limits[-1], limits[-1], 1))
    assert limits == [50, 75, 113, 170, 255, 383, 400, 400]


def test_a_day_that_was_hardly_used_does_not_raise_the_next() -> None:
    ramp = Ramp(start=50, growth=2)
    assert ramp.next_limit(100, 49, 1) == 100
    assert ramp.next_limit(100, 50, 1) == 200
    assert ramp.next_limit(100, 100, 12) == 200


def test_a_sender_that_was_silent_for_long_is_fresh_again() -> None:
    ramp = Ramp(start=50, growth=2, most=1000)
    assert ramp.next_limit(800, 800, FORGOTTEN_DAYS) == 50


def test_an_older_sender_begins_with_what_it_sends() -> None:
    assert Ramp(start=50, growth=1.5).first_limit(1000) == 1500
    assert Ramp(start=50, growth=1.5, most=1200).first_limit(1000) == 1200
    assert Ramp(start=0, most=500).first_limit(1000) == 500


def test_changed_settings_hold_at_once() -> None:
    assert Ramp(start=50, most=60).adjust(75) == 60
    assert Ramp(start=100).adjust(75) == 100
    assert Ramp(most=500).adjust(75) == 500


@given(
    ramp=st.builds(
        Ramp,
        start=st.integers(1, 1000),
        growth=st.floats(1.05, 10),
        most=st.integers(0, 5000),
    ),
    sent=st.lists(st.floats(0, 1), max_size=60),
)
def test_a_limit_is_never_more_than_the_growth_of_what_was_used(
    ramp: Ramp, sent: list[float]
) -> None:
    limit = ramp.first_limit(0)
    for share in sent:
        used = int(limit * share)
        following = ramp.next_limit(limit, used, 1)
        assert 1 <= following <= max(limit * ramp.growth + 1, ramp.start)
        assert not ramp.most or following <= ramp.most
        if used < limit / 2 and limit >= ramp.start:
            assert following == limit
        limit = following


@pytest.mark.parametrize(
    ("messages", "bounces", "complaints", "stops"),
    [
        (1000, 100, 0, False),
        (1000, 101, 0, True),
        (1000, 0, 5, False),
        (1000, 0, 6, True),
        (20, 4, 2, False),  # a small list: a few of them prove nothing
        (20, 10, 0, False),
        (20, 11, 0, True),
        (20, 0, 3, True),
        (0, 0, 0, False),
    ],
)
def test_when_sending_stops(messages: int, bounces: int, complaints: int, stops: bool) -> None:
    sample = SentSample(messages=messages, bounces=bounces, complaints=complaints)
    assert bool(stop_reason(sample, StopPolicy())) is stops
    assert not stop_reason(sample, StopPolicy(bounces=0, complaints=0))


def test_the_reason_has_the_figures() -> None:
    sample = SentSample(messages=900, bounces=120, complaints=0)
    assert (
        stop_reason(sample, StopPolicy()) == "120 of the last 900 messages bounced, more than 10 %"
    )
