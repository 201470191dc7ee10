"""A reader's digests and quiet days, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from digest.model import MessageState
from digest.store.tables import digest_items, digests, messages


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestEntry:
    """A digest or a quiet day of a reader."""

    id: int
    local_date: date
    #: why there is no digest, "" where there is one
    reason: str
    #: number of its papers
    papers: int
    #: of its mail; None where it has none
    message: MessageState | None


def list_page(
    tx: Connection, subscriber_id: int, *, before: date | None, limit: int
) -> list[DigestEntry]:
    """List the entries of a reader before a local date, None = all; the newest first."""
    query = _select(subscriber_id).order_by(digests.c.local_date.desc()).limit(limit)
    if before is not None:
        query = query.where(digests.c.local_date < before)
    return [_build(row) for row in tx.execute(query)]


def find(tx: Connection, subscriber_id: int, day: date) -> DigestEntry | None:
    """Find the entry of a reader for a local date."""
    row = tx.execute(_select(subscriber_id).where(digests.c.local_date == day)).one_or_none()
    return None if row is None else _build(row)


def _select(subscriber_id: int) -> Select[Any]:
    count = (
        select(func.count())
        .where(digest_items.c.digest_id == digests.c.id)
        .correlate(digests)
        .scalar_subquery()
    )
    state = (
        select(messages.c.state)
        .where(messages.c.digest_id == digests.c.id)
        .correlate(digests)
        .limit(1)
        .scalar_subquery()
    )
    return select(
        digests.c.id,
        digests.c.local_date,
        digests.c.reason,
        count.label("papers"),
        state.label("message"),
    ).where(digests.c.subscriber_id == subscriber_id)


def _build(row: Row[Any]) -> DigestEntry:
    return DigestEntry(
        id=row.id,
        local_date=row.local_date,
        reason=row.reason,
        papers=row.papers,
        message=None if row.message is None else MessageState(row.message),
    )
