"""Statements that SQLite and PostgreSQL spell differently.

Upserts, bulk inserts and COPY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Date, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")


def encode_json(value: Any) -> str:
    """Encode a value as a JSON column holds it."""
    return msgspec.json.encode(value).decode()


def insert(tx: Connection, table: Any) -> Any:
    """Build the dialect's INSERT, which has ON CONFLICT."""
    return build_insert(tx.dialect.name, table)


def build_insert(dialect: str, table: Any) -> Any:
    """Build an INSERT as `insert` does, for statements that are kept."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@contextmanager
def open_copy(tx: Connection, statement: str) -> Iterator[Any]:
    """Open a COPY of PostgreSQL, which only the driver itself offers.

    Its failures are raised as SQLAlchemy raises those of any other statement.
    """
    driver: Any = tx.connection.driver_connection
    error = tx.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except error as cause:
        raise DBAPIError.instance(statement, None, cause, error, dialect=tx.dialect) from cause


def add_rows(tx: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows that conflict with none, as fast as the database can.

    PostgreSQL takes them by COPY. SQLite takes them from the driver, without SQLAlchemy's work on
    each value.

    Args:
        rows: values in the order of the table's columns; JSON as text (`encode_json`), no instants.
    """
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        values = list(zip(*rows, strict=True))
        for number, column in enumerate(table.columns):
            if isinstance(column.type, Date):  # SQLite has no dates
                values[number] = tuple(day and day.isoformat() for day in values[number])
        tx.exec_driver_sql(
            str(table.insert().compile(dialect=tx.dialect)), list(zip(*values, strict=True))
        )
        return
    names = ", ".join(column.name for column in table.columns)
    # The names of tables are the project's own, and none needs quotes.
    with open_copy(tx, f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def split_into_batches(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Split ids for IN (...): databases limit the number of parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
