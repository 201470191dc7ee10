"""Operator sessions, and an index for lists of suppressed addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ident = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "operator_sessions",
        sa.Column("id", ident, nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_operator_sessions_link_hash")),
        sa.UniqueConstraint("session_hash", name=op.f("uq_operator_sessions_session_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_suppressions_since_email_key"), "suppressions", ["since", "email_key"]
    )
