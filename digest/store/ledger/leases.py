"""Claims on messages.

A claim is a lease: taken, renewed, given back, recovered from lost senders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Integer, and_, bindparam, select, update

from digest.model import (
    DEFERRED_MAX,
    OPERATOR,
    SKEW,
    MessageKind,
    MessageState,
    Queued,
    Subscriber,
)
from digest.store import subscribers as subscriber_rows
from digest.store.ledger.transitions import (
    DEFER,
    HELD,
    NOW,
    OWNER,
    WAITING,
    literal_state,
    move,
    set_state,
)
from digest.store.tables import Instant, messages

#: what a claim is limited to: nothing, readers or messages
_Narrowed = Literal["", "reader", "message"]
#: how long a claim holds unless it is renewed
LEASE = timedelta(seconds=60)
#: messages in one claim at most
CLAIM_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """How many messages `recover` moved to each state."""

    planned: int
    unknown: int
    expired: int
    #: ids of expired messages that a server had been asked to take
    tried: tuple[int, ...] = ()


def recover(tx: Connection, *, dead: Iterable[str], now: datetime, clock: datetime) -> Recovered:
    """End the claims of lost senders, and expire what is late.

    A message that was being sent becomes unknown. It keeps its owner: if that sender was only
    suspended, its late result still counts (`settle`).

    Args:
        dead: owners whose process is known to be gone; other claims end with their lease.
        clock: the real time.
    """
    _correct_future_times(tx, now, clock)
    lost = messages.c.owner.in_(list(dead)) | (messages.c.lease_until < clock)
    late = and_(messages.c.state.in_(WAITING), messages.c.expires_at <= now)
    planned = move(
        tx, and_(messages.c.state == MessageState.CLAIMED.value, lost), MessageState.PLANNED, now
    )
    unknown = tx.execute(
        update(messages)
        .where(messages.c.state == MessageState.SENDING.value, lost)
        .values(state=MessageState.UNKNOWN.value, lease_until=None, changed_at=now)
    ).rowcount
    late_after_attempt = set_state(
        and_(late, messages.c.attempts > 0), MessageState.EXPIRED, now
    ).returning(messages.c.id)
    tried = tuple(tx.execute(late_after_attempt).scalars())
    expired = move(tx, late, MessageState.EXPIRED, now) + len(tried)
    return Recovered(planned=planned, unknown=unknown, expired=expired, tried=tried)


def _correct_future_times(tx: Connection, now: datetime, clock: datetime) -> None:
    """Shorten leases and waits that are longer than any can be.

    They come from a clock that ran ahead and was set right. A digest that is planned for a later
    date keeps its time.
    """
    too_long_lease = messages.c.state.in_([state.value for state in HELD]) & (
        messages.c.lease_until > clock + LEASE + SKEW
    )
    tx.execute(update(messages).where(too_long_lease).values(lease_until=clock + LEASE))
    planned_letter = (messages.c.state == MessageState.PLANNED.value) & (
        messages.c.kind != MessageKind.DIGEST.value
    )
    waiting = (messages.c.state == MessageState.DEFERRED.value) | planned_letter
    too_late = messages.c.not_before > max(now, clock) + DEFERRED_MAX + SKEW
    tx.execute(update(messages).where(waiting, too_late).values(not_before=now))


def list_owners(tx: Connection) -> set[str]:
    """Return everybody who holds a claim."""
    owners = select(messages.c.owner).where(messages.c.state.in_(HELD)).distinct()
    return set(tx.execute(owners).scalars())


def claim(
    tx: Connection,
    *,
    owner: str,
    now: datetime,
    clock: datetime,
    lease: timedelta = LEASE,
    limit: int = CLAIM_MAX,
    only: Sequence[int] | None = None,
    among: Sequence[int] | None = None,
) -> list[Queued]:
    """Claim due messages: deferred ones first, then those that wait longest.

    Args:
        owner: this sender, as `owners.identify_process` names it.
        lease: how long the claim holds unless it is renewed.
        limit: messages at most; never more than `CLAIM_MAX`.
        only: ids of the subscribers to whom the claim is limited.
        among: ids of the messages to which the claim is limited, in place of `only`.
    """
    rows: list[Any] = []
    values = {
        "by": owner,
        "at": now,
        "clock": clock,
        "until": clock + lease,
        "only": list((only if among is None else among) or ()),
    }
    by: _Narrowed = "" if only is among is None else "reader" if among is None else "message"
    for state in (MessageState.DEFERRED, MessageState.PLANNED):
        if left := min(limit, CLAIM_MAX) - len(rows):
            claimed = tx.execute(_claim(state, by), values | {"most": left})
            rows += sorted(claimed.all(), key=lambda row: (row.not_before, row.id))
    readers = subscriber_rows.load(
        tx, {row.subscriber_id for row in rows if row.subscriber_id is not None}
    )
    return [
        _build_queued(
            row, _operator(row) if row.subscriber_id is None else readers[row.subscriber_id]
        )
        for row in rows
    ]


def _operator(row: Any) -> Subscriber:
    return Subscriber(id=OPERATOR, email="", created=row.not_before)


def _build_queued(row: Any, subscriber: Subscriber) -> Queued:
    return Queued(
        id=row.id,
        kind=MessageKind(row.kind),
        subscriber=subscriber,
        key=row.key,
        message_id=row.message_id,
        digest_id=row.digest_id,
        attempts=row.attempts,
        due_at=row.not_before,
    )


@cache
def _claim(state: MessageState, narrowed_by: _Narrowed) -> Any:
    """Build the claim of one state.

    One state at a time, so that the index yields the first few in order. Sorting all that wait
    would make a claim cost as much as the queue is long.
    """
    due = and_(
        messages.c.state == literal_state(state),
        messages.c.not_before <= NOW,
        messages.c.expires_at > NOW,
    )
    if narrowed_by:
        column = messages.c.id if narrowed_by == "message" else messages.c.subscriber_id
        due = and_(due, column.in_(bindparam("only", expanding=True)))
    first = (
        select(messages.c.id)
        .where(due)
        .order_by(messages.c.not_before, messages.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    locked = first.with_for_update(skip_locked=True).cte("taken")
    return (
        update(messages)
        .where(messages.c.id.in_(select(locked.c.id)), messages.c.state == literal_state(state))
        .values(
            state=literal_state(MessageState.CLAIMED),
            owner=OWNER,
            lease_until=bindparam("until", type_=Instant),
            changed_at=NOW,
        )
        .returning(messages)
    )


def renew(tx: Connection, *, owner: str, clock: datetime, lease: timedelta = LEASE) -> int:
    """Renew this sender's claims; return how many it still has.

    A claim whose lease has expired is lost, even if nobody has taken it yet.
    """
    alive = (messages.c.state == MessageState.SENDING.value) | (messages.c.lease_until > clock)
    held = and_(messages.c.state.in_(HELD), messages.c.owner == owner, alive)
    return tx.execute(update(messages).where(held).values(lease_until=clock + lease)).rowcount


def release(tx: Connection, *, owner: str, now: datetime) -> int:
    """Give back this sender's unused claims; return how many."""
    unused = and_(messages.c.state == MessageState.CLAIMED.value, messages.c.owner == owner)
    return move(tx, unused, MessageState.PLANNED, now)


def postpone(
    tx: Connection, claims: Sequence[Queued], *, until: datetime, owner: str, now: datetime
) -> dict[int, MessageState]:
    """Give back claims until a later time, without an attempt.

    Return the new states by id.
    """
    values = {
        "ids": [queued.id for queued in claims],
        "by": owner,
        "at": now,
        "later": until,
        "tried": 0,
    }
    return {row.id: MessageState(row.state) for row in tx.execute(DEFER, values)}
