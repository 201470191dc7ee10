"""Installation id, closed dates, revoked keys, and address keys.

Keys of addresses fold only case.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from digest.model import address_key

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_READERS = sa.table(
    "subscribers",
    sa.column("id", sa.BigInteger),
    sa.column("email", sa.String),
    sa.column("email_key", sa.String),
)
_SUPPRESSIONS = sa.table(
    "suppressions", sa.column("email", sa.String), sa.column("email_key", sa.String)
)
_BOUNCES = sa.table(
    "bounces", sa.column("message_id", sa.BigInteger), sa.column("email_key", sa.String)
)
_MESSAGES = sa.table(
    "messages", sa.column("id", sa.BigInteger), sa.column("subscriber_id", sa.BigInteger)
)


def upgrade() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("install_id", sa.String(length=16), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    # Readers' filters and bounces on their way know the names that this store gave so far; a store
    # made anew gets an id.
    op.execute(installation.insert().values(id=1, install_id="", closed_until=None))
    op.add_column("link_keys", sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
    _rekey(op.get_bind())


def _rekey(tx: sa.Connection) -> None:
    """Earlier keys were made by casefold, which is coarser: no two rows become one."""
    # Bounces first, while the readers still have the keys that tell whose they are.
    theirs = (
        sa.select(_BOUNCES.c.email_key, _READERS.c.email)
        .join(_MESSAGES, _MESSAGES.c.id == _BOUNCES.c.message_id)
        .join(_READERS, _READERS.c.id == _MESSAGES.c.subscriber_id)
        .where(_READERS.c.email_key == _BOUNCES.c.email_key)
        .distinct()
    )
    emails = {row.email_key: row.email for row in tx.execute(theirs)}
    for old in tx.execute(sa.select(_BOUNCES.c.email_key).distinct()).scalars().all():
        new = address_key(emails.get(old, old))
        if new != old:
            tx.execute(sa.update(_BOUNCES).where(_BOUNCES.c.email_key == old).values(email_key=new))
    for table in (_READERS, _SUPPRESSIONS):
        rows = tx.execute(sa.select(table.c.email_key, table.c.email))
        for old, new in _changed(rows):
            # A key that another row has already is nobody's to take: that row keeps its own.
            taken = tx.execute(sa.select(table.c.email_key).where(table.c.email_key == new)).first()
            if taken is None:
                tx.execute(sa.update(table).where(table.c.email_key == old).values(email_key=new))


def _changed(rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [(old, new) for old, email in rows if (new := address_key(email)) != old]
