"""Attempts to send claimed messages.

`begin` comes before the body, `settle` after the server's reply.

Both take many messages at once, so that one commit serves many connections.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, select, update

from digest.model import (
    DEFERRED_MAX,
    OPERATOR,
    Delivery,
    MessageState,
    Phase,
    Queued,
    SubscriberStatus,
)
from digest.store import outbox
from digest.store.ledger.transitions import (
    CLOCK,
    DEFER,
    IDS,
    NOW,
    OWNER,
    SETTLE,
    is_deliverable,
    literal_state,
    may_receive,
    move,
)
from digest.store.statements import build_insert
from digest.store.tables import deliveries, messages, subscribers

#: backoff: the wait after the first, second ... deferred attempt
BACKOFF = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=2))

#: Readers who are leaving at this moment hold their row locked. Waiting for them could deadlock,
#: and this mail is no longer theirs, so they are left out.
_READERS = (
    select(subscribers.c.id, subscribers.c.email, subscribers.c.status)
    .where(subscribers.c.id.in_(bindparam("readers", expanding=True)))
    .with_for_update(read=True, skip_locked=True)
)
_BEGIN = (
    update(messages)
    .where(
        messages.c.id.in_(IDS),
        messages.c.state == literal_state(MessageState.CLAIMED),
        messages.c.owner == OWNER,
    )
    .where(messages.c.lease_until > CLOCK, messages.c.expires_at > NOW)
    .values(state=literal_state(MessageState.SENDING), changed_at=NOW)
    .returning(messages.c.id)
)

Attempt = tuple[Queued, Delivery]


class _Transition(NamedTuple):
    """Where an attempt leads."""

    state: str
    #: time of the next attempt; None = there is none
    retry_at: datetime | None
    #: whether it counts as an attempt
    counts: bool


def begin(
    tx: Connection, claims: Sequence[Queued], *, owner: str, now: datetime, clock: datetime
) -> set[int]:
    """Commit to sending, right before the first byte of each body.

    Returns:
        Ids of the messages that may be sent. The others are late, are no longer this sender's, or
        their reader has left or is leaving at this moment.
    """
    rows = tx.execute(_READERS, {"readers": list({queued.subscriber.id for queued in claims})})
    readers = {row.id: row for row in rows}
    ids = [queued.id for queued in claims if _is_for(queued, readers.get(queued.subscriber.id))]
    return set(tx.execute(_BEGIN, {"ids": ids, "by": owner, "at": now, "clock": clock}).scalars())


def _is_for(queued: Queued, reader: Any) -> bool:
    """Return whether the reader still has the address and may get the message."""
    if queued.subscriber.id == OPERATOR:
        return True
    if reader is None or reader.email != queued.subscriber.email:
        return False
    return may_receive(SubscriberStatus(reader.status), queued.kind)


def settle(
    tx: Connection, attempts: Sequence[Attempt], *, owner: str, now: datetime
) -> dict[int, MessageState]:
    """Record how attempts ended; idempotent.

    Returns:
        The state that each message has now, by id; messages that were deleted are left out.
    """
    groups: dict[_Transition, list[int]] = defaultdict(list)
    for queued, delivery in attempts:
        groups[_next_state(queued, delivery, now)].append(queued.id)
    states: dict[int, str] = {}
    for transition, ids in groups.items():
        values = {
            "ids": ids,
            "by": owner,
            "at": now,
            "to": transition.state,
            "tried": int(transition.counts),
        }
        rows = (
            tx.execute(SETTLE, values)
            if transition.retry_at is None
            else tx.execute(DEFER, values | {"later": transition.retry_at})
        )
        states |= {row.id: row.state for row in rows}
    outbox.add_sent(
        tx, [ident for ident, state in states.items() if state == MessageState.ACCEPTED], at=now
    )
    not_begun = [
        queued.id
        for queued, delivery in attempts
        if delivery.outcome == "lost" and queued.id in states
    ]
    if not_begun:
        states |= _requeue(tx, not_begun, now)
    late = [attempt for attempt in attempts if attempt[0].id not in states]
    if late:
        states |= _settle_late(tx, late, owner, now)
    _add_deliveries(tx, [attempt for attempt in attempts if attempt[0].id in states])
    return {ident: MessageState(state) for ident, state in states.items()}


def _next_state(queued: Queued, delivery: Delivery, now: datetime) -> _Transition:
    if delivery.outcome == "lost":
        return _Transition(MessageState.PLANNED.value, None, counts=False)
    asked_server = delivery.phase is not Phase.CONNECT
    # A refusal for a fault of this service would hit every reader. It is retried, so that the
    # operator has time to fix it.
    is_own_fault = delivery.outcome == "rejected" and delivery.fault == "ours"
    if delivery.outcome != "deferred" and not is_own_fault:
        return _Transition(delivery.outcome, None, counts=asked_server)
    wait = BACKOFF[min(queued.attempts, len(BACKOFF) - 1)]
    # The mailer may ask for a longer wait. Where no server was asked, it alone knows how long.
    if delivery.retry_at is not None:
        mailer_wait = delivery.retry_at - delivery.ended
        wait = min(max(wait, mailer_wait) if asked_server else mailer_wait, DEFERRED_MAX)
    return _Transition(MessageState.DEFERRED.value, now + wait, counts=asked_server)


def _requeue(tx: Connection, ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Expire or skip requeued messages that are late or no longer wanted."""
    requeued = and_(messages.c.id.in_(ids), messages.c.state == MessageState.PLANNED.value)
    recipient = (
        select(subscribers.c.id)
        .where(subscribers.c.id == messages.c.subscriber_id, is_deliverable())
        .exists()
    )
    to_reader = messages.c.subscriber_id.is_not(None)
    move(tx, and_(requeued, to_reader, ~recipient), MessageState.SKIPPED, now)
    move(tx, and_(requeued, messages.c.expires_at <= now), MessageState.EXPIRED, now)
    return _load_states(tx, ids)


def _settle_late(
    tx: Connection, attempts: Sequence[Attempt], owner: str, now: datetime
) -> dict[int, str]:
    """Settle a late result after the lease expired.

    The message is unknown by now, and the server's reply is evidence. A deferred one counts as
    rejected: nothing is sent again.
    """
    for state, outcomes in (
        (MessageState.ACCEPTED, ("accepted",)),
        (MessageState.REJECTED, ("rejected", "deferred")),
    ):
        ids = [queued.id for queued, delivery in attempts if delivery.outcome in outcomes]
        own_unknown = and_(
            messages.c.id.in_(ids),
            messages.c.state == MessageState.UNKNOWN.value,
            messages.c.owner == owner,
        )
        values = {
            "state": state.value,
            "owner": "",
            "evidence": "the mail server's answer, read late",
            "changed_at": now,
        }
        if ids:
            settled = update(messages).where(own_unknown).values(values).returning(messages.c.id)
            settled_ids = list(tx.execute(settled).scalars())
            if state is MessageState.ACCEPTED:
                outbox.add_sent(tx, settled_ids, at=now)
    return _load_states(tx, [queued.id for queued, _ in attempts])


def _load_states(tx: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = tx.execute(select(messages.c.id, messages.c.state).where(messages.c.id.in_(ids)))
    return {row.id: row.state for row in rows}


def _add_deliveries(tx: Connection, attempts: Sequence[Attempt]) -> None:
    rows = [
        {
            "message_id": queued.id,
            "outcome": delivery.outcome,
            "server": delivery.server[:260],
            "phase": delivery.phase.value,
            "code": delivery.code,
            "enhanced": delivery.enhanced[:12],
            "fault": delivery.fault,
            "text": delivery.text[:2000],
            "started_at": delivery.started,
            "ended_at": delivery.ended,
        }
        for queued, delivery in attempts
        # the mailer may send a message back without an attempt
        if delivery.phase is not Phase.CONNECT or delivery.retry_at is None
    ]
    if rows:
        tx.execute(_build_add(tx.dialect.name), rows)


@cache
def _build_add(dialect: str) -> Any:
    return build_insert(dialect, deliveries).on_conflict_do_nothing()
