"""How far back the papers of a digest go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.model import Subscriber
from digest.pipeline.candidates import window_start
from digest.store.history import Reach, Reaches

TODAY = date(2026, 6, 30)


def days_ago(number: int) -> datetime:
    return datetime(2026, 6, 30, 7, tzinfo=UTC) - timedelta(days=number)


def reach(number: int) -> Reach:
    at = days_ago(number)
    return Reach(local_date=at.date(), composed_at=at, mark=1)


@pytest.mark.parametrize(
    ("joined", "due_from", "arrived", "latest", "days"),
    [
        (90, None, 1, 1, 7),  # every day
        (90, None, 7, 7, 8),  # every week: the day of the last digest once more
        (90, None, 20, 1, 21),  # those of three weeks failed or bounced
        (90, None, 60, 1, 31),
        (0, None, None, None, 7),  # new
        (12, None, None, 1, 13),  # none has arrived since they joined
        (5, None, None, None, 7),
        (90, None, None, 1, 31),
        (500, 0, None, None, 7),  # taken over from another service today
        (500, 10, None, None, 11),
    ],
)
def test_it_reaches_to_the_last_digest_that_arrived_within_31_days(
    joined: int, due_from: int | None, arrived: int | None, latest: int | None, days: int
) -> None:
    who = Subscriber(
        id=1,
        email="a@example.org",
        created=days_ago(joined),
        due_from=None if due_from is None else days_ago(due_from),
    )
    known = Reaches(
        arrived=None if arrived is None else reach(arrived),
        latest=None if latest is None else reach(latest),
    )
    assert TODAY - window_start(who, known, TODAY, 7) == timedelta(days=days)
