"""Sign-ups by page or API: a log for rate limits, and the unconfirmed ones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, text

from digest.model import MessageKind, SubscriberStatus
from digest.store.sources import library_row
from digest.store.tables import digests, feedback, messages, signups, source_states, subscribers

#: any fixed number: it names the advisory lock of those who count
_LOCK = 7_310_552


def lock(tx: Connection) -> None:
    """Lock the log, so that others wait to count until this transaction ends."""
    if tx.dialect.name == "postgresql":  # SQLite has one writer at a time
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def record(tx: Connection, client: str, *, now: datetime) -> None:
    tx.execute(signups.insert().values(client=client, at=now))


def find_newest(
    tx: Connection, place: int, *, since: datetime, client: str | None = None
) -> datetime | None:
    """Find the time of the `place`-th newest sign-up; None where there are fewer.

    Args:
        client: None = of all clients.
    """
    query = select(signups.c.at).where(signups.c.at > since)
    if client is not None:
        query = query.where(signups.c.client == client)
    query = query.order_by(signups.c.at.desc()).offset(place - 1).limit(1)
    return tx.execute(query).scalar_one_or_none()


def count(tx: Connection, *, since: datetime) -> int:
    query = select(func.count()).select_from(signups).where(signups.c.at > since)
    return int(tx.execute(query).scalar_one())


def delete_old(tx: Connection, *, before: datetime) -> None:
    """Delete sign-ups that no limit counts any more."""
    tx.execute(delete(signups).where(signups.c.at <= before))


def list_unconfirmed(tx: Connection, *, before: datetime, limit: int) -> list[int]:
    """List subscribers who signed up, last before a time, and never confirmed.

    Who ever got another mail than the confirmation, or gave a thumb, counts as confirmed.
    """
    query = select(subscribers.c.id).where(*_unconfirmed_conditions(before))
    return list(tx.execute(query.order_by(subscribers.c.id).limit(limit)).scalars())


def count_unconfirmed(tx: Connection, *, before: datetime) -> int:
    """Count the subscribers that `list_unconfirmed` lists."""
    query = select(func.count()).select_from(subscribers).where(*_unconfirmed_conditions(before))
    return int(tx.execute(query).scalar_one())


def remove_unconfirmed(tx: Connection, ident: int, *, before: datetime) -> bool:
    """Delete such a subscriber.

    Return False when they have confirmed or signed up since.
    """
    # Lock the reader first, in the same order as a sender, so that no deadlock is possible.
    tx.execute(select(subscribers.c.id).where(subscribers.c.id == ident).with_for_update())
    gone = delete(subscribers).where(subscribers.c.id == ident, *_unconfirmed_conditions(before))
    if tx.execute(gone).rowcount != 1:
        return False
    tx.execute(delete(source_states).where(source_states.c.name == library_row(ident)))
    return True


def _unconfirmed_conditions(before: datetime) -> tuple[ColumnElement[bool], ...]:
    reader = subscribers.c.id
    other = (messages.c.subscriber_id == reader) & (messages.c.kind != MessageKind.CONFIRM.value)
    return (
        subscribers.c.status == SubscriberStatus.PENDING.value,
        subscribers.c.changed_at < before,
        subscribers.c.origin.in_(("page", "api")),
        ~exists().where(other),
        ~exists().where(feedback.c.subscriber_id == reader),
        ~exists().where(digests.c.subscriber_id == reader),
    )
