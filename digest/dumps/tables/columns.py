"""The plain columns: their names, and how a row of them becomes a Record.

Used by the formats `jsonl` and `csv`; knows neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from digest.dumps.fields import is_withdrawn, parse_day, split_list
from digest.dumps.names import split_names
from digest.dumps.references import parse_day_or_month
from digest.dumps.stream import RAW_CAP
from digest.model import Record, Rejected

#: column -> its other spellings, all folded to lower-case letters and digits
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": (
        "papertitle",
        "documenttitle",
        "articletitle",
        "itemtitle",
        "titel",
        "titre",
        "titulo",
        "titolo",
    ),
    "abstract": ("summary", "description", "abstractnote", "zusammenfassung", "resume", "resumen"),
    "authors": (
        "author",
        "creators",
        "creator",
        "authorshipsauthordisplayname",
        "autoren",
        "autor",
        "auteurs",
        "auteur",
        "autores",
        "autori",
    ),
    "categories": ("category", "subjects", "subject"),
    "arxiv": ("arxivid", "eprint"),
    "doi": ("itemdoi", "doilink", "doiurl"),
    "pmid": ("pubmedid", "pubmed", "idspmid"),
    "pmcid": ("pmc", "idspmcid"),
    "url": (
        "link",
        "landingpage",
        "absurl",
        "primarylocationlandingpageurl",
        "sourcelinkout",
        "externalurl",
        "articleurl",
    ),
    "submitted": (
        "submittedat",
        "published",
        "publishedat",
        "publicationdate",
        "pubdate",
        "datepublished",
        "date",
        "datum",
        "created",
    ),
    "announced": ("announcedat", "dateaddedtoxplore", "createdate"),
    "updated": ("updatedat", "updatedate", "modified"),
    "firstseen": ("seen", "dateadded"),
    "version": (),
    "upvotes": ("votes", "likes"),
    "comment": ("comments", "note"),
    "journalref": (
        "venue",
        "journal",
        "journaltitle",
        "journalbook",
        "publicationtitle",
        "sourcetitle",
        "primarylocationsourcedisplayname",
        "zeitschrift",
        "revue",
        "revista",
        "rivista",
    ),
    "codeurl": ("githubrepo",),
    "projecturl": ("projectpage",),
    "id": ("paperid",),
}
_COLUMN_OF_SPELLING: Final = {
    spelling: column for column, others in COLUMNS.items() for spelling in (column, *others)
}
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_BLANK_VALUES: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})

Row = dict[str, object]


@lru_cache(maxsize=1024)
def find_column(name: str) -> str | None:
    """Find the column that a header or key means; None if it is unknown.

    Case, accents, spaces, hyphens and underscores do not matter.
    """
    return _COLUMN_OF_SPELLING.get(_fold_name(name))


def _fold_name(name: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKD", name).lower())


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """Map the known names to columns.

    If two names mean one column, the column's own name wins, then the first name. OpenAlex's
    `display_name` is a title beside authors; else it may be anybody's name.
    """
    name_of: dict[str, str] = {}
    display_name = ""
    for name in names:
        column = find_column(name) if len(name) <= 40 else None
        if column is not None and (column not in name_of or _fold_name(name) == column):
            name_of[column] = name
        elif len(name) <= 40 and _fold_name(name) == "displayname":
            display_name = name
    if display_name and "authors" in name_of:
        name_of.setdefault("title", display_name)
    return {name: column for column, name in name_of.items()}


def build_record(number: int, raw: str, row: Row, today: date) -> Record | Rejected:
    """Build a Record from values by column; a value of a wrong type rejects the row.

    A row without title is the identifier of a paper whose rest is elsewhere.
    """
    reader = _RowReader(row, today)
    record = Record(
        line=number,
        raw=raw[:RAW_CAP],
        title=reader.text("title"),
        abstract=reader.text("abstract"),
        authors=reader.names("authors"),
        categories=reader.names("categories"),
        ids=tuple(
            (kind, value)
            for kind in ("arxiv", "doi", "pmid", "pmcid", "id")
            if kind in row and (value := reader.identifier(kind))
        ),
        **{
            field: read(reader, column)
            for column, (field, read) in _OTHER_FIELDS.items()
            if column in row  # rows have few of them
        },
        withdrawn=is_withdrawn(reader.text("comment"), None),
    )
    if not record.title.strip() and any(
        kind == "pmid" or not value.isdigit() for kind, value in record.ids
    ):
        record = replace(record, fragment=True)
    return (
        record
        if reader.problem is None
        else Rejected(line=number, raw=record.raw, reason=reader.problem)
    )


class _RowReader:
    """Reads values by column and keeps the first problem instead of raising it."""

    def __init__(self, row: Row, today: date) -> None:
        self._row = row
        self._today = today
        self.problem: str | None = None

    def text(self, column: str) -> str:
        value = self._row.get(column)
        if value is None or isinstance(value, str):
            return value or ""
        return self._refuse(column, "text", value)

    def identifier(self, column: str) -> str:
        # A number has lost its leading zeros: 704.0001 was 0704.0001. A PMID has none to lose.
        value = self._row.get(column)
        if column == "pmid" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = self.text(column).strip()
        return "" if text.lower() in _BLANK_VALUES else text

    def day(self, column: str) -> date | None:
        parse = parse_day_or_month if column == "submitted" else parse_day
        return parse(self.text(column), self._today)

    def number(self, column: str) -> int | None:
        value = self._row.get(column)
        if isinstance(value, bool) or not isinstance(value, int | float | str | None):
            self._refuse(column, "a number", value)
            return None
        if isinstance(value, str):
            text = value.strip().lower()
            if text in _BLANK_VALUES:
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
        """Read a list of names.

        A list of strings, of {"name": ...} or of {"given": ..., "family": ...}, or one string with
        separators.
        """
        value = self._row.get(column)
        if value is None:
            return ()
        if isinstance(value, str):
            return split_names(value) if column == "authors" else split_list(value)
        if not isinstance(value, list):
            self._refuse(column, "a list or text", value)
            return ()
        names = [item if isinstance(item, str) else self._read_name(column, item) for item in value]
        return tuple(filter(None, names))

    def _read_name(self, column: str, item: object) -> str:
        if isinstance(item, dict):
            name = (
                item.get("name")
                or item.get("term")
                or f"{item.get('given') or ''} {item.get('family') or ''}".strip()
            )
            return name if isinstance(name, str) else self._refuse(column, "names", item)
        return "" if item is None else self._refuse(column, "names", item)

    def _refuse(self, column: str, expected: str, value: object) -> str:
        shown = ascii(value)
        if len(shown) > 60:
            shown = f"{shown[:60]}..."
        self.problem = self.problem or f"{column}: expected {expected}, got {shown}"
        return ""


#: column -> the field of a Record, and how it is read
_OTHER_FIELDS: Final[Mapping[str, tuple[str, Callable[[_RowReader, str], Any]]]] = {
    "version": ("version", _RowReader.number),
    "submitted": ("submitted", _RowReader.day),
    "announced": ("announced", _RowReader.day),
    "updated": ("updated", _RowReader.day),
    "firstseen": ("first_seen", _RowReader.day),
    "upvotes": ("upvotes", _RowReader.number),
    "comment": ("comment", _RowReader.text),
    "journalref": ("journal_ref", _RowReader.text),
    "codeurl": ("code_url", _RowReader.text),
    "projecturl": ("project_url", _RowReader.text),
    "url": ("url", _RowReader.identifier),
}
