"""Which papers compete for a digest of a reader: those since the last one that reached them.

Pure: of papers, ids and the days on which they were first seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from digest.due_dates import LOOK_BACK
from digest.model import Subscriber
from digest.store.history import Cutoff, History


def window_start(
    subscriber: Subscriber, arrived: Cutoff | None, local_date: date, window_days: int
) -> date:
    """The day after which papers of a reader's digest were first seen.

    It goes back to the day of the last digest that arrived, which a weekly digest shares with the
    one before, or to the day on which they came to this service; `LOOK_BACK` at most, and
    `window_days` at least.
    """
    came = subscriber.added or subscriber.created
    last = came.date() if arrived is None else arrived.first_day
    usual = local_date - timedelta(days=window_days)
    return min(usual, max(last - timedelta(days=1), local_date - LOOK_BACK))


def competing(
    past: History, first_seen: Mapping[int, date], after: date, seen: Collection[int]
) -> frozenset[int]:
    """Ids that compete for a reader: neither listed nor rated, and could not be in a digest yet.

    Those are the papers since the last digest that arrived, and those of later ones that failed.
    """
    last = past.arrived
    new = {
        ident
        for ident, day in first_seen.items()
        if day > after and (last is None or ident > last.max_paper_id or day > last.last_day)
    }
    return frozenset(((new | past.carried) - set(seen)) & first_seen.keys())


def has_news(past: History, among: Collection[int], first_seen: Mapping[int, date]) -> bool:
    """Whether any of these is new since the last digest of any fate, or of one that failed.

    Without, a digest waits for the papers of its day, though older ones may compete again.
    """
    last = past.latest
    return last is None or any(
        ident > last.max_paper_id or first_seen[ident] > last.last_day or ident in past.carried
        for ident in among
    )


def may_have_news(past: History, highest_id: int, last_day: date | None) -> bool:
    """The same of all papers, known from the highest id and the latest day of any."""
    last = past.latest
    if last is None or past.carried or highest_id > last.max_paper_id:
        return True
    return last_day is not None and last_day > last.last_day
