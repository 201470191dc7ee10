"""Dumps keep how they were read, so that the same bytes need not be read twice."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dumps", sa.Column("reading", sa.String(100), nullable=False, server_default=""))
