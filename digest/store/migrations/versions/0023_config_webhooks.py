"""A webhook may come from the config."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: on SQLite it would drop the table, and with it the rows that refer to it,
    # which are events that wait. So the index is unique, and no constraint is.
    op.add_column("webhooks", sa.Column("source", sa.String(length=10), nullable=True))
    op.create_index(op.f("uq_webhooks_source"), "webhooks", ["source"], unique=True)
