"""The state of the service itself: rounds, sources, alarms, keys, installation."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Table

from digest.store.tables.columns import Id, Instant, ReportJson, ReportText, metadata

rounds = Table(
    "rounds",
    metadata,
    Column("id", Id, primary_key=True),
    #: the verb: "fetch", "ingest", "compose", "send"; also "backup"
    Column("verb", String(10), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("report", ReportJson, nullable=False),
    #: what went wrong, or ""
    Column("error", ReportText, nullable=False),
)

source_states = Table(
    "source_states",
    metadata,
    #: as in the config; "*" is the lease under which sources are fetched
    Column("name", String(40), primary_key=True),
    #: how far it was fetched, what its server declares, and what is not ingested yet
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
    #: when it ended; NULL = it lasts
    Column("over_at", Instant),
)

link_keys = Table(
    "link_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: NULL = its links are valid; links that unsubscribe stay valid afterwards
    Column("revoked_at", Instant),
)

operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    #: hashes of the secrets; NULL = nobody has logged in by the link yet
    Column("link_hash", LargeBinary, nullable=False, unique=True),
    Column("session_hash", LargeBinary, unique=True),
    Column("made_at", Instant, nullable=False),
    #: end of the link; once it was used, end of the session
    Column("expires_at", Instant, nullable=False),
    #: last request of the session, to the minute
    Column("seen_at", Instant),
    #: what the browser called itself
    Column("browser", String(200), nullable=False),
    # The id of an ended session must not name another one: a page may still show it.
    sqlite_autoincrement=True,
)

#: one row
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    #: part of globally unique names, beside the domain; "" where the store is older than such ids
    Column("install_id", String(16), nullable=False),
    #: when a backup was last restored: local dates up to then are closed; NULL = never
    Column("closed_until", Instant),
)

#: how far history was pruned, so that the next run does not look at what is done
prunings = Table(
    "prunings",
    metadata,
    #: what is pruned, as in the keys of `[keep]`; "all" = a run that came to its end
    Column("name", String(20), primary_key=True),
    #: the last row that was looked at; 0 where the rows are gone afterwards
    Column("last_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)
