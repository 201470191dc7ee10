"""Locks between processes: who holds one works, the others need not.

They end with the process that holds them, so nobody is elected and nothing expires. No correctness
rests on them: they save several processes from computing the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from digest.store.engine import Store

#: any fixed number: the first half of the keys of our advisory locks
_CLASS = 0x6469


@contextmanager
def try_lock(store: Store, name: str) -> Iterator[bool]:
    """Hold a lock during the block, if nobody else holds it.

    On PostgreSQL it is an advisory lock of a session of its own. On SQLite there is none: its
    processes are few, on one machine.

    Yields:
        Whether the lock is held; on SQLite always.

    Raises:
        StoreError: the database does not answer.
    """
    if store.is_sqlite:
        yield True
        return
    keys = {"class": _CLASS, "name": zlib.crc32(name.encode()) - 2**31}
    with store.session() as connection:
        statement = text("SELECT pg_try_advisory_lock(:class, :name)")
        is_held = bool(connection.execute(statement, keys).scalar_one())
        try:
            yield is_held
        finally:
            if is_held:
                try:
                    connection.execute(text("SELECT pg_advisory_unlock(:class, :name)"), keys)
                except DBAPIError:  # the session is gone, and the lock with it
                    connection.invalidate()
