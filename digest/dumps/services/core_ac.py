"""Answers of CORE's API, version 3, JSON: `results`, from repositories of universities.

Described at https://api.core.ac.uk/docs/v3. Repositories often know no more than the year, written
as 1 January. Slides are no papers; theses are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.json_answers import (
    JsonAnswers,
    Outcome,
    Place,
    build_record,
    parse_known_day,
    skip,
)
from digest.dumps.references import strip_version

#: keys of which no other service has two
_KEYS: Final = frozenset(
    {
        "arxivId",
        "dataProviders",
        "depositedDate",
        "downloadUrl",
        "oaiIds",
        "pubmedId",
        "sourceFulltextUrls",
        "yearPublished",
    }
)


class _Person(msgspec.Struct, gc=False):
    name: str | None = None


class _Journal(msgspec.Struct, gc=False):
    title: str | None = None


class _Link(msgspec.Struct, gc=False):
    type: str | None = None
    url: str | None = None


class _Work(msgspec.Struct, gc=False, rename="camel"):
    title: str | None = None
    abstract: str | None = None
    authors: list[_Person | None] | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    pubmed_id: str | int | None = None
    published_date: str | None = None
    deposited_date: str | None = None
    created_date: str | None = None
    updated_date: str | None = None
    document_type: str | list[str | None] | None = None
    journals: list[_Journal | None] | None = None
    links: list[_Link | None] | None = None
    download_url: str | None = None
    deleted: str | bool | None = None


def _is_work(record: Mapping[str, Any]) -> bool:
    return "title" in record and len(record.keys() & _KEYS) > 1


def _read_entry(place: Place, work: _Work, today: date) -> Iterator[Outcome]:
    if work.deleted is True or work.deleted == "DELETED":
        yield skip(place, "deleted record")
        return
    types = work.document_type if isinstance(work.document_type, list) else [work.document_type]
    if types == ["slides"]:
        yield skip(place, "slides")
        return
    copy = work.download_url or ""
    pages = [link.url for link in work.links or () if link and link.type == "display"]
    yield build_record(
        place,
        work.title,
        work.abstract,
        ids=(
            ("doi", work.doi),
            ("id", work.arxiv_id),
            ("pmid", str(work.pubmed_id or "")),
            ("id", strip_version(copy) if "arxiv.org/" in copy.lower() else ""),
        ),
        authors=tuple(person.name for person in work.authors or () if person and person.name),
        submitted=parse_known_day(work.published_date, today),
        announced=parse_day(work.deposited_date, today) or parse_day(work.created_date, today),
        updated=parse_day(work.updated_date, today),
        journal_ref=next(
            (journal.title for journal in work.journals or () if journal and journal.title), ""
        ),
        url="" if work.doi or work.arxiv_id else next(filter(None, pages), copy),
    )


FORMAT = JsonAnswers(
    "core",
    path=("results",),
    page_keys=("limit", "offset", "results", "totalHits"),
    is_record=_is_work,
    decoder=msgspec.json.Decoder(_Work),
    read_entry=_read_entry,
)
