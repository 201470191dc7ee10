"""How far a mailbox was read, and its last error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from digest.store.statements import insert
from digest.store.tables import mailboxes

_ERROR = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxPosition:
    """How far a folder of a mailbox was read."""

    #: UIDVALIDITY, without which UIDs mean nothing; 0 = it was never read
    uid_validity: int = 0
    #: the greatest UID that was read
    last_uid: int = 0
    #: whether all earlier mails were read
    caught_up: bool = False
    #: why it could not be read the last time, or ""
    error: str = ""
    #: when it was last read; None = never
    read_at: datetime | None = None
    changed_at: datetime | None = None


def load(tx: Connection, name: str) -> MailboxPosition:
    """Load the position in a mailbox; a new one where it was never read."""
    row = tx.execute(select(mailboxes).where(mailboxes.c.name == name)).one_or_none()
    return (
        MailboxPosition()
        if row is None
        else MailboxPosition(**{key: value for key, value in row._mapping.items() if key != "name"})
    )


def save(tx: Connection, name: str, place: MailboxPosition, *, now: datetime) -> None:
    values = {
        "uid_validity": place.uid_validity,
        "last_uid": place.last_uid,
        "caught_up": place.caught_up,
        "error": place.error[:_ERROR],
        "read_at": place.read_at,
        "changed_at": now,
    }
    tx.execute(
        insert(tx, mailboxes)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )
