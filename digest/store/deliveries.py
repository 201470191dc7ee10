"""Reports on messages for people: counts, queues, attempts and replies of servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select

from digest.model import Fault, MessageState
from digest.store.ledger import WAITING, is_deliverable
from digest.store.statements import split_into_batches
from digest.store.tables import deliveries, digest_items, messages, subscribers

_TROUBLES = ("deferred", "rejected", "unknown", "lost")
#: letters to the operator have no subscriber
_EMAIL = func.coalesce(subscribers.c.email, "the operator").label("email")
#: built once, since each thumb asks for it
_STATE = select(messages.c.state).where(messages.c.id == bindparam("message"))


def count_by_state(tx: Connection) -> dict[MessageState, int]:
    """Count messages by state."""
    rows = tx.execute(select(messages.c.state, func.count()).group_by(messages.c.state))
    return {MessageState(state): n for state, n in rows}


def count_waiting(tx: Connection, *, now: datetime) -> tuple[int, int]:
    """Count waiting messages: (due now, due later)."""
    due = and_(messages.c.state.in_(WAITING), messages.c.expires_at > now)
    now_due = tx.execute(select(func.count()).where(due, messages.c.not_before <= now)).scalar_one()
    later = tx.execute(select(func.count()).where(due, messages.c.not_before > now)).scalar_one()
    return now_due, later


def is_anything_due(tx: Connection, *, now: datetime) -> bool:
    """Return whether a claim would find something.

    This is as fast for a long queue as for a short one.
    """
    return any(
        tx.execute(
            select(messages.c.id)
            .where(
                messages.c.state == state, messages.c.not_before <= now, messages.c.expires_at > now
            )
            .limit(1)
        ).first()
        for state in WAITING
    )


def list_due(
    tx: Connection,
    *,
    now: datetime,
    only: Sequence[int] | None = None,
    among: Sequence[int] | None = None,
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """List what a send would claim now, in its order.

    Args:
        only: ids of the subscribers to whom the list is limited; None = all.
        among: ids of the messages that may be sent; None = all that are due.
        limit: rows at most.

    Returns:
        Rows with email, kind, key, state, and papers (their number, for a digest).
    """
    papers = (
        select(func.count())
        .where(digest_items.c.digest_id == messages.c.digest_id)
        .scalar_subquery()
        .label("papers")
    )
    may = messages.c.subscriber_id.is_(None) | is_deliverable()
    query = (
        select(_EMAIL, messages.c.kind, messages.c.key, messages.c.state, papers)
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True)
        .where(
            messages.c.state.in_(WAITING),
            messages.c.not_before <= now,
            messages.c.expires_at > now,
            may,
        )
    )
    if only is not None:
        query = query.where(messages.c.subscriber_id.in_(list(only)))
    if among is not None:
        query = query.where(messages.c.id.in_(list(among[:limit])))
    rows = tx.execute(
        query.order_by(messages.c.state, messages.c.not_before, messages.c.id).limit(limit)
    )  # deferred before planned
    return [dict(row._mapping) for row in rows]


def count_unknown(tx: Connection) -> int:
    """Count messages of which nobody knows whether a server accepted them."""
    return tx.execute(
        select(func.count()).where(messages.c.state == MessageState.UNKNOWN.value)
    ).scalar_one()


def find_oldest_due(tx: Connection, *, now: datetime) -> datetime | None:
    """Find the time since which the oldest waiting message is due.

    None when none waits.
    """
    times = [
        tx.execute(
            select(messages.c.not_before)
            .where(
                messages.c.state == state, messages.c.not_before <= now, messages.c.expires_at > now
            )
            .order_by(messages.c.not_before)
            .limit(1)
        ).scalar_one_or_none()
        for state in WAITING
    ]
    return min((time for time in times if time is not None), default=None)


def count_ended(tx: Connection, *, since: datetime, now: datetime) -> dict[str, int]:
    """Count how messages ended since a time; "accepted" is 1 if there were any."""
    counts = {}
    for outcome in ("rejected", "unknown"):
        ended = and_(deliveries.c.outcome == outcome, deliveries.c.ended_at > since)
        counts[outcome] = tx.execute(select(func.count()).where(ended)).scalar_one()
    accepted = (
        select(deliveries.c.id)
        .where(deliveries.c.outcome == "accepted", deliveries.c.ended_at > since)
        .limit(1)
    )
    counts["accepted"] = int(tx.execute(accepted).first() is not None)
    expired = and_(
        messages.c.state == MessageState.EXPIRED.value,
        messages.c.expires_at > since,
        messages.c.expires_at <= now,
    )
    counts["expired"] = tx.execute(select(func.count()).where(expired)).scalar_one()
    return {state: n for state, n in counts.items() if n}


def find_state(tx: Connection, message_id: int) -> MessageState | None:
    """Find the state of a message by its row's id; None where there is no such row."""
    state = tx.execute(_STATE, {"message": message_id}).scalar_one_or_none()
    return None if state is None else MessageState(state)


def find_due_time(tx: Connection, message_id: int) -> datetime | None:
    """Find when a message was first due, by its row's id.

    None where there is no such row.
    """
    return tx.execute(
        select(messages.c.not_before).where(messages.c.id == message_id)
    ).scalar_one_or_none()


def list_troubles(tx: Connection, limit: int = 5) -> list[dict[str, Any]]:
    """List the newest deliveries of messages that are still not accepted."""
    newest: list[int] = []
    not_accepted = select(messages.c.id).where(
        messages.c.id == deliveries.c.message_id, messages.c.state != MessageState.ACCEPTED.value
    )
    for outcome in _TROUBLES:  # one query each, so that the index yields the newest
        query = select(deliveries.c.id).where(
            deliveries.c.outcome == outcome, not_accepted.exists()
        )
        newest += tx.execute(query.order_by(deliveries.c.ended_at.desc()).limit(limit)).scalars()
    rows = tx.execute(
        select(_EMAIL, messages.c.kind, messages.c.key, deliveries)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True)
        .where(deliveries.c.id.in_(newest))
        .order_by(deliveries.c.ended_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def list_faults(
    tx: Connection, *, since: datetime, lasting: bool = False
) -> list[tuple[Fault, str, int]]:
    """Count refusals since a time by fault, the most frequent first.

    Args:
        lasting: leave out readers to whom a message was accepted since.

    Returns:
        (fault, latest reply of a server, number of refusals) each.
    """
    refused = and_(
        deliveries.c.outcome.in_(("deferred", "rejected")),
        deliveries.c.ended_at > since,
        deliveries.c.fault != "",
    )
    if lasting:
        refused = and_(refused, deliveries.c.message_id == messages.c.id, ~_accepted_since())
    counted = select(
        deliveries.c.fault, func.max(deliveries.c.id).label("last"), func.count().label("many")
    ).where(refused)
    grouped = counted.group_by(deliveries.c.fault).subquery()
    rows = tx.execute(
        select(
            grouped.c.fault,
            deliveries.c.server,
            deliveries.c.code,
            deliveries.c.text,
            grouped.c.many,
        )
        .join(deliveries, deliveries.c.id == grouped.c.last)
        .order_by(grouped.c.many.desc(), grouped.c.fault)
    )
    return [
        (row.fault, f"{row.server}: {row.code or ''} {row.text}".replace(":  ", ": "), row.many)
        for row in rows
    ]


def _accepted_since() -> ColumnElement[bool]:
    """Build the condition that it or a later message to the reader was accepted."""
    later, same_reader = deliveries.alias(), messages.alias()
    accepted = exists().where(
        same_reader.c.subscriber_id == messages.c.subscriber_id,
        later.c.message_id == same_reader.c.id,
        later.c.outcome == "accepted",
        later.c.id > deliveries.c.id,
    )
    return or_(messages.c.state == MessageState.ACCEPTED.value, accepted)


def list_full_mailboxes(tx: Connection, message_ids: Sequence[int]) -> list[dict[str, Any]]:
    """List those of the messages whose last attempt found a full or blocked mailbox.

    Returns:
        Rows with id, email, enhanced, code and text.
    """
    attempts = deliveries.alias()
    last = (
        select(func.max(attempts.c.id))
        .where(attempts.c.message_id == messages.c.id)
        .scalar_subquery()
    )
    full: list[dict[str, Any]] = []
    for batch in split_into_batches(message_ids):
        rows = tx.execute(
            select(
                messages.c.id,
                subscribers.c.email,
                deliveries.c.enhanced,
                deliveries.c.code,
                deliveries.c.text,
            )
            .select_from(messages)
            .join(deliveries, deliveries.c.id == last)
            .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
            .where(
                messages.c.id.in_(batch),
                deliveries.c.outcome == "deferred",
                deliveries.c.fault == "mailbox",
            )
            .order_by(messages.c.id)
        )
        full += [dict(row._mapping) for row in rows]
    return full


def list_messages(
    tx: Connection,
    *,
    subscriber_id: int | None = None,
    state: MessageState | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """List the newest messages, newest first.

    Attempts are in order under "deliveries".

    Args:
        before: only rows with a smaller id; None = from the newest on.
    """
    query = select(messages, _EMAIL).join(
        subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True
    )
    if subscriber_id is not None:
        query = query.where(messages.c.subscriber_id == subscriber_id)
    if state is not None:
        query = query.where(messages.c.state == state.value)
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = [
        dict(row._mapping) for row in tx.execute(query.order_by(messages.c.id.desc()).limit(limit))
    ]
    attempts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for batch in split_into_batches([row["id"] for row in rows]):
        for row in tx.execute(
            select(deliveries).where(deliveries.c.message_id.in_(batch)).order_by(deliveries.c.id)
        ):
            attempts[row.message_id].append(dict(row._mapping))
    return [row | {"deliveries": attempts[row["id"]]} for row in rows]


def find_by_message_id(tx: Connection, message_id: str) -> dict[str, Any] | None:
    """Find a message by its Message-ID, with or without angle brackets."""
    bracketed = f"<{message_id.strip().strip('<>')}>"
    row = tx.execute(select(messages).where(messages.c.message_id == bracketed)).one_or_none()
    return None if row is None else dict(row._mapping)
