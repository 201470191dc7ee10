"""The ledger: messages, deliveries, bounces, mailboxes, pauses, and limits of all sending."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from digest.store.tables.columns import Id, Instant, ReportText, metadata

#: the digest did not reach its reader
_FAILED = text("state IN ('rejected', 'expired', 'skipped', 'unknown')")

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(10), nullable=False),
    #: NULL = the operator, whose address is in the config
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    Column("key", String(64), nullable=False),
    Column("digest_id", ForeignKey("digests.id", ondelete="CASCADE"), unique=True),
    Column("message_id", String(255), nullable=False, unique=True),
    Column("state", String(10), nullable=False),
    #: who holds the claim, and when the lease expires
    Column("owner", String(200), nullable=False),
    Column("lease_until", Instant),
    Column("not_before", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    #: what settled an unknown message, or ""
    Column("evidence", String(200), nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("kind", "subscriber_id", "key"),
    #: a claim takes the first few of a state in this order, without sorting all
    Index("ix_messages_state_not_before_id", "state", "not_before", "id"),
    Index("ix_messages_state_expires_at", "state", "expires_at"),
    Index("ix_messages_subscriber_id", "subscriber_id"),
    #: partial, so that papers to list again are found without reading a reader's whole history
    Index(
        "ix_messages_failed",
        "subscriber_id",
        "state",
        sqlite_where=_FAILED,
        postgresql_where=_FAILED,
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("server", String(260), nullable=False),
    Column("phase", String(10), nullable=False),
    Column("code", SmallInteger, nullable=False),
    #: enhanced status code, or ""
    Column("enhanced", String(12), nullable=False),
    #: who is to blame for a refusal: "reader", "mailbox", "content", "ours", "busy", or ""
    Column("fault", String(10), nullable=False),
    Column("text", ReportText, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    #: idempotent: an attempt is written again when the reply to a commit was lost
    UniqueConstraint("message_id", "started_at"),
    Index("ix_deliveries_outcome_ended_at", "outcome", "ended_at"),
)

bounces = Table(
    "bounces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    #: key of the address at that time; it may subscribe again under another row
    Column("email_key", String(320), nullable=False, index=True),
    #: who is at fault ("reader", "mailbox" ...), or "complaint"
    Column("fault", String(10), nullable=False),
    #: enhanced status code, or ""
    Column("enhanced", String(12), nullable=False),
    Column("text", ReportText, nullable=False),
    #: how it came: "smtp" (a reply), "mail" (a report), "http" (from a provider)
    Column("via", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    #: false once the operator released the address
    Column("counts", Boolean, nullable=False),
    #: idempotent: a report that is read twice is one bounce
    UniqueConstraint("message_id", "fault"),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    #: user, server and folder
    Column("name", String(500), primary_key=True),
    #: UIDVALIDITY: numbers of mails are valid only together with it (RFC 3501, 2.3.1.1)
    Column("uid_validity", BigInteger, nullable=False),
    #: the greatest UID that was read
    Column("last_uid", BigInteger, nullable=False),
    #: all earlier mails were read; from then on every new mail is, also if a person has read it
    Column("caught_up", Boolean, nullable=False),
    #: why it cannot be read, or ""
    Column("error", ReportText, nullable=False),
    #: when it was last read; NULL = never
    Column("read_at", Instant),
    Column("changed_at", Instant, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    #: "server" or "domain"
    Column("kind", String(10), primary_key=True),
    Column("name", String(260), primary_key=True),
    Column("until", Instant, nullable=False),
    #: "busy" or "ours"
    Column("reason", String(10), nullable=False),
    Column("text", ReportText, nullable=False),
    #: step of the backoff, and messages a minute after the pause (NULL = as before)
    Column("strikes", SmallInteger, nullable=False),
    Column("rate", Float),
)

sending_ramps = Table(
    "sending_ramps",
    metadata,
    #: domain of the sender's address, and the host that its mail is handed to
    Column("sender", String(520), primary_key=True),
    #: messages before then were those of another sender
    Column("began_at", Instant, nullable=False),
    #: UTC day on which something was last due, and how many messages it was allowed
    Column("day", Date, nullable=False),
    Column("day_limit", Integer, nullable=False),
)

sending_stops = Table(
    "sending_stops",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    #: why sending stopped
    Column("what", ReportText, nullable=False),
    #: NULL = it is stopped
    Column("resumed_at", Instant),
)
