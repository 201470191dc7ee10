"""Text and dates of PubMed XML. Knows no record."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from digest.dumps.fields import make_day, parse_month
from digest.dumps.xml_text import Node, text_of
from digest.markup import shift_script

_MEDLINE_DATE: Final = re.compile(
    r"\s*([0-9]{4})(?:\s+([A-Za-z]{3})[a-z]*(?:\s+([0-9]{1,2}))?(?![A-Za-z0-9]))?"
)

Parts = tuple[int, ...]


def parse_date_parts(node: Node) -> Parts:
    """Parse year, month and day as far as they are known.

    A range ("2026 Mar-Apr", "2025 Dec-2026 Jan") is its beginning, a season only its year.
    """
    if node is None:
        return ()
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in node}
    if (match := _MEDLINE_DATE.match(texts.get("MedlineDate", ""))) is not None:
        year, month, day = match.groups(default="")
    else:
        year, month, day = (texts.get(name, "") for name in ("Year", "Month", "Day"))
    numbers = (
        _parse_number(year, 4),
        parse_month(month[:3]) or _parse_number(month, 2),
        _parse_number(day, 2),
    )
    known_count = next((position for position, number in enumerate(numbers) if not number), 3)
    return tuple(filter(None, numbers[:known_count]))


def _parse_number(text: str, digits: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0


def make_complete_day(parts: Parts, today: date) -> date | None:
    """Build the day if year, month and day are all known."""
    return make_day(parts[0], parts[1], parts[2], today) if len(parts) == 3 else None


def words_of(node: Node) -> str:
    """Join all text below an element on one line.

    H<sub>2</sub>O and 10<sup>-3</sup> keep their shape.
    """
    if node is None:
        return ""
    if len(node):
        for element in node.iter("{*}sub", "{*}sup"):
            if not len(element) and element.text:
                element.text = shift_script(element.tag.rpartition("}")[2], element.text)
    return " ".join(text_of(node).split())
