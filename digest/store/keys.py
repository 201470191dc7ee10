"""Keys that sign links: made at first use; they can be rotated and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from digest.errors import NotFoundError, StoreError
from digest.model import LinkKey
from digest.store.statements import insert
from digest.store.tables import link_keys

#: a token has one byte for the id of its key
_LAST_ID = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRow:
    """A key as it is stored."""

    id: int
    secret: bytes = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None


def load_keys(tx: Connection) -> list[LinkKey]:
    """Load all keys, newest last.

    The last one signs, and all verify. The caller decides what a revoked key may still prove.
    """
    return [
        LinkKey(id=row.id, secret=row.secret, revoked_at=row.revoked_at) for row in load_rows(tx)
    ]


def ensure(tx: Connection, now: datetime) -> list[LinkKey]:
    """Load all keys; make one when none can sign.

    Two processes that start together agree on one.
    """
    known = load_keys(tx)
    return known if known and known[-1].revoked_at is None else rotate(tx, now)


def rotate(tx: Connection, now: datetime) -> list[LinkKey]:
    """Make a new key, which signs from now on; return all keys.

    Raises:
        StoreError: all 255 ids are taken.
    """
    newest = tx.execute(select(func.coalesce(func.max(link_keys.c.id), 0))).scalar_one()
    if newest >= _LAST_ID:
        raise StoreError(
            f"there are {_LAST_ID} keys of links already, and a token can name no more; nothing "
            f"was changed"
        )
    statement = insert(tx, link_keys).values(
        id=newest + 1, secret=secrets.token_bytes(32), created_at=now
    )
    tx.execute(statement.on_conflict_do_nothing())  # two rotations at once make one key
    return load_keys(tx)


def revoke(tx: Connection, ident: int, now: datetime) -> bool:
    """Revoke a key: of its links, only those that unsubscribe stay valid.

    Where it was the newest, a new key is made.

    Returns:
        False when it was revoked already.

    Raises:
        NotFoundError: there is no such key.
        StoreError: a new one is needed, and all 255 ids are taken.
    """
    keys_by_id = {key.id: key for key in load_keys(tx)}
    if ident not in keys_by_id:
        raise NotFoundError(f"there is no key {ident}. `digest keys list` shows them")
    if keys_by_id[ident].revoked_at is not None:
        return False
    tx.execute(update(link_keys).where(link_keys.c.id == ident).values(revoked_at=now))
    ensure(tx, now)
    return True


def merge(tx: Connection, former: Iterable[KeyRow]) -> int:
    """Take over keys and revocations of a replaced store.

    Return how many keys were added.
    """
    own = {row.id: row for row in load_rows(tx)}
    added = 0
    for row in former:
        own_row = own.get(row.id)
        if own_row is None:
            values = {
                "id": row.id,
                "secret": row.secret,
                "created_at": row.created_at,
                "revoked_at": row.revoked_at,
            }
            tx.execute(link_keys.insert().values(**values))
            added += 1
        elif (
            row.revoked_at is not None
            and own_row.revoked_at is None
            and own_row.secret == row.secret
        ):
            tx.execute(
                update(link_keys).where(link_keys.c.id == row.id).values(revoked_at=row.revoked_at)
            )
    return added


def load_rows(tx: Connection) -> list[KeyRow]:
    """Load all keys as they are stored, oldest first."""
    rows = tx.execute(select(link_keys).order_by(link_keys.c.id))
    return [
        KeyRow(id=row.id, secret=row.secret, created_at=row.created_at, revoked_at=row.revoked_at)
        for row in rows
    ]


def list_ids(tx: Connection) -> list[tuple[int, datetime]]:
    """List (id, time of creation) of each key, oldest first; no secrets."""
    return [(key.id, key.created_at) for key in load_rows(tx)]
