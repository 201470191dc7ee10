"""How long a digest can be sent: `window_hours`, and never past the next one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.app import App
from digest.due_dates import due_at
from digest.model import Subscriber, SubscriberStatus
from digest.pipeline.steps.store_outcomes import _expires_at
from tests.conftest import make_app

JOINED = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[int, App]]:
    """An app for some values of window_hours."""
    with tempfile.TemporaryDirectory() as folder:
        opened = {
            hours: make_app(Path(folder) / str(hours), digest__window_hours=str(hours))
            for hours in (1, 16, 24)
        }
        yield opened
        for app in opened.values():
            app.close()


@given(
    hours=st.sampled_from([1, 16, 24]),
    day=st.dates(date(2026, 3, 20), date(2026, 4, 10)),  # both clock changes of spring
    hour=st.integers(0, 23),
    days=st.sets(st.integers(1, 7), min_size=1),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
    late=st.integers(-10, 80),
)
def test_a_digest_expires_after_its_hours_or_when_the_next_is_due(
    apps: dict[int, App], hours: int, day: date, hour: int, days: set[int], zone: str, late: int
) -> None:
    reader = Subscriber(
        id=1,
        email="a@example.org",
        status=SubscriberStatus.ACTIVE,
        timezone=zone,
        hour=hour,
        days=tuple(sorted(days)),
        created=JOINED,
    )
    due = due_at(reader, day)
    composed = due + late * HOUR
    expires = _expires_at(apps[hours].at(composed), reader, day)
    begins = composed if late > 0 else due
    # The next due moment, found by looking at each of the following dates.
    later = (day + timedelta(days=number) for number in range(-1, 15))
    moments = [due_at(reader, other) for other in later if other.isoweekday() in reader.days]
    following = min(moment for moment in moments if moment > begins)
    assert expires == min(begins + hours * HOUR, following)
