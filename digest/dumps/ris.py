"""RIS, as databases and reference managers write it: `TY  - JOUR`, one tag a line, `ER  - ` at the
end of each record.

Any record with a title is a paper. Described in the "RIS Format Specifications" of Reference
Manager, though every program has its own reading of it. Read here since the library for it (rispy
0.10) gives all records at once, without lines, merges a record that lacks its ER with the next one,
and finds none after a byte order mark.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from digest.dumps.fields import day_of
from digest.dumps.formats import Head, Sure
from digest.dumps.references import arxiv_ids, noted_ids, unversioned
from digest.dumps.stream import ITEM_CAP, Source, encoding_of, raw_text, too_long
from digest.model import Record, Rejected

_TAG: Final = re.compile(rb"\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-(?:[ \t]+(.*)|[ \t]*)", re.DOTALL)
_FIRST: Final = re.compile(r"TY {0,3}-(?: |$)")
_TITLE: Final = ("TI", "T1", "CT", "BT")
_TITLES: Final = frozenset(name.encode() for name in _TITLE)
_DATES: Final = ("DA", "Y1", "PY")
_LINKS: Final = ("UR", "L1", "L2", "LK")
#: tags in which an arXiv id or DOI may stand besides its own
_ASIDE: Final = ("AN", "M1", "M3", "JO", "JF", "JA", "T2", "C7", "ID")
_DOI: Final = re.compile(
    r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?10\.[0-9]{4,9}/\S+", re.IGNORECASE
)

Tags = Mapping[str, Sequence[str]]


class Ris:
    """Title, abstract, authors, identifiers, links, the day where it is whole."""

    name = "ris"

    def sniff(self, head: Head) -> Sure:
        if head.is_json or not head.lines:
            return Sure.NO
        if _FIRST.match(head.lines[0]):
            return Sure.YES
        started = any(_FIRST.match(line) for line in head.lines)
        return Sure.PERHAPS if started and not head.lines[0].startswith("<") else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        held = _Held()
        for number, data, ended in source.lines():
            if data is None:
                if held.lines:
                    yield held.made(source.today, lost=True)
                yield too_long(number)
                continue
            tag = _TAG.fullmatch(data)
            name = tag[1] if tag else b""
            if name == b"TY" and held.lines:
                yield held.made(source.today)
            if tag or held.lines:
                held.add(number, data, name, ended)
                if name == b"ER" or held.size > ITEM_CAP:
                    yield held.made(source.today)
        if held.lines:
            source.cut(f"the file ends before the ER of the record on line {held.number:,}")
            yield held.made(source.today, cut=True)


class _Held:
    """The record at hand: its lines, and the tag that each begins with."""

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

    def made(self, today: date, *, cut: bool = False, lost: bool = False) -> Record | Rejected:
        """What the lines so far make, which are forgotten; `cut`: the file ends here, `lost`: a
        line of it could not be held.
        """
        lines, names, size = self.lines, self._names, self.size
        self.lines, self._names, self.size = [], [], 0
        data = b"\n".join(lines)
        reason = ""
        if size > ITEM_CAP:
            reason = too_long(self.number).reason
        elif lost:
            reason = "a line of it is too long to be held"
        elif names[0] != b"TY":
            reason = "does not begin with TY"
        elif cut and not self._ended:
            reason = "cut off in the middle of the record"
        elif _TITLES.isdisjoint(names):
            reason = "no title"
        return (
            Rejected(line=self.number, raw=raw_text(data), reason=reason)
            if reason
            else _record(self.number, data, names, today)
        )


def _record(number: int, data: bytes, names: Sequence[bytes], today: date) -> Record | Rejected:
    if (encoding := encoding_of(data)) is None:
        return Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
    raw = raw_text(data, encoding)
    if b"\0" in data:
        return Rejected(line=number, raw=raw, reason="holds NUL bytes")
    tags = _tags(data.decode(encoding).split("\n"), names)
    title = next((value for name in _TITLE for value in tags.get(name, ()) if value), "")
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
        ids=tuple(_ids(tags)),
        submitted=next(
            (
                day
                for name in _DATES
                for value in tags.get(name, ())
                if (day := day_of(value, today))
            ),
            None,
        ),
        url=next((value for value in tags.get("UR", ()) if value), ""),
    )


def _tags(lines: Sequence[str], names: Sequence[bytes]) -> Tags:
    """tag -> its values, lines without a tag added to the one before."""
    pieces: defaultdict[str, list[list[str]]] = defaultdict(list)
    last: list[str] = []
    for line, name in zip(lines, names, strict=True):
        if name:
            last = [line.partition("-")[2].strip()]
            pieces[name.decode()].append(last)
        else:
            last.append(line.strip())
    return {name: ["\n".join(value).strip() for value in values] for name, values in pieces.items()}


def _ids(tags: Tags) -> Iterator[tuple[str, str]]:
    aside = [value for name in _ASIDE for value in tags.get(name, ())]
    for value in tags.get("DO", ()):
        yield "doi", value
    for value in (one for name in _LINKS for one in tags.get(name, ())):
        yield "url", unversioned(value.split("\n")[0])
    if any(base.lower() in ("pubmed", "medline") for base in tags.get("DB", ())):
        for value in tags.get("AN", ()):
            yield "pmid", value
    for value in tags.get("C2", ()):
        yield "pmcid", value
    for value in aside:
        if _DOI.fullmatch(value):
            yield "doi", value
    yield from arxiv_ids(*aside)
    for value in tags.get("N1", ()):
        yield from noted_ids(value)


FORMAT = Ris()
