"""Tables of what readers agreed to, and of addresses that they are changing."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from digest.store.tables.columns import Id, Instant, metadata

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    #: "asked", "confirmed", or "moved" to another address
    Column("event", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    #: how it came: "page", "api", "mail"
    Column("origin", String(10), nullable=False),
    #: what the page said, "" where it said nothing
    Column("wording", Text, nullable=False),
    Index("ix_consents_subscriber_id", "subscriber_id"),
)

address_changes = Table(
    "address_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("old_email", String(320), nullable=False),
    Column("new_email", String(320), nullable=False),
    Column("new_email_key", String(320), nullable=False, index=True),
    #: "asked", "done", "ended" (a later one replaced it) or "refused" by the old address
    Column("state", String(10), nullable=False),
    Column("asked_at", Instant, nullable=False),
    #: when it got its state; NULL while it is asked
    Column("settled_at", Instant),
    Index("ix_address_changes_subscriber_id", "subscriber_id"),
    #: old ones are deleted
    Index("ix_address_changes_asked_at", "asked_at"),
)
