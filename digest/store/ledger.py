"""The ledger of messages: every change of state is one conditional UPDATE that names the state it
leaves.

planned -> claimed -> sending -> accepted | rejected | deferred | unknown; a lost claim goes back to
planned, a lost sending becomes unknown, whatever waits past its window expires, and who has left is
skipped. Evidence turns unknown into accepted or rejected. `begin` and `settle` take many messages
at once, so that one commit serves many connections.

Leases run by `clock`, the real time; `now` may be another day's (`--date`), and decides what is due
and what is late. A clock that ran days ahead and was set right leaves leases and waits behind that
nobody could have meant: `recover` ends them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    String,
    Update,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    update,
)

from digest.model import (
    DEFERRED_MAX,
    OPERATOR,
    SKEW,
    Delivery,
    MessageKind,
    MessageState,
    Phase,
    Queued,
    Subscriber,
    SubscriberStatus,
)
from digest.store import subscribers as subscriber_rows
from digest.store.engine import build_insert, insert
from digest.store.tables import Instant, deliveries, messages, subscribers

#: a sender that does not renew its claims for so long has lost them
LEASE = timedelta(seconds=60)
CLAIM_MAX = 50
#: pauses between attempts on a message that a server asked to bring back later
PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=2))

#: what a claim may still take
WAITING = (MessageState.PLANNED.value, MessageState.DEFERRED.value)
_HELD = (MessageState.CLAIMED, MessageState.SENDING)
#: how a reader has to stand to get mail of a kind: what is not true of them any more is not sent;
#: letters to the operator have no reader
_MAY_GET: dict[MessageKind, tuple[SubscriberStatus, ...]] = {
    MessageKind.DIGEST: (SubscriberStatus.ACTIVE,),
    MessageKind.CONFIRM: (SubscriberStatus.PENDING,),
    MessageKind.WELCOME: (
        SubscriberStatus.ACTIVE,
        SubscriberStatus.PAUSED,
    ),  # it has the link by which who paused goes on
    MessageKind.GOODBYE: (SubscriberStatus.LEFT, SubscriberStatus.PENDING),
}


# What every message passes through is built once: to build a statement costs several times what it
# costs to run it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_BY, _AT, _CLOCK = (
    bindparam("by", type_=String),
    bindparam("at", type_=Instant),
    bindparam("clock", type_=Instant),
)
_LATER = bindparam("later", type_=Instant)


def _literal(state: MessageState) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'", String)


# Whoever is leaving in this moment holds the row; waiting for them could deadlock, and they are not
# to get this mail anyhow.
_READERS = (
    select(subscribers.c.id, subscribers.c.email, subscribers.c.status)
    .where(subscribers.c.id.in_(bindparam("readers", expanding=True)))
    .with_for_update(read=True, skip_locked=True)
)
_BEGIN = (
    update(messages)
    .where(
        messages.c.id.in_(_IDS),
        messages.c.state == _literal(MessageState.CLAIMED),
        messages.c.owner == _BY,
    )
    .where(messages.c.lease_until > _CLOCK, messages.c.expires_at > _AT)
    .values(state=_literal(MessageState.SENDING), changed_at=_AT)
    .returning(messages.c.id)
)
_HELD_BY = (
    update(messages)
    .where(
        messages.c.id.in_(_IDS),
        messages.c.state.in_([_literal(state) for state in _HELD]),
        messages.c.owner == _BY,
    )
    .values(
        owner="",
        lease_until=None,
        changed_at=_AT,
        attempts=messages.c.attempts + bindparam("tried", type_=Integer),
    )
    .returning(messages.c.id, messages.c.state)
)
_SETTLE = _HELD_BY.values(state=bindparam("to", type_=String))
#: to be tried again, or expired where that would be past the window
_DEFER = _HELD_BY.values(
    state=case(
        (messages.c.expires_at <= _LATER, _literal(MessageState.EXPIRED)),
        else_=_literal(MessageState.DEFERRED),
    ),
    not_before=_LATER,
)


def plan(
    tx: Connection,
    *,
    kind: MessageKind,
    subscriber_id: int | None,
    key: str,
    message_id: str,
    not_before: datetime,
    expires_at: datetime,
) -> bool:
    """Plan a message that is no digest; False when the same one (kind, subscriber, key) stands
    already.

    Subscriber None is the operator, whose messages are told apart by their Message-ID alone.
    """
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
        evidence="",
        changed_at=not_before,
    )
    return (
        tx.execute(statement.on_conflict_do_nothing().returning(messages.c.id)).scalar_one_or_none()
        is not None
    )


# ----------------------------------------------------------------------------------------------
# claims


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What a look for lost claims and late messages moved."""

    #: how many went to each state
    planned: int
    unknown: int
    expired: int
    #: the expired ones that a server had been asked to take
    tried: tuple[int, ...] = ()


def recover(tx: Connection, *, dead: Iterable[str], now: datetime, clock: datetime) -> Recovered:
    """Free what senders lost that are dead or silent, and expire what is late.

    What was being sent becomes unknown and keeps its owner's name: should that sender only have
    been frozen, its word still counts.
    """
    _distrust_future(tx, now, clock)
    gone = messages.c.owner.in_(list(dead)) | (messages.c.lease_until < clock)
    late = and_(messages.c.state.in_(WAITING), messages.c.expires_at <= now)
    unknown = update(messages).where(messages.c.state == MessageState.SENDING.value, gone)
    planned = _move(
        tx, and_(messages.c.state == MessageState.CLAIMED.value, gone), MessageState.PLANNED, now
    )
    lost = tx.execute(
        unknown.values(state=MessageState.UNKNOWN.value, lease_until=None, changed_at=now)
    ).rowcount
    tried = tuple(
        tx.execute(
            _moved(and_(late, messages.c.attempts > 0), MessageState.EXPIRED, now).returning(
                messages.c.id
            )
        ).scalars()
    )
    expired = _move(tx, late, MessageState.EXPIRED, now) + len(tried)
    return Recovered(planned=planned, unknown=lost, expired=expired, tried=tried)


def _distrust_future(tx: Connection, now: datetime, clock: datetime) -> None:
    """Shorten leases to the longest that there is, and make due what waits longer than any message
    has to.

    A digest that is planned for a later date is left: it is that date's.
    """
    held = messages.c.state.in_([state.value for state in _HELD]) & (
        messages.c.lease_until > clock + LEASE + SKEW
    )
    tx.execute(update(messages).where(held).values(lease_until=clock + LEASE))
    letter = (messages.c.state == MessageState.PLANNED.value) & (
        messages.c.kind != MessageKind.DIGEST.value
    )
    waits = (messages.c.state == MessageState.DEFERRED.value) | letter
    too_long = messages.c.not_before > max(now, clock) + DEFERRED_MAX + SKEW
    tx.execute(update(messages).where(waits, too_long).values(not_before=now))


def _move(tx: Connection, where: Any, state: MessageState, now: datetime) -> int:
    return tx.execute(_moved(where, state, now)).rowcount


def _moved(where: Any, state: MessageState, now: datetime) -> Update:
    return (
        update(messages)
        .where(where)
        .values(state=state.value, owner="", lease_until=None, changed_at=now)
    )


def list_owners(tx: Connection) -> set[str]:
    """Everybody who holds a claim."""
    return set(
        tx.execute(select(messages.c.owner).where(messages.c.state.in_(_HELD)).distinct()).scalars()
    )


def claim(
    tx: Connection,
    *,
    owner: str,
    now: datetime,
    clock: datetime,
    lease: timedelta = LEASE,
    limit: int = CLAIM_MAX,
    only: Sequence[int] | None = None,
) -> list[Queued]:
    """Take up to `limit` messages that are due: those of earlier attempts first, then the longest
    waiting.

    Args:
        owner: this sender, as `owners.identify_process` names it.
        lease: how long the claim holds unless it is renewed.
        only: ids of subscribers to narrow it to.
    """
    rows: list[Any] = []
    values = {
        "by": owner,
        "at": now,
        "clock": clock,
        "until": clock + lease,
        "only": list(only or ()),
    }
    for state in (MessageState.DEFERRED, MessageState.PLANNED):
        if left := min(limit, CLAIM_MAX) - len(rows):
            claimed = tx.execute(_claim(state, narrowed=only is not None), values | {"most": left})
            rows += sorted(claimed.all(), key=lambda row: (row.not_before, row.id))
    people = subscriber_rows.load(
        tx, {row.subscriber_id for row in rows if row.subscriber_id is not None}
    )
    return [
        Queued(
            id=row.id,
            kind=MessageKind(row.kind),
            subscriber=people[row.subscriber_id]
            if row.subscriber_id is not None
            else _operator(row),
            key=row.key,
            message_id=row.message_id,
            digest_id=row.digest_id,
            attempts=row.attempts,
        )
        for row in rows
    ]


def _operator(row: Any) -> Subscriber:
    return Subscriber(id=OPERATOR, email="", created=row.not_before)


@cache
def _claim(state: MessageState, *, narrowed: bool) -> Any:
    """One state at a time, so that the index yields the first few in order: sorting all that wait
    would make a claim cost what the queue is long.
    """
    due = and_(
        messages.c.state == _literal(state),
        messages.c.not_before <= _AT,
        messages.c.expires_at > _AT,
    )
    if narrowed:
        due = and_(due, messages.c.subscriber_id.in_(bindparam("only", expanding=True)))
    first = (
        select(messages.c.id)
        .where(due)
        .order_by(messages.c.not_before, messages.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    taken = first.with_for_update(skip_locked=True).cte("taken")
    claimed = update(messages).where(
        messages.c.id.in_(select(taken.c.id)), messages.c.state == _literal(state)
    )
    values = {
        "state": _literal(MessageState.CLAIMED),
        "owner": _BY,
        "lease_until": bindparam("until", type_=Instant),
        "changed_at": _AT,
    }
    return claimed.values(values).returning(messages)


def renew(tx: Connection, *, owner: str, clock: datetime, lease: timedelta = LEASE) -> int:
    """Keep this sender's claims for another lease; a claim whose lease ran out is lost, even if
    nobody has taken it yet.
    """
    alive = (messages.c.state == MessageState.SENDING.value) | (messages.c.lease_until > clock)
    held = and_(messages.c.state.in_(_HELD), messages.c.owner == owner, alive)
    return tx.execute(update(messages).where(held).values(lease_until=clock + lease)).rowcount


def release(tx: Connection, *, owner: str, now: datetime) -> int:
    """Give back the claims that were not used."""
    return _move(
        tx,
        and_(messages.c.state == MessageState.CLAIMED.value, messages.c.owner == owner),
        MessageState.PLANNED,
        now,
    )


def postpone(
    tx: Connection, some: Sequence[Queued], *, until: datetime, owner: str, now: datetime
) -> dict[int, MessageState]:
    """Give back claims that make no sense before a certain time; no attempt was made.

    Returns the new states.
    """
    values = {
        "ids": [queued.id for queued in some],
        "by": owner,
        "at": now,
        "later": until,
        "tried": 0,
    }
    return {row.id: MessageState(row.state) for row in tx.execute(_DEFER, values)}


# ----------------------------------------------------------------------------------------------
# begin and settle


def begin(
    tx: Connection, some: Sequence[Queued], *, owner: str, now: datetime, clock: datetime
) -> set[int]:
    """Commit to sending, right before the first byte of each body.

    Returns the ids of those that may be sent.

    The others are not this sender's any more, are late, or their reader has left or is just
    leaving.
    """
    readers = tx.execute(_READERS, {"readers": list({queued.subscriber.id for queued in some})})
    status = {row.id: row for row in readers}
    wanted = [queued.id for queued in some if _wants(queued, status.get(queued.subscriber.id))]
    return set(
        tx.execute(_BEGIN, {"ids": wanted, "by": owner, "at": now, "clock": clock}).scalars()
    )


def _wants(queued: Queued, row: Any) -> bool:
    if queued.subscriber.id == OPERATOR:
        return True
    if row is None or row.email != queued.subscriber.email:
        return False
    return SubscriberStatus(row.status) in _MAY_GET.get(queued.kind, ())


def is_deliverable() -> ColumnElement[bool]:
    """Whether a row of messages joined with its subscriber may go out, as they stand."""
    kinds = (
        (messages.c.kind == kind.value) & subscribers.c.status.in_([one.value for one in some])
        for kind, some in _MAY_GET.items()
    )
    return or_(*kinds)


def settle(
    tx: Connection, some: Sequence[tuple[Queued, Delivery]], *, owner: str, now: datetime
) -> dict[int, MessageState]:
    """Write how attempts ended; returns the state that each message has now, if it still exists.

    Said twice, it counts once.
    """
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for queued, delivery in some:
        groups[_after(queued, delivery, now)].append(queued.id)
    states: dict[int, str] = {}
    for (state, not_before, attempted), idents in groups.items():
        values = {"ids": idents, "by": owner, "at": now, "to": state, "tried": int(attempted)}
        done = (
            tx.execute(_SETTLE, values)
            if not_before is None
            else tx.execute(_DEFER, values | {"later": not_before})
        )
        states |= {row.id: row.state for row in done}
    lost = [
        queued.id for queued, delivery in some if delivery.outcome == "lost" and queued.id in states
    ]
    if lost:
        states |= _set_aside(tx, lost, now)
    missed = [(queued, delivery) for queued, delivery in some if queued.id not in states]
    if missed:
        states |= _late_word(tx, missed, owner, now)
    _add_deliveries(tx, [(queued, delivery) for queued, delivery in some if queued.id in states])
    return {ident: MessageState(state) for ident, state in states.items()}


def _after(queued: Queued, delivery: Delivery, now: datetime) -> tuple[str, datetime | None, bool]:
    """The state that an attempt leads to, when the next one may be, and whether it
    counts as one."""
    if delivery.outcome == "lost":
        return MessageState.PLANNED.value, None, False
    asked = delivery.phase is not Phase.CONNECT
    # A refusal for what we did wrong is refused to every reader: they wait for the operator to mend
    # it, as long as there is time.
    mendable = delivery.outcome == "rejected" and delivery.fault == "ours"
    if delivery.outcome != "deferred" and not mendable:
        return delivery.outcome, None, asked
    pause = PAUSES[min(queued.attempts, len(PAUSES) - 1)]
    # Where nothing was attempted, only the mailer knows when; else it can only lengthen it.
    if delivery.retry_at is not None:
        wanted = delivery.retry_at - delivery.ended
        pause = min(max(pause, wanted) if asked else wanted, DEFERRED_MAX)
    return MessageState.DEFERRED.value, now + pause, asked


def _set_aside(tx: Connection, idents: Sequence[int], now: datetime) -> dict[int, str]:
    """What could not begin goes back to the queue, unless it came too late or its reader wants it
    no more.
    """
    given_back = and_(messages.c.id.in_(idents), messages.c.state == MessageState.PLANNED.value)
    wanted = (
        select(subscribers.c.id)
        .where(subscribers.c.id == messages.c.subscriber_id, is_deliverable())
        .exists()
    )
    to_reader = messages.c.subscriber_id.is_not(None)
    _move(tx, and_(given_back, to_reader, ~wanted), MessageState.SKIPPED, now)
    _move(tx, and_(given_back, messages.c.expires_at <= now), MessageState.EXPIRED, now)
    return _states(tx, idents)


def _late_word(
    tx: Connection, some: Sequence[tuple[Queued, Delivery]], owner: str, now: datetime
) -> dict[int, str]:
    """A sender that was given up as dead had the server's answer after all: that is evidence.

    Refused is refused: nothing is sent again.
    """
    for state, outcomes in (
        (MessageState.ACCEPTED, ("accepted",)),
        (MessageState.REJECTED, ("rejected", "deferred")),
    ):
        idents = [queued.id for queued, delivery in some if delivery.outcome in outcomes]
        mine = and_(
            messages.c.id.in_(idents),
            messages.c.state == MessageState.UNKNOWN.value,
            messages.c.owner == owner,
        )
        said = {
            "state": state.value,
            "owner": "",
            "evidence": "the mail server's answer, read late",
            "changed_at": now,
        }
        if idents:
            tx.execute(update(messages).where(mine).values(said))
    return _states(tx, [queued.id for queued, _ in some])


def _states(tx: Connection, idents: Sequence[int]) -> dict[int, str]:
    return {
        row.id: row.state
        for row in tx.execute(
            select(messages.c.id, messages.c.state).where(messages.c.id.in_(idents))
        )
    }


def _add_deliveries(tx: Connection, some: Sequence[tuple[Queued, Delivery]]) -> None:
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
        for queued, delivery in some
        if delivery.phase is not Phase.CONNECT
        or delivery.retry_at is None  # sent back without an attempt
    ]
    if rows:
        tx.execute(_add(tx.dialect.name), rows)


@cache
def _add(dialect: str) -> Any:
    return build_insert(dialect, deliveries).on_conflict_do_nothing()


# ----------------------------------------------------------------------------------------------
# from outside


def resolve(
    tx: Connection,
    message_id: int,
    state: Literal[MessageState.ACCEPTED, MessageState.REJECTED],
    evidence: str,
    *,
    now: datetime,
) -> bool:
    """Settle an unknown message by what proves its fate: a bounce, a POST from it, the operator's
    word. False: it was not unknown.

    A message that is still being sent can be proved too: its server may take its time with the
    reply.

    Args:
        message_id: the row's id, as links and bounce addresses carry it.
        evidence: what proves it, in a few words; shown beside the message.
    """
    open_end = and_(
        messages.c.id == message_id,
        messages.c.state.in_((MessageState.UNKNOWN.value, MessageState.SENDING.value)),
    )
    values = {
        "state": state.value,
        "owner": "",
        "lease_until": None,
        "evidence": evidence[:200],
        "changed_at": now,
    }
    return tx.execute(update(messages).where(open_end).values(values)).rowcount == 1


def skip_alerts(tx: Connection, prefix: str, *, now: datetime) -> int:
    """Letters to the operator that wait and whose key begins so: what they were to tell is over."""
    waits = and_(
        messages.c.kind == MessageKind.ALERT.value,
        messages.c.state.in_(WAITING),
        messages.c.key.startswith(prefix, autoescape=True),
    )
    return _move(tx, waits, MessageState.SKIPPED, now)


def skip_waiting(
    tx: Connection, subscriber_id: int, *, now: datetime, all_kinds: bool = False
) -> int:
    """Whoever leaves gets nothing more: skip what waits for them, but for the mail that says so,
    unless `all_kinds`.
    """
    waits = and_(messages.c.subscriber_id == subscriber_id, messages.c.state.in_(WAITING))
    if not all_kinds:
        waits &= messages.c.kind != MessageKind.GOODBYE.value
    return _move(tx, waits, MessageState.SKIPPED, now)
