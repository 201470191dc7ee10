"""The tables. `migrations/` makes them; a test keeps the two equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite gives row ids only to a column declared INTEGER
Id = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware UTC time; SQLite has no zones, so they are put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored time must be aware, got naive {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


dumps = Table(
    "dumps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(500), nullable=False),
    #: where the file was, to be read again when its rejected records are tried anew
    Column("path", Text, nullable=False),
    Column("format", String(40), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    #: the day its papers count as first seen
    Column("day", Date, nullable=False),
    Column("started_at", Instant, nullable=False),
    #: NULL while it is being read; an ingest that was killed leaves it so
    Column("finished_at", Instant),
    Column("read", Integer, nullable=False, default=0),
    Column("new", Integer, nullable=False, default=0),
    Column("updated", Integer, nullable=False, default=0),
    Column("duplicate", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Column("skipped_why", JSON, nullable=False, default=dict),
    #: why the file ended before its end, or ""
    Column("incomplete", Text, nullable=False, default=""),
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dump_id", ForeignKey("dumps.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
)

papers = Table(
    "papers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("first_seen", Date, nullable=False, index=True),
    Column("submitted", Date),
    Column("announced", Date),
    Column("updated", Date),
    Column("version", Integer),
    #: the sources' own votes; readers' thumbs are counted from `feedback`
    Column("upvotes", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    #: two known papers turned out to be one; links in old mails still name this row
    Column("merged_into", ForeignKey("papers.id")),
)

identities = Table(
    "identities",
    metadata,
    #: an identifier's kind, or "title" for the normalised title (which several papers may share)
    Column("kind", String(10), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False, index=True),
)

records = Table(
    "records",
    metadata,
    Column("id", Id, primary_key=True),
    Column("paper_id", ForeignKey("papers.id"), nullable=False, index=True),
    Column("dump_id", ForeignKey("dumps.id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("day", Date, nullable=False),
    #: of the entry without its votes: equal means nothing new was said
    Column("fingerprint", LargeBinary, nullable=False),
    #: the cleaned entry, JSON
    Column("entry", LargeBinary, nullable=False),
    #: the record as it stood in the dump, zstd
    Column("raw", LargeBinary, nullable=False),
)

removals = Table(
    "removals",
    metadata,
    #: an identifier of a paper that its source retracted or deleted, whether or not the paper has come yet
    Column("kind", String(10), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("dump_id", ForeignKey("dumps.id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
)

picks = Table(
    "picks",
    metadata,
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("rank", Integer),
)

vectors = Table(
    "vectors",
    metadata,
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("version", String(40), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

word_vectors = Table(
    "word_vectors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", String(40), nullable=False),
    Column("papers", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

encoders = Table(
    "encoders",
    metadata,
    Column("name", String(1000), primary_key=True),
    Column("version", String(40), nullable=False),
    Column("dimensions", Integer, nullable=False),
)

encodings = Table(
    "encodings",
    metadata,
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("version", String(40), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

frequencies = Table(
    "frequencies",
    metadata,
    Column("version", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True),
    #: as the person writes it; `email_key` decides whether two are one
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("standing", String(12), nullable=False, index=True),
    Column("timezone", String(64), nullable=False),
    Column("hour", SmallInteger, nullable=False),
    Column("days", JSON, nullable=False),
    Column("size", SmallInteger, nullable=False),
    #: a number from 0 to 100, or "good" or "strong"
    Column("threshold", String(6), nullable=False),
    #: the door: "command", "file", "config", "page", "api"
    Column("origin", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    # Links in mails name a reader by this number for as long as the mails exist: that of one who was deleted must not become somebody else's.
    sqlite_autoincrement=True,
)

interests = Table(
    "interests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    #: of the digest, beside those of the subscriber's other interests
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
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("vote", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("via", String(10), nullable=False),
    Index("ix_feedback_paper_id", "paper_id"),
    #: the newest are what matches are learned from
    Index("ix_feedback_at", "at"),
)

calibrations = Table(
    "calibrations",
    metadata,
    #: whose scores it is for
    Column("recipe", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("fitted_at", Instant, nullable=False),
)

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
    Column("mark", BigInteger, nullable=False),
    Column("made", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscriber_id", "local_date"),
)

digest_items = Table(
    "digest_items",
    metadata,
    Column("digest_id", ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
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
    Column("why", JSON, nullable=False),
)

#: of a digest that did not reach its reader
_FAILED = text("state IN ('rejected', 'expired', 'skipped', 'unknown')")

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(10), nullable=False),
    #: NULL = the operator, whose address the config knows
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    Column("key", String(64), nullable=False),
    Column("digest_id", ForeignKey("digests.id", ondelete="CASCADE"), unique=True),
    Column("message_id", String(255), nullable=False, unique=True),
    Column("state", String(10), nullable=False),
    #: who holds the claim, and until when
    Column("owner", String(200), nullable=False),
    Column("lease_until", Instant),
    Column("not_before", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    #: what settled an unknown one, or ""
    Column("evidence", String(200), nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("kind", "subscriber_id", "key"),
    #: a claim takes the first few of a state in this order, and must not sort them all
    Index("ix_messages_state_not_before_id", "state", "not_before", "id"),
    Index("ix_messages_state_expires_at", "state", "expires_at"),
    Index("ix_messages_subscriber_id", "subscriber_id"),
    #: few, so that what competes again is found without reading all that a reader ever got
    Index("ix_messages_failed", "subscriber_id", "state", sqlite_where=_FAILED, postgresql_where=_FAILED),
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
    Column("text", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    #: when the answer to a commit is lost the same attempt is written again, and counts once
    UniqueConstraint("message_id", "started_at"),
    Index("ix_deliveries_outcome_ended_at", "outcome", "ended_at"),
)

bounces = Table(
    "bounces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    #: of the address as it was then; it may subscribe again under another row
    Column("email_key", String(320), nullable=False, index=True),
    #: whose fault it was ("reader", "mailbox" ...), or "complaint"
    Column("fault", String(10), nullable=False),
    #: enhanced status code, or ""
    Column("enhanced", String(12), nullable=False),
    Column("text", Text, nullable=False),
    #: how it was learned: "smtp" (the reply), "mail" (a report)
    Column("via", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    #: false once the operator released the address: what was before no longer counts against it
    Column("counts", Boolean, nullable=False),
    #: the same report read twice is one bounce
    UniqueConstraint("message_id", "fault"),
)

suppressions = Table(
    "suppressions",
    metadata,
    #: no foreign key: an address stays suppressed when its subscriber is deleted
    Column("email_key", String(320), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("reason", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("evidence", Text, nullable=False),
    #: the subscriber's standing before, for the day that the address is released; "" where there was none
    Column("former", String(12), nullable=False),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    #: user, server and folder: another one begins anew
    Column("name", String(500), primary_key=True),
    #: numbers of mails mean something only together with this one (RFC 3501, 2.3.1.1)
    Column("validity", BigInteger, nullable=False),
    #: the highest number that was looked at
    Column("mark", BigInteger, nullable=False),
    #: everything that was there before was looked at: from now on all that is new is, read by a person or not
    Column("caught_up", Boolean, nullable=False),
    #: why it cannot be read, or ""
    Column("error", Text, nullable=False),
    #: when it last could be read; NULL = never
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
    Column("why", String(10), nullable=False),
    Column("text", Text, nullable=False),
    #: steps of the growing pause, and messages a minute after it (NULL = as before)
    Column("strikes", SmallInteger, nullable=False),
    Column("rate", Float),
)

alarms = Table(
    "alarms",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("what", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("details", JSON, nullable=False),
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
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", Id, primary_key=True),
    #: the verb: "fetch", "ingest", "compose", "send"
    Column("verb", String(10), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("report", JSON, nullable=False),
    #: what went wrong, or ""
    Column("error", Text, nullable=False),
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
