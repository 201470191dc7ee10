"""Answers of DBLP's search for publications, JSON: `result.hits.hit`, each with an `info`.

Described at https://dblp.org/faq/13501473.html. DBLP knows the year of a publication and no day,
and has no abstracts. A single hit or author is an object instead of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import strip_full_stop
from digest.dumps.json_answers import (
    JsonAnswers,
    Outcome,
    Place,
    build_record,
    reject,
    skip,
)
from digest.dumps.json_pages import follow_path

#: types of publications that are not papers
_NON_PAPER_TYPES: Final = {
    "Data and Artifacts": "data or software",
    "Editorship": "editorship",
    "Reference Works": "reference entry",
}
#: DBLP's name of arXiv among the journals
_ARXIV: Final = "CoRR"


class _Info(msgspec.Struct, gc=False):
    title: str | None = None
    authors: Any = None
    venue: str | list[str | None] | None = None
    volume: str | None = None
    year: str | int | None = None
    type: str | None = None
    doi: str | None = None
    ee: str | list[str | None] | None = None
    url: str | None = None


class _Hit(msgspec.Struct, gc=False):
    info: _Info | None = None


class _Hits(msgspec.Struct, gc=False):
    hit: _Hit | list[_Hit | None] | None = None


class _Result(msgspec.Struct, gc=False):
    hits: _Hits | None = None


class _Row(_Hit, gc=False):
    #: an answer with a single hit, or without any
    result: _Result | None = None


def _is_hit(record: Mapping[str, Any]) -> bool:
    if isinstance(hits := follow_path(record, ("result", "hits")), dict):
        return "@total" in hits
    info = record.get("info")
    return record.keys() >= {"@id", "info"} and (
        info is None or (isinstance(info, dict) and "title" in info)
    )


def _read_entry(place: Place, row: _Row, today: date) -> Iterator[Outcome]:
    hit: object = row
    if row.result is not None:
        hit = row.result.hits.hit if row.result.hits else None
        if not isinstance(hit, _Hit):
            yield skip(place, "an answer without hits")
            return
    info = hit.info if isinstance(hit, _Hit) else None
    if info is None:
        yield reject(place, "no info")
        return
    if (reason := _NON_PAPER_TYPES.get(info.type or "")) is not None:
        yield skip(place, reason)
        return
    links = _as_list(info.ee)
    yield build_record(
        place,
        strip_full_stop(info.title or ""),
        None,
        ids=(("doi", info.doi), *_find_arxiv_id(info), *(("url", link) for link in links)),
        authors=tuple(_read_authors(info.authors)),
        journal_ref=_read_venue(info),
        url=next(iter(links), None) or info.url or "",
        withdrawn="withdrawn" in (info.type or "").lower(),
    )


def _as_list(value: str | list[str | None] | None) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if text]


def _read_authors(authors: object) -> Iterator[str]:
    """Read {"author": [{"text": "Jane Doe 0001"}]}; DBLP numbers people of one name."""
    value = follow_path(authors, ("author",))
    for author in value if isinstance(value, list) else [value]:
        name = author.get("text") if isinstance(author, dict) else author
        if isinstance(name, str) and name:
            yield name


def _find_arxiv_id(info: _Info) -> Iterator[tuple[str, str]]:
    """Find the arXiv number of a paper in CoRR, whose volume is "abs/2604.00001"."""
    if _ARXIV in _as_list(info.venue) and info.volume:
        yield "id", f"arXiv:{info.volume.removeprefix('abs/')}"


def _read_venue(info: _Info) -> str:
    venue = next(iter(_as_list(info.venue)), "")
    if not venue or venue == _ARXIV:
        return ""
    is_conference = (info.type or "").startswith("Conference")
    return f"{venue} {info.year}" if is_conference and info.year else venue


FORMAT = JsonAnswers(
    "dblp",
    path=("result", "hits", "hit"),
    page_keys=("result",),
    is_record=_is_hit,
    decoder=msgspec.json.Decoder(_Row),
    read_entry=_read_entry,
)
