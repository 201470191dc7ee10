"""Days around changes of clocks for readers in many zones, one digest for each due date.

The short form; `python -m tests.proofs year` is the long one.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.proofs.expected_dates import Schedule, Span, list_expected
from tests.proofs.year import WEEKS, Year, invent_schedules

_HOUR = timedelta(hours=1)
DAILY = WEEKS[0]


def list_dates(zone: str, hour: int, start: datetime, days: int, *outages: Span) -> list[str]:
    schedule = Schedule(zone=zone, hour=hour, days=DAILY)
    expected = list_expected(schedule, outages, start, start + timedelta(days=days))
    return [f"{digest.at:%d %H:%M} for {digest.local_date:%d}" for digest in expected]


def test_the_oracle_knows_odd_dates() -> None:
    """What the proof measures against, at dates looked up in the zones' own history."""
    noon = datetime(2011, 3, 25, 12, tzinfo=UTC)
    # Berlin: on the 27th no clock shows 2; Tehran and Apia: beyond.
    assert list_dates("Europe/Berlin", 2, noon, 4) == [
        "25 12:00 for 25",
        "26 01:00 for 26",
        "27 01:00 for 27",
        "28 00:00 for 28",
        "29 00:00 for 29",
    ]
    # Lord Howe went back by half an hour at 2:00 on 3 April: the first 1:45 counts, not the second.
    april = datetime(2011, 4, 1, 20, tzinfo=UTC)
    assert list_dates("Australia/Lord_Howe", 2, april, 2)[1:] == [
        "02 15:30 for 03",
        "03 15:30 for 04",
    ]
    # Apia had no 30 December.
    december = datetime(2011, 12, 28, 12, tzinfo=UTC)
    assert list_dates("Pacific/Apia", 7, december, 4) == [
        "28 17:00 for 28",
        "29 17:00 for 29",
        "30 17:00 for 31",
        "31 17:00 for 01",
    ]
    # An outage of two due dates: the later one comes after it, unless the next is near.
    outage = Span(start=noon + 6 * _HOUR, end=noon + 54 * _HOUR)
    assert list_dates("UTC", 7, noon, 5, outage)[1:3] == ["27 18:00 for 27", "28 07:00 for 28"]
    outage = Span(start=noon + 6 * _HOUR, end=noon + 64 * _HOUR)
    assert list_dates("UTC", 7, noon, 5, outage)[1:3] == ["28 07:00 for 28", "29 07:00 for 29"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(datetime(2011, 3, 25, 10, tzinfo=UTC), id="spring in Europe"),
        pytest.param(datetime(2011, 4, 1, 10, tzinfo=UTC), id="autumn in Australia"),
        pytest.param(datetime(2011, 12, 27, 10, tzinfo=UTC), id="a skipped date"),
    ],
)
def test_one_digest_for_each_due_date_and_one_for_each_outage(
    first: datetime, tmp_path: Path
) -> None:
    rng = random.Random(first.day)
    end = first + timedelta(days=4)
    outages = [Span(start=first + 40 * _HOUR, end=first + 40 * _HOUR + rng.choice((4, 30)) * _HOUR)]
    pause = Span(start=first + 20 * _HOUR, end=first + 73 * _HOUR)
    schedules = [
        *invent_schedules(25, first, end, rng),
        Schedule(zone="Australia/Lord_Howe", hour=2, days=DAILY, pauses=(pause,)),
        Schedule(zone="Pacific/Fakaofo", hour=23, days=WEEKS[1], pauses=(pause,)),
        Schedule(zone="America/Santiago", hour=0, days=WEEKS[5]),
    ]
    year = Year(tmp_path, schedules, outages, first, end, tick=3 * _HOUR)
    report = year.run()
    assert report.wrong == []
    assert report.expected > 70
    assert report.missed + report.late > 0
