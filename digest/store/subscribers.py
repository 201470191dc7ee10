"""Subscribers and their interests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, select, update

from digest.errors import StoreError
from digest.model import Interest, MessageKind, Subscriber, SubscriberStatus, address_key
from digest.store import outbox
from digest.store.sources import library_row
from digest.store.statements import insert, split_into_batches
from digest.store.tables import interests, messages, source_states, subscribers

# Statements of every press are built once; building them costs more than running them.
_ONE = select(subscribers).where(subscribers.c.id == bindparam("reader"))
_ONE_LOCKED = _ONE.with_for_update()
_INTERESTS_OF_ONE = (
    select(interests)
    .where(interests.c.subscriber_id == bindparam("reader"))
    .order_by(interests.c.id)
)
_INTERESTS = (
    select(interests)
    .where(interests.c.subscriber_id.in_(bindparam("readers", expanding=True)))
    .order_by(interests.c.id)
)


def add(
    tx: Connection,
    subscriber: Subscriber,
    *,
    origin: str,
    now: datetime,
    created: datetime | None = None,
) -> Subscriber:
    """Store a new subscriber with interests; return it with its id.

    Args:
        subscriber: its id is ignored.
        created: when they joined; None = now.

    Raises:
        StoreError: another transaction has added the address meanwhile; `Store.commit` tries again.
    """
    values = _to_row(subscriber) | {
        "origin": origin,
        "created_at": created or now,
        "changed_at": now,
        "added_at": now,
    }
    statement = insert(tx, subscribers).values(**values)
    ident = tx.execute(
        statement.on_conflict_do_nothing(index_elements=["email_key"]).returning(subscribers.c.id)
    ).scalar_one_or_none()
    if ident is None:
        raise StoreError("another process added this address at the same moment", reason="conflict")
    _add_interests(tx, ident, subscriber.interests)
    return _load_one(tx, subscribers.c.id == ident)


def add_many(tx: Connection, new: Sequence[Subscriber], *, origin: str, now: datetime) -> list[int]:
    """Store many new subscribers at once; return their ids, in the same order.

    Args:
        new: their ids are ignored; they joined when `created` says, and are added to this install
            now.
    """
    dates = {"origin": origin, "changed_at": now, "added_at": now}
    rows = [_to_row(subscriber) | dates | {"created_at": subscriber.created} for subscriber in new]
    if not rows:
        return []
    statement = subscribers.insert().returning(subscribers.c.id, sort_by_parameter_order=True)
    ids = list(tx.execute(statement, rows).scalars())
    own = [
        _interest_to_row(ident, interest)
        for ident, subscriber in zip(ids, new, strict=True)
        for interest in subscriber.interests
    ]
    if own:
        tx.execute(interests.insert(), own)
    return ids


def overwrite(tx: Connection, subscriber: Subscriber, *, now: datetime) -> Subscriber:
    """Overwrite everything but the id and the dates of joining."""
    tx.execute(
        update(subscribers)
        .where(subscribers.c.id == subscriber.id)
        .values(**_to_row(subscriber), changed_at=now)
    )
    tx.execute(delete(interests).where(interests.c.subscriber_id == subscriber.id))
    _add_interests(tx, subscriber.id, subscriber.interests)
    return _load_one(tx, subscribers.c.id == subscriber.id)


def was_confirmed(tx: Connection, ident: int) -> bool:
    """Return whether the operator or the reader ever confirmed the address."""
    welcomed = exists().where(
        messages.c.subscriber_id == ident, messages.c.kind == MessageKind.WELCOME.value
    )
    query = select(subscribers.c.id).where(
        subscribers.c.id == ident, subscribers.c.origin.not_in(("page", "api")) | welcomed
    )
    return tx.execute(query).scalar_one_or_none() is not None


def load_origins(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Load how subscribers joined, by id."""
    columns = select(subscribers.c.id, subscribers.c.origin)
    return {
        row.id: row.origin
        for batch in split_into_batches(ids)
        for row in tx.execute(columns.where(subscribers.c.id.in_(batch)))
    }


def load_origin(tx: Connection, ident: int) -> str:
    """Load how a subscriber joined, "" if there is none."""
    query = select(subscribers.c.origin).where(subscribers.c.id == ident)
    return tx.execute(query).scalar_one_or_none() or ""


def set_status(
    tx: Connection,
    ident: int,
    status: SubscriberStatus,
    *,
    now: datetime,
    due_from: datetime | None = None,
) -> bool:
    """Set the status; return whether that changed it.

    Args:
        due_from: no digest that was due before counts as missed; None = as before.
    """
    since = {} if due_from is None else {"due_from": due_from}
    if status is SubscriberStatus.LEFT and _is_subscribed(tx, ident):
        outbox.add_left(tx, ident, "left", at=now)
    done = tx.execute(
        update(subscribers)
        .where(subscribers.c.id == ident, subscribers.c.status != status.value)
        .values(status=status.value, changed_at=now, **since)
    )
    return done.rowcount == 1


def _is_subscribed(tx: Connection, ident: int) -> bool:
    """Return whether the reader confirmed and has not left."""
    query = select(subscribers.c.status).where(subscribers.c.id == ident)
    status = tx.execute(query).scalar_one_or_none()
    return status not in (None, SubscriberStatus.PENDING.value, SubscriberStatus.LEFT.value)


def lock(tx: Connection, ident: int) -> None:
    """Lock a subscriber's row before reading and writing.

    SQLite has one writer anyhow.
    """
    tx.execute(select(subscribers.c.id).where(subscribers.c.id == ident).with_for_update())


def remove(tx: Connection, ident: int, *, now: datetime) -> bool:
    """Delete a subscriber and all that belongs to them.

    Interests, thumbs, digests, messages, deliveries, bounces, and how far libraries were fetched.

    Returns:
        False when there is no such subscriber.
    """
    # Lock the reader first, in the same order as a sender: else there could be a deadlock.
    tx.execute(select(subscribers.c.id).where(subscribers.c.id == ident).with_for_update())
    tx.execute(delete(source_states).where(source_states.c.name == library_row(ident)))
    if _is_subscribed(tx, ident):
        outbox.add_left(tx, ident, "deleted", at=now, deleted=True)
    return tx.execute(delete(subscribers).where(subscribers.c.id == ident)).rowcount == 1


def find_by_email(tx: Connection, email: str) -> Subscriber | None:
    return next(iter(_load_many(tx, subscribers.c.email_key == address_key(email))), None)


def find(tx: Connection, ident: int, *, lock: bool = False) -> Subscriber | None:
    """Find a subscriber by id.

    Args:
        lock: lock the row first, as `lock` does.
    """
    row = tx.execute(_ONE_LOCKED if lock else _ONE, {"reader": ident}).one_or_none()
    if row is None:
        return None
    own = [_build_interest(each) for each in tx.execute(_INTERESTS_OF_ONE, {"reader": ident})]
    return _build_subscriber(row, own)


def load(tx: Connection, ids: Iterable[int]) -> dict[int, Subscriber]:
    loaded: dict[int, Subscriber] = {}
    for batch in split_into_batches(list(ids)):
        loaded |= {s.id: s for s in _load_many(tx, subscribers.c.id.in_(batch))}
    return loaded


def list_by_status(tx: Connection, *statuses: SubscriberStatus) -> list[Subscriber]:
    """List subscribers in order of joining; with any status when none is named."""
    return _load_many(
        tx,
        subscribers.c.status.in_([s.value for s in statuses]) if statuses else subscribers.c.id > 0,
    )


def load_page(
    tx: Connection,
    *,
    after: int,
    limit: int,
    status: SubscriberStatus | None = SubscriberStatus.ACTIVE,
) -> list[Subscriber]:
    """Load a page of subscribers with an id above `after`, in order of id.

    Args:
        status: that they have; None = any.
    """
    query = select(subscribers.c.id).where(subscribers.c.id > after)
    if status is not None:
        query = query.where(subscribers.c.status == status.value)
    ids = tx.execute(query.order_by(subscribers.c.id).limit(limit)).scalars()
    return list(load(tx, ids).values())


def list_active_ids(tx: Connection) -> list[int]:
    """List the ids of all active subscribers."""
    active = subscribers.c.status == SubscriberStatus.ACTIVE.value
    return list(tx.execute(select(subscribers.c.id).where(active)).scalars())


def count_by_status(tx: Connection) -> dict[SubscriberStatus, int]:
    rows = tx.execute(select(subscribers.c.status, func.count()).group_by(subscribers.c.status))
    return {SubscriberStatus(status): n for status, n in rows}


def _load_one(tx: Connection, where: Any) -> Subscriber:
    (subscriber,) = _load_many(tx, where)
    return subscriber


def _load_many(tx: Connection, where: Any) -> list[Subscriber]:
    rows = tx.execute(select(subscribers).where(where).order_by(subscribers.c.id)).all()
    interests_of: dict[int, list[Interest]] = defaultdict(list)
    for batch in split_into_batches([row.id for row in rows]):
        for interest in tx.execute(_INTERESTS, {"readers": batch}):
            interests_of[interest.subscriber_id].append(_build_interest(interest))
    return [_build_subscriber(row, interests_of[row.id]) for row in rows]


def _build_interest(row: Row[Any]) -> Interest:
    return Interest(
        name=row.name,
        share=row.share,
        keywords=tuple(row.keywords),
        categories=tuple(row.categories),
        authors=tuple(row.authors),
        papers=tuple(row.papers),
        text=row.text,
    )


def _build_subscriber(row: Row[Any], own: Sequence[Interest]) -> Subscriber:
    return Subscriber(
        id=row.id,
        email=row.email,
        name=row.name,
        status=SubscriberStatus(row.status),
        timezone=row.timezone,
        hour=row.hour,
        days=tuple(row.days),
        size=row.size,
        strictness=int(row.strictness) if row.strictness.isdigit() else row.strictness,
        quiet_days=row.quiet_days,
        language=row.language,
        interests=tuple(own),
        created=row.created_at,
        due_from=row.due_from,
        added=row.added_at,
    )


def _to_row(s: Subscriber) -> dict[str, Any]:
    return {
        "email": s.email,
        "email_key": address_key(s.email),
        "name": s.name,
        "status": s.status.value,
        "timezone": s.timezone,
        "hour": s.hour,
        "days": list(s.days),
        "size": s.size,
        "strictness": str(s.strictness),
        "quiet_days": s.quiet_days,
        "language": s.language,
        "due_from": s.due_from,
    }


def _add_interests(tx: Connection, ident: int, new: Sequence[Interest]) -> None:
    for interest in new:
        tx.execute(interests.insert().values(**_interest_to_row(ident, interest)))


def _interest_to_row(ident: int, interest: Interest) -> dict[str, Any]:
    return {
        "subscriber_id": ident,
        "name": interest.name,
        "share": interest.share,
        "keywords": list(interest.keywords),
        "categories": list(interest.categories),
        "authors": list(interest.authors),
        "papers": list(interest.papers),
        "text": interest.text,
    }
