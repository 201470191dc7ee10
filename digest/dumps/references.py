"""Identifiers and dates as reference managers write them. Knows no format.

Zotero and similar programs have no field for an arXiv or PubMed number. They write "arXiv:
2401.01234" or "PMID: 123" on a line of a note, and put the arXiv number into the report number or
the name of the archive or journal ("arXiv:2401.01234 [cs]").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import make_day, parse_day, parse_month

#: characters of a field that are searched
_FIELD_CAP: Final = 20_000
_NOTED: Final = re.compile(
    r"^[ \t]*(arxiv|doi|pmid|pmcid)(?:[ \t]id)?[ \t]*:[ \t]*([^\s]{1,300})",
    re.IGNORECASE | re.MULTILINE,
)
_ARXIV: Final = re.compile(
    r"\barxiv[:/][ \t]?((?:[a-z-]{2,20}(?:\.[a-z]{2})?/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})(?![0-9]))",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(r"\s*([0-9]{4})[-/]([0-9]{1,2})\s*")
_YEAR: Final = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_MONTH_NAME: Final = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b", re.IGNORECASE
)
_DAY_NUMBER: Final = re.compile(r"(?<![0-9])[0-9]{1,2}(?![0-9])")
_VERSION: Final = re.compile(r"v[0-9]+(?=(?:\.pdf)?$)", re.IGNORECASE)


def find_noted_ids(note: str) -> Iterator[tuple[str, str]]:
    """Find (kind, value) of identifiers on lines of their own in a note.

    "See arXiv:..." within a sentence names another paper.
    """
    for match in _NOTED.finditer(note[:_FIELD_CAP]):
        kind = match[1].lower()
        if kind == "arxiv":
            yield "id", f"arXiv:{strip_version(match[2])}"
        else:
            yield kind, match[2]


def find_arxiv_ids(*fields: str) -> Iterator[tuple[str, str]]:
    """Find the arXiv numbers in short fields: (kind, value) as in `Record.ids`.

    "arXiv:2401.01234v2" and "arXiv preprint arXiv:2401.01234" hold one, "abs/2401.01234" does not.
    """
    for field in fields:
        if (
            "arxiv" in field[:_FIELD_CAP].lower()
            and (match := _ARXIV.search(field[:_FIELD_CAP])) is not None
        ):
            yield "id", f"arXiv:{match[1]}"


def strip_version(name: str) -> str:
    """Remove the version from an arXiv number or link.

    Only arXiv itself says to which version the title and abstract belong.
    """
    return _VERSION.sub("", name)


def parse_day_or_month(text: str | None, today: date) -> date | None:
    """Parse the day at the beginning of a text, or the first day of "2024-03".

    A year alone gives no day: 1 January would be earlier than the paper's preprint.
    """
    if (month := _MONTH.fullmatch(text or "")) is not None:
        return parse_day(f"{month[1]}-{month[2]}-1", today)
    return parse_day(text, today)


def parse_day_in_year(text: str, year: str, today: date) -> date | None:
    """Parse a day of which the year may stand in another field.

    "MAR 4", "4 March 2024", "March", "Mar-Apr" (the first day of the month), "2024/03/04".
    """
    for whole in (text, year):
        if (day := parse_day_or_month(whole, today)) is not None:
            return day
    return parse_written_day(text, year, today, first_of_month=True)


def parse_written_day(
    text: str, year: str, today: date, *, first_of_month: bool = False
) -> date | None:
    """Parse a day with the name of its month: "MAR 4" with another year, "4 March 2024".

    Args:
        text: What is parsed.
        year: The year, where the text has none.
        today: The day after which nothing can have happened.
        first_of_month: "March" alone is its first day.
    """
    month, years = _MONTH_NAME.search(text[:100]), _YEAR.search(text[:100]) or _YEAR.search(year)
    number = _DAY_NUMBER.search(text[:100])
    if month is None or years is None or (number is None and not first_of_month):
        return None
    day = int(number[0]) if number else 1
    return make_day(int(years[0]), parse_month(month[1]) or 0, day, today)
