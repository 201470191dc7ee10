"""Counts of papers, digests and thumbs by day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, case, func, select

from digest.model import MessageKind, MessageState
from digest.store.tables import feedback, messages, papers


def count_papers_by_day(tx: Connection, *, since: date) -> dict[date, int]:
    """Count the papers that were first seen on each day since a day, inclusive."""
    rows = tx.execute(
        select(papers.c.first_seen, func.count())
        .where(papers.c.first_seen >= since)
        .group_by(papers.c.first_seen)
        .order_by(papers.c.first_seen)
    )
    return {row[0]: row[1] for row in rows}


def count_sent_by_day(tx: Connection, *, since: date) -> dict[date, int]:
    """Count the digests of each local date since a date, inclusive, that servers accepted."""
    rows = tx.execute(
        select(messages.c.key, func.count())
        .where(
            messages.c.kind == MessageKind.DIGEST.value,
            messages.c.state == MessageState.ACCEPTED.value,
            messages.c.key >= since.isoformat(),
        )
        .group_by(messages.c.key)
        .order_by(messages.c.key)
    )
    return {date.fromisoformat(row[0]): row[1] for row in rows}


def count_thumbs_since(tx: Connection, since: datetime) -> tuple[int, int]:
    """Count (thumbs up, thumbs down) given since a time."""
    up, down = (func.coalesce(func.sum(case((feedback.c.vote == vote, 1))), 0) for vote in (1, -1))
    row = tx.execute(select(up, down).where(feedback.c.at >= since)).one()
    return int(row[0]), int(row[1])
