"""Presses of buttons: the page of each, and which wait for confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ident = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "presses",
        sa.Column("id", ident, nullable=False),
        sa.Column("subscriber_id", ident, nullable=False),
        sa.Column("button", sa.String(length=10), nullable=False),
        sa.Column("paper_id", ident, nullable=True),
        sa.Column("vote", sa.SmallInteger(), nullable=False),
        sa.Column("former", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("form", sa.String(length=64), nullable=False),
        sa.Column("answers", sa.String(length=64), nullable=False),
        sa.Column("confirms", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_presses_paper_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_presses_subscriber_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presses")),
        sa.UniqueConstraint("subscriber_id", "form", name=op.f("uq_presses_subscriber_id_form")),
    )
    op.create_index("ix_presses_at", "presses", ["at"], unique=False)
    op.create_index("ix_presses_subscriber_id_at", "presses", ["subscriber_id", "at"], unique=False)
