"""The secrets that sign links: made at first use, kept with their ids so that they can be rotated."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.errors import StoreError
from digest.model import LinkKey
from digest.store.engine import insert
from digest.store.tables import link_keys

#: a token has one byte for the id of its key
_LAST_ID = 255


def all_keys(tx: Connection) -> list[LinkKey]:
    """Newest last; the last one signs, all of them verify."""
    return [LinkKey(id=row.id, secret=row.secret) for row in tx.execute(select(link_keys).order_by(link_keys.c.id))]


def ensure(tx: Connection, now: datetime) -> list[LinkKey]:
    """All keys; makes the first when there is none. Two instances that start together agree on one."""
    if not all_keys(tx):
        statement = insert(tx, link_keys).values(id=1, secret=secrets.token_bytes(32), created_at=now)
        tx.execute(statement.on_conflict_do_nothing())
    return all_keys(tx)


def rotate(tx: Connection, now: datetime) -> list[LinkKey]:
    """All keys and a new one, which signs from now on. StoreError when all 255 ids are taken."""
    newest = tx.execute(select(func.coalesce(func.max(link_keys.c.id), 0))).scalar_one()
    if newest >= _LAST_ID:
        raise StoreError(f"there are {_LAST_ID} keys of links already, and a token can name no more; nothing was changed")
    statement = insert(tx, link_keys).values(id=newest + 1, secret=secrets.token_bytes(32), created_at=now)
    tx.execute(statement.on_conflict_do_nothing())  # two rotations at once make one key
    return all_keys(tx)


def listed(tx: Connection) -> list[tuple[int, datetime]]:
    """Id and time of making of each key, the oldest first; no secret."""
    return [(row.id, row.created_at) for row in tx.execute(select(link_keys.c.id, link_keys.c.created_at).order_by(link_keys.c.id))]
