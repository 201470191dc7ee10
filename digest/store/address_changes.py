"""Addresses that readers are changing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from digest.model import AddressChange, AddressChangeState, MessageKind, MessageState, address_key
from digest.store.tables import address_changes, messages

#: states of a message that may still go out
_NOT_SENT = (MessageState.PLANNED, MessageState.DEFERRED, MessageState.CLAIMED)


def add(tx: Connection, subscriber_id: int, old: str, new: str, *, now: datetime) -> AddressChange:
    """Store that a reader asked for another address; earlier questions end."""
    tx.execute(
        update(address_changes)
        .where(address_changes.c.subscriber_id == subscriber_id, address_changes.c.state == "asked")
        .values(state="ended", settled_at=now)
    )
    values = {
        "subscriber_id": subscriber_id,
        "old_email": old,
        "new_email": new,
        "new_email_key": address_key(new),
        "state": "asked",
        "asked_at": now,
        "settled_at": None,
    }
    row = tx.execute(address_changes.insert().values(**values).returning(address_changes)).one()
    return _build(row)


def find(tx: Connection, ident: int) -> AddressChange | None:
    row = tx.execute(select(address_changes).where(address_changes.c.id == ident)).one_or_none()
    return None if row is None else _build(row)


def find_asked(tx: Connection, email: str, *, since: datetime) -> AddressChange | None:
    """Find the newest question since a time whether a digest may move to an address."""
    query = (
        select(address_changes)
        .where(
            address_changes.c.new_email_key == address_key(email),
            address_changes.c.state == "asked",
            address_changes.c.asked_at >= since,
        )
        .order_by(address_changes.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _build(row)


def list_since(tx: Connection, subscriber_id: int, since: datetime) -> list[AddressChange]:
    """List what a reader asked for since a time, the oldest first."""
    query = (
        select(address_changes)
        .where(
            address_changes.c.subscriber_id == subscriber_id, address_changes.c.asked_at >= since
        )
        .order_by(address_changes.c.id)
    )
    return [_build(row) for row in tx.execute(query)]


def set_state(tx: Connection, ident: int, state: AddressChangeState, *, now: datetime) -> None:
    tx.execute(
        update(address_changes)
        .where(address_changes.c.id == ident)
        .values(state=state, settled_at=now)
    )


def is_notice_waiting(tx: Connection, change: AddressChange) -> bool:
    """Return whether the old address was not told of a change yet."""
    query = select(messages.c.id).where(
        messages.c.kind == MessageKind.NOTICE.value,
        messages.c.subscriber_id == change.subscriber_id,
        messages.c.key == str(change.id),
        messages.c.state.in_([state.value for state in _NOT_SENT]),
        messages.c.attempts == 0,
    )
    return tx.execute(query).first() is not None


def find_address_of_message(tx: Connection, message_id: int) -> str:
    """Find the address that a message went to, if its reader has moved since; else ""."""
    query = (
        select(address_changes.c.old_email)
        .join(messages, messages.c.subscriber_id == address_changes.c.subscriber_id)
        .where(
            messages.c.id == message_id,
            address_changes.c.state == "done",
            address_changes.c.settled_at > messages.c.not_before,
        )
        .order_by(address_changes.c.id)
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none() or ""


def delete_old(tx: Connection, *, before: datetime) -> None:
    """Delete changes that were asked for before a time, with the old addresses."""
    tx.execute(delete(address_changes).where(address_changes.c.asked_at < before))


def _build(row: Row[Any]) -> AddressChange:
    return AddressChange(
        id=row.id,
        subscriber_id=row.subscriber_id,
        old_email=row.old_email,
        new_email=row.new_email,
        state=row.state,
        asked_at=row.asked_at,
    )
