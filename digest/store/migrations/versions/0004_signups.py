"""Sign-ups of strangers, counted for a limit."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ident = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "signups",
        sa.Column("id", ident, nullable=False),
        sa.Column("client", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signups")),
    )
    op.create_index(op.f("ix_signups_at"), "signups", ["at"], unique=False)
    op.create_index(op.f("ix_signups_client_at"), "signups", ["client", "at"], unique=False)
