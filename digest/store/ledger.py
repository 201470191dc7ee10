"""The ledger of messages and deliveries: every change of state is one conditional UPDATE that names the state it leaves.

planned -> claimed -> sending -> accepted | rejected | deferred | unknown; a lost claim goes back to planned, a lost
sending becomes unknown, whatever waits past its window expires, and who has left is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from digest.model import Delivery, MessageKind, MessageState, Queued, Standing
from digest.store import subscribers as subscriber_rows
from digest.store.engine import insert
from digest.store.tables import deliveries, messages, subscribers

#: a sender that does not renew its claims for so long has lost them
LEASE = timedelta(seconds=60)
CLAIM_MAX = 50
#: pauses between attempts on a message that a server asked to bring back later
PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=2))

_WAITING = (MessageState.PLANNED.value, MessageState.DEFERRED.value)
#: mail about leaving or confirming goes to people who are not (or no longer) subscribed
_TO_ANYONE = (MessageKind.CONFIRM.value, MessageKind.GOODBYE.value, MessageKind.ALERT.value)


def plan(
    tx: Connection, *, kind: MessageKind, subscriber_id: int, key: str, message_id: str, not_before: datetime, expires_at: datetime
) -> bool:
    """Plan a message that is no digest; False when the same one (kind, subscriber, key) stands already."""
    statement = insert(tx, messages).values(
        kind=kind.value,
        subscriber_id=subscriber_id,
        key=key,
        digest_id=None,
        message_id=message_id,
        state=MessageState.PLANNED.value,
        owner="",
        lease_until=None,
        not_before=not_before,
        expires_at=expires_at,
        attempts=0,
        changed_at=not_before,
    )
    return tx.execute(statement.on_conflict_do_nothing().returning(messages.c.id)).scalar_one_or_none() is not None


def recover(tx: Connection, *, dead: Iterable[str], now: datetime) -> dict[str, int]:
    """Free what senders lost that are dead or silent; expire and skip what must not be sent any more. Returns counts by new state."""
    gone = messages.c.owner.in_(list(dead)) | (messages.c.lease_until < now)
    claimed = messages.c.state == MessageState.CLAIMED.value
    sending = messages.c.state == MessageState.SENDING.value
    waiting = messages.c.state.in_(_WAITING)
    left = subscribers.c.standing.in_([Standing.LEFT.value, Standing.SUPPRESSED.value])
    absent = select(subscribers.c.id).where(left)
    return {
        "planned": _move(tx, and_(claimed, gone), MessageState.PLANNED, now),
        "unknown": _move(tx, and_(sending, gone), MessageState.UNKNOWN, now),
        "expired": _move(tx, and_(waiting, messages.c.expires_at <= now), MessageState.EXPIRED, now),
        "skipped": _move(
            tx, and_(waiting, messages.c.kind.not_in(_TO_ANYONE), messages.c.subscriber_id.in_(absent)), MessageState.SKIPPED, now
        ),
    }


def _move(tx: Connection, where: Any, state: MessageState, now: datetime) -> int:
    return tx.execute(update(messages).where(where).values(state=state.value, owner="", lease_until=None, changed_at=now)).rowcount


def owners(tx: Connection) -> set[str]:
    """Everybody who holds a claim."""
    states = (MessageState.CLAIMED.value, MessageState.SENDING.value)
    return set(tx.execute(select(messages.c.owner).where(messages.c.state.in_(states)).distinct()).scalars())


def claim(tx: Connection, *, owner: str, now: datetime, limit: int = CLAIM_MAX, only: Sequence[int] | None = None) -> list[Queued]:
    """Take up to `limit` messages that are due, the longest waiting first; `only` narrows them to some subscribers."""
    due = and_(messages.c.state.in_(_WAITING), messages.c.not_before <= now, messages.c.expires_at > now)
    if only is not None:
        due = and_(due, messages.c.subscriber_id.in_(list(only)))
    idents = select(messages.c.id).where(due).order_by(messages.c.not_before, messages.c.id).limit(min(limit, CLAIM_MAX))
    if tx.dialect.name == "postgresql":
        idents = idents.with_for_update(skip_locked=True)
    claimed = tx.execute(
        update(messages)
        .where(messages.c.id.in_(idents), messages.c.state.in_(_WAITING))
        .values(state=MessageState.CLAIMED.value, owner=owner, lease_until=now + LEASE, changed_at=now)
        .returning(messages)
    ).all()
    people = subscriber_rows.by_ids(tx, {row.subscriber_id for row in claimed})
    return [
        Queued(
            id=row.id,
            kind=MessageKind(row.kind),
            subscriber=people[row.subscriber_id],
            key=row.key,
            message_id=row.message_id,
            digest_id=row.digest_id,
            attempts=row.attempts,
        )
        for row in sorted(claimed, key=lambda row: (row.not_before, row.id))
    ]


def renew(tx: Connection, *, owner: str, now: datetime) -> int:
    """Keep this sender's claims for another lease."""
    held = and_(messages.c.owner == owner, messages.c.state.in_((MessageState.CLAIMED.value, MessageState.SENDING.value)))
    return tx.execute(update(messages).where(held).values(lease_until=now + LEASE)).rowcount


def begin(tx: Connection, queued: Queued, *, owner: str, now: datetime) -> bool:
    """Commit to sending, right before the first byte of the body. False: it is not ours any more, is late, or its reader has left."""
    wanted = {Standing.ACTIVE} if queued.kind not in _TO_ANYONE else set(Standing)
    allowed = select(subscribers.c.id).where(
        subscribers.c.id == queued.subscriber.id,
        subscribers.c.standing.in_([s.value for s in wanted - {Standing.SUPPRESSED}]),
        subscribers.c.email == queued.subscriber.email,
    )
    ours = and_(messages.c.id == queued.id, messages.c.state == MessageState.CLAIMED.value, messages.c.owner == owner)
    done = tx.execute(
        update(messages)
        .where(ours, messages.c.lease_until > now, messages.c.expires_at > now, messages.c.subscriber_id.in_(allowed))
        .values(state=MessageState.SENDING.value, attempts=messages.c.attempts + 1, changed_at=now)
    )
    return done.rowcount == 1


def settle(tx: Connection, queued: Queued, delivery: Delivery, *, owner: str, now: datetime) -> MessageState:
    """Write how an attempt ended; returns the state that the message has now."""
    tx.execute(
        deliveries.insert().values(
            message_id=queued.id,
            outcome=delivery.outcome,
            server=delivery.server[:260],
            phase=delivery.phase.value,
            code=delivery.code,
            text=delivery.text[:2000],
            started_at=delivery.started,
            ended_at=delivery.ended,
        )
    )
    held = and_(
        messages.c.id == queued.id,
        messages.c.owner == owner,
        messages.c.state.in_((MessageState.CLAIMED.value, MessageState.SENDING.value)),
    )
    state = MessageState.PLANNED if delivery.outcome == "lost" else MessageState(delivery.outcome)
    values: dict[str, Any] = {"state": state.value, "owner": "", "lease_until": None, "changed_at": now}
    if state is MessageState.DEFERRED:
        values["not_before"] = now + PAUSES[min(queued.attempts, len(PAUSES) - 1)]
    tx.execute(update(messages).where(held).values(**values))
    recover(tx, dead=(), now=now)  # a message given back may have expired or lost its reader meanwhile
    return MessageState(tx.execute(select(messages.c.state).where(messages.c.id == queued.id)).scalar_one())


def release(tx: Connection, *, owner: str, now: datetime) -> int:
    """Give back the claims that were not used."""
    return _move(tx, and_(messages.c.owner == owner, messages.c.state == MessageState.CLAIMED.value), MessageState.PLANNED, now)


def skip_waiting(tx: Connection, subscriber_id: int, *, now: datetime) -> int:
    """Whoever leaves gets nothing more: skip what waits for them, but for mail about leaving."""
    waiting = and_(messages.c.subscriber_id == subscriber_id, messages.c.state.in_(_WAITING), messages.c.kind.not_in(_TO_ANYONE))
    return _move(tx, waiting, MessageState.SKIPPED, now)


def count(tx: Connection) -> dict[MessageState, int]:
    rows = tx.execute(select(messages.c.state, func.count()).group_by(messages.c.state))
    return {MessageState(state): n for state, n in rows}


def waiting(tx: Connection, *, now: datetime) -> tuple[int, int]:
    """Messages that may be sent now, and those that a server asked to bring back later."""
    due = and_(messages.c.state.in_(_WAITING), messages.c.expires_at > now)
    now_due = tx.execute(select(func.count()).where(due, messages.c.not_before <= now)).scalar_one()
    later = tx.execute(select(func.count()).where(due, messages.c.not_before > now)).scalar_one()
    return now_due, later


def troubles(tx: Connection, limit: int = 5) -> list[dict[str, Any]]:
    """The newest deliveries that did not end in acceptance: who, how far it got, what the server said."""
    rows = tx.execute(
        select(subscribers.c.email, messages.c.kind, messages.c.key, deliveries)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .where(deliveries.c.outcome != "accepted")
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]
