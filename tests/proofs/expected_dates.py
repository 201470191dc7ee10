"""Which dates a reader must get a digest for, computed without the service's own rules.

The zones' clocks are walked quarter hour by quarter hour, so nothing here computes with gaps,
repeated hours or skipped dates: they show by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
#: a digest that was missed is left to the next one where that is due sooner than this
_NEAR = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of time, without its end."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When a reader wants digests, and when not."""

    zone: str
    hour: int
    #: 1 = Monday
    days: tuple[int, ...]
    pauses: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A digest that must come."""

    local_date: date
    #: the earliest instant at which it can
    at: datetime
    #: whether an outage delayed it
    late: bool = False


@cache
def _first_instants(zone: str, hour: int, start: datetime, end: datetime) -> dict[date, datetime]:
    """Return the first quarter of each local date at which the clock shows the hour or later."""
    found: dict[date, datetime] = {}
    instant = start
    while instant < end:
        shown = instant.astimezone(ZoneInfo(zone))
        if shown.hour >= hour:
            found.setdefault(shown.date(), instant)
        instant += QUARTER
    # The walk begins within a date whose hour may have passed before.
    first = start.astimezone(ZoneInfo(zone))
    if first.hour > hour or (first.hour == hour and first.minute):
        found.pop(first.date(), None)
    return found


def list_due(schedule: Schedule, start: datetime, end: datetime) -> list[tuple[datetime, date]]:
    """List the due instants outside pauses with their dates, oldest first."""
    instants = _first_instants(schedule.zone, schedule.hour, start, end)
    return sorted(
        (instant, day)
        for day, instant in instants.items()
        if day.isoweekday() in schedule.days
        and not any(instant in span for span in schedule.pauses)
    )


def list_expected(
    schedule: Schedule, outages: Sequence[Span], start: datetime, end: datetime
) -> Iterator[Expected]:
    """Yield the digests that must come: one for each due date, and one for each outage.

    Args:
        outages: when the service does not run.
        start: when the reader joins.
        end: nothing is due at or after it.
    """
    # Who joins after their hour gets that day's digest at once.
    joined = start.astimezone(ZoneInfo(schedule.zone))
    today = list_due(schedule, start - timedelta(days=1), start)
    if today and today[-1][1] == joined.date():
        yield Expected(local_date=joined.date(), at=start)
    due = list_due(schedule, start, end)
    # The service does not know who will pause before the next digest.
    unpaused = list_due(replace(schedule, pauses=()), start, end + timedelta(days=15))
    for instant, day in due:
        outage = next((outage for outage in outages if instant in outage), None)
        if outage is None:
            yield Expected(local_date=day, at=instant)
            continue
        # The latest date of the outage comes after it, unless the next digest is near.
        is_latest = not any(instant < later < outage.end for later, _ in due)
        following = next(later for later, _ in unpaused if later >= outage.end)
        if is_latest and following - outage.end >= _NEAR:
            yield Expected(local_date=day, at=outage.end, late=True)
