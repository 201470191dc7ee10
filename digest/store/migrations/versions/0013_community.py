"""Readers up-vote and suggest papers, and curators pick them, for everybody to see."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "upvotes",
        sa.Column("subscriber_id", ID, autoincrement=False, nullable=False),
        sa.Column("paper_id", ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_upvotes_paper_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_upvotes_subscriber_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name=op.f("pk_upvotes")),
    )
    op.create_index("ix_upvotes_paper_id", "upvotes", ["paper_id"])
    op.create_index("ix_upvotes_subscriber_id_at", "upvotes", ["subscriber_id", "at"])
    op.create_table(
        "curator_picks",
        sa.Column("paper_id", ID, autoincrement=False, nullable=False),
        sa.Column("subscriber_id", ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["papers.id"], name=op.f("fk_curator_picks_paper_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_curator_picks_subscriber_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("paper_id", "subscriber_id", name=op.f("pk_curator_picks")),
    )
    op.create_index("ix_curator_picks_subscriber_id", "curator_picks", ["subscriber_id"])
    op.create_index("ix_curator_picks_at", "curator_picks", ["at"])
    op.create_table(
        "submissions",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("looked_up_at", INSTANT, nullable=True),
        sa.Column("paper_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_submissions_paper_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_submissions_subscriber_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
    )
    op.create_index(
        "ix_submissions_subscriber_id_at", "submissions", ["subscriber_id", "at"]
    )
    op.create_index("ix_submissions_state_at", "submissions", ["state", "at"])
