"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ident = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table("calibrations",
        sa.Column("recipe", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recipe", name=op.f("pk_calibrations"))
    )
    op.create_table("dumps",
        sa.Column("id", ident, nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("skipped_why", sa.JSON(), nullable=False),
        sa.Column("incomplete", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dumps"))
    )
    op.create_index(op.f("ix_dumps_sha256"), "dumps", ["sha256"], unique=False)
    op.create_table("frequencies",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_frequencies"))
    )
    op.create_table("word_vectors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word_vectors"))
    )
    op.create_table("encoders",
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_encoders"))
    )
    op.create_table("link_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_keys"))
    )
    op.create_table("papers",
        sa.Column("id", ident, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("first_seen", sa.Date(), nullable=False),
        sa.Column("submitted", sa.Date(), nullable=True),
        sa.Column("announced", sa.Date(), nullable=True),
        sa.Column("updated", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("upvotes", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("merged_into", ident, nullable=True),
        sa.ForeignKeyConstraint(["merged_into"], ["papers.id"], name=op.f("fk_papers_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers"))
    )
    op.create_index(op.f("ix_papers_first_seen"), "papers", ["first_seen"], unique=False)
    op.create_table("rounds",
        sa.Column("id", ident, nullable=False),
        sa.Column("verb", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds"))
    )
    op.create_index(op.f("ix_rounds_verb"), "rounds", ["verb"], unique=False)
    op.create_table("source_states",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source_states"))
    )
    op.create_table("subscribers",
        sa.Column("id", ident, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("threshold", sa.String(length=6), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("email_key", name=op.f("uq_subscribers_email_key")),
        sqlite_autoincrement=True
    )
    op.create_index(op.f("ix_subscribers_standing"), "subscribers", ["standing"], unique=False)
    op.create_table("digests",
        sa.Column("id", ident, nullable=False),
        sa.Column("subscriber_id", ident, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_digests_subscriber_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sa.UniqueConstraint("subscriber_id", "local_date", name=op.f("uq_digests_subscriber_id_local_date"))
    )
    op.create_table("feedback",
        sa.Column("subscriber_id", ident, autoincrement=False, nullable=False),
        sa.Column("paper_id", ident, autoincrement=False, nullable=False),
        sa.Column("vote", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_feedback_paper_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_feedback_subscriber_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name=op.f("pk_feedback"))
    )
    op.create_index("ix_feedback_at", "feedback", ["at"], unique=False)
    op.create_index("ix_feedback_paper_id", "feedback", ["paper_id"], unique=False)
    op.create_table("identities",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("paper_id", ident, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_identities_paper_id")),
        sa.PrimaryKeyConstraint("kind", "value", "paper_id", name=op.f("pk_identities"))
    )
    op.create_index(op.f("ix_identities_paper_id"), "identities", ["paper_id"], unique=False)
    op.create_table("interests",
        sa.Column("id", ident, nullable=False),
        sa.Column("subscriber_id", ident, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("share", sa.SmallInteger(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("papers", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_interests_subscriber_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interests")),
        sa.UniqueConstraint("subscriber_id", "name", name=op.f("uq_interests_subscriber_id_name"))
    )
    op.create_table("picks",
        sa.Column("paper_id", ident, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_picks_paper_id")),
        sa.PrimaryKeyConstraint("paper_id", "day", name=op.f("pk_picks"))
    )
    op.create_table("records",
        sa.Column("id", ident, nullable=False),
        sa.Column("paper_id", ident, nullable=False),
        sa.Column("dump_id", ident, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dump_id"], ["dumps.id"], name=op.f("fk_records_dump_id")),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_records_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records"))
    )
    op.create_index(op.f("ix_records_dump_id"), "records", ["dump_id"], unique=False)
    op.create_index(op.f("ix_records_paper_id"), "records", ["paper_id"], unique=False)
    op.create_table("rejects",
        sa.Column("id", ident, nullable=False),
        sa.Column("dump_id", ident, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dump_id"], ["dumps.id"], name=op.f("fk_rejects_dump_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects"))
    )
    op.create_index(op.f("ix_rejects_dump_id"), "rejects", ["dump_id"], unique=False)
    op.create_table("vectors",
        sa.Column("paper_id", ident, autoincrement=False, nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_vectors_paper_id")),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_vectors"))
    )
    op.create_table("encodings",
        sa.Column("paper_id", ident, autoincrement=False, nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_encodings_paper_id")),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_encodings"))
    )
    op.create_table("digest_items",
        sa.Column("digest_id", ident, autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("paper_id", ident, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("match", sa.SmallInteger(), nullable=True),
        sa.Column("standard", sa.Float(), nullable=False),
        sa.Column("seen_before", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.String(length=12), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name=op.f("fk_digest_items_digest_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_digest_items_paper_id")),
        sa.PrimaryKeyConstraint("digest_id", "position", name=op.f("pk_digest_items"))
    )
    op.create_index(op.f("ix_digest_items_paper_id"), "digest_items", ["paper_id"], unique=False)
    op.create_table("messages",
        sa.Column("id", ident, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subscriber_id", ident, nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest_id", ident, nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("evidence", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name=op.f("fk_messages_digest_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_messages_subscriber_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("digest_id", name=op.f("uq_messages_digest_id")),
        sa.UniqueConstraint("kind", "subscriber_id", "key", name=op.f("uq_messages_kind_subscriber_id_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_messages_message_id"))
    )
    op.create_index("ix_messages_state_expires_at", "messages", ["state", "expires_at"], unique=False)
    op.create_index("ix_messages_state_not_before_id", "messages", ["state", "not_before", "id"], unique=False)
    failed = sa.text("state IN ('rejected', 'expired', 'skipped', 'unknown')")
    op.create_index("ix_messages_failed", "messages", ["subscriber_id", "state"], unique=False, sqlite_where=failed, postgresql_where=failed)
    op.create_index("ix_messages_subscriber_id", "messages", ["subscriber_id"], unique=False)
    op.create_table("deliveries",
        sa.Column("id", ident, nullable=False),
        sa.Column("message_id", ident, nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("server", sa.String(length=260), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("enhanced", sa.String(length=12), nullable=False),
        sa.Column("fault", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_deliveries_message_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("message_id", "started_at", name=op.f("uq_deliveries_message_id_started_at"))
    )
    op.create_index("ix_deliveries_outcome_ended_at", "deliveries", ["outcome", "ended_at"], unique=False)
    op.create_table("bounces",
        sa.Column("id", ident, nullable=False),
        sa.Column("message_id", ident, nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("fault", sa.String(length=10), nullable=False),
        sa.Column("enhanced", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_bounces_message_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        sa.UniqueConstraint("message_id", "fault", name=op.f("uq_bounces_message_id_fault"))
    )
    op.create_index(op.f("ix_bounces_email_key"), "bounces", ["email_key"], unique=False)
    op.create_table("suppressions",
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("former", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_suppressions"))
    )
    op.create_table("mailboxes",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("caught_up", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes"))
    )
    op.create_table("pauses",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=260), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("strikes", sa.SmallInteger(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_pauses"))
    )
    op.create_table("alarms",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alarms"))
    )
    op.create_table("removals",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("dump_id", ident, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dump_id"], ["dumps.id"], name=op.f("fk_removals_dump_id")),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_removals"))
    )
    op.create_index(op.f("ix_removals_dump_id"), "removals", ["dump_id"], unique=False)
