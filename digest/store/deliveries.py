"""What became of messages, for people: counts, what waits, attempts and what servers said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from digest.model import Fault, MessageState
from digest.store.ledger import WAITING, is_deliverable
from digest.store.statements import split_into_batches
from digest.store.tables import deliveries, digest_items, messages, subscribers

_TROUBLES = ("deferred", "rejected", "unknown", "lost")
#: letters to the operator have no subscriber
_EMAIL = func.coalesce(subscribers.c.email, "the operator").label("email")


def count_by_state(tx: Connection) -> dict[MessageState, int]:
    rows = tx.execute(select(messages.c.state, func.count()).group_by(messages.c.state))
    return {MessageState(state): n for state, n in rows}


def count_waiting(tx: Connection, *, now: datetime) -> tuple[int, int]:
    """Messages that may be sent now, and those that a server asked to bring back later."""
    due = and_(messages.c.state.in_(WAITING), messages.c.expires_at > now)
    now_due = tx.execute(select(func.count()).where(due, messages.c.not_before <= now)).scalar_one()
    later = tx.execute(select(func.count()).where(due, messages.c.not_before > now)).scalar_one()
    return now_due, later


def is_anything_due(tx: Connection, *, now: datetime) -> bool:
    """Whether a claim would find something; costs the same however long the queue is."""
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
    tx: Connection, *, now: datetime, only: Sequence[int] | None = None, limit: int = 1000
) -> list[dict[str, Any]]:
    """What a send would take now, in its order: email, kind, key, state, and for a digest how many
    papers it lists.
    """
    papers = (
        select(func.count())
        .where(digest_items.c.digest_id == messages.c.digest_id)
        .scalar_subquery()
        .label("papers")
    )
    may = messages.c.subscriber_id.is_(None) | is_deliverable()
    chosen = (
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
        chosen = chosen.where(messages.c.subscriber_id.in_(list(only)))
    rows = tx.execute(
        chosen.order_by(messages.c.state, messages.c.not_before, messages.c.id).limit(limit)
    )  # deferred before planned
    return [dict(row._mapping) for row in rows]


def count_unknown(tx: Connection) -> int:
    """Messages of which nobody knows whether they were taken."""
    return tx.execute(
        select(func.count()).where(messages.c.state == MessageState.UNKNOWN.value)
    ).scalar_one()


def find_oldest_due(tx: Connection, *, now: datetime) -> datetime | None:
    """The time since which the longest waiting message could have been sent; None when
    none waits."""
    first = [
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
    return min((one for one in first if one is not None), default=None)


def count_ended(tx: Connection, *, since: datetime, now: datetime) -> dict[str, int]:
    """How many messages came to each end since then; of those accepted, only whether there were
    any.
    """
    found = {}
    for outcome in ("rejected", "unknown"):
        those = and_(deliveries.c.outcome == outcome, deliveries.c.ended_at > since)
        found[outcome] = tx.execute(select(func.count()).where(those)).scalar_one()
    accepted = (
        select(deliveries.c.id)
        .where(deliveries.c.outcome == "accepted", deliveries.c.ended_at > since)
        .limit(1)
    )
    found["accepted"] = int(tx.execute(accepted).first() is not None)
    expired = and_(
        messages.c.state == MessageState.EXPIRED.value,
        messages.c.expires_at > since,
        messages.c.expires_at <= now,
    )
    found["expired"] = tx.execute(select(func.count()).where(expired)).scalar_one()
    return {state: n for state, n in found.items() if n}


def find_state(tx: Connection, message_id: int) -> MessageState | None:
    """The state of a message by its row's id; None where there is no such row."""
    state = tx.execute(
        select(messages.c.state).where(messages.c.id == message_id)
    ).scalar_one_or_none()
    return None if state is None else MessageState(state)


def find_due_time(tx: Connection, message_id: int) -> datetime | None:
    """When a message could first be sent, by its row's id; None where there is no such row."""
    return tx.execute(
        select(messages.c.not_before).where(messages.c.id == message_id)
    ).scalar_one_or_none()


def list_troubles(tx: Connection, limit: int = 5) -> list[dict[str, Any]]:
    """The newest deliveries of messages that are not accepted to this day: who, how far it got,
    what the server said.
    """
    newest: list[int] = []
    open_ones = select(messages.c.id).where(
        messages.c.id == deliveries.c.message_id, messages.c.state != MessageState.ACCEPTED.value
    )
    for outcome in _TROUBLES:  # one by one: the index then yields the few newest of each
        chosen = select(deliveries.c.id).where(deliveries.c.outcome == outcome, open_ones.exists())
        newest += tx.execute(chosen.order_by(deliveries.c.ended_at.desc()).limit(limit)).scalars()
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
    """Who was to blame for refusals since then, the most frequent first.

    Args:
        lasting: leave out readers of whom a server has accepted a message since.

    Returns:
        (fault, what a server last said of it, how many) each.
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
    """Of a delivery and its message: it, or a later one to the same reader, was accepted."""
    later, theirs = deliveries.alias(), messages.alias()
    accepted = exists().where(
        theirs.c.subscriber_id == messages.c.subscriber_id,
        later.c.message_id == theirs.c.id,
        later.c.outcome == "accepted",
        later.c.id > deliveries.c.id,
    )
    return or_(messages.c.state == MessageState.ACCEPTED.value, accepted)


def list_full_mailboxes(tx: Connection, message_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Those of the messages to readers whose last attempt found a mailbox that takes nothing now:
    id, email, enhanced, code, text.
    """
    attempts = deliveries.alias()
    last = (
        select(func.max(attempts.c.id))
        .where(attempts.c.message_id == messages.c.id)
        .scalar_subquery()
    )
    found: list[dict[str, Any]] = []
    for some in split_into_batches(message_ids):
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
                messages.c.id.in_(some),
                deliveries.c.outcome == "deferred",
                deliveries.c.fault == "mailbox",
            )
            .order_by(messages.c.id)
        )
        found += [dict(row._mapping) for row in rows]
    return found


def list_messages(
    tx: Connection,
    *,
    subscriber_id: int | None = None,
    state: MessageState | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The newest messages, newest first, each with its attempts in order under "deliveries"; all
    that is stored of them.
    """
    chosen = select(messages, _EMAIL).join(
        subscribers, subscribers.c.id == messages.c.subscriber_id, isouter=True
    )
    if subscriber_id is not None:
        chosen = chosen.where(messages.c.subscriber_id == subscriber_id)
    if state is not None:
        chosen = chosen.where(messages.c.state == state.value)
    found = [
        dict(row._mapping) for row in tx.execute(chosen.order_by(messages.c.id.desc()).limit(limit))
    ]
    attempts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for some in split_into_batches([row["id"] for row in found]):
        for row in tx.execute(
            select(deliveries).where(deliveries.c.message_id.in_(some)).order_by(deliveries.c.id)
        ):
            attempts[row.message_id].append(dict(row._mapping))
    return [row | {"deliveries": attempts[row["id"]]} for row in found]


def find_by_message_id(tx: Connection, message_id: str) -> dict[str, Any] | None:
    """The message with that Message-ID, with or without its angle brackets."""
    wanted = f"<{message_id.strip().strip('<>')}>"
    row = tx.execute(select(messages).where(messages.c.message_id == wanted)).one_or_none()
    return None if row is None else dict(row._mapping)
