"""Which readers get a digest now, and for which local date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from digest import store
from digest.app import App
from digest.due_dates import LOOK_BACK, due, local_date_of, why_not_due
from digest.errors import InputError
from digest.model import Digest, Quiet, QuietReason, Subscriber, SubscriberStatus
from digest.pipeline.steps.compose_report import ComposeReport

_NOT_ACTIVE = (SubscriberStatus.PENDING, SubscriberStatus.PAUSED, SubscriberStatus.SUPPRESSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueReader:
    """A reader who gets a digest now."""

    subscriber: Subscriber
    local_date: date
    #: their earlier due dates that never get one, oldest first
    missed: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a due reader gets."""

    due: DueReader
    outcome: Digest | Quiet
    #: the newest paper that could compete; papers with a higher id compete for the next digest
    max_paper_id: int

    @property
    def reason(self) -> str:
        """Why there is no digest, or ""."""
        return self.outcome.reason.value if isinstance(self.outcome, Quiet) else ""


def batches_of_active_readers(
    app: App, only: Subscriber | None, report: ComposeReport
) -> Iterator[list[Subscriber]]:
    """Yield the active readers in batches, or one reader alone.

    The others go into the report.
    """
    if only is not None:
        if only.status is SubscriberStatus.ACTIVE:
            yield [only]
        else:
            report.leave_out(only, only.status.value)
        return
    with app.store.reading() as tx:
        for reader in store.subscribers.list_by_status(tx, *_NOT_ACTIVE):
            report.leave_out(reader, reader.status.value)
    last_id = 0
    while True:
        with app.store.reading() as tx:
            batch = store.subscribers.load_page(tx, after=last_id, limit=app.config.workers.batch)
        if not batch:
            return
        yield batch
        last_id = batch[-1].id


def group_by_local_date(due_readers: Iterable[DueReader]) -> list[list[DueReader]]:
    """Group due readers by local date, in the order in which the dates appear."""
    by_date: dict[date, list[DueReader]] = {}
    for reader in due_readers:
        by_date.setdefault(reader.local_date, []).append(reader)
    return list(by_date.values())


def select_readers_of_date(
    app: App,
    batch: Sequence[Subscriber],
    day: date | None,
    report: ComposeReport,
    *,
    any_weekday: bool,
) -> list[DueReader]:
    """Select the readers without a digest for one date, whatever the hour.

    Args:
        day: the local date of all; None = each reader's own, now.
        any_weekday: whatever their weekdays, too.
        report: gets the others, with the reason.
    """
    now = app.now()
    today_of = _local_dates(batch, now, report)
    if not today_of:
        return []
    dates = {reader_id: day or today for reader_id, today in today_of.items()}
    with app.store.reading() as tx:
        reasons = store.digests.load_reasons(tx, dates, min(dates.values()))
        restored = store.installation.load_closed_until(tx)
    selected = []
    for reader in batch:
        local_date = dates.get(reader.id)
        if local_date is None:
            continue
        reason = reasons.get(reader.id, {}).get(local_date)
        if restored and local_date <= local_date_of(reader, restored):
            report.leave_out(reader, _closed_by_restore(local_date))
        elif reason == QuietReason.MISSED:
            report.leave_out(reader, f"the digest of {local_date} was {reason}")
        elif reason is not None:
            report.leave_out(reader, f"has a digest for {local_date} already")
        elif local_date.isoweekday() not in reader.days and not any_weekday:
            report.leave_out(reader, f"{local_date:%A} is none of their days")
        else:
            selected.append(DueReader(subscriber=reader, local_date=local_date))
    return selected


def select_due_readers(
    app: App, batch: Sequence[Subscriber], report: ComposeReport
) -> list[DueReader]:
    """Select the readers who are due or missed a digest.

    Each has a date of their own.

    The others go into the report with the reason.
    """
    now = app.now()
    today_of = _local_dates(batch, now, report)
    if not today_of:
        return []
    first = min(today_of.values())
    with app.store.reading() as tx:
        # Today's outcomes are few rows; of the past, the last date of each reader is enough.
        recent = store.digests.load_reasons(tx, today_of, first)
        open_today = [
            reader_id for reader_id, day in today_of.items() if day not in recent.get(reader_id, {})
        ]
        last_dates = store.digests.load_last_dates(
            tx, open_today, since=first - LOOK_BACK, before=first
        )
        restored = store.installation.load_closed_until(tx)
    selected = []
    for reader in batch:
        if reader.id not in today_of:
            continue
        today = today_of[reader.id]
        closed = set(recent.get(reader.id, {}))
        if restored:
            closed.add(local_date_of(reader, restored))
            if today <= local_date_of(reader, restored):
                report.leave_out(reader, _closed_by_restore(today))
                continue
        if today in closed:
            report.leave_out(reader, f"has a digest for {today} already")
            continue
        closed |= {last_dates[reader.id]} if reader.id in last_dates else set()
        due_now = due(reader, now, closed=closed)
        if due_now is None:
            report.leave_out(reader, why_not_due(reader, now, closed=closed))
        else:
            selected.append(
                DueReader(subscriber=reader, local_date=due_now.local_date, missed=due_now.missed)
            )
    return selected


def _closed_by_restore(day: date) -> str:
    return f"{day} was closed when a backup was restored"


def _local_dates(
    batch: Iterable[Subscriber], now: datetime, report: ComposeReport
) -> dict[int, date]:
    """The date that it is for each reader whose timezone this machine knows."""
    dates: dict[int, date] = {}
    for reader in batch:
        try:
            dates[reader.id] = local_date_of(reader, now)
        except InputError as error:
            report.leave_out(reader, str(error))
    return dates
