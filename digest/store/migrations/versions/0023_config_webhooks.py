"""A webhook may come from the config."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhooks") as table:
        table.add_column(sa.Column("source", sa.String(length=10), nullable=True))
        table.create_unique_constraint(op.f("uq_webhooks_source"), ["source"])
