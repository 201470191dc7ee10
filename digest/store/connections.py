"""URL -> SQLAlchemy engine, with the settings that each database needs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError

from digest import private
from digest.errors import StoreError
from digest.redaction import redact
from digest.store.statements import encode_json
from digest.store.turns import begin_immediate

#: seconds that a caller waits for a free connection of the pool
POOL_WAIT = 10
#: PostgreSQL: when a silent server is given up, in seconds (`tcp_user_timeout`: milliseconds)
_SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_ENGINE_SETTINGS: dict[str, Any] = {
    "pool_timeout": POOL_WAIT,
    "json_serializer": encode_json,
    "json_deserializer": msgspec.json.decode,
    # Else an error prints a statement's parameters: addresses, and the key of the links.
    "hide_parameters": True,
}
_NO_URL = "is no database URL. Examples: sqlite:///digest.sqlite, postgresql://user@host/name"


def parse_url(url: str) -> URL:
    """Parse a database URL.

    Raises:
        StoreError: it is none, or of a database that is not supported.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text is not shown: it may hold a password, and nobody knows where.
        raise StoreError(f"store.url: {_NO_URL}") from error
    try:
        parsed.get_dialect()
    except NoSuchModuleError as error:
        raise StoreError(f"store.url: {redact(parsed.render_as_string())!r}: {_NO_URL}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            f"store.url: {parsed.get_backend_name()!r} is not supported; use sqlite:///... or "
            f"postgresql://..."
        )
    return parsed


def find_file(url: URL) -> Path | None:
    """Return the database file.

    None where there is none, or where SQLite's own URI names it.
    """
    if url.get_backend_name() != "sqlite" or "uri" in url.query:
        return None
    return Path(url.database) if url.database and url.database != ":memory:" else None


def create_postgres_engine(url: URL, connections: int) -> Engine:
    """Create an engine with so many pooled connections."""
    silence = {key: value for key, value in _SILENCE.items() if key not in url.query}
    # The name under which an operator sees the connection.
    options = {"fallback_application_name": "digest"} | silence
    return create_engine(
        url, pool_size=connections, pool_pre_ping=True, connect_args=options, **_ENGINE_SETTINGS
    )


def create_sqlite_engine(
    url: URL, busy_ms: int, connections: int, *, may_create: bool = True
) -> Engine:
    """Create an engine whose connections wait up to `busy_ms` milliseconds for a lock.

    Args:
        url: of the database.
        busy_ms: milliseconds.
        connections: that the pool keeps.
        may_create: the first connection may create the file.

    Raises:
        StoreError: the folder of the file does not exist.
    """
    file = find_file(url)
    if file and not file.parent.is_dir():
        raise StoreError(
            f"store.url: the folder {file.parent} does not exist. Create it or change the path"
        )
    engine = create_engine(url, pool_size=connections, **_ENGINE_SETTINGS)
    if file:
        _watch_file(engine, file, may_create=may_create)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # Else the driver begins a transaction only at the first write. A reader that turns writer
        # then gets SQLITE_BUSY at once, whatever the timeout.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_ms)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(tx: Connection) -> None:
        until = tx.get_execution_options().get("digest_writes_until")
        if until is None:
            tx.exec_driver_sql("BEGIN")
        else:
            driver: Any = tx.connection.driver_connection
            begin_immediate(driver, until, busy_ms)

    return engine


def _watch_file(engine: Engine, file: Path, *, may_create: bool) -> None:
    """Notice when the file is removed or replaced.

    Open connections would write to the old one.

    Only the first connection may create the file. Later, a missing file is an error.
    """
    created = not may_create

    @event.listens_for(engine, "do_connect")
    def open_file(_dialect: Any, _record: Any, args: list[Any], options: dict[str, Any]) -> None:
        if not created:
            # SQLite's log and shared memory get the mode of the file, which must be private.
            # Where the file cannot be created, SQLite says why.
            with suppress(OSError), private.create_file(file, exclusive=True):
                pass
        options["uri"] = True
        args[0] = f"{file.absolute().as_uri()}?mode=rw"

    @event.listens_for(engine, "connect")
    def remember(_connection: sqlite3.Connection, record: Any) -> None:
        nonlocal created
        created = True
        record.info["file"] = _identify(file)

    @event.listens_for(engine, "checkout")
    def compare(_connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identify(file):
            raise DisconnectionError(f"{file} was removed or replaced")


def _identify(file: Path) -> tuple[int, int] | None:
    """Return device and inode, None when the file is missing."""
    try:
        stat = os.stat(file)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
