"""What the service knows of itself."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Table

from digest.store.tables.columns import Id, Instant, ReportJson, ReportText, metadata

rounds = Table(
    "rounds",
    metadata,
    Column("id", Id, primary_key=True),
    #: the verb: "fetch", "ingest", "compose", "send"
    Column("verb", String(10), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("report", ReportJson, nullable=False),
    #: what went wrong, or ""
    Column("error", ReportText, nullable=False),
)

source_states = Table(
    "source_states",
    metadata,
    #: as in the config; "*" is the one lease that all fetching happens under
    Column("name", String(40), primary_key=True),
    #: how far the source was fetched, what its server said of itself, and what is not ingested yet
    Column("state", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("what", ReportText, nullable=False),
    Column("remedy", ReportText, nullable=False),
    Column("details", ReportJson, nullable=False),
    Column("since", Instant, nullable=False),
    #: NULL while it lasts
    Column("over_at", Instant),
)

link_keys = Table(
    "link_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: NULL while its links are taken; those that leave always are
    Column("revoked_at", Instant),
)

#: one row
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    #: in names that are unique in the world, beside the domain; "" where a store is older than such
    #: ids
    Column("install_id", String(16), nullable=False),
    #: when a backup was last restored: each reader's local dates up to then are closed; NULL =
    #: never
    Column("closed_until", Instant),
)
