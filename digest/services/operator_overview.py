"""The state of the service at a glance, as quick for many readers as for a few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from digest import store
from digest.app import App
from digest.due_dates import due_at, local_date_of
from digest.errors import InputError
from digest.model import MessageState, Pause, Subscriber, SubscriberStatus
from digest.services import alarm_rules
from digest.services.alarms import Alarm
from digest.services.watch import facts
from digest.store.operator_pages import Schedule

#: days of which papers are counted
DAYS = 14
#: the next times at which digests are due
_TIMES = 3
#: a dump that was begun earlier and has no end was given up
_READING = timedelta(hours=6)
#: how old the schedules may be from which the next digests are told
_SCHEDULES_KEPT = timedelta(minutes=5)
VERBS = ("fetch", "ingest", "compose", "send")


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What an operator looks at first."""

    now: datetime
    alarms: list[Alarm]
    readers: Mapping[SubscriberStatus, int]
    #: up to `store.operator_pages.COUNTED_MAX` of each state
    messages: Mapping[MessageState, int]
    #: the newest round of each verb: at, report, error
    rounds: Mapping[str, dict[str, Any] | None]
    #: dumps that are being read, newest first
    reading: list[dict[str, Any]]
    #: messages that senders hold at this moment
    sending: int
    #: messages that are due now
    due: int
    #: when the next waiting message may be sent
    next_message: datetime | None
    #: when the next digests are due, and for how many readers
    next_digests: list[tuple[datetime, int]]
    #: of the last `DAYS` days, oldest first, days without papers among them
    papers_by_day: list[tuple[date, int]]
    #: mail servers and domains that asked for quiet, while it lasts
    pauses: list[Pause]


class ScheduleCache:
    """The schedules of active readers, read anew after some minutes: that reads every reader."""

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        self._schedules: list[Schedule] = []

    def load(self, tx: store.Connection, now: datetime) -> list[Schedule]:
        if self._read_at is None or abs(now - self._read_at) >= _SCHEDULES_KEPT:
            self._schedules, self._read_at = store.operator_pages.list_schedules(tx), now
        return self._schedules


def load_overview(app: App, schedules: ScheduleCache) -> Overview:
    """Read it all in one view of the database."""
    now, clock = app.now(), datetime.now(UTC)
    today = now.date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    with app.store.reading() as tx:
        known = facts(app, tx)
        papers = store.operator_pages.count_papers_by_day(tx, since=days[0])
        return Overview(
            now=now,
            alarms=alarm_rules.find(known),
            readers=store.subscribers.count_by_status(tx),
            messages=store.operator_pages.count_messages(tx),
            rounds={verb: store.rounds.load_latest(tx, verb) for verb in VERBS},
            reading=[
                dump
                for dump in store.dumps.list_latest(tx)
                if dump["finished_at"] is None and now - dump["started_at"] < _READING
            ],
            sending=store.operator_pages.count_leases(tx, clock=clock),
            due=known.waiting,
            next_message=store.operator_pages.find_next_message(tx, after=now),
            next_digests=find_next_digests(schedules.load(tx, now), now),
            papers_by_day=[(day, papers.get(day, 0)) for day in days],
            pauses=[
                pause for pause in store.pauses.load_all(tx, clock=clock) if pause.until > clock
            ],
        )


def find_next_digests(
    schedules: Iterable[Schedule], now: datetime, *, times: int = _TIMES
) -> list[tuple[datetime, int]]:
    """Find the next times at which digests are due, with the number of readers.

    Schedules in a zone that this machine does not know are left out.
    """

    @cache
    def today_in(timezone: str) -> date | None:
        try:
            return local_date_of(_reader(timezone, 0), now)
        except InputError:
            return None

    @cache
    def due_on(timezone: str, hour: int, day: date) -> datetime:
        return due_at(_reader(timezone, hour), day)

    readers: Counter[datetime] = Counter()
    for schedule in schedules:
        today = today_in(schedule.timezone)
        for ahead in range(8) if today is not None else ():
            day = (today or now.date()) + timedelta(days=ahead)
            if day.isoweekday() not in schedule.days:
                continue
            at = due_on(schedule.timezone, schedule.hour, day)
            if at > now:
                readers[at] += schedule.readers
                break
    return sorted(readers.items())[:times]


def _reader(timezone: str, hour: int) -> Subscriber:
    """Stand for all readers of a time zone and hour."""
    return Subscriber(
        id=0, email="", timezone=timezone, hour=hour, created=datetime.min.replace(tzinfo=UTC)
    )
