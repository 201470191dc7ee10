"""Listed papers of an earlier day; how strict a digest is, and what a quiet day sends."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("digest_items", sa.Column("from_day", sa.Date(), nullable=True))
    op.add_column("digests", sa.Column("nearest_paper_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "digests",
        sa.Column("quiet_days_told", sa.SmallInteger(), nullable=False, server_default="0"),
    )
    op.add_column(
        "subscribers",
        sa.Column(
            "strictness", sa.String(length=8), nullable=False, server_default="balanced"
        ),
    )
    op.add_column(
        "subscribers",
        sa.Column("quiet_days", sa.String(length=6), nullable=False, server_default="silent"),
    )
    # Who chose nothing had the threshold 0. They get the default, not a digest that is always full.
    op.execute(
        "UPDATE subscribers SET strictness = CASE threshold WHEN '0' THEN 'balanced'"
        " WHEN 'good' THEN 'balanced' WHEN 'strong' THEN 'few' WHEN '100' THEN '99'"
        " ELSE threshold END"
    )
    op.drop_column("subscribers", "threshold")
