"""Small readings that several formats share: a day, a withdrawal, authors and lists in one string.

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
_COMPACT: Final = re.compile(r"\s*([0-9]{4})([0-9]{2})([0-9]{2})\s*$")
_MAIL: Final = re.compile(
    r"\s*(?:[A-Za-z]{3},?\s+)?([0-9]{1,2})\s+([A-Za-z]{3})[a-z]*\.?\s+([0-9]{4})(?![0-9])"
)
_DAY_IN_NAME: Final = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})([-_]?)([0-9]{2})\2([0-9]{2})(?![0-9])"
)
_YEAR_IN_NAME: Final = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")

_COMMENT_WITHDRAWN: Final = re.compile(
    r"(?<!not )(?<!n't )(?<!never "
    r")\bwithdrawn\b(?!\s+(?:from|at|in)\s+(?!arxiv)\w)|\bwithdrawal\s+(?:notice|of\s+th(?:is|e)\s+paper)\b",
    re.IGNORECASE,
)
_ABSTRACT_WITHDRAWN: Final = re.compile(
    r"\bthis\s+(?:paper|article|manuscript|submission|work|preprint|report|note|version)\s+(?:has\s+been|is|was|is\s+being|is\s+now)\s+"
    r"(?:\w+ly\s+)?withdrawn\b|^\W*withdrawn\b|^\W*(?:paper\s+)?withdrawn\s+by\b",
    re.IGNORECASE,
)


def day_of(text: str | None, today: date) -> date | None:
    """The day that a text begins with: `2026-04-01`, `2026-6-30`, `2026/04/01`, `20260401`,
    `2026-04-01T10:00:00Z`, `Fri, 1 Jan 1999 ...`.

    The day is taken as written, whatever zone follows. None where there is none, where it never
    was, or where it lies before 1900 or more than two years after `today`: such a date is a typing
    error, and a paper is worth more than its date.
    """
    if not text:
        return None
    if len(text) >= 10 and text[4] == "-" and text[7] == "-":
        try:
            return _sensible(date.fromisoformat(text[:10]), today)
        except ValueError:
            pass
    if (found := _ISO.match(text) or _COMPACT.match(text)) is not None:
        year, month, day = found.groups()
        return make_day(int(year), int(month), int(day), today)
    if (found := _MAIL.match(text)) is not None:
        day, name, year = found.groups()
        return make_day(int(year), _MONTHS.get(name.lower(), 0), int(day), today)
    return None


def make_day(year: int, month: int, day: int, today: date) -> date | None:
    """The day, or None where it never was or is not sensible (see `day_of`)."""
    try:
        return _sensible(date(year, month, day), today)
    except ValueError:
        return None


def _sensible(day: date, today: date) -> date | None:
    return day if day.year >= 1900 and day.toordinal() <= today.toordinal() + 731 else None


def month_number(name: str) -> int | None:
    """1-12 for the three English letters of a month in any case; the locale has no say."""
    return _MONTHS.get(name.lower())


def day_in_name(name: str) -> date | None:
    """The day in a file's name (`2026-06-09.jsonl.gz`, `arxiv_20260609.csv`), the first one that
    exists.
    """
    for found in _DAY_IN_NAME.finditer(name):
        year, _, month, day = found.groups()
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def year_in_name(name: str) -> int | None:
    """The year in a file's name, with or without a whole day around it."""
    if (day := day_in_name(name)) is not None:
        return day.year
    found = _YEAR_IN_NAME.search(name)
    return int(found[1]) if found else None


def is_withdrawn(comment: str | None, abstract: str | None) -> bool:
    """Whether the source says that the paper was withdrawn.

    In a comment the word is enough, unless it was withdrawn *from* somewhere else ("withdrawn from
    a conference"); an abstract must say it of itself, since papers also write about withdrawal.
    """
    if comment and "withdraw" in comment.lower() and _COMMENT_WITHDRAWN.search(comment) is not None:
        return True
    return bool(
        abstract and "withdrawn" in abstract.lower() and _ABSTRACT_WITHDRAWN.search(abstract)
    )


def split_list(text: str) -> tuple[str, ...]:
    """Parts of a list in one string: by semicolons where there are any, else by commas, else by
    white space (categories).
    """
    for sign in (";", ","):
        if sign in text:
            return tuple(part for part in map(str.strip, text.split(sign)) if part)
    return tuple(text.split())


def split_authors(text: str) -> tuple[str, ...]:
    """Names in one string.

    Semicolons part them; without any, " and " does, and commas only where each part has a first and
    a last name.

    "Doe, Jane; Roe, Kim" -> 2, "Doe, Jane and Roe, Kim" -> 2, "Jane Doe, Kim Roe and Lee Poe" -> 3,
    "Doe, Jane" -> 1.
    """
    if ";" in text:
        return tuple(part for part in map(str.strip, text.split(";")) if part)
    names: list[str] = []
    for part in re.split(r",?\s+and\s+|\s+&\s+", text.strip()):
        pieces = [piece for piece in map(str.strip, part.split(",")) if piece]
        if len(pieces) > 1 and all(" " in piece for piece in pieces):
            names.extend(pieces)
        elif pieces:
            names.append(part.strip(" ,"))
    return tuple(names)
