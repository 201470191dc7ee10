"""Keys of the API, and answers that are kept so that a repeated request changes nothing."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
)

from digest.store.tables.columns import Id, Instant, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    #: SHA-256 of the key's text, which is random, so that no salt is needed
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String(24), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", JSON, nullable=False),
    #: the reader whose own data it reaches; NULL = a key of the operator
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    #: requests a minute; NULL = the service's default
    Column("per_minute", Integer),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_on", Date),
    Column("revoked_at", Instant),
    Index("ix_api_keys_subscriber_id", "subscriber_id"),
    # A key that was deleted with its reader must not be named by the id of another one.
    sqlite_autoincrement=True,
)

api_answers = Table(
    "api_answers",
    metadata,
    #: who asked: a key, or the keyed hash of a client's address
    Column("caller", String(40), primary_key=True),
    #: SHA-256 of the Idempotency-Key
    Column("key_hash", LargeBinary(32), primary_key=True),
    #: SHA-256 of method, target and body
    Column("request_hash", LargeBinary(32), nullable=False),
    #: the reader whom the answer is about, with whom it is deleted
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    #: HTTP status; 0 = the request is being worked on
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_api_answers_at", "at"),
    Index("ix_api_answers_subscriber_id", "subscriber_id"),
)
