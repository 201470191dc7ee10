"""Readers' thumbs up as one reader's say to the others: never read below a floor of readers, and of
nobody who has left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from digest.model import SubscriberStatus
from digest.store.statements import split_into_batches
from digest.store.tables import feedback, subscribers

#: whose thumbs count
_HERE = (SubscriberStatus.ACTIVE.value, SubscriberStatus.PAUSED.value)


def count_active_readers(tx: Connection) -> int:
    """Active readers."""
    return tx.execute(
        select(func.count()).where(subscribers.c.status == SubscriberStatus.ACTIVE.value)
    ).scalar_one()


def count_likes(
    tx: Connection, paper_ids: Iterable[int], *, least: int, before: datetime | None = None
) -> dict[int, int]:
    """Readers who like each paper, of the papers that at least so many do."""
    found: dict[int, int] = {}
    for some in split_into_batches(sorted(set(paper_ids))):
        number = func.count().label("number")
        chosen = _up(select(feedback.c.paper_id, number), before).where(
            feedback.c.paper_id.in_(some)
        )
        for row in tx.execute(chosen.group_by(feedback.c.paper_id).having(number >= least)):
            found[row.paper_id] = row.number
    return found


def load_like_times(
    tx: Connection, paper_ids: Iterable[int], *, least: int, before: datetime | None = None
) -> dict[int, list[datetime]]:
    """When each of the papers that at least so many readers like was liked, oldest first."""
    found: dict[int, list[datetime]] = defaultdict(list)
    for some in split_into_batches(list(count_likes(tx, paper_ids, least=least, before=before))):
        chosen = _up(select(feedback.c.paper_id, feedback.c.at), before).where(
            feedback.c.paper_id.in_(some)
        )
        for row in tx.execute(chosen.order_by(feedback.c.at)):
            found[row.paper_id].append(row.at)
    return dict(found)


def load_co_likes(
    tx: Connection,
    paper_ids: Collection[int],
    *,
    least: int,
    most: int,
    before: datetime | None = None,
) -> list[tuple[int, int]]:
    """(reader, paper) of every thumb up of the readers who like one of the papers; of the papers
    those that at least so many like.

    Where there are more than `most`, the thumbs of the readers with the highest ids are left out,
    whole readers at a time.
    """
    liked = sorted(count_likes(tx, paper_ids, least=least, before=before))
    people: set[int] = set()
    for some in split_into_batches(liked):
        people |= set(
            tx.execute(
                _up(select(feedback.c.subscriber_id).distinct(), before).where(
                    feedback.c.paper_id.in_(some)
                )
            ).scalars()
        )
    found: list[tuple[int, int]] = []
    for some in split_into_batches(sorted(people)):
        rows = tx.execute(
            _up(select(feedback.c.subscriber_id, feedback.c.paper_id), before).where(
                feedback.c.subscriber_id.in_(some)
            )
        ).all()
        if len(found) + len(rows) > most:
            break
        found += [(reader, paper) for reader, paper in rows]
    return found


def _up(statement: Select[Any], before: datetime | None) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        feedback.c.vote == 1,
        subscribers.c.status.in_(_HERE),
    ]
    if before is not None:
        conditions.append(feedback.c.at < before)
    return statement.join(subscribers, subscribers.c.id == feedback.c.subscriber_id).where(
        *conditions
    )
