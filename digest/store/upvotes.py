"""Up-votes of readers: at most one for each reader and paper.

Those of readers who have left do not count, as their thumbs do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
)

from digest.store.likes import COUNTED
from digest.store.statements import insert, split_into_batches
from digest.store.tables import feedback, papers, subscribers, upvotes


def add(tx: Connection, subscriber_id: int, paper_id: int, *, at: datetime) -> None:
    """Add an up-vote; a repeated one keeps the time of the first."""
    row = {"subscriber_id": subscriber_id, "paper_id": paper_id, "at": at}
    tx.execute(insert(tx, upvotes).values(row).on_conflict_do_nothing())


def remove(tx: Connection, subscriber_id: int, paper_id: int | None = None) -> int:
    """Remove a reader's up-vote on a paper, or on all; return how many there were."""
    own: list[ColumnElement[bool]] = [upvotes.c.subscriber_id == subscriber_id]
    if paper_id is not None:
        own.append(upvotes.c.paper_id == paper_id)
    return tx.execute(delete(upvotes).where(*own)).rowcount


def load_own(tx: Connection, subscriber_id: int, paper_ids: Iterable[int]) -> set[int]:
    """Load which of the papers a reader has up-voted."""
    own: set[int] = set()
    for batch in split_into_batches(sorted(set(paper_ids))):
        query = select(upvotes.c.paper_id).where(
            upvotes.c.subscriber_id == subscriber_id, upvotes.c.paper_id.in_(batch)
        )
        own |= set(tx.execute(query).scalars())
    return own


def count_own(tx: Connection, subscriber_id: int, *, since: datetime) -> int:
    """Count the papers that a reader has up-voted since a time."""
    own = (upvotes.c.subscriber_id == subscriber_id, upvotes.c.at > since)
    return tx.execute(select(func.count()).select_from(upvotes).where(*own)).scalar_one()


def count(
    tx: Connection,
    paper_ids: Iterable[int],
    *,
    liked: Collection[int] = (),
    before: datetime | None = None,
) -> dict[int, int]:
    """Count the readers who have up-voted each paper.

    Args:
        liked: papers whose thumbs up are counted beside this; who gave one there is left out, so
            that nobody counts twice.
        before: later up-votes do not count; None = all do.
    """
    counts: dict[int, int] = {}
    for batch in split_into_batches(sorted(set(paper_ids))):
        values = {"papers": batch} | ({} if before is None else {"before": before})
        query = _COUNTS if before is None else _COUNTS_BEFORE
        counts |= _read_counts(tx.execute(query, values), liked)
    return counts


def count_between(
    tx: Connection, first: date, last: date, *, liked: Collection[int] = ()
) -> dict[int, int]:
    """Count the same for the papers that were first seen from day to day."""
    days = select(papers.c.id).where(papers.c.first_seen.between(first, last))
    return _read_counts(tx.execute(_select_counts().where(upvotes.c.paper_id.in_(days))), liked)


def list_voters(tx: Connection, limit: int) -> list[tuple[int, int, datetime]]:
    """List (reader, number of up-votes, time of the newest) of who up-voted most."""
    number = func.count()
    newest = func.max(upvotes.c.at, type_=upvotes.c.at.type)
    query = select(upvotes.c.subscriber_id, number, newest).group_by(upvotes.c.subscriber_id)
    rows = tx.execute(query.order_by(number.desc(), upvotes.c.subscriber_id).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


def _select_counts() -> Select[Any]:
    is_counted = exists().where(
        subscribers.c.id == upvotes.c.subscriber_id, subscribers.c.status.in_(COUNTED)
    )
    has_thumb = exists().where(
        feedback.c.subscriber_id == upvotes.c.subscriber_id,
        feedback.c.paper_id == upvotes.c.paper_id,
        feedback.c.vote == 1,
    )
    with_thumb = func.sum(case((has_thumb, 1), else_=0))
    query = select(upvotes.c.paper_id, func.count(), with_thumb).where(is_counted)
    return query.group_by(upvotes.c.paper_id)


# Each page of papers asks for them. Building a statement costs more than running it.
_COUNTS = _select_counts().where(upvotes.c.paper_id.in_(bindparam("papers", expanding=True)))
_COUNTS_BEFORE = _COUNTS.where(upvotes.c.at < bindparam("before"))


def _read_counts(rows: Iterable[Any], liked: Collection[int]) -> dict[int, int]:
    return {
        paper_id: number - (with_thumb if paper_id in liked else 0)
        for paper_id, number, with_thumb in rows
    }
