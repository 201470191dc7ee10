"""Rows for the operator's pages, each list a page at a time.

Every query is bounded: it reads by an index from a row on, newest first, and stops after a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, and_, cast, func, select, tuple_

from digest.model import MessageState, Rejected, SubscriberStatus, Suppression, SuppressionReason
from digest.store.ledger import WAITING
from digest.store.tables import (
    bounces,
    deliveries,
    digest_items,
    digests,
    dumps,
    feedback,
    messages,
    papers,
    rejects,
    subscribers,
    suppressions,
)

Rows = list[dict[str, Any]]
#: messages of a state are counted up to this number
COUNTED_MAX = 10_000
#: letters to the operator have no subscriber
_EMAIL = func.coalesce(subscribers.c.email, "the operator").label("email")
_MESSAGES = select(
    messages.c.id,
    messages.c.kind,
    messages.c.key,
    messages.c.state,
    messages.c.message_id,
    messages.c.subscriber_id,
    messages.c.attempts,
    messages.c.evidence,
    messages.c.not_before,
    messages.c.expires_at,
    messages.c.changed_at,
    _EMAIL,
).join(subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True)
_SUBSCRIBERS = select(
    subscribers.c.id,
    subscribers.c.email,
    subscribers.c.name,
    subscribers.c.status,
    subscribers.c.created_at,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How many active readers want their digest at an hour of a time zone on weekdays."""

    timezone: str
    hour: int
    #: ISO weekdays, 1 = Monday
    days: tuple[int, ...]
    readers: int


# ----------------------------------------------------------------------------------------------
# the overview


def count_papers_by_day(tx: Connection, *, since: date) -> dict[date, int]:
    """Count the papers that were first seen on each day."""
    day = papers.c.first_seen
    rows = tx.execute(select(day, func.count()).where(day >= since).group_by(day))
    return {row[0]: row[1] for row in rows}


def count_messages(tx: Connection) -> dict[MessageState, int]:
    """Count messages by state; `COUNTED_MAX` stands for so many or more."""
    counts = {}
    for state in MessageState:
        some = select(messages.c.id).where(messages.c.state == state.value).limit(COUNTED_MAX)
        counts[state] = int(
            tx.execute(select(func.count()).select_from(some.subquery())).scalar_one()
        )
    return counts


def count_leases(tx: Connection, *, clock: datetime) -> int:
    """Count the messages that a sender holds now.

    Args:
        clock: the real time.
    """
    held = and_(
        messages.c.state.in_((MessageState.CLAIMED.value, MessageState.SENDING.value)),
        messages.c.lease_until > clock,
    )
    some = select(messages.c.id).where(held).limit(COUNTED_MAX)
    return int(tx.execute(select(func.count()).select_from(some.subquery())).scalar_one())


def find_next_message(tx: Connection, *, after: datetime) -> datetime | None:
    """Find when the next waiting message may be sent."""
    times = [
        tx.execute(
            select(messages.c.not_before)
            .where(messages.c.state == state, messages.c.not_before > after)
            .order_by(messages.c.not_before)
            .limit(1)
        ).scalar_one_or_none()
        for state in WAITING
    ]
    return min((time for time in times if time is not None), default=None)


def list_schedules(tx: Connection) -> list[Schedule]:
    """List the schedules of active readers; there are a few hundred at most."""
    days = cast(subscribers.c.days, Text)
    rows = tx.execute(
        select(subscribers.c.timezone, subscribers.c.hour, days, func.count())
        .where(subscribers.c.status == SubscriberStatus.ACTIVE.value)
        .group_by(subscribers.c.timezone, subscribers.c.hour, days)
    )
    return [
        Schedule(
            timezone=zone,
            hour=hour,
            days=tuple(int(day) for day in written if day.isdigit()),
            readers=readers,
        )
        for zone, hour, written, readers in rows
    ]


# ----------------------------------------------------------------------------------------------
# deliveries


def list_messages(
    tx: Connection, *, state: MessageState | None = None, before: int | None = None, limit: int
) -> Rows:
    """List messages: those of a state by the time when they were due, all by id.

    Args:
        before: id of the last message of the page before.
    """
    query = _MESSAGES
    if state is None:
        if before is not None:
            query = query.where(messages.c.id < before)
        return _rows(tx, query.order_by(messages.c.id.desc()).limit(limit))
    query = query.where(messages.c.state == state.value)
    if before is not None:
        due = tx.execute(
            select(messages.c.not_before).where(messages.c.id == before)
        ).scalar_one_or_none()
        if due is None:  # it was deleted with its reader
            return []
        place = tuple_(messages.c.not_before, messages.c.id)
        query = query.where(place < tuple_(due, before))
    order = (messages.c.not_before.desc(), messages.c.id.desc())
    return _rows(tx, query.order_by(*order).limit(limit))


def list_messages_of(tx: Connection, subscriber_id: int, *, limit: int) -> Rows:
    """List the newest messages of a reader."""
    own = _MESSAGES.where(messages.c.subscriber_id == subscriber_id)
    return _rows(tx, own.order_by(messages.c.id.desc()).limit(limit))


def find_message(tx: Connection, ident: int) -> dict[str, Any] | None:
    """Find a message with its "deliveries" and "bounces", oldest first."""
    row = tx.execute(_MESSAGES.where(messages.c.id == ident)).one_or_none()
    if row is None:
        return None
    attempts = select(deliveries).where(deliveries.c.message_id == ident)
    returned = select(bounces).where(bounces.c.message_id == ident)
    return dict(row._mapping) | {
        "deliveries": _rows(tx, attempts.order_by(deliveries.c.started_at)),
        "bounces": _rows(tx, returned.order_by(bounces.c.id)),
    }


# ----------------------------------------------------------------------------------------------
# bounces and suppressed addresses


def list_bounces(tx: Connection, *, before: int | None = None, limit: int) -> Rows:
    """List bounces and complaints, the newest first."""
    query = select(bounces, messages.c.subscriber_id, _EMAIL)
    query = query.join(messages, messages.c.id == bounces.c.message_id)
    query = query.join(subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True)
    if before is not None:
        query = query.where(bounces.c.id < before)
    return _rows(tx, query.order_by(bounces.c.id.desc()).limit(limit))


def list_suppressions(
    tx: Connection, *, before: tuple[datetime, str] | None = None, limit: int
) -> list[tuple[str, Suppression]]:
    """List suppressed addresses with their keys, the newest first.

    Args:
        before: time and key of the last one of the page before.
    """
    place = tuple_(suppressions.c.since, suppressions.c.email_key)
    query = select(suppressions)
    if before is not None:
        query = query.where(place < tuple_(*before))
    order = (suppressions.c.since.desc(), suppressions.c.email_key.desc())
    return [
        (
            row.email_key,
            Suppression(
                address=row.email,
                reason=SuppressionReason(row.reason),
                since=row.since,
                evidence=row.evidence,
            ),
        )
        for row in tx.execute(query.order_by(*order).limit(limit))
    ]


# ----------------------------------------------------------------------------------------------
# dumps and their rejects


def list_dumps(tx: Connection, *, before: int | None = None, limit: int) -> Rows:
    """List dumps, the newest first, each with the number of its rejects that are "kept"."""
    kept = (
        select(func.count()).where(rejects.c.dump_id == dumps.c.id).scalar_subquery().label("kept")
    )
    query = select(dumps, kept)
    if before is not None:
        query = query.where(dumps.c.id < before)
    return _rows(tx, query.order_by(dumps.c.id.desc()).limit(limit))


def find_dump(tx: Connection, ident: int) -> dict[str, Any] | None:
    row = tx.execute(select(dumps).where(dumps.c.id == ident)).one_or_none()
    return None if row is None else dict(row._mapping)


def list_rejects(
    tx: Connection, dump_id: int, *, after: int = 0, limit: int
) -> list[tuple[int, Rejected]]:
    """List the rejected records of a dump from an id on, in the order of the file."""
    query = select(rejects).where(rejects.c.dump_id == dump_id, rejects.c.id > after)
    return [
        (row.id, Rejected(line=row.line, reason=row.reason, raw=row.raw))
        for row in tx.execute(query.order_by(rejects.c.id).limit(limit))
    ]


# ----------------------------------------------------------------------------------------------
# readers


def list_subscribers(
    tx: Connection,
    *,
    status: SubscriberStatus | None = None,
    before: int | None = None,
    limit: int,
) -> Rows:
    """List readers, those who joined last first."""
    query = _SUBSCRIBERS
    if status is not None:
        query = query.where(subscribers.c.status == status.value)
    if before is not None:
        query = query.where(subscribers.c.id < before)
    return _rows(tx, query.order_by(subscribers.c.id.desc()).limit(limit))


def count_feedback(tx: Connection, subscriber_id: int) -> tuple[int, int, datetime | None]:
    """Count a reader's thumbs: up, down, and when they last said something."""
    votes = (
        select(feedback.c.vote, func.count().label("n"), func.max(feedback.c.at).label("last"))
        .where(feedback.c.subscriber_id == subscriber_id)
        .group_by(feedback.c.vote)
    )
    rows = {row.vote: row for row in tx.execute(votes)}
    last = max((row.last for row in rows.values()), default=None)
    return (rows[1].n if 1 in rows else 0), (rows[-1].n if -1 in rows else 0), last


def load_origin(tx: Connection, subscriber_id: int) -> str:
    """Load how a reader joined; "" where there is none."""
    query = select(subscribers.c.origin).where(subscribers.c.id == subscriber_id)
    return tx.execute(query).scalar_one_or_none() or ""


def list_last_days(tx: Connection, subscriber_id: int, *, limit: int) -> Rows:
    """List a reader's newest local dates: "local_date", "reason" ("" = a digest), "papers"."""
    listed = (
        select(func.count())
        .where(digest_items.c.digest_id == digests.c.id)
        .scalar_subquery()
        .label("papers")
    )
    query = select(digests.c.local_date, digests.c.reason, listed)
    query = query.where(digests.c.subscriber_id == subscriber_id)
    return _rows(tx, query.order_by(digests.c.local_date.desc()).limit(limit))


def list_raters(
    tx: Connection, *, since: datetime, until: datetime, thumbs: int, readers: int
) -> Sequence[int]:
    """List readers who gave the newest thumbs within a span.

    Args:
        thumbs: how many thumbs are looked at.
        readers: how many readers at most.
    """
    newest = (
        select(feedback.c.subscriber_id)
        .where(feedback.c.at >= since, feedback.c.at < until, feedback.c.vote != 0)
        .order_by(feedback.c.at.desc())
        .limit(thumbs)
        .subquery()
    )
    ids = select(newest.c.subscriber_id).distinct().order_by(newest.c.subscriber_id)
    return tx.execute(ids.limit(readers)).scalars().all()


def _rows(tx: Connection, query: Select[Any]) -> Rows:
    return [dict(row._mapping) for row in tx.execute(query)]
