"""States, conditions and UPDATE statements of the ledger's steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    String,
    Update,
    bindparam,
    case,
    literal_column,
    or_,
    update,
)

from digest.model import MessageKind, MessageState, SubscriberStatus
from digest.store.tables import Instant, messages, subscribers

#: states that a claim may take a message from
WAITING = (MessageState.PLANNED.value, MessageState.DEFERRED.value)
#: states in which a sender holds a message
HELD = (MessageState.CLAIMED, MessageState.SENDING)
#: the status that a reader must have to get a message of each kind; alerts go to the operator
_RECIPIENT_STATUSES: dict[MessageKind, tuple[SubscriberStatus, ...]] = {
    MessageKind.DIGEST: (SubscriberStatus.ACTIVE,),
    MessageKind.CONFIRM: (SubscriberStatus.PENDING,),
    # A paused reader needs its link to resume.
    MessageKind.WELCOME: (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED),
    MessageKind.NOTICE: (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED),
    MessageKind.GOODBYE: (SubscriberStatus.LEFT, SubscriberStatus.PENDING),
}

# Statements that run for every message are built once: building one costs several times as much as
# running it.
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
OWNER = bindparam("by", type_=String)
NOW = bindparam("at", type_=Instant)
CLOCK = bindparam("clock", type_=Instant)
_RETRY_AT = bindparam("later", type_=Instant)


def literal_state(state: MessageState) -> ColumnElement[str]:
    """Write a state into the statement itself, so that planners see which index fits."""
    return literal_column(f"'{state.value}'", String)


_END_OF_CLAIM = (
    update(messages)
    .where(
        messages.c.id.in_(IDS),
        messages.c.state.in_([literal_state(state) for state in HELD]),
        messages.c.owner == OWNER,
    )
    .values(
        owner="",
        lease_until=None,
        changed_at=NOW,
        attempts=messages.c.attempts + bindparam("tried", type_=Integer),
    )
    .returning(messages.c.id, messages.c.state)
)
#: end claims in the state `to`
SETTLE = _END_OF_CLAIM.values(state=bindparam("to", type_=String))
#: end claims for a retry at `later`, or as expired where the window ends before
DEFER = _END_OF_CLAIM.values(
    state=case(
        (messages.c.expires_at <= _RETRY_AT, literal_state(MessageState.EXPIRED)),
        else_=literal_state(MessageState.DEFERRED),
    ),
    not_before=_RETRY_AT,
)


def set_state(where: ColumnElement[bool], state: MessageState, now: datetime) -> Update:
    """Build the UPDATE that moves messages to a state and ends any claim on them."""
    return (
        update(messages)
        .where(where)
        .values(state=state.value, owner="", lease_until=None, changed_at=now)
    )


def move(tx: Connection, where: ColumnElement[bool], state: MessageState, now: datetime) -> int:
    """Move messages to a state and end any claim on them; return how many."""
    return tx.execute(set_state(where, state, now)).rowcount


def may_receive(status: SubscriberStatus, kind: MessageKind) -> bool:
    """Return whether a reader with this status gets messages of this kind."""
    return status in _RECIPIENT_STATUSES.get(kind, ())


def is_deliverable() -> ColumnElement[bool]:
    """Build the same condition for rows of messages joined with their subscriber."""
    return or_(
        *(
            (messages.c.kind == kind.value) & subscribers.c.status.in_(_values(statuses))
            for kind, statuses in _RECIPIENT_STATUSES.items()
        )
    )


def _values(statuses: Iterable[SubscriberStatus]) -> list[str]:
    return [status.value for status in statuses]
