"""The numbers that rows get: which was given last, and how it is moved on."""

from __future__ import annotations

from sqlalchemy import Connection, text

from digest.store.tables import metadata

#: their ids are given by this package, mostly as one more than the greatest
_BY_OURSELVES = frozenset({"installation", "link_keys", "papers", "records"})


def load_last_ids(tx: Connection) -> dict[str, int]:
    """Load the last id that each table gave to a row, where the database keeps it."""
    if tx.dialect.name == "sqlite":
        rows = tx.execute(text("SELECT name, seq AS last FROM sqlite_sequence"))
    else:
        rows = tx.execute(
            text(
                "SELECT d.refobjid::regclass::text AS name, COALESCE(s.last_value, 0) AS last FROM "
                "pg_depend d"
                " JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON "
                "n.oid = c.relnamespace"
                " JOIN pg_sequences s ON s.sequencename = c.relname AND s.schemaname = n.nspname"
                " WHERE d.deptype IN ('a', 'i')"
            )
        )
    return {row.name: int(row.last) for row in rows}


def advance(tx: Connection, table: str, last: int) -> None:
    """Let a table give greater ids than one, from now on.

    On SQLite only tables whose ids are never given again keep a number.
    """
    if tx.dialect.name == "sqlite":
        if metadata.tables[table].dialect_options["sqlite"]["autoincrement"]:
            values = {"table": table, "last": last}
            statement = "UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :table"
            if not tx.execute(text(statement), values).rowcount:
                tx.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), values
                )
        return
    tx.execute(
        text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last, :used)"),
        {"table": table, "last": max(last, 1), "used": last > 0},
    )


def list_lagging(tx: Connection) -> list[str]:
    """List the tables whose next id may be taken."""
    lagging = []
    for name, last in sorted(load_last_ids(tx).items()):
        if name in metadata.tables.keys() - _BY_OURSELVES:
            greatest = tx.execute(text(f"SELECT max(id) FROM {name}")).scalar_one()  # noqa: S608
            if (greatest or 0) > last:
                lagging.append(name)
    return lagging
