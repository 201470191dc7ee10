"""CSV with a header line, the columns of `columns.COLUMNS`, and comma, semicolon or tab between
cells; lists within a cell by ";".
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final

from digest.dumps.columns import Row, build_record, match_columns
from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import Source, decode_entry, raw_text, reject_too_long
from digest.model import Record, Rejected

_SIGNS: Final = (",", ";", "\t")
#: physical lines that one record may span; beyond it a quote was left open
_SPAN: Final = 1000
_OPEN_QUOTE: Final = "a quote is opened and never closed"

Line = tuple[int, str, bool]


class PlainCsv:
    """A header with `title` and at least one more known column; a row may lack cells at its end."""

    name = "csv"

    def sniff(self, head: Head) -> Confidence:
        is_text = (
            bool(head.lines) and not head.is_json and "\0" not in head.lines[0]
        )  # UTF-16 without a mark is full of them
        return Confidence.PERHAPS if is_text and _sign(head.lines[0]) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        feed = _Feed(source)
        header, sign = _header(feed)
        yield from feed.rejected()
        columns = match_columns(header)
        places = [(header.index(name), column) for name, column in columns.items()]
        unknown = [
            (place, name)
            for place, name in enumerate(header)
            if name.strip() and name not in columns
        ]
        cells = csv.reader(feed, delimiter=sign, strict=True)
        while True:
            feed.begin()
            try:
                row = next(cells)
            except StopIteration:
                yield from feed.rejected()
                return
            except csv.Error as error:
                yield from feed.rejected()
                yield feed.give_back(source, str(error))
                continue
            yield from feed.rejected()
            if row and feed.taken:
                yield self._record(source, feed, row, header, places, unknown)

    def _record(
        self,
        source: Source,
        feed: _Feed,
        row: list[str],
        header: list[str],
        places: list[tuple[int, str]],
        unknown: list[tuple[int, str]],
    ) -> Record | Rejected:
        number, raw = feed.taken[0][0], feed.raw()
        if len(row) > len(header):
            reason = (
                f"has {len(row)} cells where the header has {len(header)}; a cell with a separator "
                f"in it needs quotes"
            )
            return Rejected(line=number, raw=raw, reason=reason)
        if len(row) < len(header) and not feed.taken[-1][2]:
            source.mark_incomplete(f"the file ends in the middle of line {feed.taken[-1][0]:,}")
            return Rejected(line=number, raw=raw, reason="cut off in the middle of the record")
        for place, name in unknown:
            if place < len(row) and row[place]:
                source.count_ignored(name)
        fields: Row = {column: row[place] for place, column in places if place < len(row)}
        return build_record(number, raw, fields, source.today)


class _Feed:
    """Lines for the csv reader, remembered until the record they belong to is whole, so that a bad
    one costs its first line only.
    """

    def __init__(self, source: Source) -> None:
        self._lines = self._decoded(source)
        self._again: deque[Line] = deque()
        self._aside: list[Rejected] = []
        #: lines of the record at hand
        self.taken: list[Line] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _SPAN:
            raise csv.Error(_OPEN_QUOTE)
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line[1] + "\n"

    def begin(self) -> None:
        self.taken = []

    def raw(self) -> str:
        return "\n".join(line[1] for line in self.taken)[: 64 * 1024]

    def rejected(self) -> list[Rejected]:
        """Lines that could not even be decoded, since the last call."""
        aside, self._aside = self._aside, []
        return aside

    def give_back(self, source: Source, problem: str) -> Rejected:
        """The first line is refused, the others are read again: they are records of their own more
        often than not.
        """
        first, *others = self.taken
        last = self.taken[-1]
        self._again.extendleft(reversed(others))
        if "unexpected end" in problem:
            problem = _OPEN_QUOTE
            if not last[2]:
                source.mark_incomplete(f"the file ends in the middle of line {last[0]:,}")
        elif "field larger" in problem:
            problem = (
                f"a cell is longer than {csv.field_size_limit():,} characters, or {_OPEN_QUOTE}"
            )
        return Rejected(line=first[0], raw=first[1][: 64 * 1024], reason=problem)

    def _decoded(self, source: Source) -> Iterator[Line]:
        for number, data, ended in source.lines():
            if data is None:
                self._aside.append(reject_too_long(number))
                continue
            if (text := decode_entry(data)) is None:
                self._aside.append(Rejected(line=number, raw=raw_text(data), reason="not UTF-8"))
                continue
            if "\0" in text:
                self._aside.append(
                    Rejected(line=number, raw=text[: 64 * 1024], reason="holds NUL bytes")
                )
                continue
            yield number, text.replace("\r", " "), ended


def _sign(line: str) -> str | None:
    """The separator that makes a header with a title and most other known columns out of a line."""
    found = [
        (len(columns), -place, sign)
        for place, sign in enumerate(_SIGNS)
        if "title" in (columns := match_columns(_cells(line, sign))).values()
    ]
    best = max(found, default=(0, 0, ""))
    return best[2] if best[0] > 1 else None


def _cells(line: str, sign: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        return []


def _header(feed: _Feed) -> tuple[list[str], str]:
    for line in feed:
        if line.strip():
            sign = _sign(line.strip()) or ","
            feed.begin()
            return _cells(line.strip("\r\n"), sign), sign
    return [], ","


FORMAT = PlainCsv()
