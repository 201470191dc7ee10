"""When readers who came from another install were added here."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("added_at", sa.DateTime(timezone=True), nullable=True))
