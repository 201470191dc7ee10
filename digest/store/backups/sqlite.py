"""SQLite: a backup is a database file, made by the online backup API.

A copy of the file made by hand can be restored too.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from digest import private
from digest.errors import DigestError, InputError, StoreError
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

#: seconds that a restore waits for other users of the store
_PATIENCE = 5.0


def write(store: Store, part: Path, *, with_keys: bool) -> None:
    """Copy the store as it is at one moment into an empty file."""
    source = _find_file(store)
    if not source.exists():
        raise StoreError(
            f"{store.display_name}: there is no database yet, so there is nothing to back up"
        )
    with (
        _explaining(store),
        _explaining_no_room(part),
        closing(_open(source)) as live,
        closing(_open(part)) as copy,
    ):
        live.backup(copy)
        # A write-ahead log would be a second file.
        copy.execute("PRAGMA journal_mode = DELETE")
        if not _has_table(copy, "alembic_version"):
            raise StoreError(
                f"{store.display_name}: holds nothing of digest, so there is nothing to back up"
            )
        if not with_keys:
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute("DELETE FROM link_keys")
            copy.execute("VACUUM")  # else they stay readable in free pages
        damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(
                f"{store.display_name} is damaged: {damage}. No backup was made; "
                "restore an earlier one"
            )


def refuse_others(store: Store) -> None:
    """Refuse a store that another process has open.

    Raises:
        StoreError: one has.
    """
    store.close()  # its own connections would count, too
    with _lock(store, _find_file(store)):
        pass


def restore(store: Store, path: Path, *, now: datetime) -> Restored:
    """Prepare the backup beside the store, then copy it in one transaction."""
    target = _find_file(store)
    if target.exists() and target.samefile(path):
        raise InputError(f"{path}: is the store itself. Name a backup of it")
    with _lock(store, target) as live, _open_folder(store, target) as folder:
        former = _read_former(live)
        prepared = folder / "restored.sqlite"
        _copy_backup(path, prepared)
        copy = Store(f"sqlite:///{prepared}")
        try:
            restored = _prepare(copy, path, former, now)
        finally:
            copy.close()
        with _explaining(store), closing(_open(prepared)) as source:
            source.backup(live)
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return restored


def _prepare(copy: Store, path: Path, former: Former, now: datetime) -> Restored:
    try:
        before = schema.get_revision(copy)
    except StoreError as error:
        raise build_invalid_backup_error(path, str(error)) from error
    if before is None:
        raise build_invalid_backup_error(path, "it holds no schema of ours")
    schema.refuse_unknown(f"{path}", before)
    with copy.reading() as tx:
        damage = tx.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if damage != "ok":
        raise InputError(f"{path}: is damaged: {damage}. Nothing was changed; take another backup")
    schema.upgrade(copy)
    with copy.writing() as tx:
        numbers = "UPDATE sqlite_sequence SET seq = max(seq, ?) + ? WHERE name = 'subscribers'"
        tx.exec_driver_sql(numbers, (former.last_reader, SKIPPED))
        return close(tx, before=before, former=former, now=now)


def _find_file(store: Store) -> Path:
    return Path(store.url.database or "")


def _open(path: Path, *, timeout: float = _PATIENCE) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None)


def _copy_backup(path: Path, target: Path) -> None:
    """Copy a backup, with its write-ahead log if there is one, without changing it."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    problem: sqlite3.Error | None = None
    # In a read-only folder, SQLite opens a file only as immutable.
    for form in (uri, f"{uri}&immutable=1"):
        try:
            with (
                closing(sqlite3.connect(form, uri=True, timeout=_PATIENCE)) as source,
                closing(_open(target)) as copy,
            ):
                source.backup(copy)
        except sqlite3.Error as error:
            problem = error
            target.unlink(missing_ok=True)
        else:
            return
    raise build_invalid_backup_error(path, str(problem)) from problem


@contextmanager
def _lock(store: Store, target: Path) -> Iterator[sqlite3.Connection]:
    """Lock the store for this process alone.

    A missing file is created, and removed again when the block fails. Every open connection of
    another process holds a shared lock, even when idle.
    """
    new = not target.exists()
    if new:
        private.create_file(target).close()
    done = False
    try:
        with _explaining(store), closing(_open(target)) as live:
            live.execute("PRAGMA locking_mode = EXCLUSIVE")
            live.execute("BEGIN EXCLUSIVE")
            live.execute("COMMIT")
            yield live
        done = True
    finally:
        if new and not done:
            target.unlink(missing_ok=True)


@contextmanager
def _open_folder(store: Store, target: Path) -> Iterator[Path]:
    """Open a private temporary folder on the store's disk."""
    try:
        with tempfile.TemporaryDirectory(prefix=".digest-restore-", dir=target.parent) as name:
            yield Path(name)
    except OSError as error:
        raise StoreError(
            f"{store.display_name}: {error.strerror or error}. Check the folder, its permissions "
            "and the space on its disk; the store is as it was"
        ) from error


def _read_former(live: sqlite3.Connection) -> Former:
    if not _has_table(live, "subscribers"):
        return Former()
    columns = {row[1] for row in live.execute("PRAGMA table_info(subscribers)")}
    left = live.execute(build_left_query(columns)).fetchall()
    revoked = live.execute(REVOKED_QUERY).fetchall() if _has_table(live, "api_keys") else []
    return Former(
        keys=_load_link_keys(live),
        left=left,
        last_reader=_find_last_reader_id(live),
        revoked_api_keys=[hash_ for (hash_,) in revoked],
    )


def _load_link_keys(live: sqlite3.Connection) -> list[keys.KeyRow]:
    """Load the link keys from any schema."""
    cursor = live.execute("SELECT * FROM link_keys ORDER BY id")
    names = [column[0] for column in cursor.description]
    return [
        keys.KeyRow(
            id=row["id"],
            secret=row["secret"],
            created_at=datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC),
            revoked_at=datetime.fromisoformat(revoked).replace(tzinfo=UTC)
            if (revoked := row.get("revoked_at"))
            else None,
        )
        for row in (dict(zip(names, values, strict=True)) for values in cursor)
    ]


def _has_table(connection: sqlite3.Connection, table: str) -> bool:
    return bool(
        connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    )


def _find_last_reader_id(live: sqlite3.Connection) -> int:
    """Find the greatest id that the store ever gave to a reader."""
    row = live.execute("SELECT seq FROM sqlite_sequence WHERE name = 'subscribers'").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _explaining_no_room(part: Path) -> Iterator[None]:
    """Name the folder of a backup that does not fit; the store itself is only read."""
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
            raise
        raise StoreError(
            f"{part.parent}: has no room for the backup ({error}); none was made. Free some space, "
            "or name a file on another disk"
        ) from error


@contextmanager
def _explaining(store: Store) -> Iterator[None]:
    try:
        yield
    except DigestError:
        raise
    except sqlite3.Error as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreError(
                f"{store.display_name}: another process uses it, and nothing was changed. "
                "Stop `digest serve` and every other command, then run it again"
            ) from error
        if "not a database" in text or "malformed" in text:
            raise StoreError(
                f"{store.display_name}: the file is no SQLite database or is damaged ({text}). "
                "Move it away with its -wal and -shm, then run it again"
            ) from error
        raise StoreError(
            f"{store.display_name}: {text}; the store is as it was. Check its disk and permissions"
        ) from error
