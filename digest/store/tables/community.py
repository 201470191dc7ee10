"""Tables of what readers and curators say of papers for everybody to see."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from digest.store.tables.columns import Id, Instant, metadata

upvotes = Table(
    "upvotes",
    metadata,
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Index("ix_upvotes_paper_id", "paper_id"),
    #: the limit of a day counts the newest
    Index("ix_upvotes_subscriber_id_at", "subscriber_id", "at"),
)

curator_picks = Table(
    "curator_picks",
    metadata,
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at", Instant, nullable=False),
    #: the name that everybody sees; "" = the curator stays unnamed
    Column("name", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_curator_picks_subscriber_id", "subscriber_id"),
    Index("ix_curator_picks_at", "at"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    #: the identifier that was typed, or that a typed link holds; "" = none
    Column("kind", String(10), nullable=False),
    Column("value", Text, nullable=False),
    #: the typed link, which is never fetched; "" = none
    Column("url", Text, nullable=False),
    #: as the reader typed it; "" where a source can say it
    Column("title", Text, nullable=False),
    #: "waiting", "accepted" or "refused"
    Column("state", String(10), nullable=False),
    Column("decided_at", Instant),
    #: when the sources were last asked for it
    Column("looked_up_at", Instant),
    Column("paper_id", ForeignKey("papers.id")),
    Index("ix_submissions_subscriber_id_at", "subscriber_id", "at"),
    Index("ix_submissions_state_at", "state", "at"),
)
