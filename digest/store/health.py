"""Whether the database is sound: what an examination asks of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text, update

from digest.errors import StoreError
from digest.store import schema
from digest.store.engine import Store
from digest.store.tables import rounds


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What was found."""

    #: such as "SQLite 3.45.1"
    version: str
    #: revisions of the schema: what is there, what this version needs
    revision: str | None
    needed: str
    #: what is damaged, in the database's words
    damage: tuple[str, ...]
    #: settings that the ledger relies on and that are not as it needs them
    unsafe: tuple[str, ...]
    #: the database server's clock; None where it is this machine's own
    clock: datetime | None


def examine(store: Store) -> Health:
    """Ask all of it; reads every page of a SQLite file.

    Raises:
        StoreError: the database does not answer.
    """
    revision = schema.get_revision(store)
    with store.reading() as tx:
        if store.is_sqlite:
            version = f"SQLite {tx.execute(text('SELECT sqlite_version()')).scalar_one()}"
            found = tx.execute(text("PRAGMA integrity_check(10)")).scalars().all()
            loose = tx.execute(text("PRAGMA foreign_key_check")).all()
            damage = [str(one) for one in found if one != "ok"] + (
                [f"{len(loose)} rows point to rows that are gone"] if loose else []
            )
            asked = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
            settings = {
                name: str(tx.execute(text(f"PRAGMA {name}")).scalar_one()) for name in asked
            }
            clock = None
        else:
            version = f"PostgreSQL {tx.execute(text('SHOW server_version')).scalar_one()}"
            damage = []
            asked = {"fsync": "on", "full_page_writes": "on"}
            settings = {name: str(tx.execute(text(f"SHOW {name}")).scalar_one()) for name in asked}
            if tx.execute(text("SHOW synchronous_commit")).scalar_one() == "off":
                asked, settings = (
                    asked | {"synchronous_commit": "on"},
                    settings | {"synchronous_commit": "off"},
                )
            clock = tx.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    unsafe = [
        f"{name} is {settings[name]}, not {wanted}"
        for name, wanted in asked.items()
        if settings[name] != wanted
    ]
    return Health(
        version=version,
        revision=revision,
        needed=schema.get_head_revision(),
        damage=tuple(damage),
        unsafe=tuple(unsafe),
        clock=clock,
    )


def probe(store: Store) -> None:
    """Read and write, as everything does that the service does; what is stored stays as it is.

    Raises:
        StoreError: it cannot be read or written, or holds another version's schema.
    """
    revision, needed = schema.get_revision(store), schema.get_head_revision()
    if revision != needed:
        raise StoreError(
            f"{store.shown}: its schema is {revision}, this version needs {needed}",
            reason="schema",
        )
    with store.writing() as tx:
        tx.execute(update(rounds).where(rounds.c.id < 0).values(verb=""))
        if store.is_sqlite:  # only what is committed asks the disk for room
            version = tx.execute(text("PRAGMA user_version")).scalar_one()
            tx.execute(text(f"PRAGMA user_version = {int(version)}"))
