"""An app at a day, and what it sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from digest import services
from digest.app import App
from digest.model import Subscriber
from tests.conftest import TODAY

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)


def at(app: App, day: date, hour: int = 12) -> App:
    return app.at(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def list_titles(app: App, who: Subscriber, day: date) -> list[str]:
    digest, papers = services.sent_digest(app, who, day)
    return [papers[item.score.paper_id].title for item in digest.items]
