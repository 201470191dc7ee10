"""Write and read CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digest.escaping import escape_csv_cell, unescape_csv_cell


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return header and rows as CSV, with formulas escaped.

    `from_csv` undoes the escaping.
    """
    header = _row(columns)
    return header + "".join(_row([escape_csv_cell(row[name]) for name in columns]) for row in rows)


def _row(cells: Sequence[str]) -> str:
    """Return one line. csv quotes a carriage return only if lines end with one."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def from_csv(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it was before `csv_text` escaped it."""
    return {k: unescape_csv_cell(v) if isinstance(v, str) else v for k, v in row.items()}
