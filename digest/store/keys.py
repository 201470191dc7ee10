"""The secrets that sign links: made at first use, kept with their ids so that they can be rotated."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, select

from digest.model import LinkKey
from digest.store.engine import insert
from digest.store.tables import link_keys


def all_keys(tx: Connection) -> list[LinkKey]:
    """Newest last; the last one signs, all of them verify."""
    return [LinkKey(id=row.id, secret=row.secret) for row in tx.execute(select(link_keys).order_by(link_keys.c.id))]


def ensure(tx: Connection, now: datetime) -> list[LinkKey]:
    """All keys; makes the first when there is none. Two instances that start together agree on one."""
    if not all_keys(tx):
        statement = insert(tx, link_keys).values(id=1, secret=secrets.token_bytes(32), created_at=now)
        tx.execute(statement.on_conflict_do_nothing())
    return all_keys(tx)
