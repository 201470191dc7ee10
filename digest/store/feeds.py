"""The addresses of readers' feeds: each reader has one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from digest.store.statements import insert
from digest.store.tables import feeds


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """The address of a reader's feed."""

    #: links of lower numbers no longer work
    number: int
    is_open: bool
    #: when it was made or closed
    at: datetime


def find(tx: Connection, subscriber_id: int) -> Feed | None:
    row = tx.execute(select(feeds).where(feeds.c.subscriber_id == subscriber_id)).one_or_none()
    return None if row is None else Feed(number=row.number, is_open=row.is_open, at=row.at)


def save(tx: Connection, subscriber_id: int, feed: Feed) -> None:
    """Save the address of a reader's feed in place of the one before."""
    values = {"number": feed.number, "is_open": feed.is_open, "at": feed.at}
    statement = insert(tx, feeds).values(subscriber_id=subscriber_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["subscriber_id"], set_=values))
