"""A source that fails is asked again with backoff, and the log tells it once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from digest import serve, services, store
from digest.app import App
from tests.conftest import NOON
from tests.fakes.source_server import SourceServer

MINUTE = timedelta(minutes=1)


def fetch_for(service: serve.Service, app: App, since: datetime, minutes: int) -> list[int]:
    """Tick every five minutes; return the minutes at which the source was asked."""
    fetching = list(serve.scheduling(service))[1]
    asked = []
    for minute in range(0, minutes, 5):
        service.app = app.at(since + minute * MINUTE)
        before = count_requests(service.app)
        fetching.tick()
        if count_requests(service.app) != before:
            asked.append(minute)
    return asked


def count_requests(app: App) -> str:
    with app.store.reading() as tx:
        return str(store.sources.load_state(tx, "daily").get("asked_at"))


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (60, [0, 5, 15, 35, 75, 135, 195]),
        (1440, [0, 5, 15, 35, 75, 155]),
    ],
)
def test_a_failing_source_is_asked_ever_less(
    server: SourceServer,
    service: Callable[..., App],
    caplog: pytest.LogCaptureFixture,
    every: int,
    expected: list[int],
) -> None:
    caplog.set_level(logging.INFO)
    entry: dict[str, Any] = {
        "name": "daily",
        "kind": "huggingface",
        "url": server.url("/daily"),
        "days": 1,
        "every": every,
    }
    app = service(entry)
    server.fail("/daily", *["404"] * 60)
    running = serve.Service(app)
    assert fetch_for(running, app, NOON, 200) == expected
    told = [record for record in caplog.records if record.name == "digest.serve"]
    assert [record.levelname for record in told] == ["WARNING"]
    assert told[0].getMessage().startswith("outage server=source:daily: ")

    server._next.clear()
    back = fetch_for(running, app, NOON + 200 * MINUTE, 120)
    assert back
    messages = [record.getMessage() for record in caplog.records[len(told) :]]
    ends = [message for message in messages if message.startswith("outage over")]
    assert ends == [f"outage over server=source:daily failed_tries={len(expected)}"]


def test_a_source_that_fails_again_is_an_alarm_again(
    server: SourceServer, service: Callable[..., App]
) -> None:
    """A success in between must not hide since when it fails."""
    entry = {"name": "daily", "kind": "huggingface", "url": server.url("/daily"), "days": 1}
    app = service(entry)
    options = services.FetchOptions(due=True, reading=False, sleep=lambda _: None)
    services.fetch(app, options=options)
    server.fail("/daily", *["404"] * 60)
    for hours in (4, 60):
        services.fetch(app.at(NOON + timedelta(hours=hours)), options=options)
    alarms = services.status(app.at(NOON + timedelta(hours=61))).alarms
    (failing,) = [alarm for alarm in alarms if alarm.kind == "source"]
    assert failing.urgent
