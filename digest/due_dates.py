"""Compute when a reader's digests are due, from their weekdays, hour and timezone.

A local date of a reader is closed once it has a digest or can never get one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.errors import InputError
from digest.model import Subscriber

#: how far a reader's digests look back after an outage, for missed dates and for papers
LOOK_BACK = timedelta(days=31)
#: a digest that was not made yet is left to the next one where that is due sooner than this
NEAR = timedelta(hours=6)
#: each weekday comes within so many days, even where a zone skips a date
_FORTNIGHT = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """The digest that a reader gets now."""

    local_date: date
    #: earlier due dates that passed without a digest, oldest first
    missed: tuple[date, ...] = ()


def zone_of(subscriber: Subscriber) -> ZoneInfo:
    """The reader's timezone.

    Raises:
        InputError: this machine knows none of that name, which was known where the reader chose it.
    """
    try:
        return _load_zone(subscriber.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"timezone {subscriber.timezone!r} is unknown here; update tzdata, "
            f"or `digest subscribe {subscriber.email} --timezone NAME`"
        ) from error


@lru_cache(maxsize=1024)  # the library keeps eight, and reads the file of any other one again
def _load_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_date_of(subscriber: Subscriber, instant: datetime) -> date:
    """Return the reader's local date; raises as `zone_of`."""
    return instant.astimezone(zone_of(subscriber)).date()


def start_of_day(subscriber: Subscriber, instant: datetime) -> datetime:
    """Return the first instant of the reader's local date; raises as `zone_of`."""
    zone = zone_of(subscriber)
    return datetime.combine(instant.astimezone(zone).date(), time(), zone).astimezone(UTC)


def due_at(subscriber: Subscriber, local_date: date) -> datetime:
    """Return the instant from which a digest may be sent.

    It is the reader's hour on that date.

    A clock change may repeat the hour, then the first one counts; or skip it, then the first valid
    hour after it counts.
    """
    return datetime.combine(local_date, time(subscriber.hour), zone_of(subscriber)).astimezone(UTC)


def earliest_due(subscriber: Subscriber) -> datetime:
    """Return the instant before which no digest is due.

    Before it the reader had not joined yet, or was away. It is the start of the local day of
    joining, so that readers who join after their hour still get a digest that day.
    """
    return subscriber.due_from or start_of_day(subscriber, subscriber.created)


def next_due(
    subscriber: Subscriber, after: datetime, *, taken: Collection[date] = ()
) -> tuple[date, datetime] | None:
    """Return the next due date and its instant, skipping the dates in `taken`.

    None if the reader chose no days, or if all dates of a fortnight are taken.
    """
    first = local_date_of(subscriber, after)
    for number in range(_FORTNIGHT + 1):
        day = first + timedelta(days=number)
        if day not in taken and _is_due_date(subscriber, day) and due_at(subscriber, day) > after:
            return day, due_at(subscriber, day)
    return None


def due(subscriber: Subscriber, now: datetime, *, closed: Collection[date]) -> Due | None:
    """Return the digest that a reader gets now.

    It is that of the latest due date without one.

    None where none is due since the last digest, or where the next one is so near that it takes
    all papers.

    Args:
        closed: the reader's closed dates: at least the latest one up to today, and all later ones.
    """
    owed = _list_owed_dates(subscriber, now, closed)
    if not owed:
        return None
    following = next_due(subscriber, now, taken=closed)
    # Who joined after their hour has missed nothing: the first digest comes at once.
    joined_since = subscriber.created >= due_at(subscriber, owed[-1])
    if following is not None and following[1] - now < NEAR and not joined_since:
        return None
    return Due(local_date=owed[-1], missed=tuple(owed[:-1]))


def why_not_due(subscriber: Subscriber, now: datetime, *, closed: Collection[date]) -> str:
    """Explain to the operator why `due` returns nothing for a reader today."""
    today = local_date_of(subscriber, now)
    if owed := _list_owed_dates(subscriber, now, closed):
        following = next_due(subscriber, now, taken=closed)
        taker = "the next one" if following is None else f"that of {following[0]}"
        return f"the digest of {owed[-1]} was not made in time; {taker} takes its papers"
    if today.isoweekday() not in subscriber.days:
        return f"{today:%A} is none of their days"
    if now < due_at(subscriber, today):
        return f"not before {subscriber.hour}:00 {subscriber.timezone}"
    return f"they were away at {subscriber.hour}:00 of {today}; the next digest takes its papers"


def _list_owed_dates(subscriber: Subscriber, now: datetime, closed: Collection[date]) -> list[date]:
    """List the passed due dates after the last closed one, oldest first.

    Dates more than `LOOK_BACK` ago, or before the reader joined or came back, are left out.
    """
    today = local_date_of(subscriber, now)
    last_closed = max((day for day in closed if day <= today), default=date.min)
    earliest = earliest_due(subscriber)
    if earliest > now:  # stored while the clock ran ahead
        earliest = start_of_day(subscriber, now)
    owed: list[date] = []
    day = today
    while day > last_closed and today - day <= LOOK_BACK:
        if _is_due_date(subscriber, day) and due_at(subscriber, day) <= now:
            if due_at(subscriber, day) < earliest:
                break
            owed.append(day)
        day -= timedelta(days=1)
    return owed[::-1]


def _is_due_date(subscriber: Subscriber, day: date) -> bool:
    """Return whether the date exists and is one of the reader's weekdays.

    A zone may skip a whole date.
    """
    if day.isoweekday() not in subscriber.days:
        return False
    noon = datetime.combine(day, time(12), zone_of(subscriber))
    return local_date_of(subscriber, noon.astimezone(UTC)) == day
