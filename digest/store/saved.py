"""Papers that readers saved for later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from digest.store.statements import insert, split_into_batches
from digest.store.tables import saved_papers


def add(tx: Connection, subscriber_id: int, paper_id: int, *, at: datetime) -> bool:
    """Save a paper; return False where it was saved already, which keeps the time."""
    statement = insert(tx, saved_papers).values(
        subscriber_id=subscriber_id, paper_id=paper_id, at=at
    )
    return tx.execute(statement.on_conflict_do_nothing()).rowcount == 1


def remove(tx: Connection, subscriber_id: int, paper_ids: Iterable[int]) -> bool:
    """Remove saved papers; return whether any was there."""
    removed = 0
    for batch in split_into_batches(list(paper_ids)):
        removed += tx.execute(
            delete(saved_papers).where(
                saved_papers.c.subscriber_id == subscriber_id, saved_papers.c.paper_id.in_(batch)
            )
        ).rowcount
    return removed > 0


def load(tx: Connection, subscriber_id: int) -> dict[int, datetime]:
    """Load the ids that a reader saved and when, newest first."""
    rows = tx.execute(
        select(saved_papers.c.paper_id, saved_papers.c.at)
        .where(saved_papers.c.subscriber_id == subscriber_id)
        .order_by(saved_papers.c.at.desc(), saved_papers.c.paper_id.desc())
    )
    return {row.paper_id: row.at for row in rows}
