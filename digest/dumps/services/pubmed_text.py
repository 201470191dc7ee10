"""Titles and dates of PubMed, in XML and in tagged text. Knows no record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from digest.dumps.fields import make_day, parse_month, strip_full_stop
from digest.dumps.xml_text import Node, text_of
from digest.markup import shift_script

_MEDLINE_DATE: Final = re.compile(
    r"\s*([0-9]{4})(?:\s+([A-Za-z]{3})[a-z]*(?:\s+([0-9]{1,2}))?(?![A-Za-z0-9]))?"
)

#: publication type -> reason, for notices about other papers without a text of their own
NOTICE_TYPES: Final = {
    "published erratum": "erratum notice",
    "expression of concern": "concern notice",
}
RETRACTION_TYPES: Final = frozenset({"retraction of publication", "retraction notice"})
_TRANSLATED: Final = re.compile(r"\[(.+)\]\.?", re.DOTALL)
_PLACEHOLDER_TITLES: Final = frozenset({"", "not available", "in process citation"})

Parts = tuple[int, ...]


def choose_title(title: str, vernacular: str) -> str:
    """Return the title without the brackets of a translation, else the original title."""
    if (translated := _TRANSLATED.fullmatch(title)) is not None and _has_balanced_brackets(
        translated[1]
    ):
        title = translated[1]
    title = strip_full_stop(title)
    return title if title.lower() not in _PLACEHOLDER_TITLES else strip_full_stop(vernacular)


def _has_balanced_brackets(inner: str) -> bool:
    """Whether brackets around this text match; those of "[18F]FDG or [11C]" do not."""
    depth = 0
    for character in inner:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return depth == 0


def find_submission_day(
    published: Sequence[Parts], announced: date | None, today: date
) -> date | None:
    """Find the day of publication.

    The earliest complete day; else the first day of the earliest month; else the day in PubMed if
    it is in that year.
    """
    for length in (3, 2):
        days = [
            day
            for parts in published
            if len(parts) == length and (day := make_complete_day((*parts, 1)[:3], today))
        ]
        if days:
            return min(days)
    return (
        announced
        if announced and any(parts[:1] == (announced.year,) for parts in published)
        else None
    )


def parse_date_parts(node: Node) -> Parts:
    """Parse year, month and day as far as they are known.

    A range ("2026 Mar-Apr", "2025 Dec-2026 Jan") is its beginning, a season only its year.
    """
    if node is None:
        return ()
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in node}
    if _MEDLINE_DATE.match(medline_date := texts.get("MedlineDate", "")):
        return parse_date_text(medline_date)
    return _parse_parts(*(texts.get(name, "") for name in ("Year", "Month", "Day")))


def parse_date_text(text: str) -> Parts:
    """Parse "2026 Mar 4" as far as it is known; a range is its beginning."""
    match = _MEDLINE_DATE.match(text)
    return _parse_parts(*match.groups(default="")) if match else ()


def _parse_parts(year: str, month: str, day: str) -> Parts:
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
