"""Digests with their papers, and calibrations of scores."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from digest.store.tables.columns import Id, Instant, metadata

digests = Table(
    "digests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("local_date", Date, nullable=False),
    #: "planned" or "quiet"
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    #: the greatest paper id that was a candidate; later papers are new for the next digest
    Column("max_paper_id", BigInteger, nullable=False),
    Column("provenance", JSON, nullable=False),
    #: of a quiet day: the paper that came nearest to being listed
    Column("nearest_paper_id", BigInteger),
    #: quiet days of the week before that its mail tells of; 0 = it tells of none
    Column("quiet_days_told", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscriber_id", "local_date"),
)

digest_items = Table(
    "digest_items",
    metadata,
    Column(
        "digest_id",
        ForeignKey("digests.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("paper_id", ForeignKey("papers.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    #: NULL until scores are calibrated
    Column("match", SmallInteger),
    #: z-score among the reader's recent papers; matches are calibrated on it
    Column("standard", Float, nullable=False),
    Column("seen_before", Boolean, nullable=False),
    #: "normal", "pinned" or "exploration", and the probability of being drawn into it
    Column("slot", String(12), nullable=False),
    Column("probability", Float, nullable=False),
    #: in team drafts the recipe that picked it, else ""
    Column("team", String(40), nullable=False),
    #: the day on which it was first seen, where an earlier digest could have listed it
    Column("from_day", Date),
    #: what else there is of a `Score`, see `store.explanations`
    Column("explanation", JSON, nullable=False),
)

calibrations = Table(
    "calibrations",
    metadata,
    #: the recipe whose scores it calibrates
    Column("recipe", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("fitted_at", Instant, nullable=False),
)
