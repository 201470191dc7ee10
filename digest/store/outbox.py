"""Events for webhooks, written in the transaction of what happened.

So an event is stored if and only if what it tells of is. Whoever sends them claims them first
(`store.webhooks`), and sends again whatever a lost process had claimed: each event is delivered at
least once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from digest.model import MessageKind, WebhookEvent
from digest.store.statements import split_into_batches
from digest.store.tables import digest_items, messages, subscribers, webhook_deliveries, webhooks

_LISTENING = select(webhooks.c.id, webhooks.c.events, webhooks.c.addresses).where(
    webhooks.c.disabled_at.is_(None)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """Something that happened to a subscriber."""

    subscriber_id: int
    #: JSON values beside the subscriber's id
    data: Mapping[str, Any] = field(default_factory=dict)


def has_listener(tx: Connection, event: WebhookEvent) -> bool:
    """Return whether any webhook wants to be told of such events."""
    return any(event.value in row.events for row in tx.execute(_LISTENING))


def add(
    tx: Connection,
    event: WebhookEvent,
    happenings: Sequence[Happening],
    *,
    at: datetime,
    deleted: bool = False,
) -> None:
    """Store what happened for each webhook that wants to be told.

    Args:
        at: when it happened.
        deleted: the subscribers are being deleted, and the news must outlive them.
    """
    listening = [row for row in tx.execute(_LISTENING) if event.value in row.events]
    if not listening or not happenings:
        return
    emails: dict[int, str] = {}
    if any(row.addresses for row in listening):
        emails = _load_emails(tx, [happening.subscriber_id for happening in happenings])
    rows = []
    for happening in happenings:
        data = {"subscriber": happening.subscriber_id, **happening.data}
        event_id = f"evt_{secrets.token_hex(16)}"
        for row in listening:
            email = emails.get(happening.subscriber_id)
            own_data = data | {"email": email} if row.addresses and email else data
            subscriber_id = None if deleted else happening.subscriber_id
            body = encode_body(event.value, own_data, at=at)
            rows.append(build_row(row.id, subscriber_id, event_id, event.value, body, at=at))
    tx.execute(webhook_deliveries.insert(), rows)


def encode_body(event: str, data: Mapping[str, Any], *, at: datetime) -> str:
    """Write the body of an event (Standard Webhooks: type, timestamp, data)."""
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": event, "timestamp": timestamp, "data": data}).decode()


def build_row(
    webhook_id: int,
    subscriber_id: int | None,
    event_id: str,
    event: str,
    body: str,
    *,
    at: datetime,
) -> dict[str, Any]:
    """Build the row of an event that waits to be sent."""
    return {
        "webhook_id": webhook_id,
        "subscriber_id": subscriber_id,
        "event_id": event_id,
        "event": event,
        "body": body,
        "state": "waiting",
        "attempts": 0,
        "created_at": at,
        "next_at": None,
        "ended_at": None,
        "status": 0,
        "error": "",
    }


def add_alarm(
    tx: Connection, event: WebhookEvent, data: Mapping[str, Any], *, at: datetime
) -> None:
    """Tell that an alarm started or ended."""
    event_id = f"evt_{secrets.token_hex(16)}"
    body = encode_body(event.value, data, at=at)
    rows = [
        build_row(row.id, None, event_id, event.value, body, at=at)
        for row in tx.execute(_LISTENING)
        if event.value in row.events
    ]
    if rows:
        tx.execute(webhook_deliveries.insert(), rows)


def add_sent(tx: Connection, message_ids: Sequence[int], *, at: datetime) -> None:
    """Tell of digests that a mail server accepted; messages of other kinds are left out.

    Args:
        message_ids: ids of the messages' rows.
    """
    if not message_ids or not has_listener(tx, WebhookEvent.DIGEST_SENT):
        return
    happenings: list[Happening] = []
    for batch in split_into_batches(message_ids):
        rows = tx.execute(
            select(messages.c.subscriber_id, messages.c.key, messages.c.digest_id).where(
                messages.c.id.in_(batch),
                messages.c.kind == MessageKind.DIGEST.value,
                messages.c.subscriber_id.is_not(None),
            )
        ).all()
        papers: dict[int, list[int]] = {row.digest_id: [] for row in rows}
        for item in tx.execute(
            select(digest_items.c.digest_id, digest_items.c.paper_id)
            .where(digest_items.c.digest_id.in_([ident for ident in papers if ident is not None]))
            .order_by(digest_items.c.digest_id, digest_items.c.position)
        ):
            papers[item.digest_id].append(item.paper_id)
        happenings += [
            Happening(
                subscriber_id=row.subscriber_id,
                data={"date": row.key, "papers": papers[row.digest_id]},
            )
            for row in rows
        ]
    add(tx, WebhookEvent.DIGEST_SENT, happenings, at=at)


def add_left(
    tx: Connection, subscriber_id: int, reason: str, *, at: datetime, deleted: bool = False
) -> None:
    """Tell that a reader left.

    Args:
        reason: "left", "complaint" or "deleted".
    """
    happening = Happening(subscriber_id=subscriber_id, data={"reason": reason})
    add(tx, WebhookEvent.UNSUBSCRIBED, [happening], at=at, deleted=deleted)


def _load_emails(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    emails: dict[int, str] = {}
    for batch in split_into_batches(ids):
        query = select(subscribers.c.id, subscribers.c.email).where(subscribers.c.id.in_(batch))
        emails |= {row.id: row.email for row in tx.execute(query)}
    return emails
