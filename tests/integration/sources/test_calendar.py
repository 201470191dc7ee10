"""The days on which arXiv announces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest import pipeline, services
from digest.app import App
from digest.sources import calendar


@pytest.mark.parametrize(
    ("day", "announced"),
    [
        ("2026-06-07", True),  # Sunday
        ("2026-06-08", True),
        ("2026-06-11", True),  # Thursday
        ("2026-06-12", False),
        ("2026-06-13", False),
        ("2026-06-19", False),  # a Friday and a holiday
        ("2026-06-21", False),  # the Sunday after the holiday has no announcement
        ("2026-06-22", True),
        ("2026-09-07", False),
        ("2026-12-31", False),
    ],
)
def test_arxiv_announces_on_its_days(day: str, announced: bool) -> None:
    assert calendar.is_announcement_day(date.fromisoformat(day)) is announced


def test_the_operator_may_add_a_holiday() -> None:
    assert not calendar.is_announcement_day(date(2026, 6, 8), [date(2026, 6, 8)])


def test_announcements_are_at_eight_in_the_evening_in_summer_and_winter() -> None:
    announcements = list(
        calendar.list_announcements(
            datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 11, 3, 12, tzinfo=UTC)
        )
    )
    assert [at.astimezone(UTC).isoformat() for at in announcements] == [
        "2026-10-29T00:00:00+00:00",
        "2026-10-30T00:00:00+00:00",
        "2026-11-02T01:00:00+00:00",
        "2026-11-03T01:00:00+00:00",
    ][1:]


@pytest.mark.parametrize(
    ("last", "now", "alarm"),
    [
        ("2026-06-12T05:00", "2026-06-15T05:00", False),  # a weekend
        ("2026-06-19T05:00", "2026-06-23T05:00", False),  # a weekend after a holiday on Friday
        ("2026-06-09T05:00", "2026-06-11T05:00", True),  # Tuesday's announcement never came
    ],
)
def test_missing_papers_of_arxiv_are_an_alarm_only_after_an_announcement(
    service: Callable[..., App], dump: Callable[..., Path], last: str, now: str, alarm: bool
) -> None:
    entry = {"name": "feed", "kind": "arxiv-feed", "categories": ["cs.LG"]}
    pipeline.ingest(service(entry, now=datetime.fromisoformat(f"{last}+00:00")), [dump()])
    alarms = services.status(service(entry, now=datetime.fromisoformat(f"{now}+00:00"))).alarms
    assert any(raised.kind == "dumps" for raised in alarms) is alarm
