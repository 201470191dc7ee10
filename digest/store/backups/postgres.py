"""Backups of PostgreSQL.

A backup is a ZIP archive with a manifest and one COPY text for each table.

Not pg_dump: a restore must close the dates in the same transaction, and no client program of the
server's version should be needed.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, MetaData, inspect, text

from digest.errors import InputError, StoreError
from digest.store import keys, schema
from digest.store.backups.closing import (
    REVOKED_QUERY,
    SKIPPED,
    Former,
    Restored,
    build_left_query,
    close,
)
from digest.store.backups.files import build_invalid_backup_error
from digest.store.engine import Store
from digest.store.sequences import advance, load_last_ids
from digest.store.statements import open_copy
from digest.store.tables import metadata

_MANIFEST = "manifest.json"
_FORM = "digest backup 1"
_CHUNK = 1 << 20
_VERSIONS = "alembic_version"
#: errors of reading a damaged archive
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class _Table(msgspec.Struct, frozen=True):
    columns: list[str]
    rows: int
    #: the greatest id that it ever gave to a row; None where rows have no id
    last: int | None = None


class _Manifest(msgspec.Struct, frozen=True):
    form: str
    revision: str
    tables: dict[str, _Table]


def write(store: Store, part: Path, *, with_keys: bool) -> None:
    """Copy all tables as they are at one moment into an archive."""
    with (
        store.snapshot() as tx,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        revision = schema.read_revision(tx)
        if revision is None:
            raise StoreError(
                f"{store.display_name}: holds nothing of digest, so there is nothing to back up"
            )
        tables: dict[str, _Table] = {}
        numbers = load_last_ids(tx)
        for name in _list_tables(tx):
            columns = [column["name"] for column in inspect(tx).get_columns(name)]
            rows = 0
            if with_keys or name != "link_keys":
                statement = f"COPY {name} ({', '.join(columns)}) TO STDOUT"
                with (
                    archive.open(f"{name}.copy", "w", force_zip64=True) as entry,
                    open_copy(tx, statement) as copy,
                ):
                    for block in copy:
                        entry.write(block)
                        rows += bytes(block).count(b"\n")
            tables[name] = _Table(columns=columns, rows=rows, last=numbers.get(name))
        manifest = _Manifest(form=_FORM, revision=revision, tables=tables)
        archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))


def refuse_others(store: Store) -> None:
    """Refuse a store that others are connected to.

    Raises:
        StoreError: with the processes that are connected.
    """
    store.close()  # else its own idle connections would count as others
    with store.reading() as tx:
        _refuse_others(store, tx)


def restore(store: Store, path: Path, *, now: datetime) -> Restored:
    """Replace all tables by the archive's in one transaction."""
    with _open_archive(path) as archive:
        manifest = _read_manifest(archive, path)
        schema.refuse_unknown(f"{path}", manifest.revision)
        with store.writing() as tx:
            former, numbers = _empty_store(store, tx, manifest.revision)
            for name in _list_tables_in_order(tx):
                if (table := manifest.tables.get(name)) is not None:
                    _fill_table(tx, archive, path, name, table)
                    _advance_sequence(tx, name, table.last, numbers.get(name, 0))
            schema.migrate(tx, "head")
            return close(tx, before=manifest.revision, former=former, now=now)


def _empty_store(store: Store, tx: Connection, revision: str) -> tuple[Former, dict[str, int]]:
    """Empty the store for a backup of a revision.

    Returns:
        What is kept of the store, and the last id of each table.

    Raises:
        StoreError: others are connected, or it holds tables of somebody else.
    """
    tx.execute(text("SET LOCAL lock_timeout = '5s'"))
    schema.lock(tx)
    before = schema.read_revision(tx)
    if before is None:
        schema.refuse_strangers(store.display_name, tx)
        _create_tables(tx, revision)
        return Former(), {}
    schema.refuse_unknown(store.display_name, before)
    names = _list_tables(tx)
    _refuse_others(store, tx)
    tx.execute(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))
    _refuse_others(store, tx)
    former = _read_former(tx)
    numbers = load_last_ids(tx)
    if before == revision:  # keeps grants and views of an operator
        tx.execute(text(f"TRUNCATE {', '.join(names)}"))
    else:
        tx.execute(text(f"DROP TABLE {', '.join([*names, _VERSIONS])}"))
        _create_tables(tx, revision)
    return former, numbers


def _read_former(tx: Connection) -> Former:
    link_keys = [
        keys.KeyRow(
            id=row["id"],
            secret=bytes(row["secret"]),
            created_at=row["created_at"],
            revoked_at=row.get("revoked_at"),
        )
        for row in tx.execute(text("SELECT * FROM link_keys ORDER BY id")).mappings()
    ]
    columns = {column["name"] for column in inspect(tx).get_columns("subscribers")}
    has_keys = inspect(tx).has_table("api_keys")
    revoked: Iterable[bytes] = tx.execute(text(REVOKED_QUERY)).scalars() if has_keys else ()
    return Former(
        keys=link_keys,
        left=[tuple(row) for row in tx.execute(text(build_left_query(columns)))],
        revoked_api_keys=[bytes(hash_) for hash_ in revoked],
    )


def _create_tables(tx: Connection, revision: str) -> None:
    """Create the empty tables of a revision; migrations may have written rows."""
    schema.migrate(tx, revision)
    tx.execute(text(f"TRUNCATE {', '.join(_list_tables(tx))}"))


def _refuse_others(store: Store, tx: Connection) -> None:
    """Refuse a store that others are connected to.

    They would continue with what they loaded.

    Raises:
        StoreError: with the processes that are connected.
    """
    others = tx.execute(
        text(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid"
        )
    ).all()
    if others:
        shown = ", ".join(
            f"{row.application_name or 'a client'} (pid {row.pid})" for row in others[:3]
        )
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise StoreError(
            f"{store.display_name}: is in use by {shown}{more}. Nothing was changed. "
            "Stop `digest serve` and every other command and client, then run it again"
        )


def _fill_table(
    tx: Connection, archive: zipfile.ZipFile, path: Path, name: str, table: _Table
) -> None:
    entry = f"{name}.copy"
    if entry not in archive.namelist():
        if table.rows:
            raise build_invalid_backup_error(path, f"{entry} is missing")
        return
    try:
        with (
            archive.open(entry) as file,
            open_copy(tx, f"COPY {name} ({', '.join(table.columns)}) FROM STDIN") as copy,
        ):
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
    except _UNREADABLE as error:
        raise _build_damaged_error(path, str(error)) from error
    rows = tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
    if rows != table.rows:
        raise _build_damaged_error(path, f"{name} has {rows} rows and should have {table.rows}")


def _advance_sequence(tx: Connection, name: str, backup: int | None, store: int) -> None:
    """Advance a sequence past all ids that mails sent after the backup may name."""
    if backup is not None:
        last = max(backup, store) + (
            SKIPPED if name in ("subscribers", "messages", "papers") else 0
        )
        advance(tx, name, last)


def _list_tables(tx: Connection) -> list[str]:
    """List the project's tables that exist; an older schema has fewer."""
    existing = set(inspect(tx).get_table_names())
    return sorted(existing & metadata.tables.keys())


def _list_tables_in_order(tx: Connection) -> list[str]:
    """List the project's tables, each after those that its foreign keys refer to."""
    reflected = MetaData()
    reflected.reflect(tx, only=_list_tables(tx))
    return [table.name for table in reflected.sorted_tables]


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise _build_damaged_error(path, str(error)) from error


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> _Manifest:
    try:
        manifest = msgspec.json.decode(archive.read(_MANIFEST), type=_Manifest)
    except (KeyError, msgspec.DecodeError, *_UNREADABLE) as error:
        raise build_invalid_backup_error(
            path, f"its {_MANIFEST} is missing or is another program's"
        ) from error
    if manifest.form != _FORM:
        raise build_invalid_backup_error(
            path, f"its form is {manifest.form!r}, which this version does not know"
        )
    strange = [
        name
        for name, table in manifest.tables.items()
        if not all(word.isidentifier() for word in (name, *table.columns))
    ]
    if strange:  # they become part of statements
        raise build_invalid_backup_error(path, f"{strange[0][:40]!r} is no table of ours")
    return manifest


def _build_damaged_error(path: Path, why: str) -> InputError:
    return InputError(f"{path}: is damaged ({why}). Nothing was changed; take another backup")
