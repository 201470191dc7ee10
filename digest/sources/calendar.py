"""arXiv's calendar of announcements. Pure.

arXiv announces papers at 20:00 US Eastern, Sunday to Thursday
(https://info.arxiv.org/help/availability.html). Sunday's announcement is prepared on Friday, so
there is none on the Sunday after a holiday on a Friday.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
_HOUR: Final = time(20)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
#: as published by arXiv
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


def is_announcement_day(day: date, holidays: Collection[date] = ()) -> bool:
    """Whether arXiv announces papers on the evening of a day (US Eastern).

    `holidays` are added to the published ones.
    """
    free_days = HOLIDAYS.union(holidays)
    if day.weekday() in (_FRIDAY, _SATURDAY) or day in free_days:
        return False
    return day.weekday() != _SUNDAY or day - timedelta(days=2) not in free_days


def list_announcements(
    after: datetime, until: datetime, holidays: Collection[date] = ()
) -> Iterator[datetime]:
    """Yield the announcements after one instant and up to another, in order."""
    day = after.astimezone(EASTERN).date()
    while (instant := datetime.combine(day, _HOUR, EASTERN)) <= until:
        if instant > after and is_announcement_day(day, holidays):
            yield instant
        day += timedelta(days=1)
