"""The full metadata snapshot of arXiv, JSON lines.

One row per paper in its latest version. It has about 2.5 million rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import decode_rows, read_json_records
from digest.dumps.names import split_names
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected


class _Version(msgspec.Struct, gc=False):
    version: str | None = None
    created: str | None = None


class _Row(msgspec.Struct, rename={"journal_ref": "journal-ref"}, gc=False):
    id: str | None = None
    title: str | None = None
    abstract: str | None = None
    authors: str | None = None
    authors_parsed: list[list[str | None]] | None = None
    categories: list[str | None] | str | None = None
    comments: str | None = None
    journal_ref: str | None = None
    doi: str | None = None
    versions: list[_Version] | None = None
    update_date: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Row)


class ArxivSnapshot:
    """The format `arxiv-snapshot`.

    Fields: `id`, `title`, `abstract`, `authors_parsed` (else `authors`), `categories`, `comments`,
    `journal-ref`, `doi`, `versions`, `update_date`.
    """

    name = "arxiv-snapshot"

    def sniff(self, head: Head) -> Confidence:
        keys = head.keys
        is_snapshot = "authors_parsed" in keys or keys >= {"versions", "update_date"}
        return Confidence.YES if is_snapshot and keys & {"id", "title"} else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for row in decode_rows(source, read_json_records(source), _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row, source.today)


def _build_record(number: int, data: bytes, row: _Row, today: date) -> Record:
    abstract = row.abstract or ""
    comment = row.comments or ""
    versions = row.versions or []
    ids = [(kind, value) for kind, value in (("arxiv", row.id), ("doi", row.doi)) if value]
    return Record(
        line=number,
        raw=raw_text(data),
        title=row.title or "",
        abstract=abstract,
        authors=_read_authors(row),
        categories=tuple(row.categories.split())
        if isinstance(row.categories, str)
        else tuple(filter(None, row.categories or ())),
        ids=tuple(ids),
        version=_parse_version(versions[-1].version) if versions else None,
        submitted=parse_day(versions[0].created, today) if versions else None,
        updated=parse_day(row.update_date, today),
        comment=comment,
        journal_ref=row.journal_ref or "",
        withdrawn=is_withdrawn(comment, None),
    )


def _read_authors(row: _Row) -> tuple[str, ...]:
    """Join first name, last name and suffix of each author.

    The `authors` string mixes names with affiliations, so it is read only if nothing else is there.
    """
    if row.authors_parsed:
        names = (
            " ".join(filter(None, (*parts[1:2], *parts[:1], *parts[2:3])))
            for parts in row.authors_parsed
        )
        return tuple(name for name in names if name.strip())
    return split_names(row.authors or "", given_name_first=True)


def _parse_version(version: str | None) -> int | None:
    digits = (version or "").lstrip("vV")
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < len(digits) < 5 else None


FORMAT = ArxivSnapshot()
