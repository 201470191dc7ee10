"""Tagged text -> its records: a tag and a value on each line. Knows no format.

    layout = Layout(tag=re.compile(rb"([A-Z]{2}) - (.*)", re.DOTALL), first="TY", titles=("TI",))
    for record in read_tagged_records(source, layout):
        if isinstance(record, Rejected): ...          # pass it on
        title = record.first("TI")

A line without a tag continues the value before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import (
    ITEM_CAP,
    RAW_CAP,
    Source,
    raw_text,
    reject_too_long,
)
from digest.model import Rejected

_HYPHEN_END: Final = re.compile(r"(?<=\w-)\n(?=\w)(?!(?:and|or|to|und|oder|et|y)\b)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What marks the records of a format."""

    #: matches a whole line that begins with a tag: group 1 is the tag, group 2 the value
    tag: re.Pattern[bytes]
    #: tag on the first line of a record
    first: str
    #: tags of which a record must have one
    titles: tuple[str, ...]
    #: tag on the last line of a record. Where there is none, a record also ends at a blank line
    #: before a tag that it already has
    last: str = ""
    #: a record ends at a blank line before any tag, even with other lines between
    blank_ends: bool = False
    #: a record may begin with another tag than `first`
    first_is_optional: bool = False
    #: tags outside of records
    outside: frozenset[bytes] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedRecord:
    """The values of one record in their order."""

    #: where it begins
    line: int
    #: its text as in the file
    raw: str
    #: (tag, value); the lines of a value are separated by "\n"
    pairs: tuple[tuple[str, str], ...]

    def values(self, *tags: str) -> list[str]:
        """Return the values that are not empty, tag by tag."""
        return [value for tag in tags for name, value in self.pairs if name == tag and value]

    def first(self, *tags: str) -> str:
        """Return the first of these values, or ""."""
        return next(iter(self.values(*tags)), "")


def join_lines(value: str) -> str:
    """Join the lines of a wrapped value with single blanks.

    After the hyphen of a word there is none ("long-" / "lived"), unless another word takes the same
    end ("short-" / "and long-lived") or the line ends with a blank.
    """
    return " ".join(_HYPHEN_END.sub("", value).split())


def read_tagged_records(source: Source, layout: Layout) -> Iterator[TaggedRecord | Rejected]:
    """Read the records of a file; never raises.

    Rejected are records that are too long, do not begin with their first tag, or have no title,
    and a last record that is cut. Lines without a tag between records are no entries.
    """
    first, last, outside = layout.first.encode(), layout.last.encode(), layout.outside
    record = _RecordLines(layout)
    for number, data, ended in source.lines():
        if data is None:
            if record.lines:
                yield record.take(source, lost=True)
            yield reject_too_long(number)
            continue
        if data[:1] == b"\0":
            data = data.strip(b"\0") and data  # padding, if it is nothing else
        tag = layout.tag.fullmatch(data)
        name = tag[1] if tag else b""
        if name and record.lines and (name == first or record.ends_before(name)):
            yield record.take(source)
        if record.lines or (name and name not in outside):
            record.add(number, data, name, (tag[2] or b"") if tag else data, ended)
            if (name and name == last) or record.size > ITEM_CAP:
                yield record.take(source)
    if record.lines:
        if last:
            source.mark_incomplete(
                f"the file ends before the {layout.last} of the record on line {record.number:,}"
            )
        yield record.take(source, cut=bool(last))


class _RecordLines:
    """The lines of the current record, with the tag and value of each."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._first = layout.first.encode()
        self._titles = frozenset(name.encode() for name in layout.titles)
        self.number = 0
        self.size = 0
        #: line, tag or b"", value at the end of the line
        self.lines: list[tuple[bytes, bytes, bytes]] = []
        #: the tags of the first lines, as many as were looked at
        self._known_names: set[bytes] = set()
        self._known_lines = 0
        self._ended = True

    def add(self, number: int, data: bytes, name: bytes, value: bytes, ended: bool) -> None:
        if not self.lines:
            self.number = number
        self.lines.append((data, name, value))
        self.size += len(data) + 1
        self._ended = ended

    def ends_before(self, name: bytes) -> bool:
        """Whether a line with this tag, which is not the first tag, begins the next record."""
        if self._layout.blank_ends:
            since_tag = takewhile(lambda line: not line[1], reversed(self.lines))
            return any(not data.strip() for data, _, _ in since_tag)
        if self._layout.last or self.lines[-1][0].strip():
            return False
        if not self._known_lines:
            self._known_names = set()
        self._known_names.update(line[1] for line in self.lines[self._known_lines :])
        self._known_lines = len(self.lines)
        return name in self._known_names or self.lines[0][1] != self._first

    def take(
        self, source: Source, *, cut: bool = False, lost: bool = False
    ) -> TaggedRecord | Rejected:
        """Build the record from the lines so far, and begin a new one.

        Args:
            source: What is read.
            cut: The file ends here, though the last tag of the record has not come.
            lost: A line of the record was too long to be held.
        """
        lines, size = self.lines, self.size
        self.lines, self.size, self._known_lines = [], 0, 0
        while not lines[-1][1] and not lines[-1][0].strip():
            lines.pop()
        texts, names, _ = zip(*lines, strict=True)
        reason = ""
        if size > ITEM_CAP:
            reason = reject_too_long(self.number).reason
        elif lost:
            reason = "a line of it is too long to be held"
        elif names[0] != self._first and not self._layout.first_is_optional:
            reason = f"does not begin with {self._layout.first}"
        elif cut and not self._ended:
            reason = "cut off in the middle of the record"
        elif self._titles.isdisjoint(names):
            reason = "no title"
        elif not self._layout.last and any(names.count(title) > 1 for title in self._titles):
            reason = "two titles: the first line of a record may be damaged"
        data = b"\n".join(texts)
        if reason:
            return Rejected(line=self.number, raw=raw_text(data), reason=reason)
        if (text := source.decode(data)) is None:
            return Rejected(line=self.number, raw=raw_text(data), reason="not UTF-8")
        return TaggedRecord(
            line=self.number, raw=text[:RAW_CAP], pairs=_pair(lines, text.split("\n"))
        )


def _pair(
    lines: Sequence[tuple[bytes, bytes, bytes]], texts: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Pair each tag with its value; the first line has a tag. What stands before is ASCII."""
    pairs: list[tuple[str, list[str]]] = []
    for (data, name, value), text in zip(lines, texts, strict=True):
        part = text[len(data) - len(value) :].lstrip()
        if name:
            pairs.append((name.decode(), [part]))
        else:
            pairs[-1][1].append(part)
    return tuple((name, "\n".join(parts).strip()) for name, parts in pairs)


def sniff_first_line(head: Head, first_line: re.Pattern[str]) -> Confidence:
    """Tell by the line that begins a record how sure a format is; text may stand before it."""
    if head.is_json or not head.lines:
        return Confidence.NO
    if first_line.match(head.lines[0]):
        return Confidence.YES
    has_record = any(map(first_line.match, head.lines))
    is_markup = head.lines[0].startswith("<")
    return Confidence.PERHAPS if has_record and not is_markup else Confidence.NO
