"""Sign-ups of strangers: the log that limits are counted from, and those that nobody confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, text

from digest.model import MessageKind, SubscriberStatus
from digest.store.tables import digests, feedback, messages, signups, subscribers

#: names the lock of those who count; any number that nothing else uses
_LOCK = 7_310_552


def lock(tx: Connection) -> None:
    """Let others who would count wait until this transaction ends."""
    if tx.dialect.name == "postgresql":  # SQLite has one writer at a time
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def record(tx: Connection, client: str, *, now: datetime) -> None:
    tx.execute(signups.insert().values(client=client, at=now))


def find_newest(
    tx: Connection, place: int, *, since: datetime, client: str | None = None
) -> datetime | None:
    """When the newest but `place - 1` came, of one client or of all; None where fewer did."""
    query = select(signups.c.at).where(signups.c.at > since)
    if client is not None:
        query = query.where(signups.c.client == client)
    query = query.order_by(signups.c.at.desc()).offset(place - 1).limit(1)
    return tx.execute(query).scalar_one_or_none()


def count(tx: Connection, *, since: datetime) -> int:
    query = select(func.count()).select_from(signups).where(signups.c.at > since)
    return int(tx.execute(query).scalar_one())


def delete_old(tx: Connection, *, before: datetime) -> None:
    """Drop what no limit counts any more."""
    tx.execute(delete(signups).where(signups.c.at <= before))


def list_unconfirmed(tx: Connection, *, before: datetime, limit: int) -> list[int]:
    """Subscribers who asked by page or API, last before that time, and never confirmed.

    Whoever ever got more than the question whether the address is theirs, or gave a thumb, has.
    """
    query = select(subscribers.c.id).where(*_unconfirmed(before))
    return list(tx.execute(query.order_by(subscribers.c.id).limit(limit)).scalars())


def remove_unconfirmed(tx: Connection, ident: int, *, before: datetime) -> bool:
    """Delete one of them with all that is theirs; False: they have confirmed or asked since."""
    # The reader first, as whoever begins to send does, so that neither waits for the other.
    tx.execute(select(subscribers.c.id).where(subscribers.c.id == ident).with_for_update())
    gone = delete(subscribers).where(subscribers.c.id == ident, *_unconfirmed(before))
    return tx.execute(gone).rowcount == 1


def _unconfirmed(before: datetime) -> tuple[ColumnElement[bool], ...]:
    theirs = subscribers.c.id
    other = (messages.c.subscriber_id == theirs) & (messages.c.kind != MessageKind.CONFIRM.value)
    return (
        subscribers.c.status == SubscriberStatus.PENDING.value,
        subscribers.c.changed_at < before,
        subscribers.c.origin.in_(("page", "api")),
        ~exists().where(other),
        ~exists().where(feedback.c.subscriber_id == theirs),
        ~exists().where(digests.c.subscriber_id == theirs),
    )
