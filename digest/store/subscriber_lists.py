"""Lists of subscribers for the operator: filtered, by pages, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from digest.model import Subscriber, SubscriberStatus, address_key
from digest.store import subscribers as subscriber_rows
from digest.store.tables import feedback, presses, saved_papers, subscribers

#: subscribers that are loaded at once
_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriberFilter:
    """Which subscribers to list; what is left out does not count."""

    #: any of these
    statuses: tuple[SubscriberStatus, ...] = ()
    #: any of these codes; "" = the service's own
    languages: tuple[str, ...] = ()
    #: those who joined then or later
    joined_since: datetime | None = None
    #: those who joined earlier, and since gave no thumb, saved no paper and pressed no button
    silent_since: datetime | None = None
    #: domain of their address
    domain: str = ""


class Schedule(NamedTuple):
    """What of a subscriber is counted."""

    status: SubscriberStatus
    language: str
    timezone: str
    hour: int
    days: tuple[int, ...]


def iterate(
    tx: Connection, wanted: SubscriberFilter, *, after: int = 0, page: int = _PAGE
) -> Iterator[Subscriber]:
    """Yield subscribers with an id above `after`, in order of joining this install.

    Args:
        page: how many are loaded at once.
    """
    where = _conditions(wanted)
    while True:
        query = select(subscribers.c.id).where(subscribers.c.id > after, *where)
        ids = list(tx.execute(query.order_by(subscribers.c.id).limit(page)).scalars())
        yield from subscriber_rows.load(tx, ids).values()
        if len(ids) < page:
            return
        after = ids[-1]


def iterate_schedules(tx: Connection, wanted: SubscriberFilter) -> Iterator[Schedule]:
    """Yield what is counted of each subscriber, without loading their interests."""
    columns = (
        subscribers.c.status,
        subscribers.c.language,
        subscribers.c.timezone,
        subscribers.c.hour,
        subscribers.c.days,
    )
    rows = tx.execute(
        select(*columns).where(*_conditions(wanted)).execution_options(yield_per=5000)
    )
    for row in rows:
        yield Schedule(
            SubscriberStatus(row.status), row.language, row.timezone, row.hour, tuple(row.days)
        )


def _conditions(wanted: SubscriberFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.statuses:
        where.append(subscribers.c.status.in_([status.value for status in wanted.statuses]))
    if wanted.languages:
        where.append(subscribers.c.language.in_(wanted.languages))
    if wanted.domain:
        ending = address_key(f"@{wanted.domain}")
        where.append(subscribers.c.email_key.endswith(ending, autoescape=True))
    if wanted.joined_since is not None:
        where.append(subscribers.c.created_at >= wanted.joined_since)
    if wanted.silent_since is not None:
        where += [
            subscribers.c.created_at < wanted.silent_since,
            ~or_(
                *(
                    _has_since(table, wanted.silent_since)
                    for table in (feedback, saved_papers, presses)
                )
            ),
        ]
    return where


def _has_since(table: Any, since: datetime) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = exists().where(
        table.c.subscriber_id == subscribers.c.id, table.c.at >= since
    )
    return condition
