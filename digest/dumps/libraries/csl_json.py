"""CSL-JSON, the exchange format of reference managers.

A list, {"items": [...]}, lines or one item. Described at
https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html. The answers of doi.org look the
same, with types and some further keys of the registration agency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.formats import Confidence, Head
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_day_or_month,
    strip_version,
)
from digest.dumps.stream import Row, Source, raw_text
from digest.model import Record, Rejected

_HYPHENS: Final = {
    "date_parts": "date-parts",
    "dropping_particle": "dropping-particle",
    "non_dropping_particle": "non-dropping-particle",
    "container_title": "container-title",
    "doi": "DOI",
    "url": "URL",
    "pmid": "PMID",
    "pmcid": "PMCID",
}


class _Name(msgspec.Struct, gc=False, rename=_HYPHENS):
    family: str | None = None
    given: str | None = None
    dropping_particle: str | None = None
    non_dropping_particle: str | None = None
    suffix: str | None = None
    literal: str | None = None
    name: str | None = None


class _Date(msgspec.Struct, gc=False, rename=_HYPHENS):
    date_parts: Any = None
    raw: Any = None
    literal: Any = None


class _Item(msgspec.Struct, gc=False, rename=_HYPHENS):
    type: str | None = None
    title: str | None = None
    abstract: str | None = None
    author: list[_Name | str | None] | None = None
    issued: _Date | str | int | None = None
    doi: str | None = None
    url: str | None = None
    pmid: str | int | None = None
    pmcid: str | int | None = None
    container_title: str | list[str | None] | None = None
    number: str | int | None = None
    archive: str | None = None
    archive_location: str | None = None
    note: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Item)


class CslJson:
    """The format `csl-json`.

    Fields: `title`, `abstract`, `author`, `issued`, `DOI`, `URL`, `PMID`, `PMCID`, an arXiv number
    in `number` and `note`.

    An item of any type is a paper.
    """

    name = "csl-json"

    def sniff(self, head: Head) -> Confidence:
        items = find_page_items(head, "items")
        return (
            Confidence.YES
            if any(map(_is_item, head.records if items is None else items))
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        return read_items(source, read_page_rows(source, "items"))


def read_items(source: Source, rows: Iterator[Row]) -> Iterator[Record | Rejected]:
    """Read items of CSL-JSON, each as its bytes (see `json_text.read_json_items`)."""
    for row in decode_rows(source, rows, _DECODER):
        yield row if isinstance(row, Rejected) else _build_record(*row, source.today)


def _is_item(record: Mapping[str, Any]) -> bool:
    """Whether type and title are texts, and another field fits CSL-JSON.

    The title of a Crossref work is a list.
    """
    if not isinstance(record.get("type"), str) or not isinstance(record.get("title"), str):
        return False
    issued, authors = record.get("issued"), record.get("author")
    has_date = isinstance(issued, dict) and issued.keys() & {"date-parts", "raw", "literal"}
    has_name = isinstance(authors, list) and any(
        isinstance(author, dict) and author.keys() & {"family", "literal"} for author in authors
    )
    return bool(
        has_date
        or has_name
        or record.keys() & {"DOI", "URL", "citation-key"}
        or isinstance(record.get("container-title"), str)
    )


def _build_record(number: int, data: bytes, item: _Item, today: date) -> Record:
    return Record(
        line=number,
        raw=raw_text(data),
        title=item.title or "",
        abstract=item.abstract or "",
        authors=tuple(name for author in item.author or () if (name := _join_name(author))),
        ids=tuple(dict.fromkeys(_find_ids(item))),
        submitted=_parse_issued(item.issued, today),
        url=item.url or "",
    )


def _join_name(author: _Name | str | None) -> str:
    if author is None or isinstance(author, str):
        return author or ""
    if author.family and author.given and author.family[0] >= "\u3040":
        return f"{author.family}, {author.given}"  # Chinese names stay in this order
    parts = (
        author.given,
        author.dropping_particle,
        author.non_dropping_particle,
        author.family,
        author.suffix,
    )
    return author.literal or author.name or " ".join(filter(None, parts))


def _find_ids(item: _Item) -> Iterator[tuple[str, str]]:
    journal = item.container_title if isinstance(item.container_title, str) else ""
    yield from find_arxiv_ids(str(item.number or ""), item.archive_location or "", journal)
    if item.archive_location and "arxiv" in (item.archive or "").lower():
        yield "id", strip_version(item.archive_location)
    if item.doi:
        yield "doi", item.doi
    if item.pmid:
        yield "pmid", str(item.pmid)
    if item.pmcid:
        yield "pmcid", str(item.pmcid)
    yield from find_noted_ids(item.note or "")


def _parse_issued(issued: _Date | str | int | None, today: date) -> date | None:
    """Parse the day, or the first day of a range.

    {"date-parts": [[2026, 4, 1], [2026, 5, 1]]}, {"raw": "2026-04-01"} and the like.
    """
    if not isinstance(issued, _Date):
        return parse_day_or_month(str(issued), today)
    first = (
        issued.date_parts[0] if isinstance(issued.date_parts, list) and issued.date_parts else None
    )
    parts = [str(part).strip() for part in first[:3]] if isinstance(first, list) else []
    texts = ("-".join(parts), issued.raw, issued.literal)
    return next(
        (
            day
            for text in texts
            if isinstance(text, str) and (day := parse_day_or_month(text, today))
        ),
        None,
    )


FORMAT = CslJson()
