"""Select the papers that compete for a reader's digest.

They are those since the last digest that arrived.

Pure: it works on ids and on the days on which papers were first seen.
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
    """Return the day after which papers of a reader's digest were first seen.

    It goes back to the day of the last digest that arrived, or to the day on which the reader
    came to this service; at most `LOOK_BACK`, and at least `window_days`.
    """
    came = subscriber.added or subscriber.created
    last = came.date() if arrived is None else arrived.first_day
    usual = local_date - timedelta(days=window_days)
    return min(usual, max(last - timedelta(days=1), local_date - LOOK_BACK))


def competing(
    past: History, first_seen: Mapping[int, date], after: date, seen: Collection[int]
) -> frozenset[int]:
    """Return the ids that compete for a reader.

    They are not listed, not rated and not in a digest yet.

    These are the papers since the last digest that arrived, and those of later digests that failed.
    """
    last = past.arrived
    new = {
        ident
        for ident, day in first_seen.items()
        if day > after and (last is None or ident > last.max_paper_id or day > last.last_day)
    }
    return frozenset(((new | past.carried) - set(seen)) & first_seen.keys())


def has_news(past: History, among: Collection[int], first_seen: Mapping[int, date]) -> bool:
    """Whether any of these papers is new, or of a digest that failed.

    New means since the last digest.

    If none is, the digest waits for the papers of its day, though older ones may compete again.
    """
    last = past.latest
    return last is None or any(
        ident > last.max_paper_id or first_seen[ident] > last.last_day or ident in past.carried
        for ident in among
    )


def may_have_news(past: History, highest_id: int, last_day: date | None) -> bool:
    """Whether any paper at all may be new.

    The highest id and the latest day of any paper decide.
    """
    last = past.latest
    if last is None or past.carried or highest_id > last.max_paper_id:
        return True
    return last_day is not None and last_day > last.last_day
