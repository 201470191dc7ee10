"""Answers of NASA ADS, JSON: `response.docs`. The request decides which fields a paper has.

Described at https://ui.adsabs.harvard.edu/help/api. The month of the issue is
submitted, unless ADS knew the paper before; the day on which it entered ADS is announced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.json_answers import JsonAnswers, Outcome, Place, build_record, skip
from digest.dumps.references import parse_day_or_month
from digest.dumps.services.arxiv_text import select_arxiv_categories

#: types that are not papers
_NON_PAPER_TYPES: Final = frozenset(
    {
        "bookreview",
        "catalog",
        "dataset",
        "editorial",
        "erratum",
        "newsletter",
        "obituary",
        "pressrelease",
        "proceedings",
        "proposal",
        "software",
    }
)
_KEYS: Final = frozenset({"abstract", "author", "doctype", "identifier", "pubdate", "title"})
Texts = list[str | None] | str | None


class _Doc(msgspec.Struct, gc=False):
    bibcode: str | None = None
    title: Texts = None
    abstract: str | None = None
    author: Texts = None
    arxiv_class: Texts = None
    identifier: Texts = None
    doi: Texts = None
    doctype: str | None = None
    pub: str | None = None
    pubdate: str | None = None
    entry_date: str | None = None
    comment: Texts = None


def _is_doc(record: Mapping[str, Any]) -> bool:
    return "bibcode" in record and not record.keys().isdisjoint(_KEYS)


def _read_entry(place: Place, doc: _Doc, today: date) -> Iterator[Outcome]:
    if doc.doctype in _NON_PAPER_TYPES:
        yield skip(place, doc.doctype)
        return
    names = [*_as_list(doc.identifier), *_as_list(doc.doi)]
    ids = [("id", name) for name in names if name.startswith("10.") or "arxiv:" in name.lower()]
    announced = parse_day(doc.entry_date, today)
    month = parse_day_or_month((doc.pubdate or "").removesuffix("-00"), today)
    yield build_record(
        place,
        next(iter(_as_list(doc.title)), None),
        doc.abstract,
        ids=ids,
        authors=tuple(_as_list(doc.author)),
        categories=select_arxiv_categories(_as_list(doc.arxiv_class)),
        submitted=min(filter(None, (month, announced))) if month else None,
        announced=announced,
        comment="; ".join(_as_list(doc.comment)),
        journal_ref="" if (doc.pub or "").lower().startswith("arxiv") else doc.pub or "",
        url="" if ids or not doc.bibcode else f"https://ui.adsabs.harvard.edu/abs/{doc.bibcode}",
    )


def _as_list(value: Texts) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if text]


FORMAT = JsonAnswers(
    "ads",
    path=("response", "docs"),
    page_keys=("response", "responseHeader"),
    is_record=_is_doc,
    decoder=msgspec.json.Decoder(_Doc),
    read_entry=_read_entry,
)
