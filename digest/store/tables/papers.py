"""Dumps, their records, the papers merged from them, and the papers' vectors."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from digest.store.tables.columns import Id, Instant, metadata

dumps = Table(
    "dumps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(500), nullable=False),
    #: path of the file, which is read again to retry its quarantined records
    Column("path", Text, nullable=False),
    Column("format", String(40), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    #: the day on which its papers count as first seen
    Column("day", Date, nullable=False),
    Column("started_at", Instant, nullable=False),
    #: NULL while it is being read, and after an ingest that was killed
    Column("finished_at", Instant),
    Column("read", Integer, nullable=False, default=0),
    Column("new", Integer, nullable=False, default=0),
    Column("updated", Integer, nullable=False, default=0),
    Column("duplicate", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Column("skipped_why", JSON, nullable=False, default=dict),
    #: why it could not be read to its end, or ""
    Column("incomplete", Text, nullable=False, default=""),
    #: by which program and options it was read; "" = before this was kept
    Column("reading", String(100), nullable=False, server_default=""),
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
    #: what sources have fields of their own for; "" = none says it
    Column("journal_ref", Text, nullable=False, server_default=""),
    Column("code_url", Text, nullable=False, server_default=""),
    Column("project_url", Text, nullable=False, server_default=""),
    Column("url", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    #: the paper that this one was merged into; links in old mails still name this row
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
    #: hash of the entry without its votes: equal means that nothing is new
    Column("fingerprint", LargeBinary, nullable=False),
    #: the cleaned entry, JSON
    Column("entry", LargeBinary, nullable=False),
    #: the record's text in the dump, zstd
    Column("raw", LargeBinary, nullable=False),
)

splits = Table(
    "splits",
    metadata,
    #: records of different parts of one split are never one paper; part 0 kept the id
    Column("number", Integer, primary_key=True, autoincrement=False),
    #: as in `records`, where several records may have it
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("part", Integer, nullable=False),
)

removals = Table(
    "removals",
    metadata,
    #: an identifier of a paper that its source retracted or deleted; the paper may come later
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
