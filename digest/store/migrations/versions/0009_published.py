"""Papers keep where they were published, and their code and project page."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("journal_ref", "code_url", "project_url"):
        op.add_column("papers", sa.Column(name, sa.Text(), nullable=False, server_default=""))
