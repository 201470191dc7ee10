"""Whose digest is made now, and for which local date: typed by hand, or due as `serve` sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from digest import store
from digest.due_dates import LOOK_BACK, due, local_date_of, why_not_due
from digest.errors import InputError
from digest.model import QuietReason, Subscriber
from digest.pipeline.steps.compose_report import LeftOut


@dataclass(frozen=True, kw_only=True, slots=True)
class DueReader:
    """A reader who gets a digest now."""

    subscriber: Subscriber
    local_date: date
    #: their earlier due dates that never get one, oldest first
    missed: tuple[date, ...] = ()


_Turns = tuple[list[DueReader], list[LeftOut]]


def readers_of_date(
    tx: store.Connection,
    batch: Sequence[Subscriber],
    now: datetime,
    day: date | None,
    *,
    any_weekday: bool,
) -> _Turns:
    """Everybody without a digest for one date, whatever the hour; and who is left out, and why.

    Args:
        day: the local date of everybody; None = each reader's own, now.
        any_weekday: whatever their weekdays, too.
    """
    here, left_out = _local_dates(batch, now)
    if not here:
        return [], left_out
    days = {ident: day or today for ident, today in here.items()}
    reasons = store.digests.load_reasons(tx, days, min(days.values()))
    restored = store.installation.load_closed_until(tx)
    turns = []
    for subscriber in batch:
        wanted = days.get(subscriber.id)
        if wanted is None:
            continue
        known = reasons.get(subscriber.id, {}).get(wanted)
        if restored and wanted <= local_date_of(subscriber, restored):
            reason = _closed(wanted)
        elif known == QuietReason.MISSED:
            reason = f"the digest of {wanted} was {known}"
        elif known is not None:
            reason = f"has a digest for {wanted} already"
        elif wanted.isoweekday() not in subscriber.days and not any_weekday:
            reason = f"{wanted:%A} is none of their days"
        else:
            turns.append(DueReader(subscriber=subscriber, local_date=wanted))
            continue
        left_out.append(LeftOut(email=subscriber.email, reason=reason))
    return turns, left_out


def due_readers(tx: store.Connection, batch: Sequence[Subscriber], now: datetime) -> _Turns:
    """Who is due or missed a digest, each on a date of their own; and who is left out, and why."""
    here, left_out = _local_dates(batch, now)
    if not here:
        return [], left_out
    first = min(here.values())
    # What is settled today is known from few rows; of the past the last date of each is enough.
    settled = store.digests.load_reasons(tx, here, first)
    open_today = [ident for ident, today in here.items() if today not in settled.get(ident, {})]
    last = store.digests.load_last_dates(tx, open_today, since=first - LOOK_BACK, before=first)
    restored = store.installation.load_closed_until(tx)
    turns = []
    for subscriber in batch:
        if subscriber.id not in here:
            continue
        today = here[subscriber.id]
        closed = set(settled.get(subscriber.id, {}))
        if restored:
            closed.add(local_date_of(subscriber, restored))
            if today <= local_date_of(subscriber, restored):
                left_out.append(LeftOut(email=subscriber.email, reason=_closed(today)))
                continue
        if today in closed:
            reason = f"has a digest for {today} already"
            left_out.append(LeftOut(email=subscriber.email, reason=reason))
            continue
        closed |= {last[subscriber.id]} if subscriber.id in last else set()
        turn = due(subscriber, now, closed=closed)
        if turn is None:
            reason = why_not_due(subscriber, now, closed=closed)
            left_out.append(LeftOut(email=subscriber.email, reason=reason))
        else:
            turns.append(
                DueReader(subscriber=subscriber, local_date=turn.local_date, missed=turn.missed)
            )
    return turns, left_out


def _closed(day: date) -> str:
    return f"{day} was closed when a backup was restored"


def _local_dates(
    batch: Iterable[Subscriber], now: datetime
) -> tuple[dict[int, date], list[LeftOut]]:
    """The date that it is for each reader; without those whose zone this machine does not know."""
    here: dict[int, date] = {}
    left_out = []
    for subscriber in batch:
        try:
            here[subscriber.id] = local_date_of(subscriber, now)
        except InputError as error:
            left_out.append(LeftOut(email=subscriber.email, reason=str(error)))
    return here, left_out
