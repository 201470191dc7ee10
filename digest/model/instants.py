"""Instants are aware and UTC; days are local dates. Nothing here reads a clock."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from zoneinfo import available_timezones

from digest.locales import MONTHS


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones of the machine; looking takes 10 ms the first time."""
    return frozenset(available_timezones())


def check_instant(name: str, value: datetime | None) -> None:
    """Refuse a naive time: it would count as local time of the machine."""
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{name} must be an aware time, got naive {value!r}")


def format_day(day: date) -> str:
    """Write a day in English, as it is stored: 29 August; not in the machine's locale."""
    return f"{day.day} {MONTHS[day.month - 1]}"
