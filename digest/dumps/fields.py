"""Parsing of fields that formats share: days, withdrawals, lists.

Knows no format and no file.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        start=1,
    )
}
_ISO: Final = re.compile(r"\s*([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
_DOTTED: Final = re.compile(r"\s*([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?![0-9])")
_COMPACT: Final = re.compile(r"\s*([0-9]{4})([0-9]{2})([0-9]{2})\s*$")
_MAIL: Final = re.compile(
    r"\s*(?:[A-Za-z]{3},?\s+)?([0-9]{1,2})\s+([A-Za-z]{3})[a-z]*\.?\s+([0-9]{4})(?![0-9])"
)
_DAY_IN_NAME: Final = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})([-_]?)([0-9]{2})\2([0-9]{2})(?![0-9])"
)
_YEAR_IN_NAME: Final = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")

#: not that of an initial or of "..."
_FULL_STOP: Final = re.compile(r"(?<![.\s])(?<!\b[A-Za-z])\.$")
_COMMENT_WITHDRAWN: Final = re.compile(
    r"(?<!not )(?<!n't )(?<!never "
    r")\bwithdrawn\b(?!\s+(?:from|at|in)\s+(?!arxiv)\w)|\bwithdrawal\s+(?:notice|of\s+th(?:is|"
    r"e)\s+paper)\b",
    re.IGNORECASE,
)
_ABSTRACT_WITHDRAWN: Final = re.compile(
    r"\bthis\s+(?:paper|article|manuscript|submission|work|preprint|report|note|"
    r"version)\s+(?:has\s+been|is|was|is\s+being|is\s+now)\s+"
    r"(?:\w+ly\s+)?withdrawn\b|^\W*withdrawn\b|^\W*(?:paper\s+)?withdrawn\s+by\b",
    re.IGNORECASE,
)


def parse_day(text: str | None, today: date) -> date | None:
    """Parse the day at the beginning of a text.

    Reads `2026-04-01`, `2026-6-30`, `2026/04/01`, `20260401`, `2026-04-01T10:00:00Z`, `1.4.2026`
    and `Fri, 1 Jan 1999 ...`. The day is taken as written, whatever time zone follows.

    Returns:
        The day, or None if there is none, if it does not exist, or if it is before 1900 or more
        than two years after `today`. Such a date is a typing error: the paper is kept without it.
    """
    if not text:
        return None
    if len(text) >= 10 and text[4] == "-" and text[7] == "-":
        try:
            return _reject_implausible(date.fromisoformat(text[:10]), today)
        except ValueError:
            pass
    if (match := _ISO.match(text) or _COMPACT.match(text)) is not None:
        year, month, day = match.groups()
        return make_day(int(year), int(month), int(day), today)
    if (match := _DOTTED.match(text)) is not None:
        day, month, year = match.groups()
        return make_day(int(year), int(month), int(day), today)
    if (match := _MAIL.match(text)) is not None:
        day, month_name, year = match.groups()
        return make_day(int(year), _MONTHS.get(month_name.lower(), 0), int(day), today)
    return None


def make_day(year: int, month: int, day: int, today: date) -> date | None:
    """Build the day, or None if it does not exist or is implausible (see `parse_day`)."""
    try:
        return _reject_implausible(date(year, month, day), today)
    except ValueError:
        return None


def _reject_implausible(day: date, today: date) -> date | None:
    return day if day.year >= 1900 and day.toordinal() <= today.toordinal() + 731 else None


def parse_month(name: str) -> int | None:
    """Parse the three English letters of a month, in any case and locale: 1 to 12."""
    return _MONTHS.get(name.lower())


def find_day_in_name(name: str) -> date | None:
    """Find the first valid day in a file's name, as in `2026-06-09.jsonl.gz`."""
    for match in _DAY_IN_NAME.finditer(name):
        year, _, month, day = match.groups()
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def find_year_in_name(name: str) -> int | None:
    """Find the year in a file's name, alone or in a day."""
    if (day := find_day_in_name(name)) is not None:
        return day.year
    match = _YEAR_IN_NAME.search(name)
    return int(match[1]) if match else None


def is_withdrawn(comment: str | None, abstract: str | None) -> bool:
    """Whether the comment or the abstract says that the paper was withdrawn.

    In a comment the word is enough, unless the paper was withdrawn *from* another place ("withdrawn
    from a conference"). An abstract must say it about itself, since papers are also written about
    withdrawal.
    """
    if comment and "withdraw" in comment.lower() and _COMMENT_WITHDRAWN.search(comment) is not None:
        return True
    return bool(
        abstract and "withdrawn" in abstract.lower() and _ABSTRACT_WITHDRAWN.search(abstract)
    )


def split_list(text: str) -> tuple[str, ...]:
    """Split a list at semicolons, else at commas, else at white space (categories)."""
    for separator in (";", ","):
        if separator in text:
            return tuple(part for part in map(str.strip, text.split(separator)) if part)
    return tuple(text.split())


def strip_full_stop(title: str) -> str:
    """Remove the full stop that some catalogues put behind every title."""
    return _FULL_STOP.sub("", title)
