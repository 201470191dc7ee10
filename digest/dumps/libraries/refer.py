"""Refer and EndNote's tagged text (`.enw`): `%T A title`, one tag a line.

Exported by EndNote, Zotero, Google Scholar and ACM, and older than all of them: refer(1) of Unix.
A record begins with its type (`%0`); without one, blank lines part the records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_day_in_year,
    strip_version,
)
from digest.dumps.stream import Source
from digest.dumps.tagged_text import Layout, TaggedRecord, read_tagged_records
from digest.model import Record, Rejected

_LAYOUT: Final = Layout(
    tag=re.compile(rb"%([0-9A-Z!@#$%&*()\[\]^+=~<>?:;,.|/\\-])(?:[ \t](.*))?", re.DOTALL),
    first="0",
    first_is_optional=True,
    titles=("T",),
)
_TYPE: Final = re.compile(r"%0 +[A-Z]")
_ANY_TAG: Final = re.compile(r"%[A-Z0-9!@+>~] ")
#: lines with tags among the first 40, without which a file that begins with no type is not ours
_MIN_TAGS: Final = 3
_PUBMED: Final = frozenset({"pubmed", "medline", "nlm"})
_PMID: Final = re.compile(r"[0-9]{1,9}")
_PMCID: Final = re.compile(r"PMC[0-9]{1,9}", re.IGNORECASE)


class Refer:
    """The format `refer`.

    Fields: %T, %A, %X, %R (DOI), %U and %> (links), %M (accession number), %2 (PMCID), %D and %8.
    """

    name = "refer"

    def sniff(self, head: Head) -> Confidence:
        lines = head.lines
        if not lines or head.is_json:
            return Confidence.NO
        if _TYPE.match(lines[0]):
            return Confidence.YES
        tag_count = sum(1 for line in lines if _ANY_TAG.match(line))
        is_ours = (
            _ANY_TAG.match(lines[0]) is not None
            and tag_count >= _MIN_TAGS
            and any(line.startswith("%T ") for line in lines)
            and not any(line.startswith("@") for line in lines)
        )
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for record in read_tagged_records(source, _LAYOUT):
            yield (record if isinstance(record, Rejected) else _build_record(record, source.today))


def _build_record(record: TaggedRecord, today: date) -> Record | Rejected:
    title = record.first("T")
    if not title:
        return Rejected(line=record.line, raw=record.raw, reason="no title")
    return Record(
        line=record.line,
        raw=record.raw,
        title=title,
        abstract=record.first("X"),
        authors=tuple(record.values("A") or record.values("E")),
        ids=tuple(dict.fromkeys(_find_ids(record))),
        submitted=parse_day_in_year(record.first("8"), record.first("D"), today),
        url=record.first("U").split("\n")[0],
        journal_ref=record.first("J", "B"),
    )


def _find_ids(record: TaggedRecord) -> Iterator[tuple[str, str]]:
    for value in record.values("R"):
        yield "doi", value
    for links in record.values("U", ">"):
        for link in links.split("\n"):
            yield "url", strip_version(link.strip())
    databases = {value.lower() for value in record.values("~", "W")}
    for value in record.values("M"):
        if databases & _PUBMED and _PMID.fullmatch(value):
            yield "pmid", value
    for value in record.values("2"):
        if _PMCID.fullmatch(value):
            yield "pmcid", value
    yield from find_arxiv_ids(*record.values("R", "J", "B", "M", "N", "V", "I", "S", "9", "Z"))
    for value in record.values("Z"):
        yield from find_noted_ids(value)


FORMAT = Refer()
