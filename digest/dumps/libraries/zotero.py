"""Zotero libraries as JSON: items of its web API, exports of Better BibTeX.

Described at https://www.zotero.org/support/dev/web_api/v3/basics. Attachments, notes and
annotations are in the list beside their items. The day of an item's last change says nothing about
the paper: a new tag is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.references import find_arxiv_ids, find_noted_ids, parse_day_or_month
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Skipped

_NON_PAPER_TYPES: Final = ("attachment", "note", "annotation")
_JSON_KEYS: Final = {
    "item_type": "itemType",
    "abstract_note": "abstractNote",
    "doi": "DOI",
    "date_added": "dateAdded",
    "archive_id": "archiveID",
    "report_number": "reportNumber",
    "publication_title": "publicationTitle",
}


class _Creator(msgspec.Struct, gc=False, rename="camel"):
    creator_type: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None


class _Data(msgspec.Struct, gc=False, rename=_JSON_KEYS):
    item_type: str | None = None
    title: str | None = None
    abstract_note: str | None = None
    creators: list[_Creator | None] | None = None
    doi: str | None = None
    url: str | None = None
    date: str | None = None
    date_added: str | None = None
    extra: str | None = None
    archive_id: str | None = None
    report_number: str | None = None
    publication_title: str | None = None
    collections: Any = None
    deleted: bool | int | None = None


class _Meta(msgspec.Struct, gc=False):
    parsed_date: str | None = msgspec.field(default=None, name="parsedDate")


class _Item(_Data, gc=False, rename=_JSON_KEYS):
    data: _Data | None = None
    meta: _Meta | None = None


_DECODER: Final = msgspec.json.Decoder(_Item)


class Zotero:
    """The format `zotero`.

    Fields: `title`, `abstractNote`, `creators`, `DOI`, `url`, `date`, `dateAdded` (= first seen),
    identifiers in `extra` and the like.

    Attachments, notes, annotations and items in the bin are Skipped; any other item is a paper.
    """

    name = "zotero"

    def sniff(self, head: Head) -> Confidence:
        items = find_page_items(head, "items")
        if any(map(_is_item, head.records if items is None else items)):
            return Confidence.YES
        begins_with_item = (
            not head.records
            and not items
            and head.keys & {"data", "itemType", "items"}
            and '"itemType"' in head.text
        )
        return Confidence.YES if begins_with_item else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        # Better BibTeX also lists the numbers of a collection's items under the same key.
        rows = (
            row
            for row in read_page_rows(source, "items")
            if row[1] is None or not row[1][:1].isdigit()
        )
        for row in decode_rows(source, rows, _DECODER):
            yield row if isinstance(row, Rejected) else _read_entry(*row, source)


def _is_item(record: Mapping[str, Any]) -> bool:
    data = record.get("data")
    return isinstance((data if isinstance(data, dict) else record).get("itemType"), str)


def _read_entry(
    number: int, data: bytes, item: _Item, source: Source
) -> Record | Skipped | Rejected:
    raw = raw_text(data)
    fields = item.data or item
    if not fields.item_type:
        return Rejected(line=number, raw=raw, reason="no itemType")
    if fields.item_type in _NON_PAPER_TYPES:
        return Skipped(line=number, raw=raw, reason=fields.item_type)
    if fields.deleted:
        return Skipped(line=number, raw=raw, reason="in the library's bin")
    if fields.collections:
        source.count_ignored("collections")
    parsed = item.meta.parsed_date if item.meta else None
    return Record(
        line=number,
        raw=raw,
        title=fields.title or "",
        abstract=fields.abstract_note or "",
        authors=_read_authors(fields.creators or []),
        ids=tuple(dict.fromkeys(_find_ids(fields))),
        submitted=parse_day_or_month(fields.date, source.today)
        or parse_day_or_month(parsed, source.today),
        first_seen=parse_day(fields.date_added, source.today),
        url=fields.url or "",
    )


def _find_ids(fields: _Data) -> Iterator[tuple[str, str]]:
    yield from find_arxiv_ids(
        fields.archive_id or "", fields.report_number or "", fields.publication_title or ""
    )
    if fields.doi:
        yield "doi", fields.doi
    yield from find_noted_ids(fields.extra or "")


def _read_authors(creators: list[_Creator | None]) -> tuple[str, ...]:
    """Read the authors; all creators if none is an author (an edited book, a talk)."""
    people = [creator for creator in creators if creator is not None]
    authors = [creator for creator in people if creator.creator_type == "author"] or people
    names = (
        creator.name or " ".join(filter(None, (creator.first_name, creator.last_name)))
        for creator in authors
    )
    return tuple(filter(None, names))


FORMAT = Zotero()
