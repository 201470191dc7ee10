"""Answers of DataCite, JSON:API: `data`, each with the attributes of a DOI.

Described at https://support.datacite.org/docs/api. Most DOIs are of data, so only the types of
papers are read, and any other is Skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.json_answers import JsonAnswers, Outcome, Place, build_record, reject, skip
from digest.dumps.references import parse_day_or_month, strip_version

_PAPER_TYPES: Final = frozenset(
    {
        "BookChapter",
        "ConferencePaper",
        "DataPaper",
        "Dissertation",
        "JournalArticle",
        "Preprint",
        "Report",
        "Text",
    }
)
#: relations to another form of the same paper
_SAME_PAPER_RELATIONS: Final = ("IsIdenticalTo", "IsVersionOf")
#: DataCite's kind of identifier -> ours; `id` takes any kind, and nothing is rejected for it
_ID_KINDS: Final = {"DOI": "doi", "arXiv": "id", "PMID": "pmid", "URL": "url"}


class _Title(msgspec.Struct, gc=False, rename={"kind": "titleType"}):
    title: str | None = None
    kind: str | None = None


class _Creator(msgspec.Struct, gc=False, rename="camel"):
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class _Description(msgspec.Struct, gc=False, rename={"kind": "descriptionType"}):
    description: str | None = None
    kind: str | None = None


class _Types(msgspec.Struct, gc=False, rename={"general": "resourceTypeGeneral"}):
    general: str | None = None


class _Date(msgspec.Struct, gc=False, rename={"kind": "dateType"}):
    date: str | int | None = None
    kind: str | None = None


class _Related(msgspec.Struct, gc=False, rename="camel"):
    relation_type: str | None = None
    related_identifier: str | None = None
    related_identifier_type: str | None = None


class _Container(msgspec.Struct, gc=False):
    title: str | None = None


class _Attributes(msgspec.Struct, gc=False, rename="camel"):
    doi: str | None = None
    titles: list[_Title | None] | None = None
    creators: list[_Creator | None] | None = None
    descriptions: list[_Description | None] | None = None
    types: _Types | None = None
    dates: list[_Date | None] | None = None
    related_identifiers: list[_Related | None] | None = None
    container: _Container | None = None
    url: str | None = None
    created: str | None = None
    registered: str | None = None
    updated: str | None = None


class _Item(msgspec.Struct, gc=False):
    attributes: _Attributes | None = None


class _Row(_Item, gc=False):
    #: an answer about a single DOI
    data: _Item | None = None


def _is_item(record: Mapping[str, Any]) -> bool:
    if isinstance(single := record.get("data"), dict):
        return _is_item(single)
    attributes = record.get("attributes")
    if attributes is None:
        return record.keys() >= {"attributes", "id", "type"} and record["type"] is None
    return isinstance(attributes, dict) and attributes.keys() >= {"doi", "titles"}


def _read_entry(place: Place, row: _Row, today: date) -> Iterator[Outcome]:
    work = (row.data or row).attributes
    if work is None:
        yield reject(place, "no attributes")
        return
    general = (work.types.general if work.types else None) or ""
    if general not in _PAPER_TYPES:
        yield skip(place, f"of type {general[:40]}" if general else "no type of resource")
        return
    days = {part.kind: str(part.date or "") for part in work.dates or () if part}
    yield build_record(
        place,
        _find_main_title(work.titles or ()),
        next(
            (
                text.description
                for text in work.descriptions or ()
                if text and text.description and text.kind == "Abstract"
            ),
            None,
        ),
        ids=(("doi", work.doi), *_find_related_ids(work)),
        authors=tuple(filter(None, map(_join_name, work.creators or ()))),
        submitted=next(
            filter(
                None,
                (parse_day_or_month(days.get(kind), today) for kind in ("Submitted", "Issued")),
            ),
            None,
        ),
        announced=parse_day(work.registered, today) or parse_day(work.created, today),
        updated=parse_day(work.updated, today),
        journal_ref=(work.container.title if work.container else None) or "",
        url=work.url or "",
        withdrawn="Withdrawn" in days,
    )


def _find_main_title(titles: Iterable[_Title | None]) -> str | None:
    """Find the title that is neither a translation nor a subtitle."""
    names = (title.title for title in titles if title is not None and title.kind is None)
    return next(filter(None, names), None)


def _join_name(creator: _Creator | None) -> str:
    if creator is None:
        return ""
    parts = (creator.given_name, creator.family_name)
    return " ".join(filter(None, parts)) if all(parts) else creator.name or ""


def _find_related_ids(work: _Attributes) -> Iterator[tuple[str, str]]:
    for related in work.related_identifiers or ():
        if related and related.relation_type in _SAME_PAPER_RELATIONS:
            kind = _ID_KINDS.get(related.related_identifier_type or "")
            if kind and related.related_identifier:
                yield kind, strip_version(related.related_identifier)


FORMAT = JsonAnswers(
    "datacite",
    path=("data",),
    page_keys=("data", "links", "meta"),
    is_record=_is_item,
    decoder=msgspec.json.Decoder(_Row),
    read_entry=_read_entry,
)
