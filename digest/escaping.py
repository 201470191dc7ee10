"""Escape text from outside for the log, the terminal and spreadsheets.

Strangers write file names, headers, subjects, titles and replies of servers. A line feed could
forge a log line, an escape sequence could control the terminal, an override of the writing
direction could show a different name, and a cell that begins with = would run as a formula.
"""

from __future__ import annotations

import re
from typing import Final

#: controls, line and paragraph separators, marks of writing direction, zero-width characters
#: (except the joiners of Persian, Hindi and emoji), surrogates, tags
_HARMFUL = (
    r"\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_ANY: Final = re.compile(f"[{_HARMFUL}]")
_ANY_EXCEPT_LINE_FEED: Final = re.compile(rf"(?!\n)[{_HARMFUL}]")
#: begin of a formula in a spreadsheet, also full-width; any apostrophes before it
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escape_to_one_line(text: str) -> str:
    r"""Return the text on one line, with harmful characters escaped, as in `\n`."""
    return _ANY.sub(_escape_as_python, text)


def escape_lines(text: str) -> str:
    """Escape harmful characters, but keep line feeds."""
    return _ANY_EXCEPT_LINE_FEED.sub(_escape_as_python, text)


def escape_json(text: str) -> str:
    """Escape harmful characters in a JSON document without changing its meaning."""
    return _ANY_EXCEPT_LINE_FEED.sub(_escape_as_json, text)


def escape_csv_cell(value: str) -> str:
    """Put an apostrophe before a CSV cell that a spreadsheet would run as a formula."""
    return f"'{value}" if _FORMULA.match(value) else value


def unescape_csv_cell(cell: str) -> str:
    """Undo `escape_csv_cell`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _escape_as_python(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def _escape_as_json(match: re.Match[str]) -> str:
    octets = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[n]:02x}{octets[n + 1]:02x}" for n in range(0, len(octets), 2))
