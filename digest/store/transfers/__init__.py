"""Move a whole store between databases: SQLite to PostgreSQL, and back.

A backup is of one kind of database; an export is of none. Reading order: `rows` (what a line is),
`archive` (the file), then this module. Everything streams: memory does not grow with the store.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import closing as closing_file
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, delete, inspect, literal, select, update
from sqlalchemy.exc import DataError, IntegrityError

from digest import __version__
from digest.errors import InputError, StoreError
from digest.store import schema, sequences
from digest.store.backups import closing, postgres, sqlite
from digest.store.backups.files import replace_when_written
from digest.store.engine import Store
from digest.store.tables import metadata
from digest.store.transfers.archive import (
    FORM,
    Manifest,
    TableEntry,
    TableWriter,
    build_damaged_error,
    open_archive,
    read_lines,
    write_manifest,
)
from digest.store.transfers.rows import Kind, decode_row, encode_row, list_kinds, make_table

#: rows that are read or written at once
_BATCH = 500
#: filled by the first command in a new database
_OF_NEW_STORES = "installation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transferred:
    """What an export or import moved."""

    revision: str
    #: whether nothing else used the database that was exported
    at_rest: bool
    #: table -> rows
    rows: dict[str, int]
    #: what was closed, where the exported database was in use
    closed: closing.Restored | None = None

    @property
    def json(self) -> dict[str, object]:
        return {
            "schema": self.revision,
            "at_rest": self.at_rest,
            "rows": self.rows,
            "closed": self.closed.json if self.closed else None,
        }


def export_all(
    store: Store, path: Path, *, now: datetime, in_use: bool = False, overwrite: bool = False
) -> Transferred:
    """Write all rows of one moment to a file that only its owner may read.

    Args:
        path: the file. It appears when it is complete.
        in_use: others may use the store meanwhile. The import then closes what they may have sent
            since, as a restored backup.
        overwrite: replace a file of that name.

    Raises:
        InputError: the file is there already, or cannot be written.
        StoreError: the store is of another schema, or is used by others and `in_use` is not set.
    """
    schema.require(store)
    if not in_use:
        refuse_use = sqlite.refuse_others if store.is_sqlite else postgres.refuse_others
        refuse_use(store)
    entries: dict[str, TableEntry] = {}
    with (
        replace_when_written(path, overwrite=overwrite) as part,
        store.snapshot() as tx,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        last_ids = sequences.load_last_ids(tx)
        for table in metadata.sorted_tables:
            kinds = list_kinds(table)
            floats = [place for place, kind in enumerate(kinds.values()) if kind == "float"]
            query = select(table).order_by(*table.primary_key.columns)
            with closing_file(TableWriter(archive, table.name, kinds)) as writer:
                for row in tx.execute(query.execution_options(yield_per=_BATCH)):
                    writer.write(encode_row(row, floats))
            entries[table.name] = writer.describe(last_ids.get(table.name))
        manifest = Manifest(
            form=FORM,
            revision=schema.get_head_revision(),
            program=__version__,
            made_at=now,
            at_rest=not in_use,
            tables=entries,
        )
        write_manifest(archive, manifest)
    return _report(manifest)


def import_all(store: Store, path: Path, *, now: datetime) -> Transferred:
    """Fill an empty store with the rows of a file, completely or not at all.

    Raises:
        InputError: the file is damaged or no export.
        StoreError: the store holds something, is in use, or the file is of a newer schema.
    """
    with open_archive(path) as (archive, manifest):
        schema.refuse_unknown(f"{path}", manifest.revision)
        with store.writing() as tx:
            _make_room(store, tx, path, manifest.revision)
            for name, entry in _list_tables(tx, path, manifest):
                _fill(tx, archive, path, name, entry)
            schema.migrate(tx, "head")
            if store.is_sqlite:
                tx.exec_driver_sql("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
            closed = None
            if not manifest.at_rest:
                former = closing.Former()
                closed = closing.close(tx, before=manifest.revision, former=former, now=now)
    return _report(manifest, closed)


def _report(manifest: Manifest, closed: closing.Restored | None = None) -> Transferred:
    rows = {name: entry.rows for name, entry in manifest.tables.items()}
    return Transferred(
        revision=manifest.revision, at_rest=manifest.at_rest, rows=rows, closed=closed
    )


def _make_room(store: Store, tx: Connection, path: Path, revision: str) -> None:
    """Make the tables of a revision in an empty store, or find them there without rows."""
    schema.lock(tx)
    before = schema.read_revision(tx)
    if before is None:
        schema.refuse_strangers(store.display_name, tx)
        schema.migrate(tx, revision)
    elif before != revision:
        raise StoreError(
            f"{store.display_name}: has tables of schema {before}, and {path} is of schema "
            f"{revision}. Nothing was changed; give [store] url a database without tables"
        )
    tables = sorted(set(inspect(tx).get_table_names()) & metadata.tables.keys())
    filled = [name for name in tables if name != _OF_NEW_STORES and _has_rows(tx, name)]
    if before is not None and filled:
        raise StoreError(
            f"{store.display_name}: is not empty: it holds {', '.join(filled[:5])}. Nothing was "
            "changed; give [store] url an empty database"
        )
    for name in {*filled, _OF_NEW_STORES}:  # migrations write rows, too
        tx.execute(delete(metadata.tables[name]))


def _has_rows(tx: Connection, name: str) -> bool:
    # no column is named: an older schema may lack it
    query = select(literal(1)).select_from(metadata.tables[name]).limit(1)
    return tx.execute(query).first() is not None


def _list_tables(
    tx: Connection, path: Path, manifest: Manifest
) -> Iterator[tuple[str, TableEntry]]:
    """List the tables, each after those that its foreign keys refer to.

    Raises:
        InputError: the file has other tables or columns than its schema.
    """
    reflected = MetaData()
    reflected.reflect(tx, only=lambda name, _: name in manifest.tables)
    for table in reflected.sorted_tables:
        if set(manifest.tables[table.name].columns) != set(table.columns.keys()):
            raise build_damaged_error(path, f"{table.name} has other columns than its schema")
    if missing := manifest.tables.keys() - reflected.tables.keys():
        raise build_damaged_error(path, f"its schema has no {', '.join(sorted(missing))}")
    for table in reflected.sorted_tables:
        yield table.name, manifest.tables[table.name]


def _fill(
    tx: Connection, archive: zipfile.ZipFile, path: Path, name: str, entry: TableEntry
) -> None:
    """Fill a table, and let it give the ids that follow."""
    table = make_table(name, entry.columns)
    own = _find_self_reference(name)
    rows = _decode(archive, path, name, entry, is_sqlite=tx.dialect.name == "sqlite")
    greatest = entry.last_id or 0
    while batch := list(islice(rows, _BATCH)):
        if "id" in entry.columns:
            greatest = max(greatest, *(row["id"] for row in batch))
        try:
            tx.execute(table.insert(), [row | {own: None} if own else row for row in batch])
        except (DataError, IntegrityError) as error:
            raise StoreError(
                f"{path}: a row of {name} does not fit this database: {error.orig}. Nothing was "
                "changed"
            ) from error
    if own:  # only now every row that is referred to is there
        again = _decode(archive, path, name, entry, is_sqlite=True)
        for row in again:
            if row[own] is not None:
                tx.execute(update(table).where(table.c.id == row["id"]).values({own: row[own]}))
    if "id" in entry.columns:
        sequences.advance(tx, name, greatest)


def _find_self_reference(name: str) -> str:
    """Find the column of a table that refers to the table itself; "" = none."""
    table = metadata.tables.get(name)
    if table is None:  # a later schema has no such table
        return ""
    keys = (key for key in table.foreign_keys if key.column.table is table)
    return next((key.parent.name for key in keys), "")


def _decode(
    archive: zipfile.ZipFile, path: Path, name: str, entry: TableEntry, *, is_sqlite: bool
) -> Iterator[dict[str, Any]]:
    kinds: dict[str, Kind] = entry.columns
    for number, line in enumerate(read_lines(archive, path, name, entry), start=1):
        if not is_sqlite and rb"\u0000" in line:
            raise InputError(
                f"{path}: row {number} of {name} holds the character NUL, which PostgreSQL cannot "
                "store. Nothing was changed; remove it from the other database, and export again"
            )
        try:
            yield decode_row(line, kinds)
        except ValueError as error:
            raise build_damaged_error(path, f"row {number} of {name}: {error}") from error
