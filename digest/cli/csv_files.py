"""CSV that people open in a spreadsheet: the one place that writes it, and reads it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digest.escaping import escape_csv_cell, unescape_csv_cell


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """A header and the rows. No cell runs as a formula; `from_csv` gives back what it was."""
    header = _row(columns)
    return header + "".join(_row([escape_csv_cell(row[name]) for name in columns]) for row in rows)


def _row(cells: Sequence[str]) -> str:
    """One line. csv quotes a carriage return only where lines end with one, and ours do not."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def from_csv(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of such a file as it was before it was written."""
    return {k: unescape_csv_cell(v) if isinstance(v, str) else v for k, v in row.items()}
