"""Record bounces and complaints, on which the suppression policy decides."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update

from digest.model import Bounced, Subscriber, address_key
from digest.store import subscribers
from digest.store.statements import insert
from digest.store.tables import bounces, messages

_TEXT = 2000
#: how a bounce came: as the reply of a mail server, as a report by mail, or from a provider by HTTP
Via = Literal["smtp", "mail", "http"]
#: stands in place of a fault where the reader marked a message as junk
COMPLAINT = "complaint"


def record(
    tx: Connection, bounced: Bounced, *, message_id: int, email: str, text: str, via: Via
) -> bool:
    """Record a bounce of a message (its row's id).

    Return False where it was known already.
    """
    return _add(tx, message_id, email, bounced.fault, bounced, text, via)


def record_complaint(
    tx: Connection, bounced: Bounced, *, message_id: int, email: str, text: str, via: Via
) -> bool:
    """Record that a reader marked a message as junk.

    Return False where it was known already.
    """
    return _add(tx, message_id, email, COMPLAINT, bounced, text, via)


def _add(
    tx: Connection, message_id: int, email: str, fault: str, bounced: Bounced, text: str, via: Via
) -> bool:
    statement = insert(tx, bounces).values(
        message_id=message_id,
        email_key=address_key(email),
        fault=fault,
        enhanced=bounced.enhanced[:12],
        text=text[:_TEXT],
        via=via,
        at=bounced.at,
        counts=True,
    )
    return (
        tx.execute(statement.on_conflict_do_nothing().returning(bounces.c.id)).scalar_one_or_none()
        is not None
    )


def load(tx: Connection, email: str) -> list[Bounced]:
    """Load the bounces that count against an address, oldest first."""
    counting = (
        bounces.c.email_key == address_key(email),
        bounces.c.counts,
        bounces.c.fault != COMPLAINT,
    )
    rows = tx.execute(
        select(bounces.c.fault, bounces.c.enhanced, bounces.c.at)
        .where(*counting)
        .order_by(bounces.c.id)
    )
    return [Bounced(fault=row.fault, enhanced=row.enhanced, at=row.at) for row in rows]


def find_reader(tx: Connection, message: int) -> Subscriber | None:
    """Return the reader of a message (its row's id); None when it is no longer stored."""
    ident = tx.execute(
        select(messages.c.subscriber_id).where(messages.c.id == message)
    ).scalar_one_or_none()
    return None if ident is None else subscribers.find(tx, ident)


def find_newest_message(tx: Connection, subscriber_id: int) -> int | None:
    """Return the row's id of the newest message to a reader that a server was asked to take."""
    tried = (messages.c.subscriber_id == subscriber_id, messages.c.attempts > 0)
    query = select(messages.c.id).where(*tried).order_by(messages.c.id.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none()


def was_sent(tx: Connection, message: int, *, before: datetime) -> bool:
    """Return whether a message was due before a time and a server was asked.

    The message is given by the id of its row.
    """
    tried = (messages.c.id == message, messages.c.attempts > 0, messages.c.not_before <= before)
    return tx.execute(select(messages.c.id).where(*tried)).first() is not None


def summarise_own_faults(tx: Connection, *, since: datetime) -> tuple[int, str]:
    """Return the number of bounces that are our fault, and the text of the last."""
    own_faults = (
        bounces.c.fault == "ours",
        bounces.c.via.in_(("mail", "http")),
        bounces.c.at > since,
    )
    last = tx.execute(
        select(bounces.c.text).where(*own_faults).order_by(bounces.c.id.desc()).limit(1)
    ).scalar_one_or_none()
    return (
        (0, "")
        if last is None
        else (tx.execute(select(func.count()).where(*own_faults)).scalar_one(), last)
    )


def forgive(tx: Connection, email: str) -> None:
    """Let an address's bounces no longer count.

    They stay stored, so that a report that is read again does not count anew.
    """
    tx.execute(
        update(bounces).where(bounces.c.email_key == address_key(email)).values(counts=False)
    )
