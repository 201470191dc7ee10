"""Health checks of the database, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text, update
from sqlalchemy.exc import DBAPIError

from digest.errors import StoreError
from digest.store import schema
from digest.store.engine import Store
from digest.store.tables import rounds


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The results of a check."""

    #: such as "SQLite 3.45.1"
    version: str
    #: revisions of the schema: the stored one, and the one that this version needs
    revision: str | None
    needed: str
    #: damage, in the database's words
    damage: tuple[str, ...]
    #: settings that the ledger relies on and that are unsafe
    unsafe: tuple[str, ...]
    #: the database server's clock; None where it is this machine's own
    clock: datetime | None


def examine(store: Store) -> Health:
    """Run all checks; reads every page of a SQLite file.

    Raises:
        StoreError: the database does not answer.
    """
    revision = schema.get_revision(store)
    with store.reading() as tx:
        if store.is_sqlite:
            results = tx.execute(text("PRAGMA integrity_check(10)")).scalars().all()
            damage = [str(result) for result in results if result != "ok"]
            damage += _find_dangling(tx)
            needed_settings = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
            settings = {
                name: str(tx.execute(text(f"PRAGMA {name}")).scalar_one())
                for name in needed_settings
            }
            clock = None
        else:
            damage = []
            needed_settings = {"fsync": "on", "full_page_writes": "on"}
            settings = {
                name: str(tx.execute(text(f"SHOW {name}")).scalar_one()) for name in needed_settings
            }
            if tx.execute(text("SHOW synchronous_commit")).scalar_one() == "off":
                needed_settings, settings = (
                    needed_settings | {"synchronous_commit": "on"},
                    settings | {"synchronous_commit": "off"},
                )
            clock = tx.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    unsafe = [
        f"{name} is {settings[name]}, not {needed}"
        for name, needed in needed_settings.items()
        if settings[name] != needed
    ]
    return Health(
        version=find_version(store),
        revision=revision,
        needed=schema.get_head_revision(),
        damage=tuple(damage),
        unsafe=tuple(unsafe),
        clock=clock,
    )


def _find_dangling(tx: Connection) -> list[str]:
    """Find rows that refer to rows that are gone, and tables whose keys cannot be compared."""
    try:
        dangling = tx.execute(text("PRAGMA foreign_key_check")).all()
    except DBAPIError as error:
        if "mismatch" not in str(error.orig):
            raise
        return [str(error.orig)]
    return [f"{len(dangling)} rows point to rows that are gone"] if dangling else []


def find_version(store: Store) -> str:
    """Find the name and version of the database, such as "SQLite 3.45.1"."""
    with store.reading() as tx:
        if store.is_sqlite:
            return f"SQLite {tx.execute(text('SELECT sqlite_version()')).scalar_one()}"
        return f"PostgreSQL {tx.execute(text('SHOW server_version')).scalar_one()}"


def measure_size(store: Store) -> int:
    """Measure the bytes that the database takes.

    On SQLite these are its pages without the free ones. On PostgreSQL they are its files, which
    also hold rows that a VACUUM would free.
    """
    with store.reading() as tx:
        if not store.is_sqlite:
            return int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        pages, free, size = (
            int(tx.execute(text(f"PRAGMA {name}")).scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


def measure_file(store: Store) -> int:
    """Measure the bytes of the database with its free pages, without a write-ahead log."""
    if not store.is_sqlite:
        return measure_size(store)
    with store.reading() as tx:
        pages, size = (
            int(tx.execute(text(f"PRAGMA {name}")).scalar_one())
            for name in ("page_count", "page_size")
        )
    return pages * size


def check_database(store: Store) -> None:
    """Check that the database can be read and written; changes nothing.

    Raises:
        StoreError: it cannot be read or written, or holds another version's schema.
    """
    revision, needed = schema.get_revision(store), schema.get_head_revision()
    if revision != needed:
        raise StoreError(
            f"{store.display_name}: its schema is {revision}, this version needs {needed}",
            reason="schema",
        )
    with store.writing() as tx:
        tx.execute(update(rounds).where(rounds.c.id < 0).values(verb=""))
        # The update touches no row, so on SQLite force a real commit to detect a full disk.
        if store.is_sqlite:
            version = tx.execute(text("PRAGMA user_version")).scalar_one()
            tx.execute(text(f"PRAGMA user_version = {int(version)}"))
