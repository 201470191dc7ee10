"""Excel workbooks (.xlsx): each sheet as CSV, a line for each row.

So a sheet is read like any table. Dates become `2026-06-09`, numbers have at most 15 digits.

Own code because of untrusted files: python-calamine allocates the whole rectangle of a sheet and
aborts the process where that does not fit, openpyxl holds all shared texts and counts rows without
end. Neither is needed for cells alone; one that streams rows in bounded memory would change our
mind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from xml.parsers import expat

from digest.dumps.packed import Member, Unpacked, UnpackError, limit_ratio

_WORKBOOK: Final = "xl/workbook.xml"
#: what Excel itself can hold
_ROWS: Final = 1_048_576
_COLUMNS: Final = 16_384
#: characters of a row, and of all texts that sheets share, each counted with its overhead
_ROW_CAP: Final = 4 * 1024**2
_SHARED_CAP: Final = 96 * 1024**2
_OVERHEAD: Final = 64
#: tags and ends in a list of sheets or styles
_LIST_CAP: Final = 1_000_000
#: bytes of one tag or comment
_TAG_CAP: Final = 1024**2

#: built-in numbers of formats that show a day
_DAY_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
_NO_DAY: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CELL: Final = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
#: number of a day that a date can be
_LAST_DAY: Final = 2_950_000

#: a tag: its name and attributes; an end: its name, None and the text before it
_Event = tuple[str, Mapping[str, str] | None, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Workbook:
    shared_texts: Member | None
    #: whether each cell style shows a day
    is_day: list[bool]
    #: the day of the number 0
    epoch: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet of a workbook as a member of an archive."""

    name: str
    workbook: _Workbook
    cells: Member

    def chunks(self) -> Iterator[bytes]:
        """Yield the rows as CSV in UTF-8; line and row have the same number.

        Raises:
            UnpackError: After everything that could be read.
        """
        shared = self.workbook.shared_texts
        packed_size = self.cells.packed_size() + (shared.packed_size() if shared else 0)
        return limit_ratio(self._lines(), packed_size)

    def _lines(self) -> Iterator[bytes]:
        texts = _read_shared_texts(self.workbook.shared_texts)
        last_number = 0
        for number, row in _read_rows(self.cells, self.workbook, texts):
            blank_lines = number - last_number - 1 if last_number < number <= _ROWS else 0
            last_number += blank_lines + 1
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(row)
            yield b"\n" * blank_lines + line.getvalue().encode("utf-8", "replace")


def is_workbook(members: list[Member]) -> bool:
    """Whether these are the members of a workbook."""
    return any(member.name.lower() == _WORKBOOK for member in members)


def find_sheets(members: list[Member]) -> list[Unpacked]:
    """Find the sheets of a workbook, in the order of its tabs.

    Raises:
        UnpackError: If the workbook is damaged.
    """
    part_of = {member.name.lower(): member for member in members}
    target_of: dict[str, str] = {}
    for name, attributes, _ in _read_part(part_of.get("xl/_rels/workbook.xml.rels")):
        if name == "Relationship" and attributes is not None:
            target = attributes.get("Target", "")
            target_of[attributes.get("Id", "")] = (
                target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            ).lower()
    tabs: list[tuple[str, str]] = []
    epoch = date(1899, 12, 30)
    for name, attributes, _ in _read_part(part_of.get(_WORKBOOK)):
        if attributes is None:
            continue
        if name == "sheet":
            part = next((attributes[key] for key in attributes if key.endswith(":id")), "")
            tabs.append((attributes.get("name", ""), target_of.get(part, "")))
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            epoch = date(1904, 1, 1)
    workbook = _Workbook(
        shared_texts=part_of.get("xl/sharedstrings.xml"),
        is_day=_read_styles(part_of.get("xl/styles.xml")),
        epoch=epoch,
    )
    sheets: list[Unpacked] = [
        Sheet(name=name, workbook=workbook, cells=part_of[part])
        for name, part in tabs
        if part in part_of
    ]
    if not sheets:
        raise UnpackError("the workbook has no sheet; save the table as CSV (UTF-8)")
    return sheets


def _read_styles(part: Member | None) -> list[bool]:
    """Read whether each cell style shows a day."""
    day_formats = set(_DAY_FORMATS)
    is_day: list[bool] = []
    in_cell_styles = False
    for name, attributes, _ in _read_part(part):
        if name == "cellXfs":
            in_cell_styles = attributes is not None
        elif attributes is None:
            continue
        elif name == "numFmt" and (number := _parse_count(attributes.get("numFmtId", ""))):
            code = _NO_DAY.sub("", attributes.get("formatCode", "")).lower()
            (day_formats.add if "y" in code or "d" in code else day_formats.discard)(number)
        elif name == "xf" and in_cell_styles:
            is_day.append(_parse_count(attributes.get("numFmtId", "")) in day_formats)
    return is_day


def _read_shared_texts(part: Member | None) -> list[str]:
    """Read the texts that cells name by their position."""
    texts: list[str] = []
    size = 0
    for text in _read_texts(_read_elements(part) if part else iter(()), "si"):
        size += len(text) + _OVERHEAD
        if size > _SHARED_CAP:
            raise UnpackError("the workbook is too large: save the sheet as CSV (UTF-8)")
        texts.append(text)
    return texts


def _read_rows(
    cells: Member, workbook: _Workbook, texts: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, texts of the cells) of each row with any text."""
    elements = _read_elements(cells)
    row: list[str] = []
    size = number = column = 0
    for name, attributes, _ in elements:
        if name == "row" and attributes is not None:
            row, size, column = [], 0, -1
            number = _parse_count(attributes.get("r", "")) or number + 1
        elif name == "c" and attributes is not None:
            column = _parse_column(attributes.get("r", ""), column + 1)
            text = _read_cell(elements, attributes, workbook, texts)
            if text and len(row) <= column < _COLUMNS:
                row += [""] * (column - len(row)) + [text]
                size += len(text)
            if size > _ROW_CAP:
                raise UnpackError(f"row {number:,} is too long")
        elif name == "row" and row:
            yield number, row


def _read_cell(
    elements: Iterator[_Event], attributes: Mapping[str, str], workbook: _Workbook, texts: list[str]
) -> str:
    """Read the text of a cell, up to its end."""
    kind = attributes.get("t", "n")
    value = ""
    inline: list[str] = []
    in_hint = False
    for name, inner, text in elements:
        if name == "c":
            break
        if name == "rPh":
            in_hint = inner is not None
        elif inner is None and name == "v":
            value = text.strip() if kind != "str" else text
        elif inner is None and name == "t" and not in_hint:
            inline.append(text)
    if kind == "s":
        position = _parse_count(value)
        return texts[position] if position is not None and position < len(texts) else ""
    if kind == "inlineStr":
        return _clean_text("".join(inline))
    if kind == "n":
        style = _parse_count(attributes.get("s", ""))
        shows_day = style is not None and style < len(workbook.is_day) and workbook.is_day[style]
        return _show_number(value, workbook.epoch if shows_day else None)
    return "" if kind == "e" else _clean_text(value)


def _show_number(value: str, epoch: date | None) -> str:
    """Show a number as Excel does, or the day that it is."""
    try:
        number = float(value)
    except ValueError:
        return value
    if epoch is not None and 1 <= number <= _LAST_DAY:
        return (epoch + timedelta(days=int(number))).isoformat()
    return f"{number:.15g}" if abs(number) < 1e15 else value


def _read_texts(elements: Iterator[_Event], item: str) -> Iterator[str]:
    """Yield the text of each item, without hints how to pronounce it."""
    parts: list[str] = []
    in_hint = False
    for name, attributes, text in elements:
        if name == "rPh":
            in_hint = attributes is not None
        elif attributes is None and name == "t" and not in_hint:
            parts.append(text)
        elif attributes is None and name == item:
            yield _clean_text("".join(parts))
            parts = []


def _clean_text(text: str) -> str:
    """Put the text of a cell onto one line, and resolve Excel's escapes such as _x000D_."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\0", "")
    return " ".join(text.splitlines())


def _parse_column(cell: str, next_column: int) -> int:
    """Parse the column of a cell such as "AB12", from 0; without a name it is the next."""
    if (match := _CELL.fullmatch(cell)) is None:
        return next_column
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _parse_count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _read_part(part: Member | None) -> Iterator[_Event]:
    """Read a part that lists something; empty if there is none.

    Raises:
        UnpackError: If it is damaged or too long.
    """
    for count, event in enumerate(_read_elements(part) if part is not None else ()):
        if count > _LIST_CAP:
            raise UnpackError("the workbook is too large: save the sheet as CSV (UTF-8)")
        yield event


def _read_elements(part: Member) -> Iterator[_Event]:
    """Yield the beginning and end of each element, by its local name.

    Nothing is kept, and a document type declaration is refused, so no entity is expanded.

    Raises:
        UnpackError: After everything that could be read.
    """
    events: list[_Event] = []
    pieces: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        pieces.clear()
        events.append((name.rpartition(":")[2], attributes, ""))

    def end(name: str) -> None:
        events.append((name.rpartition(":")[2], None, "".join(pieces)))
        pieces.clear()

    def refuse(*_: object) -> None:
        raise UnpackError("it declares a document type, which no spreadsheet does")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = pieces.append
    parser.StartDoctypeDeclHandler = refuse
    size = 0
    for chunk in part.chunks():
        size += len(chunk)
        try:
            parser.Parse(chunk)
        except (expat.ExpatError, LookupError, ValueError) as error:
            yield from events
            raise UnpackError(f"the spreadsheet is damaged ({error})") from error
        yield from events
        events.clear()
        if size - parser.CurrentByteIndex > _TAG_CAP or sum(map(len, pieces)) > _ROW_CAP:
            raise UnpackError("the spreadsheet is damaged: a tag or text has no end")
    try:
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnpackError(f"the spreadsheet is damaged ({error})") from error
