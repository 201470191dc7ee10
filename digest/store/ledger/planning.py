"""Messages are planned, called off, and settled by evidence from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, update

from digest.model import MessageKind, MessageState
from digest.store import outbox
from digest.store.ledger.transitions import WAITING, move
from digest.store.statements import insert
from digest.store.tables import messages


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
    """Plan a message other than a digest.

    Args:
        subscriber_id: None = the operator, whose messages differ by their Message-ID alone.
        key: unique together with kind and subscriber.

    Returns:
        False when the same message is planned already; nothing changes then.
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
    new_id = tx.execute(statement.on_conflict_do_nothing().returning(messages.c.id))
    return new_id.scalar_one_or_none() is not None


def resolve(
    tx: Connection,
    message_id: int,
    state: Literal[MessageState.ACCEPTED, MessageState.REJECTED],
    evidence: str,
    *,
    now: datetime,
) -> bool:
    """Settle an unknown message by evidence.

    A bounce, a press of its links, or the operator's word.

    A message that is still being sent can be settled too, since its server may answer late.

    Args:
        message_id: the row's id, as links and bounce addresses carry it.
        evidence: the proof in a few words; shown beside the message.

    Returns:
        False when the message was in another state.
    """
    is_open = and_(
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
    changed = tx.execute(update(messages).where(is_open).values(values)).rowcount == 1
    if changed and state is MessageState.ACCEPTED:
        outbox.add_sent(tx, [message_id], at=now)
    return changed


def skip_alerts(tx: Connection, prefix: str, *, now: datetime) -> int:
    """Skip waiting alerts whose key has this prefix, since their cause is over."""
    waiting = and_(
        messages.c.kind == MessageKind.ALERT.value,
        messages.c.state.in_(WAITING),
        messages.c.key.startswith(prefix, autoescape=True),
    )
    return move(tx, waiting, MessageState.SKIPPED, now)


def skip_waiting(
    tx: Connection, subscriber_id: int, *, now: datetime, all_kinds: bool = False
) -> int:
    """Skip what waits for a reader who leaves; return how many messages that was.

    Args:
        all_kinds: also the mail that confirms their leaving.
    """
    waiting = and_(messages.c.subscriber_id == subscriber_id, messages.c.state.in_(WAITING))
    if not all_kinds:
        waiting &= messages.c.kind != MessageKind.GOODBYE.value
    return move(tx, waiting, MessageState.SKIPPED, now)
