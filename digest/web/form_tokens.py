"""Form tokens recognise a form that is posted twice.

Each page with buttons has its own token.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

from digest.presses import KEPT_FOR, READING

#: time when the page was shown, random digits, and which of its forms: a letter, on a page of
#: several papers behind the number of the paper
_SHAPE = re.compile(r"([0-9a-f]{1,10})\.[0-9a-f]{16}(?:(?:\.[0-9]{1,4})?[ab])?", re.ASCII)


def new_form_token(now: datetime) -> str:
    """Make a unique token that holds the time when the page was shown."""
    return f"{int(now.timestamp()):x}.{secrets.token_hex(8)}"


def normalise_form_token(text: str, now: datetime) -> str:
    """Return the token of a posted form, safe to store.

    A form without one gets a new token.
    """
    if not text:
        return new_form_token(now)
    return text if _SHAPE.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()


def is_too_fast(text: str, now: datetime) -> bool:
    """Return whether a page was posted before a person could have read it."""
    shape = _SHAPE.fullmatch(text)
    return shape is not None and abs(now.timestamp() - int(shape[1], 16)) < READING.total_seconds()


def is_expired(text: str, now: datetime) -> bool:
    """Return whether the token is older than the stored tokens, so it may be a repeat."""
    shape = _SHAPE.fullmatch(text)
    return shape is not None and int(shape[1], 16) < (now - KEPT_FOR).timestamp()
