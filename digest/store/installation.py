"""The id of this install, and the time up to which a restore closed its dates."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest.store.statements import insert
from digest.store.tables import installation

#: unambiguous characters that spell no words; eight of them hold 38 bits
_LETTERS = "bcdfghjkmnpqrstvwxyz23456789"
_LENGTH = 8


def name_install(tx: Connection) -> None:
    """Give a new store an id of its own."""
    name = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    _put(tx, install_id=name)


def load_install_id(tx: Connection) -> str:
    """Load the id in Message-ID and List-Id.

    It is "" where the store is older than such ids.
    """
    return tx.execute(select(installation.c.install_id)).scalar_one_or_none() or ""


def load_closed_until(tx: Connection) -> datetime | None:
    """Load when a backup was last restored; local dates up to then are closed."""
    return tx.execute(select(installation.c.closed_until)).scalar_one_or_none()


def close_until(tx: Connection, now: datetime) -> None:
    """Close all local dates up to now; never reopens one."""
    earlier = load_closed_until(tx)
    _put(tx, closed_until=max(now, earlier) if earlier else now)


def _put(tx: Connection, **values: object) -> None:
    whole = {"id": 1, "install_id": "", "closed_until": None} | values
    if not tx.execute(update(installation).values(**values)).rowcount:
        tx.execute(insert(tx, installation).values(**whole))
