"""Tables of subscribers and what is theirs, of suppressions and sign-ups."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from digest.store.tables.columns import Id, Instant, ReportText, metadata

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True),
    #: as the person writes it; `email_key` identifies the address
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("status", String(12), nullable=False, index=True),
    Column("timezone", String(64), nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("days", JSON, nullable=False),
    Column("size", SmallInteger, nullable=False),
    #: "few", "balanced", "many" or "always", or a number from 1 to 99
    Column("strictness", String(8), nullable=False, server_default="balanced"),
    #: "silent", "line" or "weekly"
    Column("quiet_days", String(6), nullable=False, server_default="silent"),
    #: code such as "de"; "" = the service's own
    Column("language", String(20), nullable=False, server_default=""),
    #: how they joined: "command", "file", "config", "page", "api"; "key" = by a
    #: program of the operator
    Column("origin", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    #: no digest that was due before this counts as missed; NULL = the day on which they joined
    Column("due_from", Instant),
    #: when they were added to this install; `created_at` is earlier where they joined another one.
    #: NULL = `created_at`
    Column("added_at", Instant),
    # Links in mails name a reader by id as long as the mails exist. The id of a deleted reader must
    # not be given to somebody else.
    sqlite_autoincrement=True,
)

interests = Table(
    "interests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    #: weight in the digest, relative to the subscriber's other interests
    Column("share", SmallInteger, nullable=False),
    Column("keywords", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("papers", JSON, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("subscriber_id", "name"),
)

feedback = Table(
    "feedback",
    metadata,
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("vote", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("via", String(10), nullable=False),
    Index("ix_feedback_paper_id", "paper_id"),
    #: calibration reads the newest
    Index("ix_feedback_at", "at"),
)

saved_papers = Table(
    "saved_papers",
    metadata,
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)

feeds = Table(
    "feeds",
    metadata,
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    #: of the reader's address; links of lower numbers no longer work
    Column("number", Integer, nullable=False),
    #: false once the reader closed it
    Column("is_open", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)

presses = Table(
    "presses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    #: "thumb", "leave", "return", "pause", "resume", "restart", "mute"
    Column("button", String(10), nullable=False),
    #: the rated paper; NULL unless the button is "thumb"
    Column("paper_id", ForeignKey("papers.id")),
    #: the thumb, and the vote that it replaces
    Column("vote", SmallInteger, nullable=False),
    Column("previous_vote", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    #: id of the page or mail; posted again, it is no new press
    Column("form", String(64), nullable=False),
    #: id of the press that it corrects, or ""
    Column("answers", String(64), nullable=False),
    Column("confirms", Boolean, nullable=False),
    Column("via", String(10), nullable=False),
    #: "counted", "held" or "void"
    Column("state", String(10), nullable=False),
    UniqueConstraint("subscriber_id", "form"),
    Index("ix_presses_subscriber_id_at", "subscriber_id", "at"),
    #: old ones are deleted
    Index("ix_presses_at", "at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    #: no foreign key: an address stays suppressed when its subscriber is deleted
    Column("email_key", String(320), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("reason", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("evidence", ReportText, nullable=False),
    #: the subscriber's status before, restored when the address is released; "" = no subscriber
    Column("previous_status", String(12), nullable=False),
    #: the operator's page lists the newest
    Index("ix_suppressions_since_email_key", "since", "email_key"),
)

signups = Table(
    "signups",
    metadata,
    Column("id", Id, primary_key=True),
    #: keyed hash of the client's address, so that no address is stored
    Column("client", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_signups_at", "at"),
    Index("ix_signups_client_at", "client", "at"),
)
