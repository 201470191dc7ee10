"""What was chosen for whom, and what scores turned out to be worth."""

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
    #: the highest paper id that competed: what came later is new for the next one
    Column("max_paper_id", BigInteger, nullable=False),
    Column("provenance", JSON, nullable=False),
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
    #: NULL until enough ratings told what a score is worth
    Column("match", SmallInteger),
    #: of the value, among the reader's recent papers: what matches are learned from
    Column("standard", Float, nullable=False),
    Column("seen_before", Boolean, nullable=False),
    #: "normal", "pinned" or "exploration", and the probability with which this paper came into it
    Column("slot", String(12), nullable=False),
    Column("probability", Float, nullable=False),
    #: the recipe whose pick it is where two share the digest, else ""
    Column("team", String(40), nullable=False),
    #: parts, rest and nearest paper of the score: the true reason
    Column("explanation", JSON, nullable=False),
)

calibrations = Table(
    "calibrations",
    metadata,
    #: whose scores it is for
    Column("recipe", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("fitted_at", Instant, nullable=False),
)
