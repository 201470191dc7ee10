"""Marks of pages with buttons: each page has its own, so that one posted again is known."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

from digest.presses import KEPT_FOR, READING

#: when it was shown, chance, and which of its forms
_SHAPE = re.compile(r"([0-9a-f]{1,10})\.[0-9a-f]{16}[ab]?", re.ASCII)


def new_mark(now: datetime) -> str:
    """A mark that no other page has; it tells when the page was shown."""
    return f"{int(now.timestamp()):x}.{secrets.token_hex(8)}"


def read_mark(text: str, now: datetime) -> str:
    """The mark of a posted form, fit to be stored; a form without one gets a new one."""
    if not text:
        return new_mark(now)
    return text if _SHAPE.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()


def is_hasty(text: str, now: datetime) -> bool:
    """Whether a page was posted before a person could have read it."""
    shape = _SHAPE.fullmatch(text)
    return shape is not None and abs(now.timestamp() - int(shape[1], 16)) < READING.total_seconds()


def is_outdated(text: str, now: datetime) -> bool:
    """Whether a page was shown so long ago that nobody remembers if it was posted."""
    shape = _SHAPE.fullmatch(text)
    return shape is not None and int(shape[1], 16) < (now - KEPT_FOR).timestamp()
