"""Listed papers of an earlier day; how strict a digest is, and what a quiet day sends."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("digest_items", sa.Column("from_day", sa.Date(), nullable=True))
