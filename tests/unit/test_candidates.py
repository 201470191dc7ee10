"""The cutoff before which papers are too old for a digest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.model import Subscriber
from digest.pipeline.steps.candidates import window_start
from digest.store.history import Cutoff

TODAY = date(2026, 6, 30)


def days_ago(number: int) -> datetime:
    return datetime(2026, 6, 30, 7, tzinfo=UTC) - timedelta(days=number)


def cutoff(number: int) -> Cutoff:
    at = days_ago(number)
    return Cutoff(local_date=at.date(), composed_at=at, max_paper_id=1)


@pytest.mark.parametrize(
    ("joined", "added", "arrived", "days"),
    [
        (90, 90, 1, 7),  # every day
        (90, 90, 7, 8),  # every week: the day of the last digest again
        (90, 90, 20, 21),  # the digests of three weeks failed or bounced
        (90, 90, 60, 31),
        (0, 0, None, 7),  # new
        (5, 5, None, 7),
        (12, 12, None, 13),  # no digest has arrived since they joined
        (12, None, None, 13),
        (90, 90, None, 31),
        (500, 0, None, 7),  # moved here from another service today
        (500, 10, None, 11),
        (500, 10, 3, 7),
    ],
)
def test_it_reaches_to_the_last_digest_that_arrived_within_31_days(
    joined: int, added: int | None, arrived: int | None, days: int
) -> None:
    subscriber = Subscriber(
        id=1,
        email="a@example.org",
        created=days_ago(joined),
        added=None if added is None else days_ago(added),
        due_from=days_ago(0),  # after a pause or a change of days no paper is lost
    )
    last = None if arrived is None else cutoff(arrived)
    assert TODAY - window_start(subscriber, last, TODAY, 7) == timedelta(days=days)
