"""Since when the due moments of a reader count."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))
