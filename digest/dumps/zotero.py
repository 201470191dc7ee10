"""Zotero libraries as JSON: items of its web API, the same without their wrapping, and the JSON
export of Better BibTeX ({"items": [...]}).

Described at https://www.zotero.org/support/dev/web_api/v3/basics. Attachments, notes and
annotations stand in the list beside the items that they belong to. When an item was last changed
says nothing about the paper: a new tag is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.jats import strip_abstract_markup, strip_title_markup
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.notices import has_withdrawn_title
from digest.dumps.references import find_arxiv_ids, find_noted_ids, parse_day_or_month
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Skipped

_NO_PAPER: Final = ("attachment", "note", "annotation")
_NAMES: Final = {
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


class _Data(msgspec.Struct, gc=False, rename=_NAMES):
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


class _Item(_Data, gc=False, rename=_NAMES):
    data: _Data | None = None
    meta: _Meta | None = None


_DECODER: Final = msgspec.json.Decoder(_Item)


class Zotero:
    """`title`, `abstractNote`, `creators`, `DOI`, `url`, `date`, `dateAdded` (= first seen),
    identifiers in `extra` and the like.

    An item of any other type is a paper; attachments, notes, annotations and what lies in the bin
    are Skipped.
    """

    name = "zotero"

    def sniff(self, head: Head) -> Confidence:
        items = find_page_items(head, "items")
        if any(map(_is_item, head.records if items is None else items)):
            return Confidence.YES
        begun = (
            not head.records
            and not items
            and head.keys & {"data", "itemType", "items"}
            and '"itemType"' in head.text
        )
        return Confidence.YES if begun else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        # Better BibTeX also lists, under the same key, the numbers of the items in each collection.
        rows = (
            row
            for row in read_page_rows(source, "items")
            if row[1] is None or not row[1][:1].isdigit()
        )
        for row in decode_rows(source, rows, _DECODER):
            yield row if isinstance(row, Rejected) else _entry(*row, source)


def _is_item(record: Mapping[str, Any]) -> bool:
    data = record.get("data")
    return isinstance((data if isinstance(data, dict) else record).get("itemType"), str)


def _entry(number: int, data: bytes, item: _Item, source: Source) -> Record | Skipped | Rejected:
    raw = raw_text(data)
    what = item.data or item
    if not what.item_type:
        return Rejected(line=number, raw=raw, reason="no itemType")
    if what.item_type in _NO_PAPER:
        return Skipped(line=number, raw=raw, reason=what.item_type)
    if what.deleted:
        return Skipped(line=number, raw=raw, reason="in the library's bin")
    if what.collections:
        source.count_ignored("collections")
    parsed = item.meta.parsed_date if item.meta else None
    title, abstract = (
        strip_title_markup(what.title or ""),
        strip_abstract_markup(what.abstract_note or ""),
    )
    return Record(
        line=number,
        raw=raw,
        title=title,
        abstract=abstract,
        authors=_authors(what.creators or []),
        ids=tuple(dict.fromkeys(_ids(what))),
        submitted=parse_day_or_month(what.date, source.today)
        or parse_day_or_month(parsed, source.today),
        first_seen=parse_day(what.date_added, source.today),
        url=what.url or "",
        withdrawn=has_withdrawn_title(title) or is_withdrawn(None, abstract),
    )


def _ids(what: _Data) -> Iterator[tuple[str, str]]:
    yield from find_arxiv_ids(
        what.archive_id or "", what.report_number or "", what.publication_title or ""
    )
    if what.doi:
        yield "doi", what.doi
    yield from find_noted_ids(what.extra or "")


def _authors(creators: list[_Creator | None]) -> tuple[str, ...]:
    """The authors; everybody who made it where nobody is called so (an edited book, a talk)."""
    people = [one for one in creators if one is not None]
    writers = [one for one in people if one.creator_type == "author"] or people
    names = (one.name or " ".join(filter(None, (one.first_name, one.last_name))) for one in writers)
    return tuple(filter(None, names))


FORMAT = Zotero()
