"""The database as a value: one engine, transactions that report failure in the
project's own words."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection as Connection
from sqlalchemy import Date, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from digest import private
from digest.errors import InputError, StoreError
from digest.redaction import hide
from digest.store import failures

T = TypeVar("T")


def encode_json(value: Any) -> str:
    """What a JSON column holds."""
    return msgspec.json.encode(value).decode()


#: how long a writer waits for another one, in milliseconds
BUSY_MS = 15_000
#: connections kept, of which pages may use as many again, and the seconds that one waits for one
POOL, POOL_WAIT = 20, 10
#: how long a look at the database's health waits for a lock or a connection, in milliseconds
ASIDE_MS = 3_000
#: how often a transaction is begun that another one undid
TRIES = 3
#: after these no pooled connection is worth keeping
_STALE = ("gone", "read-only", "absent")
#: PostgreSQL: a server that falls silent is given up after so long (seconds; milliseconds the last)
_SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


_POOL: dict[str, Any] = {
    "pool_timeout": POOL_WAIT,
    "json_serializer": encode_json,
    "json_deserializer": msgspec.json.decode,
    # an error would print what a statement was given: addresses, and the key of the links
    "hide_parameters": True,
}


class Store:
    """A database that holds the tables. `reading` and `writing` are its only doors."""

    def __init__(self, url: str, *, busy_ms: int = BUSY_MS, connections: int = POOL) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._aside: Store | None = None
        try:
            self.engine = (
                _sqlite_engine(self.url, busy_ms, connections)
                if self.is_sqlite
                else _postgres_engine(self.url, connections)
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f"store.url: {self.shown} needs the package {error.name!r}, which is not "
                f"installed. "
                "For PostgreSQL install the extra: pip install '.[cluster]'"
            ) from error

        self._driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error

    @property
    def file(self) -> Path | None:
        """The file that is the database, if it is one."""
        return _file_of(self.url)

    @property
    def shown(self) -> str:
        """The URL without its password, also where that is a query value."""
        return hide(self.url.render_as_string(hide_password=True))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view."""
        with self._speaking(), self.engine.connect() as tx:
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees the one moment of its first query in
        all of them."""
        options: dict[str, Any] = {
            "isolation_level": "REPEATABLE READ",
            "postgresql_readonly": True,
        }
        with (
            self._speaking(),
            self.engine.connect().execution_options(**({} if self.is_sqlite else options)) as tx,
        ):
            yield tx

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or leaves nothing."""
        with (
            self._speaking(),
            self.engine.connect().execution_options(digest_writes=True) as tx,
            tx.begin(),
        ):
            yield tx

    def commit(self, work: Callable[[Connection], T], *, tries: int = TRIES) -> T:
        """What `work` makes of a transaction that is then committed.

        It is called again where the database took the transaction back because of another one (a
        deadlock, a serialization failure): it must change nothing but the database.
        """
        for left in range(tries - 1, -1, -1):
            try:
                with self.writing() as tx:
                    return work(tx)
            except StoreError as error:
                if error.reason != "conflict" or not left:
                    raise
                time.sleep(random.uniform(0, 0.1))  # noqa: S311  (lest both meet again)
        raise AssertionError("unreachable")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
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
                f"{self.shown}: all connections are in use; too much is asked of it at once. "
                "Try again",
                reason="busy",
            ) from error

    def _explain(self, error: Exception) -> Exception:
        if "NUL (0x00)" in str(error):
            return InputError(
                "a text holds the character NUL; nothing was stored. Check where it comes from"
            )
        told = failures.explain(error, self.shown)
        if told is not None and told.reason in _STALE:
            # What the pool holds leads to a server that is gone or no longer the primary.
            self.engine.dispose()
        return told or error

    def aside(self) -> Store:
        """The same database over a connection of its own, which waits for a lock but shortly.

        For one thread at a time: a look at the database's health must not wait for its users.
        """
        if self._aside is None:
            url = self.url
            if not self.is_sqlite and "connect_timeout" not in url.query:
                url = url.update_query_dict({"connect_timeout": str(ASIDE_MS // 1000)})
            shown = url.render_as_string(hide_password=False)
            self._aside = Store(shown, busy_ms=ASIDE_MS, connections=1)
        return self._aside

    def close(self) -> None:
        if self._aside is not None:
            self._aside.close()
        self.engine.dispose()


_NO_URL = "is no database URL. Examples: sqlite:///digest.sqlite, postgresql://user@host/name"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"store.url: {_NO_URL}"
        ) from error  # what was written may hold a password, and where is not to be told
    try:
        parsed.get_dialect()
    except NoSuchModuleError as error:
        raise StoreError(f"store.url: {hide(parsed.render_as_string())!r}: {_NO_URL}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            f"store.url: {parsed.get_backend_name()!r} is not supported; use sqlite:///... or "
            f"postgresql://..."
        )
    return parsed


def _postgres_engine(url: URL, connections: int) -> Engine:
    silence = {key: value for key, value in _SILENCE.items() if key not in url.query}
    # by this name an operator finds who is connected
    options = {"fallback_application_name": "digest"} | silence
    return create_engine(
        url, pool_size=connections, pool_pre_ping=True, connect_args=options, **_POOL
    )


def _file_of(url: URL) -> Path | None:
    """The file that is the database; None where it is none, or named in SQLite's own way."""
    if url.get_backend_name() != "sqlite" or "uri" in url.query:
        return None
    return Path(url.database) if url.database and url.database != ":memory:" else None


def _sqlite_engine(url: URL, busy_ms: int, connections: int) -> Engine:
    file = _file_of(url)
    if file and not file.parent.is_dir():
        raise StoreError(
            f"store.url: the folder {file.parent} does not exist. Create it or change the path"
        )
    engine = create_engine(url, pool_size=connections, **_POOL)
    if file:
        _follow(engine, file)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver must not begin transactions itself: it would do so only at the first write, and
        # a reader that turns writer meets SQLITE_BUSY at once, whatever the timeout.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_ms)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(tx: Connection) -> None:
        tx.exec_driver_sql(
            "BEGIN IMMEDIATE" if tx.get_execution_options().get("digest_writes") else "BEGIN"
        )

    return engine


def _follow(engine: Engine, file: Path) -> None:
    """Notice that the file was removed or replaced: an open connection would write to the old one.

    The first connection may make the file; once there, a missing one is an error.
    """
    made = False

    @event.listens_for(engine, "do_connect")
    def open_file(_dialect: Any, _record: Any, args: list[Any], options: dict[str, Any]) -> None:
        if not made:
            # SQLite gives its log and shared memory the mode of the file, made by the umask.
            # Where it cannot be made, SQLite says why.
            with suppress(OSError), private.create_file(file, anew=True):
                pass
        options["uri"] = True
        args[0] = f"{file.absolute().as_uri()}?mode=rw"

    @event.listens_for(engine, "connect")
    def remember(_connection: sqlite3.Connection, record: Any) -> None:
        nonlocal made
        made = True
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def compare(_connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError(f"{file} was removed or replaced")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def open_copy(tx: Connection, statement: str) -> Iterator[Any]:
    """A COPY of PostgreSQL; the driver is spoken to directly, and its failures look like those of
    any other statement.
    """
    driver: Any = tx.connection.driver_connection
    error = tx.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except error as cause:
        raise DBAPIError.instance(statement, None, cause, error, dialect=tx.dialect) from cause


def insert(tx: Connection, table: Any) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return build_insert(tx.dialect.name, table)


def build_insert(dialect: str, table: Any) -> Any:
    """As `insert`, for statements that are built once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def add_rows(tx: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows that conflict with none: by COPY into PostgreSQL, past SQLAlchemy's work on
    each value into SQLite.

    Each row has the table's columns in their order: JSON as `encode_json` writes it, no instants.
    """
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        values = list(zip(*rows, strict=True))
        for number, column in enumerate(table.columns):
            if isinstance(column.type, Date):  # SQLite has none
                values[number] = tuple(day and day.isoformat() for day in values[number])
        tx.exec_driver_sql(
            str(table.insert().compile(dialect=tx.dialect)), list(zip(*values, strict=True))
        )
        return
    names = ", ".join(column.name for column in table.columns)
    # The tables' names are the project's own, and none needs quotes.
    with open_copy(tx, f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def split_into_batches(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Cut for IN (...) lists: databases limit the number of parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
