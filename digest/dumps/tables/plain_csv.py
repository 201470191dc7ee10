"""CSV with a header of the columns of `columns.COLUMNS`.

Comma, semicolon or tab between cells; ";" between the items of a list within a cell. A line
"sep=;", which Excel writes, and a few lines of remarks may stand before the header.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import Source, raw_text, reject_too_long
from digest.dumps.tables.columns import Row, build_record, match_columns
from digest.model import Record, Rejected, Skipped

_SEPARATORS: Final = ",;\t"
#: lines of one record; beyond that a quote was never closed
_LINES_CAP: Final = 1000
#: lines before the header that are no table, such as "Exported on 9 June 2026"
_REMARKS_CAP: Final = 20
_SEPARATOR_LINE: Final = re.compile(r"\s*sep=([,;|:^~\t])\s*", re.IGNORECASE)
#: columns of which a table needs one
_NAMING_COLUMNS: Final = frozenset({"title", "arxiv", "doi", "pmid"})
_OPEN_QUOTE: Final = "a quote is opened and never closed"


class Line(NamedTuple):
    """A decoded line, without its end."""

    number: int
    text: str
    ends_with_newline: bool


class PlainCsv:
    """A header with a title or identifier and another known column; rows may be shorter."""

    name = "csv"

    def sniff(self, head: Head) -> Confidence:
        is_text = bool(head.lines) and not head.is_json
        return Confidence.PERHAPS if is_text and _find_header(head.lines) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        feed = _LineFeed(source)
        header, separator, remarks = _read_header(feed)
        yield from feed.take_rejected()
        for line in remarks:
            yield Skipped(
                line=line.number, raw=line.text[: 64 * 1024], reason="stands before the header"
            )
        columns = match_columns(header)
        column_positions = [(header.index(name), column) for name, column in columns.items()]
        unknown = [
            (position, name)
            for position, name in enumerate(header)
            if name.strip() and name not in columns
        ]
        cells = csv.reader(feed, delimiter=separator, strict=True)
        while True:
            feed.begin_record()
            try:
                row = next(cells)
            except StopIteration:
                yield from feed.take_rejected()
                return
            except csv.Error as error:
                yield from feed.take_rejected()
                yield feed.reject_first_line(source, str(error))
                continue
            yield from feed.take_rejected()
            if feed.record_lines and any(map(str.strip, row)):
                yield self._record(source, feed, row, header, column_positions, unknown)

    def _record(
        self,
        source: Source,
        feed: _LineFeed,
        row: list[str],
        header: list[str],
        column_positions: list[tuple[int, str]],
        unknown: list[tuple[int, str]],
    ) -> Record | Rejected:
        number, raw = feed.record_lines[0].number, feed.raw()
        if any(map(str.strip, row[len(header) :])):
            reason = (
                f"has {len(row)} cells where the header has {len(header)}; a cell with a separator "
                f"in it needs quotes"
            )
            return Rejected(line=number, raw=raw, reason=reason)
        if len(row) < len(header) and not feed.record_lines[-1].ends_with_newline:
            source.mark_incomplete(
                f"the file ends in the middle of line {feed.record_lines[-1].number:,}"
            )
            return Rejected(line=number, raw=raw, reason="cut off in the middle of the record")
        for position, name in unknown:
            if position < len(row) and row[position]:
                source.count_ignored(name)
        fields: Row = {
            column: row[position] for position, column in column_positions if position < len(row)
        }
        return build_record(number, raw, fields, source.today)


class _LineFeed:
    """Lines for the csv reader, kept until their record is complete.

    So a damaged record costs only its first line.
    """

    def __init__(self, source: Source) -> None:
        self._lines = self._decode_lines(source)
        self._pushed_back: deque[Line] = deque()
        self._rejected: list[Rejected] = []
        #: lines of the current record
        self.record_lines: list[Line] = []

    def __iter__(self) -> _LineFeed:
        return self

    def __next__(self) -> str:
        if len(self.record_lines) >= _LINES_CAP:
            raise csv.Error(_OPEN_QUOTE)
        line = self._pushed_back.popleft() if self._pushed_back else next(self._lines)
        self.record_lines.append(line)
        return line.text + "\n"

    def begin_record(self) -> None:
        self.record_lines = []

    def push_back(self, lines: list[Line]) -> None:
        """Give these lines once more, before any other."""
        self._pushed_back.extendleft(reversed(lines))

    def raw(self) -> str:
        return "\n".join(line.text for line in self.record_lines)[: 64 * 1024]

    def take_rejected(self) -> list[Rejected]:
        """Return the lines that could not be decoded since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected

    def reject_first_line(self, source: Source, problem: str) -> Rejected:
        """Reject the first line and read the others again."""
        first, *others = self.record_lines
        last = self.record_lines[-1]
        # The other lines are most often records of their own.
        self.push_back(others)
        if "unexpected end" in problem:
            problem = _OPEN_QUOTE
            if not last.ends_with_newline:
                source.mark_incomplete(f"the file ends in the middle of line {last.number:,}")
        elif "field larger" in problem:
            problem = (
                f"a cell is longer than {csv.field_size_limit():,} characters, or {_OPEN_QUOTE}"
            )
        return Rejected(line=first.number, raw=first.text[: 64 * 1024], reason=problem)

    def _decode_lines(self, source: Source) -> Iterator[Line]:
        for number, data, ends_with_newline in source.lines():
            if data is None:
                self._rejected.append(reject_too_long(number))
                continue
            if (text := source.decode(data)) is None:
                self._rejected.append(Rejected(line=number, raw=raw_text(data), reason="not UTF-8"))
                continue
            yield Line(number, text.replace("\r", " "), ends_with_newline)


def _find_header(lines: Iterable[str]) -> tuple[int, str] | None:
    """Find the header among the first lines that are not blank: its position and separator."""
    separators = _SEPARATORS
    for position, line in enumerate(islice(lines, _REMARKS_CAP)):
        if position == 0 and (match := _SEPARATOR_LINE.fullmatch(line)) is not None:
            separators = match[1]
        elif (separator := _find_separator(line, separators)) is not None:
            return position, separator
    return None


def _find_separator(line: str, separators: str) -> str | None:
    """Find the separator that splits a header into the most known columns."""
    candidates = [
        (len(columns), -position, separator)
        for position, separator in enumerate(separators)
        if not _NAMING_COLUMNS.isdisjoint(
            (columns := match_columns(_split_cells(line, separator))).values()
        )
    ]
    best = max(candidates, default=(0, 0, ""))
    return best[2] if best[0] > 1 else None


def _split_cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _read_header(feed: _LineFeed) -> tuple[list[str], str, list[Line]]:
    """Read the header, its separator, and the remarks before it.

    Without any header, the first line stands for it.
    """
    lines: list[Line] = []

    def read_lines() -> Iterator[str]:
        for text in feed:
            if text.strip():
                lines.extend(feed.record_lines)
                yield text.strip()
            feed.begin_record()

    _, separator = _find_header(read_lines()) or (0, "")
    if not separator:
        feed.push_back(lines[1:])
        return _split_cells(lines[0].text, ",") if lines else [], ",", []
    *before, header = lines
    remarks = [line for line in before if not _SEPARATOR_LINE.fullmatch(line.text)]
    return _split_cells(header.text, separator), separator, remarks


FORMAT = PlainCsv()
