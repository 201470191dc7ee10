"""Text from outside, made harmless where it is shown: a log line, a terminal, a spreadsheet.

File names, headers, subjects, titles and replies of servers are written by strangers. A line feed
in one would forge a line of the log, an escape sequence would command the terminal, an override of
the writing direction would show another name, and a cell that begins with = runs as a formula.
"""

from __future__ import annotations

import re
from typing import Final

#: controls, line and paragraph separators, marks of writing direction, what has no width and would
#: hide a difference (the joiners of Persian, Hindi and emoji stay), halves of characters, tags
_HARMFUL = (
    r"\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_ANY: Final = re.compile(f"[{_HARMFUL}]")
_BUT_LINES: Final = re.compile(rf"(?!\n)[{_HARMFUL}]")
#: what a spreadsheet takes for a formula, full-width signs too; apostrophes before it are counted
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def one_line(text: str) -> str:
    r"""The text on one line: what would do more than be read is spelt out, as in `\n`."""
    return _ANY.sub(_spell, text)


def lines(text: str) -> str:
    """The same for text of several lines, whose line feeds stay."""
    return _BUT_LINES.sub(_spell, text)


def json_text(text: str) -> str:
    """A JSON document that says the same; what would do more than be read is escaped."""
    return _BUT_LINES.sub(_spell_json, text)


def sheet_cell(value: str) -> str:
    """A cell of a CSV file: an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{value}" if _FORMULA.match(value) else value


def from_sheet_cell(cell: str) -> str:
    """What `sheet_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _spell(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def _spell_json(match: re.Match[str]) -> str:
    octets = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[n]:02x}{octets[n + 1]:02x}" for n in range(0, len(octets), 2))
