"""What people type into fields -> words, lines and numbers."""

from __future__ import annotations

import re


def words(text: str) -> tuple[str, ...]:
    """One a line, or between commas and semicolons."""
    return tuple(filter(None, (part.strip() for part in re.split(r"[\n,;]", text))))


def lines(text: str) -> tuple[str, ...]:
    """One a line: names may hold commas."""
    return tuple(filter(None, (part.strip() for part in text.split("\n"))))


def number(text: str) -> int | None:
    """None for anything but a few plain digits."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None
