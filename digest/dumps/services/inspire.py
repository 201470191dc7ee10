"""Answers of INSPIRE, JSON: `hits.hits`, each with the metadata of a paper of physics.

Described at https://github.com/inspirehep/rest-api-doc. Titles and abstracts come from several
sources; that of arXiv is taken, since its formulas are TeX. The earliest date is submitted, and the
creation of the record announced. Editors and supervisors are no authors; a collaboration stands
behind the people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.json_answers import (
    JsonAnswers,
    Outcome,
    Place,
    build_record,
    parse_known_day,
    reject,
    skip,
)
from digest.dumps.references import parse_day_or_month

#: types that are not papers if a record has no other type
_NON_PAPER_TYPES: Final = {"activity report", "proceedings"}
#: what an identifier or place of publication may be of; others are of an erratum, a reprint ...
_OWN_MATERIALS: Final = (None, "publication", "preprint", "version")
_NO_AUTHOR_ROLES: Final = {"editor", "supervisor"}


class _Sourced(msgspec.Struct, gc=False):
    value: str | None = None
    title: str | None = None
    source: str | None = None
    material: str | None = None


class _Eprint(msgspec.Struct, gc=False):
    value: str | None = None
    categories: list[str | None] | None = None


class _Author(msgspec.Struct, gc=False):
    full_name: str | None = None
    inspire_roles: list[str | None] | None = None


class _Publication(msgspec.Struct, gc=False):
    journal_title: str | None = None
    pubinfo_freetext: str | None = None
    material: str | None = None


class _Metadata(msgspec.Struct, gc=False):
    titles: list[_Sourced | None] | None = None
    abstracts: list[_Sourced | None] | None = None
    authors: list[_Author | None] | None = None
    collaborations: list[_Sourced | None] | None = None
    corporate_author: list[str | None] | None = None
    arxiv_eprints: list[_Eprint | None] | None = None
    dois: list[_Sourced | None] | None = None
    document_type: list[str | None] | None = None
    publication_info: list[_Publication | None] | None = None
    public_notes: list[_Sourced | None] | None = None
    preprint_date: str | None = None
    earliest_date: str | None = None
    control_number: int | str | None = None
    deleted: bool | None = None
    withdrawn: bool | None = None


class _Hit(msgspec.Struct, gc=False):
    metadata: _Metadata | None = None
    created: str | None = None
    updated: str | None = None


def _is_hit(record: Mapping[str, Any]) -> bool:
    metadata = record.get("metadata")
    if metadata is None:
        return "metadata" in record and not record.keys().isdisjoint(("created", "links"))
    return isinstance(metadata, dict) and isinstance(metadata.get("titles"), list)


def _read_entry(place: Place, hit: _Hit, today: date) -> Iterator[Outcome]:
    paper = hit.metadata
    if paper is None:
        yield reject(place, "no metadata")
        return
    types = set(filter(None, paper.document_type or ()))
    if paper.deleted or (types and types <= _NON_PAPER_TYPES):
        yield skip(place, "deleted record" if paper.deleted else min(types))
        return
    eprints = [eprint for eprint in paper.arxiv_eprints or () if eprint]
    comment = next(
        (note for note in _by_source(paper.public_notes) if note.source == "arXiv"), None
    )
    comment_text = (comment.value if comment else None) or ""
    yield build_record(
        place,
        next((title.title for title in _by_source(paper.titles) if title.title), None),
        next((text.value for text in _by_source(paper.abstracts) if text.value), None),
        ids=(
            *(("id", eprint.value) for eprint in eprints),
            *(("doi", doi.value) for doi in paper.dois or () if doi and _is_own(doi)),
        ),
        authors=tuple(_read_authors(paper)),
        categories=tuple(filter(None, (eprints[0].categories or ()) if eprints else ())),
        submitted=parse_day_or_month(paper.preprint_date, today)
        or parse_known_day(paper.earliest_date, today),
        announced=parse_day(hit.created, today),
        updated=parse_day(hit.updated, today),
        comment=comment_text,
        journal_ref=_read_journal(paper.publication_info),
        url=_find_page(paper),
        withdrawn=bool(paper.withdrawn) or is_withdrawn(comment_text, None),
    )


def _by_source(values: Sequence[_Sourced | None] | None) -> list[_Sourced]:
    """Put what comes from arXiv first."""
    known = [value for value in values or () if value is not None]
    return sorted(known, key=lambda value: (value.source or "").lower() != "arxiv")


def _is_own(part: _Sourced | _Publication) -> bool:
    return part.material in _OWN_MATERIALS


def _read_authors(paper: _Metadata) -> Iterator[str]:
    for author in paper.authors or ():
        if author and author.full_name and not _NO_AUTHOR_ROLES & {*(author.inspire_roles or ())}:
            yield author.full_name
    for collaboration in paper.collaborations or ():
        if collaboration and (name := collaboration.value):
            yield name if "collaboration" in name.lower() else f"{name} Collaboration"
    yield from filter(None, paper.corporate_author or ())


def _read_journal(publications: list[_Publication | None] | None) -> str:
    own = [part for part in publications or () if part and _is_own(part)]
    names = (part.journal_title or part.pubinfo_freetext for part in own)
    return next(filter(None, names), "")


def _find_page(paper: _Metadata) -> str:
    """Find INSPIRE's page, for papers that no other page is known of."""
    if paper.arxiv_eprints or paper.dois or not paper.control_number:
        return ""
    return f"https://inspirehep.net/literature/{paper.control_number}"


FORMAT = JsonAnswers(
    "inspire",
    path=("hits", "hits"),
    page_keys=("hits", "links"),
    is_record=_is_hit,
    decoder=msgspec.json.Decoder(_Hit),
    read_entry=_read_entry,
)
