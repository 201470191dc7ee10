"""Figures of the service: readers, papers, digests and thumbs of the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from digest import store
from digest.app import App
from digest.model import SubscriberStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class DayStats:
    """Figures of one day."""

    day: date
    #: papers first seen that day
    papers: int
    #: digests of that local date that mail servers accepted
    sent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """Figures of the service."""

    readers: dict[str, int]
    days: tuple[DayStats, ...]
    #: of the same days
    thumbs_up: int
    thumbs_down: int
    #: events of mail providers of the same days: provider -> outcome -> how many
    provider_events: dict[str, dict[str, int]]

    @property
    def thumbs_up_rate(self) -> float | None:
        """The share of thumbs that are up, 0-1; None without thumbs."""
        thumbs = self.thumbs_up + self.thumbs_down
        return self.thumbs_up / thumbs if thumbs else None


def load_stats(app: App, *, days: int) -> Stats:
    """Load the figures of the last days, today being the last of them."""
    now = app.now()
    today = now.date()
    first = today - timedelta(days=days - 1)
    with app.store.reading() as tx:
        papers = store.stats.count_papers_by_day(tx, since=first)
        sent = store.stats.count_sent_by_day(tx, since=first)
        since = now - timedelta(days=days)
        up, down = store.stats.count_thumbs_since(tx, since)
        statuses = store.subscribers.count_by_status(tx)
        events = store.provider_events.count(tx, since=since)
    return Stats(
        readers={status.value: statuses.get(status, 0) for status in SubscriberStatus},
        days=tuple(
            DayStats(day=day, papers=papers.get(day, 0), sent=sent.get(day, 0))
            for day in (first + timedelta(days=number) for number in range(days))
        ),
        thumbs_up=up,
        thumbs_down=down,
        provider_events=events,
    )
