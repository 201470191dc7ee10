"""Suppressed addresses, which get no mail.

Stored by address, so that deleting a subscriber or subscribing again does not lift a suppression.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Row, select, update
from sqlalchemy import delete as delete_from

from digest.model import SubscriberStatus, Suppression, SuppressionReason, address_key
from digest.store import bounces, ledger, outbox
from digest.store.statements import insert, split_into_batches
from digest.store.tables import subscribers, suppressions

_EVIDENCE = 2000


def find(tx: Connection, email: str) -> Suppression | None:
    return find_many(tx, [email]).get(address_key(email))


def find_many(tx: Connection, emails: Iterable[str]) -> dict[str, Suppression]:
    """Find which addresses are suppressed, by the key of the address."""
    by_key = {}
    for batch in split_into_batches(list({address_key(email) for email in emails})):
        for row in tx.execute(select(suppressions).where(suppressions.c.email_key.in_(batch))):
            by_key[row.email_key] = _build_suppression(row)
    return by_key


def list_all(tx: Connection) -> list[Suppression]:
    """List all suppressions, newest last."""
    rows = tx.execute(select(suppressions).order_by(suppressions.c.since, suppressions.c.email_key))
    return [_build_suppression(row) for row in rows]


def add(tx: Connection, suppression: Suppression, *, now: datetime) -> bool:
    """Suppress an address, and skip what waits for its subscriber.

    After a complaint the reader has left, and may come back by their own link. Any other
    suppression needs the operator, and replaces a complaint.

    Returns:
        False when it was suppressed already.
    """
    address, complaint = (
        address_key(suppression.address),
        suppression.reason is SuppressionReason.COMPLAINT,
    )
    reader = tx.execute(
        select(subscribers.c.id, subscribers.c.status).where(subscribers.c.email_key == address)
    ).one_or_none()
    values = {
        "email": suppression.address,
        "reason": suppression.reason.value,
        "since": suppression.since,
        "evidence": suppression.evidence[:_EVIDENCE],
    }
    statement = insert(tx, suppressions).values(
        email_key=address, previous_status=reader.status if reader else "", **values
    )
    if (
        tx.execute(
            statement.on_conflict_do_nothing().returning(suppressions.c.email_key)
        ).scalar_one_or_none()
        is None
    ):
        if complaint:
            mark_left(tx, suppression.address)
            return False
        weaker = (
            suppressions.c.email_key == address,
            suppressions.c.reason == SuppressionReason.COMPLAINT.value,
        )
        if not tx.execute(
            update(suppressions)
            .where(*weaker)
            .values(values | {"previous_status": SubscriberStatus.LEFT.value})
        ).rowcount:
            return False
    if reader is not None:
        status = SubscriberStatus.LEFT if complaint else SubscriberStatus.SUPPRESSED
        if complaint and reader.status not in (SubscriberStatus.LEFT, SubscriberStatus.PENDING):
            outbox.add_left(tx, reader.id, "complaint", at=now)
        tx.execute(
            update(subscribers)
            .where(subscribers.c.id == reader.id)
            .values(status=status.value, changed_at=now)
        )
        ledger.skip_waiting(tx, reader.id, now=now, all_kinds=True)
    return True


def mark_left(tx: Connection, email: str) -> None:
    """Record that a suppressed reader leaves.

    So a later release does not bring them back.
    """
    tx.execute(
        update(suppressions)
        .where(suppressions.c.email_key == address_key(email))
        .values(previous_status=SubscriberStatus.LEFT.value)
    )


def release(tx: Connection, email: str, *, now: datetime) -> Suppression | None:
    """Lift a suppression and restore the subscriber's status.

    None when there was none.
    """
    gone = (
        delete_from(suppressions)
        .where(suppressions.c.email_key == address_key(email))
        .returning(suppressions)
    )
    row = tx.execute(gone).one_or_none()
    if row is None:
        return None
    bounces.forgive(tx, email)
    status = (
        row.previous_status
        if row.previous_status not in ("", SubscriberStatus.SUPPRESSED.value)
        else SubscriberStatus.ACTIVE.value
    )
    tx.execute(
        update(subscribers)
        .where(
            subscribers.c.email_key == address_key(email),
            subscribers.c.status == SubscriberStatus.SUPPRESSED.value,
        )
        .values(status=status, changed_at=now, due_from=now)
    )
    return _build_suppression(row)


def _build_suppression(row: Row[tuple[object, ...]]) -> Suppression:
    return Suppression(
        address=row.email,
        reason=SuppressionReason(row.reason),
        since=row.since,
        evidence=row.evidence,
        before=SubscriberStatus(row.previous_status) if row.previous_status else None,
    )
