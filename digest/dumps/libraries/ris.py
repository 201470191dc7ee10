"""RIS of databases and reference managers: one tag a line, from TY to ER.

Any record with a title is a paper. Described in the "RIS Format Specifications" of Reference
Manager, which every program reads in its own way.

Own code because the library for RIS (rispy 0.10) returns all records at once and without line
numbers, merges a record without ER with the next one, and finds none after a byte order mark; a
release that streams records with their lines would change our mind.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.references import find_arxiv_ids, find_noted_ids, strip_version
from digest.dumps.stream import ITEM_CAP, RAW_CAP, Source, raw_text, reject_too_long
from digest.model import Record, Rejected

_TAG: Final = re.compile(rb"\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-(?:[ \t]+(.*)|[ \t]*)", re.DOTALL)
_FIRST_LINE: Final = re.compile(r"TY {0,3}-(?: |$)")
_TITLE_TAGS: Final = ("TI", "T1", "CT", "BT")
_TITLE_TAG_BYTES: Final = frozenset(name.encode() for name in _TITLE_TAGS)
_DATE_TAGS: Final = ("DA", "Y1", "PY")
_LINK_TAGS: Final = ("UR", "L1", "L2", "LK")
#: further tags that may hold an arXiv id or DOI
_OTHER_ID_TAGS: Final = ("AN", "M1", "M3", "JO", "JF", "JA", "T2", "C7", "ID")
_DOI: Final = re.compile(
    r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?10\.[0-9]{4,9}/\S+", re.IGNORECASE
)

Tags = Mapping[str, Sequence[str]]


class Ris:
    """Title, abstract, authors, identifiers, links, and the day if it is complete."""

    name = "ris"

    def sniff(self, head: Head) -> Confidence:
        if head.is_json or not head.lines:
            return Confidence.NO
        if _FIRST_LINE.match(head.lines[0]):
            return Confidence.YES
        has_record = any(_FIRST_LINE.match(line) for line in head.lines)
        return (
            Confidence.PERHAPS
            if has_record and not head.lines[0].startswith("<")
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        record = _RecordLines()
        for number, data, ended in source.lines():
            if data is None:
                if record.lines:
                    yield record.take(source, lost=True)
                yield reject_too_long(number)
                continue
            tag = _TAG.fullmatch(data)
            name = tag[1] if tag else b""
            if name == b"TY" and record.lines:
                yield record.take(source)
            if tag or record.lines:
                record.add(number, data, name, ended)
                if name == b"ER" or record.size > ITEM_CAP:
                    yield record.take(source)
        if record.lines:
            source.mark_incomplete(
                f"the file ends before the ER of the record on line {record.number:,}"
            )
            yield record.take(source, cut=True)


class _RecordLines:
    """The lines of the current record, and the tag of each line."""

    def __init__(self) -> None:
        self.number = 0
        self.size = 0
        self.lines: list[bytes] = []
        self._names: list[bytes] = []
        self._ended = True

    def add(self, number: int, data: bytes, name: bytes, ended: bool) -> None:
        if not self.lines:
            self.number = number
        self.lines.append(data)
        self._names.append(name)
        self.size += len(data) + 1
        self._ended = ended

    def take(self, source: Source, *, cut: bool = False, lost: bool = False) -> Record | Rejected:
        """Build the record from the lines so far, and begin a new one.

        Args:
            source: What is read.
            cut: The file ends here.
            lost: A line of the record was too long to be held.
        """
        lines, names, size = self.lines, self._names, self.size
        self.lines, self._names, self.size = [], [], 0
        data = b"\n".join(lines)
        reason = ""
        if size > ITEM_CAP:
            reason = reject_too_long(self.number).reason
        elif lost:
            reason = "a line of it is too long to be held"
        elif names[0] != b"TY":
            reason = "does not begin with TY"
        elif cut and not self._ended:
            reason = "cut off in the middle of the record"
        elif _TITLE_TAG_BYTES.isdisjoint(names):
            reason = "no title"
        return (
            Rejected(line=self.number, raw=raw_text(data), reason=reason)
            if reason
            else _build_record(self.number, data, names, source)
        )


def _build_record(
    number: int, data: bytes, names: Sequence[bytes], source: Source
) -> Record | Rejected:
    if (text := source.decode(data)) is None:
        return Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
    raw = text[:RAW_CAP]
    tags = _group_by_tag(text.split("\n"), names)
    title = next((value for name in _TITLE_TAGS for value in tags.get(name, ()) if value), "")
    if not title:
        return Rejected(line=number, raw=raw, reason="no title")
    return Record(
        line=number,
        raw=raw,
        title=title,
        abstract=next(
            (value for name in ("AB", "N2") for value in tags.get(name, ()) if value), ""
        ),
        authors=tuple(value for name in ("AU", "A1") for value in tags.get(name, ()) if value),
        ids=tuple(_find_ids(tags)),
        submitted=next(
            (
                day
                for name in _DATE_TAGS
                for value in tags.get(name, ())
                if (day := parse_day(value, source.today))
            ),
            None,
        ),
        url=next((value for value in tags.get("UR", ()) if value), ""),
    )


def _group_by_tag(lines: Sequence[str], names: Sequence[bytes]) -> Tags:
    """Group values by tag; a line without a tag continues the value before it."""
    value_lines: defaultdict[str, list[list[str]]] = defaultdict(list)
    current: list[str] = []
    for line, name in zip(lines, names, strict=True):
        if name:
            current = [line.partition("-")[2].strip()]
            value_lines[name.decode()].append(current)
        else:
            current.append(line.strip())
    return {
        name: ["\n".join(value).strip() for value in values] for name, values in value_lines.items()
    }


def _find_ids(tags: Tags) -> Iterator[tuple[str, str]]:
    other_values = [value for name in _OTHER_ID_TAGS for value in tags.get(name, ())]
    for value in tags.get("DO", ()):
        yield "doi", value
    for value in (link for name in _LINK_TAGS for link in tags.get(name, ())):
        yield "url", strip_version(value.split("\n")[0])
    if any(database.lower() in ("pubmed", "medline") for database in tags.get("DB", ())):
        for value in tags.get("AN", ()):
            yield "pmid", value
    for value in tags.get("C2", ()):
        yield "pmcid", value
    for value in other_values:
        if _DOI.fullmatch(value):
            yield "doi", value
    yield from find_arxiv_ids(*other_values)
    for value in tags.get("N1", ()):
        yield from find_noted_ids(value)


FORMAT = Ris()
