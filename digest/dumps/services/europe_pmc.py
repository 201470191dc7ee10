"""Answers of Europe PMC's search, JSON: `resultList.result`, core or lite.

Described at https://europepmc.org/RestfulWebService. Records of PubMed, PubMed Central, preprint
servers, theses and guidelines; patents are no papers. A lite result has no abstract. The day of
publication is submitted, that of the first indexing announced, and that of revision updated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.json_answers import (
    JsonAnswers,
    Place,
    build_record,
    parse_known_day,
    skip,
)
from digest.dumps.names import split_names
from digest.dumps.services.pubmed_text import NOTICE_TYPES, RETRACTION_TYPES, choose_title
from digest.model import Record, Removal, Skipped

#: types of PubMed, and those of PubMed Central and of preprints, in lower case
_RETRACTION_TYPES: Final = RETRACTION_TYPES | {"retraction"}
_NOTICE_TYPES: Final = NOTICE_TYPES | {"correction": "erratum notice"}
_WITHDRAWN_TYPES: Final = {"preprint-removal", "preprint-withdrawal", "retracted publication"}
#: headings within an abstract
_HEADING: Final = re.compile(r"(</?)h[1-6]>", re.IGNORECASE)
_KEYS: Final = frozenset(
    {
        "abstractText",
        "authorString",
        "firstIndexDate",
        "firstPublicationDate",
        "inEPMC",
        "pubYear",
    }
)
#: "van der Berg JA"
_INITIALS_LAST: Final = re.compile(r"([^,]*[^,\s]) ([A-Z]{1,4})")


class _Author(msgspec.Struct, gc=False, rename="camel"):
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    collective_name: str | None = None


class _Authors(msgspec.Struct, gc=False):
    author: list[_Author | None] | None = None


class _Journal(msgspec.Struct, gc=False):
    title: str | None = None


class _Issue(msgspec.Struct, gc=False):
    journal: _Journal | None = None


class _Types(msgspec.Struct, gc=False, rename="camel"):
    pub_type: list[str | None] | str | None = None


class _Qualifier(msgspec.Struct, gc=False, rename={"is_major": "majorTopic_YN"}):
    is_major: str | None = None


class _Qualifiers(msgspec.Struct, gc=False, rename="camel"):
    mesh_qualifier: list[_Qualifier | None] | None = None


class _Topic(_Qualifier, gc=False):
    name: str | None = msgspec.field(default=None, name="descriptorName")
    qualifiers: _Qualifiers | None = msgspec.field(default=None, name="meshQualifierList")


class _Topics(msgspec.Struct, gc=False, rename="camel"):
    mesh_heading: list[_Topic | None] | None = None


class _Related(msgspec.Struct, gc=False):
    id: str | int | None = None
    source: str | None = None
    type: str | None = None


class _RelatedList(msgspec.Struct, gc=False, rename="camel"):
    comment_correction: list[_Related | None] | None = None


class _Result(msgspec.Struct, gc=False, rename="camel"):
    id: str | int | None = None
    source: str | None = None
    pmid: str | int | None = None
    pmcid: str | None = None
    doi: str | None = None
    title: str | None = None
    author_string: str | None = None
    author_list: _Authors | None = None
    abstract_text: str | None = None
    journal_title: str | None = None
    journal_info: _Issue | None = None
    pub_type: str | None = None
    pub_type_list: _Types | None = None
    mesh_heading_list: _Topics | None = None
    comment_correction_list: _RelatedList | None = None
    first_publication_date: str | None = None
    first_index_date: str | None = None
    date_of_revision: str | None = None


def _is_result(record: Mapping[str, Any]) -> bool:
    return {"id", "source", "title"} <= record.keys() and not record.keys().isdisjoint(_KEYS)


def _read_entry(place: Place, result: _Result, today: date) -> Iterator[Record | Removal | Skipped]:
    types = _read_types(result)
    related = result.comment_correction_list
    relations = [item for item in (related.comment_correction if related else ()) or () if item]
    if types & _RETRACTION_TYPES:
        yield from _read_retraction(place, relations)
        return
    notice = next((reason for kind, reason in _NOTICE_TYPES.items() if kind in types), None)
    if result.source == "PAT" or notice is not None:
        yield skip(place, notice or "patent")
        return
    journal = result.journal_info.journal if result.journal_info else None
    yield build_record(
        place,
        choose_title(result.title or "", ""),
        _HEADING.sub(r"\1title>", result.abstract_text or ""),
        ids=_find_ids(result, relations),
        authors=tuple(_read_authors(result)),
        categories=_read_major_topics(result),
        submitted=parse_known_day(result.first_publication_date, today),
        announced=parse_day(result.first_index_date, today),
        updated=parse_day(result.date_of_revision, today),
        journal_ref=(journal.title if journal else None) or result.journal_title or "",
        url=_find_page(result),
        withdrawn=bool(types & _WITHDRAWN_TYPES)
        or any(_is_of_type(relation, "retraction in") for relation in relations),
    )


def _read_types(result: _Result) -> set[str]:
    listed = result.pub_type_list.pub_type if result.pub_type_list else None
    names = listed if isinstance(listed, list) else (listed or result.pub_type or "").split(";")
    return {name.strip().lower() for name in names if name}


def _is_of_type(relation: _Related, name: str) -> bool:
    return (relation.type or "").strip().lower() == name


def _read_retraction(place: Place, relations: list[_Related]) -> Iterator[Removal | Skipped]:
    """Read a retraction notice: one Removal for each paper that it names."""
    retracted = [
        str(relation.id)
        for relation in relations
        if _is_of_type(relation, "retraction of") and relation.source == "MED" and relation.id
    ]
    if not retracted:
        yield skip(place, "retraction notice")
    for pmid in retracted:
        yield Removal(line=place[0], raw=place[1], ids=(("pmid", pmid),), reason="retraction")


def _read_authors(result: _Result) -> Iterator[str]:
    """Read the names of the list, else of the string "Doe J, Roe K."."""
    authors = (result.author_list.author if result.author_list else None) or ()
    if not any(authors):
        names = split_names((result.author_string or "").strip().rstrip("."))
        yield from map(_put_initials_first, names)
    for author in authors:
        if author is not None:
            parts = (author.first_name, author.last_name)
            whole = " ".join(filter(None, parts)) if all(parts) else author.full_name or ""
            whole = _put_initials_first(whole)
            if name := author.collective_name or whole or author.last_name:
                yield name


def _put_initials_first(name: str) -> str:
    match = _INITIALS_LAST.fullmatch(name)
    return f"{match[2]} {match[1]}" if match else name


def _read_major_topics(result: _Result) -> tuple[str, ...]:
    topics = (result.mesh_heading_list.mesh_heading if result.mesh_heading_list else None) or ()
    return tuple(topic.name for topic in topics if topic and topic.name and _is_major(topic))


def _is_major(topic: _Topic) -> bool:
    qualifiers = (topic.qualifiers.mesh_qualifier if topic.qualifiers else None) or ()
    return any(part is not None and part.is_major == "Y" for part in (topic, *qualifiers))


def _find_ids(result: _Result, relations: list[_Related]) -> Iterator[tuple[str, str | None]]:
    yield "pmid", str(result.pmid or (result.id if result.source == "MED" else "") or "")
    yield "pmcid", result.pmcid
    yield "doi", result.doi
    # The journal's version of a preprint.
    for relation in relations:
        if _is_of_type(relation, "preprint of") and relation.source == "MED":
            yield "pmid", str(relation.id or "")


def _find_page(result: _Result) -> str:
    """Find Europe PMC's own page, for records that no other page is known of."""
    if result.doi or result.pmid or result.source == "MED" or not (result.source and result.id):
        return ""
    return f"https://europepmc.org/article/{result.source}/{result.id}"


FORMAT = JsonAnswers(
    "europe-pmc",
    path=("resultList", "result"),
    page_keys=("hitCount", "resultList"),
    is_record=_is_result,
    decoder=msgspec.json.Decoder(_Result),
    read_entry=_read_entry,
)
