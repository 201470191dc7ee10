"""Thumbs up of all readers together: only above a minimum number of readers.

Thumbs of readers who have left do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, select

from digest.model import Identity, SubscriberStatus
from digest.store.statements import split_into_batches
from digest.store.tables import feedback, identities, papers, subscribers

#: status of the readers whose thumbs count
COUNTED = (SubscriberStatus.ACTIVE.value, SubscriberStatus.PAUSED.value)


_ACTIVE = (
    select(subscribers.c.id)
    .where(subscribers.c.status == SubscriberStatus.ACTIVE.value)
    .limit(bindparam("most"))
)


def has_active_readers(tx: Connection, number: int) -> bool:
    """Tell whether there are so many active readers, without counting all."""
    return len(tx.execute(_ACTIVE, {"most": number}).all()) >= number


def count_likes(
    tx: Connection, paper_ids: Iterable[int], *, least: int, before: datetime | None = None
) -> dict[int, int]:
    """Count the readers who like each paper.

    Papers with fewer than `least` are left out.
    """
    counts: dict[int, int] = {}
    for batch in split_into_batches(sorted(set(paper_ids))):
        number = func.count().label("number")
        query = _select_thumbs_up(select(feedback.c.paper_id, number), before).where(
            feedback.c.paper_id.in_(batch)
        )
        for row in tx.execute(query.group_by(feedback.c.paper_id).having(number >= least)):
            counts[row.paper_id] = row.number
    return counts


def count_likes_between(tx: Connection, first: date, last: date, *, least: int) -> dict[int, int]:
    """Count the readers who like each paper that was first seen from day to day, as above."""
    number = func.count().label("number")
    days = select(papers.c.id).where(papers.c.first_seen.between(first, last))
    query = _select_thumbs_up(select(feedback.c.paper_id, number), None).where(
        feedback.c.paper_id.in_(days)
    )
    rows = tx.execute(query.group_by(feedback.c.paper_id).having(number >= least))
    return {row.paper_id: row.number for row in rows}


def load_like_times(
    tx: Connection, paper_ids: Iterable[int], *, least: int, before: datetime | None = None
) -> dict[int, list[datetime]]:
    """Load when each paper that at least `least` readers like was liked, oldest first."""
    times: dict[int, list[datetime]] = defaultdict(list)
    for batch in split_into_batches(list(count_likes(tx, paper_ids, least=least, before=before))):
        query = _select_thumbs_up(select(feedback.c.paper_id, feedback.c.at), before).where(
            feedback.c.paper_id.in_(batch)
        )
        for row in tx.execute(query.order_by(feedback.c.at)):
            times[row.paper_id].append(row.at)
    return dict(times)


def load_co_likes(
    tx: Connection,
    paper_ids: Collection[int],
    *,
    least: int,
    most: int,
    before: datetime | None = None,
    own: Collection[int] | None = None,
) -> list[tuple[int, int]]:
    """Load (reader, paper) of all thumbs up by readers who like one of the papers.

    Args:
        least: papers that fewer readers like do not count.
        most: thumbs at most; the readers with the greatest ids are left out, each as a whole.
        own: ids of the papers that one reader likes: all that can boost a paper for that reader
            are thumbs on these papers and on the others, by people who like one of these. None =
            of any reader.
    """
    liked = sorted(count_likes(tx, paper_ids if own is None else own, least=least, before=before))
    wanted = None if own is None else {*paper_ids, *own}
    people: set[int] = set()
    for batch in split_into_batches(liked):
        people |= set(
            tx.execute(
                _select_thumbs_up(select(feedback.c.subscriber_id).distinct(), before).where(
                    feedback.c.paper_id.in_(batch)
                )
            ).scalars()
        )
    pairs: list[tuple[int, int]] = []
    for batch in split_into_batches(sorted(people)):
        rows = tx.execute(
            _select_thumbs_up(select(feedback.c.subscriber_id, feedback.c.paper_id), before).where(
                feedback.c.subscriber_id.in_(batch)
            )
        ).all()
        if len(pairs) + len(rows) > most:
            break
        pairs += [(reader, paper) for reader, paper in rows if wanted is None or paper in wanted]
    return pairs


def load_newest_liked(tx: Connection, limit: int) -> list[Identity]:
    """Load an arXiv id or else a DOI of each of the papers that were liked last.

    Sorted, so that the order tells nothing of who liked which. Papers without either are left out.
    """
    newest = func.max(feedback.c.at)
    names = identities.c.paper_id == feedback.c.paper_id, identities.c.kind.in_(("arxiv", "doi"))
    query = _select_thumbs_up(select(feedback.c.paper_id), None).where(exists().where(*names))
    liked = query.group_by(feedback.c.paper_id).order_by(newest.desc(), feedback.c.paper_id)
    paper_ids = tx.execute(liked.limit(limit)).scalars().all()
    found = select(identities.c.paper_id, identities.c.kind, identities.c.value).where(
        identities.c.paper_id.in_(paper_ids), identities.c.kind.in_(("arxiv", "doi"))
    )
    rows = tx.execute(found.order_by(identities.c.kind.desc(), identities.c.value)).all()
    by_paper = {row.paper_id: Identity(kind=row.kind, value=row.value) for row in rows}
    return sorted(by_paper.values(), key=lambda identity: (identity.kind, identity.value))


def _select_thumbs_up(statement: Select[Any], before: datetime | None) -> Select[Any]:
    # As a condition, not as a join: SQLite would begin a join with the readers, and look up each of
    # them for each paper.
    is_counted = exists().where(
        subscribers.c.id == feedback.c.subscriber_id, subscribers.c.status.in_(COUNTED)
    )
    conditions: list[ColumnElement[bool]] = [feedback.c.vote == 1, is_counted]
    if before is not None:
        conditions.append(feedback.c.at < before)
    return statement.where(*conditions)
