"""Webhooks, and their events that wait, were delivered, or were given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, or_, select, update

from digest.errors import NotFoundError
from digest.model import Webhook, WebhookDelivery, WebhookEvent
from digest.store.statements import insert
from digest.store.tables import webhook_deliveries, webhooks

#: characters of an error that are kept
_ERROR_MAX = 500


def add(
    tx: Connection,
    *,
    url: str,
    events: Sequence[WebhookEvent],
    addresses: bool,
    secret: bytes,
    now: datetime,
) -> Webhook:
    values = {
        "url": url,
        "events": [event.value for event in events],
        "addresses": addresses,
        "secret": secret,
        "created_at": now,
        "error": "",
    }
    row = tx.execute(webhooks.insert().values(**values).returning(webhooks)).one()
    return _build_webhook(row)


def set_from_config(
    tx: Connection,
    source: str,
    *,
    url: str,
    events: Sequence[WebhookEvent],
    secret: bytes,
    now: datetime,
) -> None:
    """Add the webhook of a section of the config, or change it and turn it on."""
    values = {
        "url": url,
        "events": [event.value for event in events],
        "addresses": False,
        "secret": secret,
        "failing_since": None,
        "disabled_at": None,
        "error": "",
    }
    statement = insert(tx, webhooks).values(source=source, created_at=now, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))


def remove_from_config(tx: Connection, source: str) -> None:
    """Delete the webhook of a section of the config, with everything that waits for it."""
    tx.execute(delete(webhooks).where(webhooks.c.source == source))


def find_from_config(tx: Connection, source: str) -> Webhook | None:
    """Find the webhook of a section of the config."""
    row = tx.execute(select(webhooks).where(webhooks.c.source == source)).one_or_none()
    return None if row is None else _build_webhook(row)


def list_all(tx: Connection) -> list[Webhook]:
    """List all webhooks, oldest first."""
    return [_build_webhook(row) for row in tx.execute(select(webhooks).order_by(webhooks.c.id))]


def load(tx: Connection, ident: int) -> Webhook:
    """Load a webhook.

    Raises:
        NotFoundError: there is none with that id.
    """
    row = tx.execute(select(webhooks).where(webhooks.c.id == ident)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no webhook {ident}. `digest webhooks list` shows them")
    return _build_webhook(row)


def remove(tx: Connection, ident: int) -> bool:
    """Delete a webhook with everything that waits for it; False when there is none."""
    return tx.execute(delete(webhooks).where(webhooks.c.id == ident)).rowcount == 1


def enable(tx: Connection, ident: int) -> None:
    """Turn a webhook on again; what it missed is not sent."""
    values = {"disabled_at": None, "failing_since": None, "error": ""}
    tx.execute(update(webhooks).where(webhooks.c.id == ident).values(values))


def list_deliveries(
    tx: Connection, webhook_id: int, *, before: int | None = None, limit: int = 100
) -> list[WebhookDelivery]:
    """List the events of a webhook, newest first.

    Args:
        before: only those with a smaller id; None = from the newest on.
    """
    query = select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id)
    if before is not None:
        query = query.where(webhook_deliveries.c.id < before)
    rows = tx.execute(query.order_by(webhook_deliveries.c.id.desc()).limit(limit))
    return [_build_delivery(row) for row in rows]


def count_by_state(tx: Connection) -> dict[int, dict[str, int]]:
    """Count the events of each webhook by state."""
    counts: dict[int, dict[str, int]] = {}
    for ident, state, n in tx.execute(
        select(webhook_deliveries.c.webhook_id, webhook_deliveries.c.state, func.count()).group_by(
            webhook_deliveries.c.webhook_id, webhook_deliveries.c.state
        )
    ):
        counts.setdefault(ident, {})[state] = n
    return counts


def claim(
    tx: Connection, *, now: datetime, until: datetime, limit: int
) -> list[tuple[Webhook, list[WebhookDelivery]]]:
    """Claim events that are due, those that wait longest first, by webhook.

    Two senders never claim the same event. A claim that is not settled ends at `until`.
    """
    due = _is_due(now)
    newly = select(webhook_deliveries.c.id).where(due).order_by(webhook_deliveries.c.id)
    claimed = tx.execute(
        update(webhook_deliveries)
        # the condition is checked again under the lock of the row
        .where(webhook_deliveries.c.id.in_(newly.limit(limit)), due)
        .values(next_at=until, attempts=webhook_deliveries.c.attempts + 1)
        .returning(webhook_deliveries)
    ).all()
    by_webhook: dict[int, list[WebhookDelivery]] = {}
    for row in sorted(claimed, key=lambda row: row.id):
        by_webhook.setdefault(row.webhook_id, []).append(_build_delivery(row))
    rows = tx.execute(select(webhooks).where(webhooks.c.id.in_(by_webhook)))
    return [(_build_webhook(row), by_webhook[row.id]) for row in rows]


def has_due(tx: Connection, *, now: datetime) -> bool:
    """Return whether anything is due; unlike a claim it takes no lock."""
    due = select(webhook_deliveries.c.id).where(_is_due(now)).limit(1)
    return tx.execute(due).first() is not None


def _is_due(now: datetime) -> Any:
    row = webhook_deliveries.c
    return and_(row.state == "waiting", or_(row.next_at.is_(None), row.next_at <= now))


def mark_delivered(
    tx: Connection, delivery: WebhookDelivery, *, status: int, now: datetime
) -> None:
    """Record that a webhook took an event."""
    values = {"state": "delivered", "status": status, "error": "", "ended_at": now}
    _settle(tx, delivery, values)
    tx.execute(
        update(webhooks)
        .where(webhooks.c.id == delivery.webhook_id, webhooks.c.failing_since.is_not(None))
        .values(failing_since=None, error="")
    )


def mark_failed(
    tx: Connection,
    delivery: WebhookDelivery,
    *,
    status: int,
    error: str,
    retry_at: datetime | None,
    now: datetime,
) -> None:
    """Record a failed attempt.

    Args:
        retry_at: when it is tried again; None = it is given up.
    """
    values = {
        "state": "failed" if retry_at is None else "waiting",
        "status": status,
        "error": error[:_ERROR_MAX],
        "ended_at": now if retry_at is None else None,
        "next_at": retry_at,
    }
    _settle(tx, delivery, values)
    tx.execute(
        update(webhooks)
        .where(webhooks.c.id == delivery.webhook_id)
        .values(
            error=error[:_ERROR_MAX],
            failing_since=case(
                (webhooks.c.failing_since.is_(None), now), else_=webhooks.c.failing_since
            ),
        )
    )


def release(
    tx: Connection, deliveries: Sequence[WebhookDelivery], *, until: datetime | None
) -> None:
    """Give claimed events back untried; they are due again at `until`, None = at once."""
    tx.execute(
        update(webhook_deliveries)
        .where(
            webhook_deliveries.c.id.in_([delivery.id for delivery in deliveries]),
            webhook_deliveries.c.state == "waiting",
        )
        .values(next_at=until, attempts=webhook_deliveries.c.attempts - 1)
    )


def _settle(tx: Connection, delivery: WebhookDelivery, values: dict[str, Any]) -> None:
    """Settle an event, unless a later attempt has settled it."""
    tx.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery.id, webhook_deliveries.c.state == "waiting")
        .values(values)
    )


def disable(tx: Connection, ident: int, *, now: datetime) -> None:
    """Turn a webhook off and give up what waits for it."""
    tx.execute(update(webhooks).where(webhooks.c.id == ident).values(disabled_at=now))
    tx.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.webhook_id == ident, webhook_deliveries.c.state == "waiting")
        .values(state="failed", error="the webhook was turned off", ended_at=now, next_at=None)
    )


def purge(tx: Connection, *, before: datetime) -> int:
    """Delete events that ended before a time; return how many."""
    return tx.execute(
        delete(webhook_deliveries).where(webhook_deliveries.c.ended_at < before)
    ).rowcount


def _build_webhook(row: Row[Any]) -> Webhook:
    values = dict(row._mapping)
    # an event that another version knows is left out
    known = [name for name in values["events"] if name in list(WebhookEvent)]
    return Webhook(**(values | {"events": tuple(WebhookEvent(name) for name in known)}))


def _build_delivery(row: Row[Any]) -> WebhookDelivery:
    values = dict(row._mapping)
    values.pop("subscriber_id")
    return WebhookDelivery(**values)
