"""Text of form fields -> lines and numbers."""

from __future__ import annotations


def lines(text: str) -> tuple[str, ...]:
    """Split at line breaks only: names may contain commas."""
    return tuple(filter(None, (part.strip() for part in text.split("\n"))))


def number(text: str) -> int | None:
    """Return the number, or None for anything but one to four digits."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None
