"""Readers in many zones whose days are simulated, with outages and pauses.

Papers arrive, digests are planned and the ledger accounts for each mail by the service's own code;
only the clock is passed in, and mails end at the ledger. Every reader's digests list all papers
that compete, so the lists show whether a paper was lost or came twice.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from digest import store, subscriptions
from digest.app import App
from digest.model import Delivery, MessageState, Phase, QuietReason
from digest.pipeline import DueComposer
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.integration.arrivals import entry, ingest_entries
from tests.proofs.expected_dates import QUARTER, Expected, Schedule, Span, list_expected

#: The clocks of these zones change in 2011 on many dates and in odd ways: at midnight (Asuncion,
#: Havana, Tehran), by half an hour (Lord Howe), around Ramadan (Cairo, Casablanca), once and for
#: all (Moscow, Minsk), by skipping a date (Apia, Fakaofo). Others never change, with odd offsets.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Moscow",
    "Europe/Minsk",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Santiago",
    "America/Caracas",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Windhoek",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Yakutsk",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
)
#: hours that clock changes repeat or skip, and usual ones
HOURS = (0, 1, 2, 3, 7, 12, 18, 23)
WEEKS = (
    (1, 2, 3, 4, 5, 6, 7),
    (1, 2, 3, 4, 5),
    (1,),
    (5,),
    (7,),
    (2, 6),
)
#: between two arrivals of a paper: something is new for each digest, since a late one is left to
#: the next where that is due sooner than this
_PAPERS_EVERY = timedelta(hours=6)
_DAY = timedelta(days=1)


@dataclass(kw_only=True)
class Report:
    """What came of it."""

    readers: int
    days: int
    #: digests that had to come, and that came after an outage
    expected: int = 0
    late: int = 0
    #: dates that an outage closed
    missed: int = 0
    papers: int = 0
    ticks: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def invent_schedules(
    count: int, start: datetime, end: datetime, rng: random.Random
) -> list[Schedule]:
    """Invent readers: each zone in turn, with pauses for some."""
    return [
        Schedule(
            zone=ZONES[number % len(ZONES)],
            hour=rng.choice(HOURS),
            days=rng.choice(WEEKS) if number >= len(ZONES) else WEEKS[0],
            pauses=tuple(_invent_pauses(start, end, rng)) if number % 3 == 2 else (),
        )
        for number in range(count)
    ]


def _invent_pauses(start: datetime, end: datetime, rng: random.Random) -> Iterator[Span]:
    """Invent pauses of up to ten days, some weeks apart."""
    begin = start + rng.uniform(2, 40) * _DAY
    while begin < end - 14 * _DAY:
        stop = begin + rng.uniform(0.2, 10) * _DAY
        yield Span(start=_floor(begin), end=_floor(stop) + QUARTER)
        begin = stop + rng.uniform(20, 120) * _DAY


def invent_outages(start: datetime, end: datetime, rng: random.Random) -> list[Span]:
    """Invent outages of half an hour to four days, about one in two weeks."""
    outages = []
    begin = start + rng.uniform(3, 10) * _DAY
    while begin < end - 6 * _DAY:
        stop = begin + rng.choice((0.02, 0.1, 0.3, 1, 2, 4)) * _DAY
        outages.append(Span(start=_floor(begin), end=_floor(stop) + QUARTER))
        begin = stop + rng.uniform(6, 20) * _DAY
    return outages


def _floor(instant: datetime) -> datetime:
    return datetime.fromtimestamp(instant.timestamp() // 900 * 900, UTC)


class Year:
    """A service whose clock is set from tick to tick.

    Args:
        folder: for the database.
        schedules: of the readers, who all join at the start.
        outages: when nothing ticks; pauses that begin or end within them wait for their end.
        tick: between two looks at who is due, at most.
        url: of another database than SQLite.
    """

    def __init__(
        self,
        folder: Path,
        schedules: Sequence[Schedule],
        outages: Sequence[Span],
        start: datetime,
        end: datetime,
        *,
        tick: timedelta,
        url: str | None = None,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.start, self.end, self.tick = start, end, tick
        self.outages = list(outages)
        self.schedules = [self._shift_pauses(schedule) for schedule in schedules]
        self.app = make_app(folder, url, digest__recipe="recent", digest__explore="false")
        self.report = Report(readers=len(schedules), days=(end - start).days)
        self.report_progress = report_progress
        self._ids: list[int] = []

    def run(self) -> Report:
        began = time.monotonic()
        app = self.app.at(self.start)
        for number, schedule in enumerate(self.schedules):
            request = SubscriptionRequest(
                email=f"reader{number}@example.org",
                timezone=schedule.zone,
                hour=schedule.hour,
                days=schedule.days,
                size=100,
                strictness="always",
            )
            result = subscriptions.subscribe(app, request, origin="command")
            self._ids.append(result.subscriber.id)
        self._run_clock()
        self._check()
        self.report.seconds = time.monotonic() - began
        self.app.close()
        return self.report

    # ------------------------------------------------------------------------------------ the clock

    def _run_clock(self) -> None:
        events = self._list_events()
        arrivals = _every(_PAPERS_EVERY, self.start, self.end)
        waiting = arrivals[::-1]
        composer: DueComposer | None = None
        service = _Clock(self.app)
        month = 0
        for instant in sorted({*events, *arrivals, *self._list_ticks()}):
            if any(instant in outage for outage in self.outages):
                composer = None
                continue
            service.now = instant
            if composer is None:  # a new process, after an outage
                composer = DueComposer(service.app)
            while waiting and waiting[-1] <= instant:
                waiting.pop()
                self._publish(instant.date())
            for reader, paused in events.get(instant, ()):
                subscriptions.pause(service.app, self._ids[reader], paused=paused)
            self._tick(service.app, composer)
            if instant.month != month:
                month = instant.month
                self.report_progress(f"{instant:%Y-%m-%d}: {self.report.ticks} ticks")

    def _list_ticks(self) -> set[datetime]:
        """List the instants of looks: the last before and the first after an outage are among them.

        So is the last before a pause, for who is due shortly before.
        """
        edges = {edge for span in self.outages for edge in (span.start - QUARTER, span.end)}
        edges |= {span.start - QUARTER for own in self.schedules for span in own.pauses}
        return {self.end - QUARTER}.union(edges, _every(self.tick, self.start, self.end))

    def _tick(self, app: App, composer: DueComposer) -> None:
        self.report.ticks += 1
        composed = composer.compose()
        if composed is not None and composed.failed:
            self.report.wrong.append(f"{app.now()}: compose failed for {composed.failed}")
        while _send(app):
            pass

    def _list_events(self) -> dict[datetime, list[tuple[int, bool]]]:
        """List for each instant the readers who pause (True) or come back (False)."""
        events: dict[datetime, list[tuple[int, bool]]] = defaultdict(list)
        for reader, schedule in enumerate(self.schedules):
            for span in schedule.pauses:
                events[span.start].append((reader, True))
                events[span.end].append((reader, False))
        return events

    def _shift_pauses(self, schedule: Schedule) -> Schedule:
        def shift(instant: datetime) -> datetime:
            for outage in self.outages:
                if instant in outage:
                    return outage.end + 2 * QUARTER
            return instant

        spans = [
            Span(start=shift(span.start), end=shift(span.end))
            for span in schedule.pauses
            if shift(span.start) < shift(span.end)
        ]
        return Schedule(
            zone=schedule.zone, hour=schedule.hour, days=schedule.days, pauses=tuple(spans)
        )

    def _publish(self, day: date) -> None:
        self.report.papers += 1
        number = self.report.papers
        ingest_entries(
            self.app.store,
            entry(f"Paper {number} of p{number * 7919}", arxiv=f"{day:%y%m}.{number:05}"),
            day=day,
        )

    # ------------------------------------------------------------------------------- the promises

    def _check(self) -> None:
        with self.app.store.reading() as tx:
            digests = tx.execute(
                select(
                    tables.digests.c.id,
                    tables.digests.c.subscriber_id,
                    tables.digests.c.local_date,
                    tables.digests.c.state,
                    tables.digests.c.reason,
                    tables.digests.c.created_at,
                    tables.messages.c.state.label("fate"),
                ).outerjoin(tables.messages, tables.messages.c.digest_id == tables.digests.c.id)
            ).all()
            items = tx.execute(
                select(tables.digest_items.c.digest_id, tables.digest_items.c.paper_id)
            ).all()
            papers = {
                ident: paper.first_seen
                for ident, paper in store.papers.load(tx, range(1, self.report.papers + 1)).items()
            }
        listed: dict[int, list[int]] = defaultdict(list)
        for item in items:
            listed[item.digest_id].append(item.paper_id)
        by_reader: dict[int, list[Any]] = defaultdict(list)
        for row in digests:
            by_reader[row.subscriber_id].append(row)
        for ident, schedule in zip(self._ids, self.schedules, strict=True):
            rows = by_reader[ident]
            name = f"reader {ident} ({schedule.zone}, {schedule.hour}:00, days {schedule.days})"
            self._check_dates(name, schedule, rows)
            self._check_papers(name, rows, listed, papers)

    def _check_dates(self, name: str, schedule: Schedule, rows: Sequence[Any]) -> None:
        wrong = self.report.wrong
        expected = {
            digest.local_date: digest
            for digest in list_expected(schedule, self.outages, self.start, self.end)
        }
        self.report.expected += len(expected)
        self.report.late += sum(digest.late for digest in expected.values())
        sent = Counter(row.local_date for row in rows if row.fate == MessageState.ACCEPTED.value)
        wrong += [f"{name}: {n} digests for {day}" for day, n in sent.items() if n > 1]
        wrong += [f"{name}: no digest for {day}" for day in expected.keys() - sent.keys()]
        wrong += [f"{name}: a digest for {day}, not due" for day in sent.keys() - expected.keys()]
        for row in rows:
            day, at = row.local_date, row.created_at
            if row.reason == QuietReason.MISSED.value:
                self.report.missed += 1
            elif row.fate != MessageState.ACCEPTED.value:
                wrong.append(f"{name}: {day} is {row.state} {row.reason} {row.fate}")
            elif day in expected and not self._is_in_time(expected[day], at):
                wrong.append(f"{name}: {day} came at {at}, due at {expected[day].at}")

    def _is_in_time(self, expected: Expected, at: datetime) -> bool:
        # Who joined shortly before gets the next digest when there is something new.
        return expected.at <= at <= expected.at + self.tick + _PAPERS_EVERY

    def _check_papers(
        self,
        name: str,
        rows: Sequence[Any],
        listed: dict[int, list[int]],
        papers: dict[int, date],
    ) -> None:
        shown = Counter(paper for row in rows for paper in listed[row.id])
        self.report.wrong += [
            f"{name}: paper {paper} {n} times" for paper, n in shown.items() if n > 1
        ]
        newest = max((row.created_at.date() for row in rows if listed[row.id]), default=None)
        lost = [
            paper
            for paper, day in papers.items()
            if newest is not None and day < newest and paper not in shown
        ]
        if lost:
            self.report.wrong.append(f"{name}: papers {lost[:5]} of {len(lost)} in no digest")


class _Clock:
    """An app whose clock is set by hand."""

    def __init__(self, app: App) -> None:
        self.now = datetime.now(UTC)
        self.app = replace(app, now=lambda: self.now)


def _every(step: timedelta, start: datetime, end: datetime) -> list[datetime]:
    return [start + number * step for number in range(-(-(end - start) // step))]


def _send(app: App) -> int:
    """Hand over some mails that are due, as a sender's steps in the ledger; return how many."""
    now, ledger = app.now(), store.ledger
    accepted = Delivery(
        outcome="accepted",
        server="here",
        phase=Phase.BODY,
        code=250,
        text="",
        started=now,
        ended=now,
    )
    with app.store.writing() as tx:
        claimed = ledger.claim(tx, owner="year", now=now, clock=now)
        begun = ledger.begin(tx, claimed, owner="year", now=now, clock=now)
        attempts = [(queued, accepted) for queued in claimed if queued.id in begun]
        ledger.settle(tx, attempts, owner="year", now=now)
    return len(attempts)
