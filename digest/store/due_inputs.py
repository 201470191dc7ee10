"""What decides who gets a digest now, besides the time.

Short queries, however many readers wait. What they return may change for nothing; it never stays
equal where a digest can be made that could not be made before.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.store import installation, papers
from digest.store.history import HAS_FAILED
from digest.store.tables import bounces, dumps, feedback, messages, subscribers

#: each batch of an ingest counts what it read, also where papers only changed
_DUMPS = select(func.max(dumps.c.id), func.sum(dumps.c.read))
#: failed digests, whose papers compete again; both columns stand in the index of failed messages
_FAILED = select(func.count(), func.sum(messages.c.subscriber_id)).where(HAS_FAILED)
_BOUNCES = select(func.max(bounces.c.id))


def compute_version(tx: Connection) -> Hashable:
    """Return a value that changes with the papers, with failed digests and with a restore."""
    counts = [tuple(tx.execute(query).one()) for query in (_DUMPS, _FAILED, _BOUNCES)]
    return (papers.find_newest(tx), *counts, installation.load_closed_until(tx))


def list_changes(tx: Connection, since: datetime) -> tuple[tuple[object, ...], ...]:
    """List who joined, changed anything or took a thumb back since a time, and when."""
    readers = (
        select(subscribers.c.id, subscribers.c.changed_at)
        .where(subscribers.c.changed_at >= since)
        .order_by(subscribers.c.id)
    )
    thumbs = (
        select(feedback.c.subscriber_id, feedback.c.at, feedback.c.paper_id)
        .where(feedback.c.at >= since, feedback.c.vote == 0)
        .order_by(feedback.c.subscriber_id, feedback.c.paper_id)
    )
    return tuple(tuple(row) for query in (readers, thumbs) for row in tx.execute(query))
