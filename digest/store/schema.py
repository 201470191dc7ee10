"""Migrations: create the schema, upgrade an older one, refuse others."""

from __future__ import annotations

import functools
import logging
import time
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from digest.errors import StoreError
from digest.store import installation
from digest.store.engine import Store

#: any fixed number: it names the advisory lock of those who migrate
_LOCK = 0x64696765


#: seconds to wait for another process that migrates on SQLite, beside the usual wait for writers
_PATIENCE = 900.0

log = logging.getLogger("digest.store")
_MIGRATIONS = Path(__file__).parent / "migrations"


@functools.cache
def list_revisions() -> tuple[str, ...]:
    """Return the revisions that this version knows, the newest last.

    Their files are named by them, so Alembic is not needed; importing it takes a tenth of a second.
    """
    revisions = sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/0*.py"))
    if not revisions:
        raise StoreError(
            "the package holds no migrations; it is not installed whole. Install it again"
        )
    return tuple(revisions)


def get_head_revision() -> str:
    """Return the newest revision that this version knows."""
    return list_revisions()[-1]


def read_revision(tx: Connection) -> str | None:
    """Return the revision of the database, as Alembic keeps it; None when it has none."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    revision: str | None = tx.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return revision


def get_revision(store: Store) -> str | None:
    """Return the database's revision; None when it has no tables of this project."""
    with store.reading() as tx:
        return read_revision(tx)


def is_empty(url: str) -> bool:
    """Return whether there is no database yet, or one without tables. Creates none.

    Raises:
        StoreError: it does not answer.
    """
    store = Store(url)
    try:
        file = store.file
        if file is not None and (not file.exists() or file.stat().st_size == 0):
            return True
        with store.reading() as tx:
            return not inspect(tx).get_table_names()
    finally:
        store.close()


def upgrade(store: Store) -> tuple[str | None, str]:
    """Migrate to the newest revision; return the revisions before and after.

    Processes that start together wait for one another: one migrates, and the others find it done.

    Raises:
        StoreError: the schema is newer than this version, or the database is locked for longer
            than a migration takes.
    """
    if get_revision(store) == get_head_revision():  # no need to wait for who writes
        return get_head_revision(), get_head_revision()
    until = time.monotonic() + _PATIENCE
    is_told = False
    while True:
        try:
            return _upgrade(store)
        except StoreError as error:
            if error.reason != "locked" or time.monotonic() > until:
                raise
            if not is_told:
                log.info("schema waits: another process writes, perhaps a newer schema")
            is_told = True


def _upgrade(store: Store) -> tuple[str | None, str]:
    with store.writing() as tx:  # SQLite: BEGIN IMMEDIATE is the lock
        lock(tx)
        before = read_revision(tx)
        refuse_unknown(store.display_name, before)
        if before != get_head_revision():
            migrate(tx, "head")
        if before is None:
            installation.name_install(tx)
    return before, get_head_revision()


def require(store: Store) -> None:
    """Create the schema of an empty database; refuse a schema of another version.

    Raises:
        StoreError: the schema is older (remedy: `digest db upgrade`) or newer than this version.
    """
    before = get_revision(store)
    if before == get_head_revision():
        return
    if before is None:
        with store.reading() as tx:
            refuse_strangers(store.display_name, tx)
        upgrade(store)
        return
    refuse_unknown(store.display_name, before)
    raise StoreError(
        f"{store.display_name}: its schema is {before}, this version needs {get_head_revision()}. "
        "Back it up, then run: digest db upgrade"
    )


def refuse_strangers(display_name: str, tx: Connection) -> None:
    """Refuse a database that holds tables, but not this project's."""
    strangers = inspect(tx).get_table_names()
    if strangers:
        raise StoreError(
            f"{display_name}: holds tables that are not ours ({', '.join(sorted(strangers)[:3])}). "
            "Give store.url a database of its own"
        )


def refuse_unknown(display_name: str, revision: str | None) -> None:
    """Refuse a schema that this version does not know.

    Args:
        display_name: name of the database or backup in the message.

    Raises:
        StoreError: it is newer.
    """
    if revision is not None and revision not in list_revisions():
        raise StoreError(
            f"{display_name}: its schema {revision} is newer than this version of digest, which "
            f"knows {get_head_revision()}. Nothing was changed. Install the version that made it; "
            "or restore a backup from before the upgrade into an empty database"
        )


def migrate(tx: Connection, revision: str) -> None:
    """Migrate to a revision within the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = tx
    command.upgrade(config, revision)


def lock(tx: Connection) -> None:
    """Wait for others who migrate or restore.

    On SQLite the transaction itself is the lock.
    """
    if tx.dialect.name == "sqlite":
        return
    key = {"key": _LOCK}
    if not tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), key).scalar_one():
        log.info("another process upgrades the schema; waiting for it")
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
