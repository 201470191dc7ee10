"""The plain column set: what the columns are called and how a row of them becomes a Record.

Used by `jsonl` and `csv`, knows neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from digest.dumps.fields import day_of, is_withdrawn, split_authors, split_list
from digest.dumps.stream import RAW_CAP
from digest.model import Record, Rejected

#: column -> the other spellings it is known by, all folded (lower-case letters and digits only)
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("papertitle",),
    "abstract": ("summary", "description", "abstractnote"),
    "authors": ("author", "creators", "creator"),
    "categories": ("category", "subjects", "subject"),
    "arxiv": ("arxivid", "eprint"),
    "doi": (),
    "pmid": ("pubmedid", "pubmed"),
    "url": ("link", "landingpage", "absurl"),
    "submitted": ("submittedat", "published", "publishedat", "publicationdate", "date", "created"),
    "announced": ("announcedat",),
    "updated": ("updatedat", "updatedate", "modified"),
    "firstseen": ("seen",),
    "version": (),
    "upvotes": ("votes", "likes"),
    "comment": ("comments", "note"),
    "id": ("paperid",),
}
_BY_SPELLING: Final = {
    spelling: column for column, others in COLUMNS.items() for spelling in (column, *others)
}
_FOLD: Final = re.compile(r"[^a-z0-9]+")
_NOTHING: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})

Row = dict[str, object]


@lru_cache(maxsize=1024)
def column_of(name: str) -> str | None:
    """The column that a header or key means, whatever its case, spaces, hyphens and underscores;
    None for an unknown one.
    """
    return _BY_SPELLING.get(_FOLD.sub("", name.lower()))


def spelled_best(names: Iterable[str]) -> dict[str, str]:
    """name -> column for the known ones.

    Where two names mean one column, its own name wins, then the first.
    """
    chosen: dict[str, str] = {}
    for name in names:
        column = column_of(name) if len(name) <= 40 else None
        if column is not None and (column not in chosen or _FOLD.sub("", name.lower()) == column):
            chosen[column] = name
    return {name: column for column, name in chosen.items()}


def record_of(number: int, raw: str, row: Row, today: date) -> Record | Rejected:
    """A Record from values by column; a value of a wrong type rejects the row and is named."""
    reading = _Reading(row, today)
    record = Record(
        line=number,
        raw=raw[:RAW_CAP],
        title=reading.text("title"),
        abstract=reading.text("abstract"),
        authors=reading.names("authors"),
        categories=reading.names("categories"),
        ids=tuple(
            (kind, value)
            for kind in ("arxiv", "doi", "pmid", "id")
            if (value := reading.identifier(kind))
        ),
        version=reading.number("version"),
        submitted=reading.day("submitted"),
        announced=reading.day("announced"),
        updated=reading.day("updated"),
        first_seen=reading.day("firstseen"),
        upvotes=reading.number("upvotes"),
        comment=reading.text("comment"),
        url=reading.identifier("url"),
        withdrawn=is_withdrawn(reading.text("comment"), reading.text("abstract")),
    )
    return (
        record
        if reading.wrong is None
        else Rejected(line=number, raw=record.raw, reason=reading.wrong)
    )


class _Reading:
    """Values by column, with the first one of a wrong type noted instead of raised."""

    def __init__(self, row: Row, today: date) -> None:
        self._row = row
        self._today = today
        self.wrong: str | None = None

    def text(self, column: str) -> str:
        value = self._row.get(column)
        if value is None or isinstance(value, str):
            return value or ""
        return self._refuse(column, "text", value)

    def identifier(self, column: str) -> str:
        # A number has lost its zeros already: 704.0001 was 0704.0001. A PMID has none to lose.
        value = self._row.get(column)
        if column == "pmid" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = self.text(column).strip()
        return "" if text.lower() in _NOTHING else text

    def day(self, column: str) -> date | None:
        return day_of(self.text(column), self._today)

    def number(self, column: str) -> int | None:
        value = self._row.get(column)
        if isinstance(value, bool) or not isinstance(value, int | float | str | None):
            self._refuse(column, "a number", value)
            return None
        if isinstance(value, str):
            text = value.strip().lower()
            if text in _NOTHING:
                return None
            digits = text.removeprefix("v").removesuffix(".0")
            if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
                self._refuse(column, "a number", value)
                return None
            return int(digits)
        if isinstance(value, float):
            return int(value) if value.is_integer() and abs(value) < 1e9 else None
        return value if value is None or abs(value) < 10**9 else None

    def names(self, column: str) -> tuple[str, ...]:
        """A list of strings, a list of {"name": ...} or {"given": ..., "family": ...}, or one
        string with separators.
        """
        value = self._row.get(column)
        if value is None:
            return ()
        if isinstance(value, str):
            return split_authors(value) if column == "authors" else split_list(value)
        if not isinstance(value, list):
            self._refuse(column, "a list or text", value)
            return ()
        return tuple(name for one in value if (name := self._name(column, one)))

    def _name(self, column: str, one: object) -> str:
        if isinstance(one, str):
            return one
        if isinstance(one, dict):
            name = (
                one.get("name")
                or one.get("term")
                or f"{one.get('given') or ''} {one.get('family') or ''}".strip()
            )
            return name if isinstance(name, str) else self._refuse(column, "names", one)
        return "" if one is None else self._refuse(column, "names", one)

    def _refuse(self, column: str, wanted: str, value: object) -> str:
        shown = ascii(value)
        self.wrong = self.wrong or (
            f"{column}: expected {wanted}, got {shown if len(shown) <= 60 else shown[:60] + '...'}"
        )
        return ""
