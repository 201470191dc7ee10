"""A store -> one file, and back. A backup restores on the same kind of database.

Reading order: `files` (what a backup file is), `closing` (what a restore does to the ledger),
`sqlite`, `postgres`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from digest.errors import InputError
from digest.store.backups import postgres, sqlite
from digest.store.backups.closing import Restored
from digest.store.backups.files import kind_of, new_file
from digest.store.engine import Store

__all__ = ["Restored", "back_up", "restore"]


def back_up(store: Store, path: Path, *, with_keys: bool = True, overwrite: bool = False) -> None:
    """Write all that the store holds at one moment; others may go on writing to it.

    Args:
        path: of the file, which only its owner may read. It appears when it is whole.
        with_keys: also the keys that sign links; without them, links of earlier mails die with the
            store.
        overwrite: replace a file of that name.

    Raises:
        InputError: the file is there already, or cannot be written.
        StoreError: the database does not answer, is damaged, or holds nothing of ours.
    """
    with new_file(path, overwrite=overwrite) as part:
        write = sqlite.write if store.is_sqlite else postgres.write
        write(store, part, with_keys=with_keys)


def restore(store: Store, path: Path, *, now: datetime) -> Restored:
    """Replace all that the store holds by a backup, or leave it as it is; close each local date up
    to now.

    A backup of an older schema is brought up to date. Keys of links that only the store has are
    kept, so that links of mails that were sent after the backup work.

    Raises:
        InputError: the file is no backup of this kind of database, or damaged.
        StoreError: another process uses the store, or the backup is of a newer schema.
    """
    store_kind = "sqlite" if store.is_sqlite else "postgresql"
    kind = kind_of(path)
    if kind != store_kind:
        raise InputError(
            f"{path}: is a backup of {kind}, and the store is {store_kind}: {store.shown}. "
            "A backup restores on the same kind of database; set [store] url to one"
        )
    store.close()  # connections of this process that lie idle are no other's
    read = sqlite.restore if store.is_sqlite else postgres.restore
    return read(store, path, now=now)
