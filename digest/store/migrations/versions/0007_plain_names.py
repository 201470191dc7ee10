"""Columns get the names that the field uses."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RENAMES = (
    ("digests", "mark", "max_paper_id"),
    ("digests", "made", "provenance"),
    ("digest_items", "why", "explanation"),
    ("mailboxes", "mark", "last_uid"),
    ("mailboxes", "validity", "uid_validity"),
    ("pauses", "why", "reason"),
    ("presses", "former", "previous_vote"),
    ("subscribers", "standing", "status"),
    ("suppressions", "former", "previous_status"),
)


def upgrade() -> None:
    # Not in batch mode: on SQLite it would drop each table and copy it, and dropping one deletes the
    # rows that refer to it. Both databases rename a column in place.
    for table, old, new in _RENAMES:
        op.alter_column(table, old, new_column_name=new)
    op.drop_index("ix_subscribers_standing", table_name="subscribers")
    op.create_index("ix_subscribers_status", "subscribers", ["status"], unique=False)
