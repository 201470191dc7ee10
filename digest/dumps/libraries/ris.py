"""RIS of databases and reference managers: one tag a line, from TY to ER.

Any record with a title is a paper. Described in the "RIS Format Specifications" of Reference
Manager, which every program reads in its own way.

Own code because the library for RIS (rispy 0.10) returns all records at once and without line
numbers, merges a record without ER with the next one, and finds none after a byte order mark; a
release that streams records with their lines would change our mind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_written_day,
    strip_version,
)
from digest.dumps.stream import Source
from digest.dumps.tagged_text import Layout, TaggedRecord, read_tagged_records, sniff_first_line
from digest.model import Record, Rejected

_TAG: Final = re.compile(rb"\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-(?:[ \t]+(.*)|[ \t]*)", re.DOTALL)
_FIRST_LINE: Final = re.compile(r"TY {0,3}-(?: |$)")
_TITLE_TAGS: Final = ("TI", "T1", "CT", "BT")
_LAYOUT: Final = Layout(tag=_TAG, first="TY", last="ER", titles=_TITLE_TAGS)
_DATE_TAGS: Final = ("DA", "Y1", "PY")
_LINK_TAGS: Final = ("UR", "L1", "L2", "LK")
#: further tags that may hold an arXiv id or DOI
_OTHER_ID_TAGS: Final = ("AN", "M1", "M3", "JO", "JF", "JA", "T2", "C7", "ID")
_DOI: Final = re.compile(
    r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?10\.[0-9]{4,9}/\S+", re.IGNORECASE
)


class Ris:
    """Title, abstract, authors, identifiers, links, and the day if it is complete."""

    name = "ris"

    def sniff(self, head: Head) -> Confidence:
        return sniff_first_line(head, _FIRST_LINE)

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for record in read_tagged_records(source, _LAYOUT):
            yield (record if isinstance(record, Rejected) else _build_record(record, source.today))


def _build_record(record: TaggedRecord, today: date) -> Record | Rejected:
    title = record.first(*_TITLE_TAGS)
    if not title:
        return Rejected(line=record.line, raw=record.raw, reason="no title")
    year = record.first("PY", "Y1")
    days = (
        parse_day(value, today) or parse_written_day(value, year, today)
        for value in record.values(*_DATE_TAGS)
    )
    return Record(
        line=record.line,
        raw=record.raw,
        title=title,
        abstract=record.first("AB", "N2"),
        authors=tuple(record.values("AU", "A1")),
        ids=tuple(_find_ids(record)),
        submitted=next(filter(None, days), None),
        url=record.first("UR"),
    )


def _find_ids(record: TaggedRecord) -> Iterator[tuple[str, str]]:
    other_values = record.values(*_OTHER_ID_TAGS)
    for value in record.values("DO"):
        yield "doi", value
    for value in record.values(*_LINK_TAGS):
        for link in value.split("\n"):
            yield "url", strip_version(link.strip())
    if any(database.lower() in ("pubmed", "medline") for database in record.values("DB")):
        for value in record.values("AN"):
            yield "pmid", value
    for value in record.values("C2"):
        yield "pmcid", value
    for value in other_values:
        if _DOI.fullmatch(value):
            yield "doi", value
    yield from find_arxiv_ids(*other_values)
    for value in record.values("N1"):
        yield from find_noted_ids(value)


FORMAT = Ris()
