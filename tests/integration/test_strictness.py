"""What each strictness would have listed in the last week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.model import STRICTNESS_WORDS, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers
from tests.webclient import Client, contents

Dump = Callable[..., Path]


def at(app: App, days: int) -> App:
    """Return the app some days after the first one."""
    day = TODAY + timedelta(days=days)
    return app.at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def join(app: App, **fields: object) -> Subscriber:
    wanted = {"keywords": ("robot",), "size": 3} | fields
    request = SubscriptionRequest(email="r@example.org", **wanted)  # type: ignore[arg-type]
    return subscriptions.subscribe(app, request, origin="command").subscriber


@pytest.fixture
def week(app: App, dump: Dump) -> App:
    """The app after ten days with papers, two of each topic a day."""
    for number in range(10):
        day = TODAY + timedelta(days=number)
        pipeline.ingest(at(app, number), [dump(day, rows=invent_papers(day, per_topic=2))])
    return at(app, 9)


def test_a_stricter_choice_lists_no_more(week: App) -> None:
    reader = join(week, strictness=37)
    before = contents(week)
    counts = services.count_last_week(week, reader)
    assert contents(week) == before
    assert list(counts) == [*STRICTNESS_WORDS, "37"]
    assert counts["few"] <= counts["balanced"] <= counts["many"] <= counts["always"]
    assert counts["always"] == 7 * reader.size


def test_an_always_full_digest_is_counted_as_it_was_sent(app: App, dump: Dump) -> None:
    reader = join(app, strictness="always", size=100)
    sent = 0
    for number in range(9):
        day = TODAY + timedelta(days=number)
        now = at(app, number)
        pipeline.ingest(now, [dump(day, rows=invent_papers(day, per_topic=1))])
        (planned,) = pipeline.round(now).composed.planned
        sent += planned.papers if number >= 2 else 0
    assert services.count_last_week(at(app, 8), reader)["always"] == sent


def test_a_reader_of_one_weekday_has_one_digest_of_seven_days(week: App) -> None:
    day = TODAY + timedelta(days=7)
    reader = join(week, days=(day.isoweekday(),), size=100)
    assert services.count_last_week(week, reader)["always"] == 7 * 8


def test_without_papers_nothing_would_have_been_listed(app: App) -> None:
    assert set(services.count_last_week(app, join(app)).values()) == {0}


def test_muted_papers_are_not_counted(week: App) -> None:
    reader = join(week, size=100, strictness="always")
    everything = services.count_last_week(week, reader)["always"]
    interest = replace(reader.interests[0], keywords=("robot", "-galaxy"))
    muting = replace(reader, interests=(interest,))
    assert services.count_last_week(week, muting)["always"] == everything - 14


def test_the_settings_page_shows_the_counts_on_request(week: App) -> None:
    reader = join(week)
    client = Client(week)
    path = client.path(Purpose.MANAGE, reader)
    assert f'href="{path}/week#strictness"' in client.get(path).text
    shown = client.get(f"{path}/week").text
    counts = services.count_last_week(week, reader)
    assert f"every digest is full · {counts['always']} papers last week" in shown
    assert f'action="{path}"' in shown
    assert client.get("/m/wrong/week").status_code == client.get("/m/wrong").status_code
