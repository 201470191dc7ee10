"""The database as a value: one engine, transactions that report failure in the project's own words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection as Connection
from sqlalchemy import Date, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from digest import private
from digest.errors import InputError, StoreError
from digest.redaction import hide

T = TypeVar("T")


def as_json(value: Any) -> str:
    """What a JSON column holds."""
    return msgspec.json.encode(value).decode()


#: how long a writer waits for another one, in milliseconds
BUSY_MS = 15_000
#: connections kept, of which pages may use as many again, and the seconds that one waits for one
POOL, POOL_WAIT = 20, 10


_POOL: dict[str, Any] = {
    "pool_size": POOL,
    "pool_timeout": POOL_WAIT,
    "json_serializer": as_json,
    "json_deserializer": msgspec.json.decode,
    # an error would print what a statement was given: addresses, and the key of the links
    "hide_parameters": True,
}


class Store:
    """A database that holds the tables. `reading` and `writing` are its only doors."""

    def __init__(self, url: str, *, busy_ms: int = BUSY_MS) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self.engine = _sqlite_engine(self.url, busy_ms) if self.is_sqlite else _postgres_engine(self.url)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"store.url: {self.shown} needs the package {error.name!r}, which is not installed. "
                "For PostgreSQL install the extra: pip install '.[cluster]'"
            ) from error

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
        """A transaction that only reads, and sees the one moment of its first query in all of them."""
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._speaking(), self.engine.connect().execution_options(**({} if self.is_sqlite else options)) as tx:
            yield tx

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or leaves nothing."""
        with self._speaking(), self.engine.connect().execution_options(digest_writes=True) as tx, tx.begin():
            yield tx

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._explain(error) from error
        except UnicodeEncodeError as error:
            raise InputError(
                f"{error.object!r:.200} holds bytes that are no UTF-8; nothing was stored. Type it again, or check the file"
            ) from error
        except PoolTimeout as error:
            raise StoreError(f"{self.shown}: all connections are in use; too much is asked of it at once. Try again") from error

    def _explain(self, error: DBAPIError) -> StoreError | InputError | DBAPIError:
        text = " ".join(str(error.orig).split())
        if "NUL (0x00)" in text:
            return InputError("a text holds the character NUL; nothing was stored. Check where it comes from")
        if "locked" in text or "lock timeout" in text:
            return StoreError(
                f"{self.shown}: locked by another process for longer than the wait; nothing was changed. Try again when it is done"
            )
        if "disk is full" in text or "disk I/O error" in text or "No space left" in text:
            return StoreError(f"{self.shown}: the disk is full ({text}); nothing of this step was stored. Free some space and run it again")
        if "readonly database" in text:
            return StoreError(f"{self.shown}: the file is read-only for this user ({text}). Check its owner and its folder's")
        if "not a database" in text or "malformed" in text:
            return StoreError(f"{self.shown}: the file is no SQLite database or is damaged ({text}). Move it away or restore a backup")
        if isinstance(error, OperationalError | InterfaceError):
            return StoreError(f"{self.shown}: {text}. Check store.url and that the server runs")
        return error

    def close(self) -> None:
        self.engine.dispose()


_NO_URL = "is no database URL. Examples: sqlite:///digest.sqlite, postgresql://user@host/name"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"store.url: {_NO_URL}") from error  # what was written may hold a password, and where is not to be told
    try:
        parsed.get_dialect()
    except NoSuchModuleError as error:
        raise StoreError(f"store.url: {hide(parsed.render_as_string())!r}: {_NO_URL}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"store.url: {parsed.get_backend_name()!r} is not supported; use sqlite:///... or postgresql://...")
    return parsed


def _sqlite_engine(url: URL, busy_ms: int) -> Engine:
    if url.database and url.database != ":memory:":
        parent = Path(url.database).parent
        if not parent.is_dir():
            raise StoreError(f"store.url: the folder {parent} does not exist. Create it or change the path")
    engine = create_engine(url, **_POOL)

    @event.listens_for(engine, "do_connect")
    def make(*_: Any) -> None:
        # SQLite gives its log and shared memory the mode of the file, which it would make by the umask.
        path = url.database
        if path and path != ":memory:" and not Path(path).exists():
            with suppress(FileExistsError), private.create_file(Path(path), anew=True):
                pass

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver must not begin transactions itself: it would do so only at the first write, and a
        # reader that turns writer meets SQLITE_BUSY at once, whatever the timeout.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_ms)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(tx: Connection) -> None:
        tx.exec_driver_sql("BEGIN IMMEDIATE" if tx.get_execution_options().get("digest_writes") else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    # by this name an operator finds who is connected
    return create_engine(url, pool_pre_ping=True, connect_args={"fallback_application_name": "digest"}, **_POOL)


@contextmanager
def copying(tx: Connection, statement: str) -> Iterator[Any]:
    """A COPY of PostgreSQL; the driver is spoken to directly, and its failures look like those of any other statement."""
    driver: Any = tx.connection.driver_connection
    error = tx.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except error as cause:
        raise DBAPIError.instance(statement, None, cause, error, dialect=tx.dialect) from cause


def insert(tx: Connection, table: Any) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return insert_for(tx.dialect.name, table)


def insert_for(dialect: str, table: Any) -> Any:
    """As `insert`, for statements that are built once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def add_rows(tx: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows that conflict with none: by COPY into PostgreSQL, past SQLAlchemy's work on each value into SQLite.

    Each row has the table's columns in their order: JSON as `as_json` writes it, no instants.
    """
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        values = list(zip(*rows, strict=True))
        for number, column in enumerate(table.columns):
            if isinstance(column.type, Date):  # SQLite has none
                values[number] = tuple(day and day.isoformat() for day in values[number])
        tx.exec_driver_sql(str(table.insert().compile(dialect=tx.dialect)), list(zip(*values, strict=True)))
        return
    names = ", ".join(column.name for column in table.columns)
    # The tables' names are the project's own, and none needs quotes.
    with copying(tx, f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def batches(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Cut for IN (...) lists: databases limit the number of parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
