"""What became of messages: attempts and what servers said, the word that settles an unknown one,
and what dead senders left behind.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from digest import store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import MessageState, Subscriber
from digest.pipeline.steps.record_bounces import record_expired
from digest.store.ledger import Recovered

#: of a message and of its deliveries, in the order in which they are told
_MESSAGE = (
    "message_id",
    "kind",
    "key",
    "email",
    "state",
    "evidence",
    "attempts",
    "not_before",
    "expires_at",
    "changed_at",
)
_DELIVERY = (
    "outcome",
    "server",
    "phase",
    "code",
    "enhanced",
    "fault",
    "text",
    "started_at",
    "ended_at",
)


def deliveries(
    app: App,
    *,
    subscriber: Subscriber | None = None,
    state: MessageState | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The newest messages, newest first, each with its attempts, oldest first; plain values."""
    with app.store.reading() as tx:
        found = store.deliveries.list_messages(
            tx, subscriber_id=subscriber.id if subscriber else None, state=state, limit=limit
        )
    return [
        {name: row[name] for name in _MESSAGE}
        | {"deliveries": [{name: one[name] for name in _DELIVERY} for one in row["deliveries"]]}
        for row in found
    ]


def resolve(
    app: App, message_id: str, state: Literal[MessageState.ACCEPTED, MessageState.REJECTED]
) -> None:
    """Settle an unknown message by the operator's word, who has looked into the mail server's log.

    Args:
        message_id: as in the message's header, with or without angle brackets.

    Raises:
        NotFoundError: no message has that Message-ID.
        InputError: its state is known.
    """
    with app.store.writing() as tx:
        row = store.deliveries.find_by_message_id(tx, message_id)
        if row is None:
            raise NotFoundError(
                f"no message {message_id}. `digest deliveries --state unknown` lists those that "
                f"can be resolved"
            )
        if row["state"] != MessageState.UNKNOWN:
            raise InputError(
                f"message {message_id} is {row['state']}: only an unknown one can be resolved. "
                f"Nothing was changed"
            )
        store.ledger.resolve(tx, row["id"], state, "the operator", now=app.now())


def recover(app: App, tx: store.Connection) -> Recovered:
    """Free what dead or silent senders held, expire what is late, and count the mailboxes that were
    full to the last.
    """
    dead = store.owners.find_dead(store.ledger.list_owners(tx))
    recovered = store.ledger.recover(tx, dead=dead, now=app.now(), clock=datetime.now(UTC))
    record_expired(app, tx, recovered.tried)
    return recovered
