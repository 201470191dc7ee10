"""A store of any schema with rows in every table, for tests of upgrades and of moves.

It begins with the store that version 0.1.0 made, whose readers, digests and messages are real, is
migrated to a revision, and gets a row in each table that is empty there, and a value in each column
that came later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    inspect,
    select,
    update,
)

from digest.store import Store, schema
from tests.old_store import fill_old_store

_MOMENT = datetime(2026, 6, 8, 7, 30, 1, 234567, tzinfo=UTC)
#: values that a column must have, so that the row says something that a store may hold
_VALUES: dict[tuple[str, str], Any] = {
    ("alarms", "kind"): "disk",
    ("alarms", "details"): ["500 MB free"],
    ("address_changes", "state"): "ended",
    ("api_answers", "headers"): [["content-type", "application/json"]],
    ("api_keys", "scopes"): ["papers:read"],
    ("consents", "event"): "confirmed",
    ("consents", "origin"): "page",
    ("dumps", "reading"): "0.2.0 seen=name",
    ("feeds", "number"): 3,
    ("mailboxes", "uid_validity"): 2**40,
    ("papers", "code_url"): "https://example.org/code",
    ("papers", "journal_ref"): "Journal of Übung 3",
    ("pauses", "kind"): "server",
    ("presses", "button"): "thumb",
    ("presses", "state"): "counted",
    ("presses", "vote"): 1,
    ("provider_events", "provider"): "ses",
    ("rejects", "raw"): '{"title": "\u2620 \\u0041 "}',
    ("removals", "kind"): "doi",
    ("source_states", "name"): "arxiv",
    ("source_states", "state"): {"from": "2026-06-08"},
    ("submissions", "state"): "waiting",
    ("subscribers", "language"): "de",
    ("subscribers", "quiet_days"): "line",
    ("subscribers", "due_from"): _MOMENT,
    ("subscribers", "added_at"): _MOMENT,
    ("suppressions", "reason"): "hard",
    ("webhook_deliveries", "state"): "delivered",
    ("webhooks", "events"): ["thumb"],
}
#: what later revisions added to tables that have rows
_ADDED = (
    ("digest_items", "from_day"),
    ("digests", "nearest_paper_id"),
    ("dumps", "reading"),
    ("papers", "code_url"),
    ("papers", "journal_ref"),
    ("subscribers", "added_at"),
    ("subscribers", "due_from"),
    ("subscribers", "language"),
    ("subscribers", "quiet_days"),
)
#: of their bytes this version would make something, and these are none
UNREADABLE = ("calibrations", "word_vectors")


def fill_store(url: str, revision: str) -> dict[str, Any]:
    """Fill an empty database with a store of a revision.

    Returns:
        What the store of 0.1.0 holds, as `old_store` says.
    """
    contents = fill_old_store(url)
    store = Store(url)
    with store.writing() as tx:
        schema.migrate(tx, revision)
        tables = reflect(tx)
        for table in tables.values():
            if tx.execute(select(table).limit(1)).first() is None:
                tx.execute(table.insert().values(make_row(tx, table, tables)))
        for name, column in _ADDED:
            table = tables[name]
            if column in table.c:
                value = _VALUES.get((name, column)) or make_value(table.c[column])
                tx.execute(
                    update(table)
                    .where(table.c[next(iter(table.c.keys()))] == 1)
                    .values({column: value})
                )
    store.close()
    return contents


def reflect(tx: Connection) -> dict[str, Table]:
    """Reflect the project's tables, each after those that it refers to."""
    names = [
        name
        for name in inspect(tx).get_table_names()
        if not name.startswith(("paper_words", "alembic_", "sqlite_"))
    ]
    reflected = MetaData()
    reflected.reflect(tx, only=names)
    return {table.name: table for table in reflected.sorted_tables}


def make_row(tx: Connection, table: Table, tables: dict[str, Table]) -> dict[str, Any]:
    """Make a row whose every column has a value."""
    row: dict[str, Any] = {}
    for column in table.c:
        keys = [key.column for key in column.foreign_keys]
        if column.name == "id" and table.name != "installation":
            continue  # the database gives it
        if keys:
            parent = tables[keys[0].table.name]
            row[column.name] = tx.execute(
                select(parent.c[keys[0].name]).order_by(parent.c[keys[0].name]).limit(1)
            ).scalar_one()
        else:
            row[column.name] = _VALUES.get((table.name, column.name)) or make_value(column)
    return row


def make_value(column: Column[Any]) -> Any:
    """Make a value of the type of a column."""
    for type_, value in (
        (Boolean, True),
        (Integer, 1),
        (Float, 0.1 + 0.2),
        (LargeBinary, bytes(range(256))),
        (JSON, {"text": "Ü ☠ \"'", "numbers": [0, 1.5, None, True]}),
        (Date, date(2026, 6, 8)),
        (DateTime, _MOMENT.replace(tzinfo=None) if _is_naive(column) else _MOMENT),
    ):
        if isinstance(column.type, type_):
            return value
    return "x"


def _is_naive(column: Column[Any]) -> bool:
    return isinstance(column.type, DateTime) and not column.type.timezone


def read_rows(store: Store) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each table's name with its rows as plain values, in a fixed order."""
    with store.reading() as tx:
        for name, table in reflect(tx).items():
            rows = [dict(row) for row in tx.execute(select(table)).mappings()]
            yield name, sorted(rows, key=repr)
