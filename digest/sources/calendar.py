"""When arXiv announces papers. Pure: days in, answers out.

Announcements are made at 20:00 US Eastern, Sunday to Thursday
(https://info.arxiv.org/help/availability.html). Sunday's is Friday's work, so a holiday on a Friday
silences the Sunday after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
_HOUR: Final = time(20)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
#: as published
HOLIDAYS: Final = frozenset(
    date(2026, month, day)
    for month, day in (
        (1, 1),
        (1, 19),
        (6, 19),
        (7, 3),
        (9, 7),
        (11, 26),
        (12, 25),
        (12, 29),
        (12, 31),
    )
)


def expected(day: date, holidays: Collection[date] = ()) -> bool:
    """Whether papers are announced on the evening of that day (US Eastern); `holidays` come on top
    of the published ones.
    """
    free = HOLIDAYS.union(holidays)
    if day.weekday() in (_FRIDAY, _SATURDAY) or day in free:
        return False
    return day.weekday() != _SUNDAY or day - timedelta(days=2) not in free


def announcements(
    after: datetime, until: datetime, holidays: Collection[date] = ()
) -> Iterator[datetime]:
    """Every announcement due after one instant and up to another, in their order."""
    day = after.astimezone(EASTERN).date()
    while (at := datetime.combine(day, _HOUR, EASTERN)) <= until:
        if at > after and expected(day, holidays):
            yield at
        day += timedelta(days=1)
