"""What became of messages, and the operator's word on those of unknown fate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from digest import store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import MessageState, Subscriber

#: columns of a message and of its attempts, in the order in which they are shown
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
_ATTEMPT = (
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
    """List the newest messages first, as plain values.

    Each has its attempts, oldest first.
    """
    with app.store.reading() as tx:
        rows = store.deliveries.list_messages(
            tx, subscriber_id=subscriber.id if subscriber else None, state=state, limit=limit
        )
    return [
        _select(row, _MESSAGE)
        | {"deliveries": [_select(attempt, _ATTEMPT) for attempt in row["deliveries"]]}
        for row in rows
    ]


def list_messages(
    app: App, *, state: MessageState | None = None, before: int | None = None, limit: int
) -> list[dict[str, Any]]:
    """List a page of messages with their attempts, newest first.

    Args:
        before: only rows with a smaller id; None = from the newest on.
    """
    with app.store.reading() as tx:
        return store.deliveries.list_messages(tx, state=state, before=before, limit=limit)


def _select(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def resolve(
    app: App, message_id: str, state: Literal[MessageState.ACCEPTED, MessageState.REJECTED]
) -> None:
    """Settle a message of unknown fate by the operator's word.

    The operator has read the mail server's log.

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
