"""All rows that belong to a reader, whichever table they are in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, select

from digest.store.sources import library_row
from digest.store.statements import split_into_batches
from digest.store.tables import metadata, source_states, subscribers, suppressions


def load(tx: Connection, subscriber_id: int, email_key: str) -> dict[str, list[dict[str, Any]]]:
    """Load every row about a reader, by table, in order of their keys.

    A table belongs to readers if a foreign key leads from it to theirs, directly or by way of
    another such table. So a table that is added later is never forgotten.

    Args:
        email_key: of the reader's address; a suppression of it has no foreign key.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in metadata.sorted_tables:
        if table is subscribers:
            where = [subscribers.c.id == subscriber_id]
        elif table is suppressions:
            where = [suppressions.c.email_key == email_key]
        elif table is source_states:  # how far the reader's libraries were imported
            where = [source_states.c.name == library_row(subscriber_id)]
        else:
            where = _belongs(table, rows)
        found = [
            dict(row)
            for condition in where
            for row in tx.execute(
                select(table).where(condition).order_by(*table.primary_key.columns)
            ).mappings()
        ]
        if where:
            rows[table.name] = found
    return rows


def _belongs(table: Table, rows: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Build the conditions that a row belongs to rows that were loaded before, in batches.

    The first foreign key to a table of readers decides.
    """
    for key in table.foreign_keys:
        parent = key.column.table
        if parent.name in rows:
            owned = [row[key.column.name] for row in rows[parent.name]]
            return [key.parent.in_(batch) for batch in split_into_batches(owned)] or [
                key.parent.in_([])
            ]
    return []
