"""The database as a value, with transactions and readable errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection as Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from digest.errors import InputError, StoreError
from digest.redaction import redact
from digest.store import failures
from digest.store.commit_queue import CommitQueue
from digest.store.connections import (
    create_postgres_engine,
    create_sqlite_engine,
    find_file,
    parse_url,
)
from digest.store.turns import Turns

T = TypeVar("T")

#: how long a writer waits for another one, in milliseconds
BUSY_MS = 15_000
#: connections that the pool keeps; the pages may use as many again
POOL = 20
#: how long a health check waits for a lock or a connection, in milliseconds
HEALTH_WAIT_MS = 3_000
#: how often a transaction is tried that conflicts with another one
TRIES = 3
#: reasons after which no pooled connection is worth keeping
_STALE = ("gone", "read-only", "absent")


class Store:
    """A database that holds the tables.

    Use it through `reading`, `writing` and `commit`.
    """

    def __init__(
        self,
        url: str,
        *,
        busy_ms: int = BUSY_MS,
        connections: int = POOL,
        may_create: bool = True,
    ) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._health_store: Store | None = None
        self._busy_seconds = busy_ms / 1000
        self._turns = Turns()
        self._commit_queue = CommitQueue(self.writing)
        try:
            self.engine = (
                create_sqlite_engine(self.url, busy_ms, connections, may_create=may_create)
                if self.is_sqlite
                else create_postgres_engine(self.url, connections)
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f"store.url: {self.display_name} needs the package {error.name!r}, which is not "
                "installed. For PostgreSQL install the extra: pip install '.[cluster]'"
            ) from error
        self._driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error

    @property
    def file(self) -> Path | None:
        """The database file, if there is one."""
        return find_file(self.url)

    @property
    def display_name(self) -> str:
        """The URL without its password, also where that is a query value."""
        return redact(self.url.render_as_string(hide_password=True))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self._explaining(), self.engine.connect() as tx:
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that only reads; all its queries see the moment of the first."""
        options: dict[str, Any] = {
            "isolation_level": "REPEATABLE READ",
            "postgresql_readonly": True,
        }
        with (
            self._explaining(),
            self.engine.connect().execution_options(**({} if self.is_sqlite else options)) as tx,
        ):
            yield tx

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Open a connection whose statements are each a transaction of their own."""
        with (
            self._explaining(),
            self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end of the block, or leaves nothing."""
        until = time.monotonic() + self._busy_seconds
        with (
            self._explaining(),
            self._turns.wait(until) if self.is_sqlite else nullcontext(),
            self.engine.connect().execution_options(digest_writes_until=until) as tx,
            tx.begin(),
        ):
            yield tx

    def run_outside_transaction(self, *statements: str) -> None:
        """Run what databases refuse within a transaction, such as VACUUM."""
        with self._explaining(), self.engine.connect() as connection:
            if not self.is_sqlite:  # SQLite's connections begin none by themselves
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            driver: Any = connection.connection.driver_connection
            for statement in statements:
                driver.execute(statement)

    def commit(self, work: Callable[[Connection], T], *, tries: int = TRIES) -> T:
        """Run `work` in a transaction, commit, and return its result.

        It runs again where the database rolled back because of another transaction (a deadlock, a
        serialization failure). So it must change nothing but the database.
        """
        for left in range(tries - 1, -1, -1):
            try:
                with self.writing() as tx:
                    return work(tx)
            except StoreError as error:
                if error.reason != "conflict" or not left:
                    raise
                # A random wait, so that the two do not meet again.
                time.sleep(random.uniform(0, 0.1))  # noqa: S311
        raise AssertionError("unreachable")

    def commit_together(self, work: Callable[[Connection], T]) -> T:
        """Run `work` as `commit` does, on SQLite in one transaction with others who ask meanwhile.

        Many small writes at once so wait for the disk once. What `work` raises undoes its own
        writes alone.
        """
        return self._commit_queue.commit(work) if self.is_sqlite else self.commit(work)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, self._driver_error) as error:
            raise self._explain(error) from error
        except UnicodeEncodeError as error:
            raise InputError(
                f"{error.object!r:.200} holds bytes that are no UTF-8; nothing was stored. "
                "Type it again, or check the file"
            ) from error
        except PoolTimeout as error:
            raise StoreError(
                f"{self.display_name}: all connections are in use; too much is asked of it at "
                "once. Try again",
                reason="busy",
            ) from error

    def _explain(self, error: Exception) -> Exception:
        if "NUL (0x00)" in str(error):
            return InputError(
                "a text holds the character NUL; nothing was stored. Check where it comes from"
            )
        explained = failures.explain(error, self.display_name)
        if explained is not None and explained.reason in _STALE:
            # Pooled connections lead to a server that is gone or no longer the primary.
            self.engine.dispose()
        return explained or error

    def for_health_checks(self) -> Store:
        """Return a store for the same database, created at the first call.

        It has a connection of its own and short waits: a health check must not wait for other users
        of the database. Several threads may use it, but two must not make the first call at once.
        """
        if self._health_store is None:
            url = self.url
            if not self.is_sqlite and "connect_timeout" not in url.query:
                url = url.update_query_dict({"connect_timeout": str(HEALTH_WAIT_MS // 1000)})
            with_password = url.render_as_string(hide_password=False)
            # A check of a file that is missing must not make an empty one.
            self._health_store = Store(
                with_password, busy_ms=HEALTH_WAIT_MS, connections=1, may_create=False
            )
        return self._health_store

    def close(self) -> None:
        """Close all connections; the next transaction opens new ones."""
        if self._health_store is not None:
            self._health_store.close()
        self.engine.dispose()
