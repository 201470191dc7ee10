"""Rows of .csv and JSON files, as programs and spreadsheets write them.

Excel separates columns by ";", a tab or a comma, as its country has it, and saves Windows-1252,
UTF-8 or UTF-16. All of it is detected.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from digest.cli.csv_files import from_csv
from digest.errors import InputError

#: the file name that stands for standard input
STANDARD_INPUT = Path("-")
_CSV, _JSON = (".csv", ".tsv", ".txt"), (".json", ".jsonl", ".ndjson")
#: separators of columns, the preferred ones first
_DELIMITERS = ",;\t|"
#: what Excel writes into a first line to name the separator
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WINDOWS = "cp1252"
_CHUNK = 1 << 20
#: bytes of standard input that are kept in memory
_SPOOLED = 1 << 24
#: characters in a cell at most; 20 interests with 2,000 example papers each fit
_CELL_MAX = 1 << 25
#: headings that other services and `digest` itself use for a column
_ALIASES = {"emailaddress": "email", "mail": "email", "status": "standing"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """A row that cannot be read. It does not stop the others."""

    line: int
    reason: str


Row = Mapping[str, Any]


def read_rows(
    path: Path, columns: Sequence[str], *, needed: str
) -> Iterator[tuple[int, Row] | BadRow]:
    """Yield line number and row of a .csv, .jsonl or .json file, without empty values.

    Args:
        path: of the file; `-` is standard input.
        columns: that rows may have.
        needed: the column that each row must have.

    Raises:
        InputError: the file cannot be read or decoded, or its header lacks the column `needed` or
            has an unknown one. Nothing was yielded then.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_open_bytes(path))
            is_csv = _is_csv(path, file)
            encoding = _detect_encoding(path, file, is_csv=is_csv)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}). Check the path"
            ) from error
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        rows = _csv_rows(path, text, columns, needed) if is_csv else _json_rows(text)
        for line, row in rows:
            yield _check_row(line, row, columns, needed)


def _open_bytes(path: Path) -> IO[bytes]:
    """Open a file that can be read twice; standard input is kept for that."""
    if path != STANDARD_INPUT:
        return path.open("rb")
    copy: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115
    shutil.copyfileobj(sys.stdin.buffer, copy)
    copy.seek(0)
    return copy


def _is_csv(path: Path, file: IO[bytes]) -> bool:
    """Return whether a file is CSV, by its name, else by its first character."""
    suffix = path.suffix.lower()
    beginning = file.read(1000)
    file.seek(0)
    if beginning.startswith(b"PK\x03\x04"):
        raise InputError(
            f"{path}: is a workbook. Open it in a spreadsheet, save it as CSV, and give that file"
        )
    if suffix in (*_CSV, *_JSON):
        return suffix in _CSV
    # Byte order marks, the zeros of UTF-16 and white space come before it.
    return beginning.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] not in (b"", b"{", b"[")


def _detect_encoding(path: Path, file: IO[bytes], *, is_csv: bool) -> str:
    """Return the encoding of a whole file; the file is at its beginning afterwards.

    Raises:
        InputError: it is of none that is known.
    """
    beginning = file.read(4)
    file.seek(0)
    encoding = next(
        (name for mark, name in _BYTE_ORDER_MARKS if beginning.startswith(mark)), "utf-8"
    )
    if encoding == "utf-8" and b"\0" in beginning[:2]:
        encoding = "utf-16-be" if beginning[:1] == b"\0" else "utf-16-le"
    error = _find_undecodable(file, encoding)
    if error is None:
        return encoding
    if is_csv and encoding == "utf-8":
        encoding = _WINDOWS
        error = _find_undecodable(file, encoding)
        if error is None:
            return encoding
    known = "UTF-8 nor Windows-1252" if encoding == _WINDOWS else encoding.upper()
    is_not = "neither" if encoding == _WINDOWS else "not"
    raise InputError(f"{path}: is {is_not} {known} (byte {error}). Save it as UTF-8")


def _find_undecodable(file: IO[bytes], encoding: str) -> int | None:
    """Return the position of the first byte that cannot be decoded; None = all can."""
    decoder, position = codecs.getincrementaldecoder(encoding)(), 0
    try:
        while chunk := file.read(_CHUNK):
            pending = len(decoder.getstate()[0])
            decoder.decode(chunk)
            position += len(chunk)
        pending = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return position - pending + error.start
    finally:
        file.seek(0)
    return None


def _check_row(
    line: int, row: Row | BadRow, columns: Sequence[str], needed: str
) -> tuple[int, Row] | BadRow:
    if isinstance(row, BadRow):
        return row
    if unknown := [name for name in row if name not in columns]:
        return BadRow(
            line=line, reason=f"unknown column {unknown[0]!r}. Columns: {', '.join(columns)}"
        )
    if not row.get(needed):
        return BadRow(line=line, reason=f"no {needed}. Fill it in, or delete the row")
    return line, row


# ----------------------------------------------------------------------------------------------
# CSV


def _csv_rows(
    path: Path, file: IO[str], columns: Sequence[str], needed: str
) -> Iterator[tuple[int, Row | BadRow]]:
    csv.field_size_limit(_CELL_MAX)
    head = file.readline()
    lines_before = 0
    separator = _SEPARATOR_LINE.fullmatch(head)
    if separator:
        head, lines_before = file.readline(), 1
    delimiter = separator[1] if separator else _choose_delimiter(head, columns)
    # strict: a quote that is never closed would swallow all that follows, and say nothing
    reader = csv.reader(_chain(head, file), delimiter=delimiter, strict=True)
    try:
        names = _read_header(path, next(reader, []), columns, needed)
    except csv.Error as error:
        raise InputError(f"{path}: its first line is not CSV: {error}. Correct it") from error
    while True:
        line = lines_before + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, BadRow(line=line, reason=_explain_csv_error(error))
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):  # spreadsheets save empty rows too
            yield line, _name_cells(line, names, cells, delimiter)


def _chain(first: str, others: Iterable[str]) -> Iterator[str]:
    yield first
    yield from others


def _explain_csv_error(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return (
            'a quotation mark (") opens here and is never closed, so nothing after this line was '
            "read. Close it, and read the file again"
        )
    return f'is not CSV: {error}. Write a quotation mark within a cell as ""'


def _choose_delimiter(head: str, columns: Sequence[str]) -> str:
    """Return the separator by which a header names most of the columns."""

    def count_known(delimiter: str) -> int:
        try:
            names = next(csv.reader([head], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return sum(_find_column(name, columns) is not None for name in names)

    return max(_DELIMITERS, key=count_known)


def _find_column(heading: str, columns: Sequence[str]) -> str | None:
    """Return the column that a heading names, whatever its case, spaces and hyphens."""
    key = _heading_key(heading)
    by_key = {_heading_key(column): column for column in columns}
    return by_key.get(key) or by_key.get(_ALIASES.get(key, ""))


def _heading_key(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading.casefold())


def _read_header(
    path: Path, headings: Sequence[str], columns: Sequence[str], needed: str
) -> list[str]:
    """Return the column of each cell, "" where the header is empty."""
    names = []
    for heading in headings:
        name = _find_column(heading, columns) if heading.strip() else ""
        if name is None:
            raise InputError(
                f"{path}: unknown column {heading.strip()!r} in the first line. Columns: "
                f"{', '.join(columns)}"
            )
        if name and name in names:
            raise InputError(f"{path}: column {name} is there twice. Delete one of them")
        names.append(name)
    if needed not in names:
        raise InputError(
            f"{path}: no column {needed} in the first line. Columns: {', '.join(columns)}"
        )
    return names


def _name_cells(
    line: int, names: Sequence[str], cells: Sequence[str], delimiter: str
) -> Row | BadRow:
    """Return the filled cells of a row by column."""
    extra = [cell for cell in cells[len(names) :] if cell.strip()]
    if extra:
        separator = {",": "a comma", "\t": "a tab"}.get(delimiter, f"a {delimiter}")
        return BadRow(
            line=line,
            reason=f"{len(extra)} more fields than columns; is one with {separator} not in quotes?",
        )
    row = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
    if "" in row:
        return BadRow(
            line=line,
            reason=f"{row['']!r} stands below no heading. Name its column, or delete the cell",
        )
    return from_csv(row)


# ----------------------------------------------------------------------------------------------
# JSON


def _json_rows(file: IO[str]) -> Iterator[tuple[int, Row | BadRow]]:
    for line, text in _json_texts(file):
        try:
            row = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            yield line, BadRow(line=line, reason=f"is not JSON: {error}")
            continue
        if isinstance(row, dict):
            yield line, {name: value for name, value in row.items() if value is not None}
        else:
            yield (
                line,
                BadRow(line=line, reason='must be an object like {"email": "reader@example.org"}'),
            )


def _json_texts(file: IO[str]) -> Iterator[tuple[int, str | bytes]]:
    """Yield JSON lines with their numbers; of a JSON list its items, numbered from 1."""
    lines = ((number, text) for number, text in enumerate(file, 1) if text.strip())
    first = next(lines, None)
    if first is None:
        return
    if first[1].lstrip().startswith("["):
        whole = first[1] + "".join(text for _, text in lines)
        try:
            items = msgspec.json.decode(whole, type=list[msgspec.Raw])
        except msgspec.DecodeError:
            yield first[0], whole
            return
        yield from enumerate(map(bytes, items), 1)
        return
    yield first
    yield from lines
