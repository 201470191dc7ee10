"""CSL-JSON, the exchange format of reference managers and citation processors: a list, {"items":
[...]}, JSON lines or one item.

Described at https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html. What doi.org answers
when asked for it looks the same, with types and some further keys of the registration agency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import is_withdrawn
from digest.dumps.formats import Confidence, Head
from digest.dumps.jats import strip_abstract_markup, strip_title_markup
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.notices import has_withdrawn_title
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_day_or_month,
    strip_version,
)
from digest.dumps.stream import Source, raw_text
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
    """`title`, `abstract`, `author`, `issued`, `DOI`, `URL`, `PMID`, `PMCID`, an arXiv number in
    `number` and `note`.

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
        for row in decode_rows(source, read_page_rows(source, "items"), _DECODER):
            yield row if isinstance(row, Rejected) else _record(*row, source.today)


def _is_item(record: Mapping[str, Any]) -> bool:
    """One text for a title (Crossref's own records have a list) and, beside the type, some field in
    a shape that nobody else has.
    """
    if not isinstance(record.get("type"), str) or not isinstance(record.get("title"), str):
        return False
    issued, authors = record.get("issued"), record.get("author")
    dated = isinstance(issued, dict) and issued.keys() & {"date-parts", "raw", "literal"}
    named = isinstance(authors, list) and any(
        isinstance(one, dict) and one.keys() & {"family", "literal"} for one in authors
    )
    return bool(
        dated
        or named
        or record.keys() & {"DOI", "URL", "citation-key"}
        or isinstance(record.get("container-title"), str)
    )


def _record(number: int, data: bytes, item: _Item, today: date) -> Record:
    title, abstract = (
        strip_title_markup(item.title or ""),
        strip_abstract_markup(item.abstract or ""),
    )
    return Record(
        line=number,
        raw=raw_text(data),
        title=title,
        abstract=abstract,
        authors=tuple(name for one in item.author or () if (name := _name(one))),
        ids=tuple(dict.fromkeys(_ids(item))),
        submitted=_day(item.issued, today),
        url=item.url or "",
        withdrawn=has_withdrawn_title(title) or is_withdrawn(None, abstract),
    )


def _name(one: _Name | str | None) -> str:
    if one is None or isinstance(one, str):
        return one or ""
    parts = (one.given, one.dropping_particle, one.non_dropping_particle, one.family, one.suffix)
    return one.literal or one.name or " ".join(filter(None, parts))


def _ids(item: _Item) -> Iterator[tuple[str, str]]:
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


def _day(issued: _Date | str | int | None, today: date) -> date | None:
    """The day, or the first one of a span, of {"date-parts": [[2026, 4, 1], [2026, 5, 1]]}, {"raw":
    "2026-04-01"} and the like.
    """
    if not isinstance(issued, _Date):
        return parse_day_or_month(str(issued), today)
    first = (
        issued.date_parts[0] if isinstance(issued.date_parts, list) and issued.date_parts else None
    )
    parts = [str(part).strip() for part in first[:3]] if isinstance(first, list) else []
    written = ("-".join(parts), issued.raw, issued.literal)
    return next(
        (
            day
            for text in written
            if isinstance(text, str) and (day := parse_day_or_month(text, today))
        ),
        None,
    )


FORMAT = CslJson()
