"""Back up a store into one file, and restore it on the same kind of database.

Reading order: `files` (backup files), `closing` (what a restore does to the ledger), `sqlite`,
`postgres`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from digest.errors import InputError, StoreError
from digest.store import rounds
from digest.store.backups import postgres, sqlite
from digest.store.backups.closing import Restored
from digest.store.backups.files import detect_kind, replace_when_written
from digest.store.engine import Store

__all__ = ["Restored", "back_up", "restore"]


def back_up(
    store: Store,
    path: Path,
    *,
    with_keys: bool = True,
    overwrite: bool = False,
    now: datetime | None = None,
) -> None:
    """Back up the store as it is at one moment; others may continue to write to it.

    Args:
        path: the file, readable by its owner alone. It appears when it is complete.
        with_keys: include the keys that sign links. Without them, links of earlier mails are lost
            with the store.
        overwrite: replace a file of that name.
        now: the time that is noted as that of the last backup; None = the real one.

    Raises:
        InputError: the file is there already, or cannot be written.
        StoreError: the database does not answer, is damaged, or is not of this project.
    """
    with replace_when_written(path, overwrite=overwrite) as part:
        write = sqlite.write if store.is_sqlite else postgres.write
        write(store, part, with_keys=with_keys)
    # A database that can only be read can still be backed up.
    with suppress(StoreError), store.writing() as tx:
        rounds.record(tx, "backup", at=now or datetime.now(UTC), report={})


def restore(store: Store, path: Path, *, now: datetime) -> Restored:
    """Replace the store by a backup, completely or not at all.

    All local dates up to now are closed.

    A backup of an older schema is migrated. Link keys that only the store has are kept, so that
    links of mails sent after the backup work.

    Raises:
        InputError: the file is not a backup of this kind of database, or is damaged.
        StoreError: another process uses the store, or the backup is of a newer schema.
    """
    store_kind = "sqlite" if store.is_sqlite else "postgresql"
    kind = detect_kind(path)
    if kind != store_kind:
        raise InputError(
            f"{path}: is a backup of {kind}, and the store is {store_kind}: {store.display_name}. "
            "A backup restores on the same kind of database; set [store] url to one"
        )
    store.close()  # else its own idle connections would count as other users
    read = sqlite.restore if store.is_sqlite else postgres.restore
    return read(store, path, now=now)
