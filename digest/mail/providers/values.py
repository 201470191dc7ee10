"""What any provider can report, and reading JSON that may hold anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

#: bounce      = refused for good, or given up
#: complaint   = the reader marked a mail as spam
#: unsubscribe = the reader left by a link or header of the provider
#: delivered   = the reader's server took it
#: other       = nothing to do, such as a mail that is still tried, or an unknown event
EventKind = Literal["bounce", "complaint", "unsubscribe", "delivered", "other"]

#: a signed request that is older is a replay; the ids of events are kept for longer
MAX_AGE = timedelta(days=3)
#: how far a provider's clock may be ahead
_AHEAD = timedelta(hours=1)
#: characters of any text that is kept
_TEXT_MAX = 2000
#: events of one request at most
EVENTS_MAX = 5000


class UnverifiedError(Exception):
    """A request that its provider did not sign, or not lately."""


class MalformedError(Exception):
    """A genuine request that is not of the documented shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderEvent:
    """One event about one recipient."""

    provider: str
    #: the provider's id, or what tells its events apart
    id: str
    kind: EventKind
    #: the provider's own word for it
    name: str
    recipient: str
    #: Message-IDs of the mail that it may be about, the likeliest first
    message_ids: tuple[str, ...] = ()
    #: envelope sender of the mail; "" = not told
    sender: str = ""
    #: of a bounce: the provider says that the address does not exist
    hard: bool = False
    #: enhanced status code; "" = not told
    enhanced: str = ""
    #: SMTP reply code; 0 = not told
    code: int = 0
    #: the words of the server that refused, or of the provider
    text: str = ""


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        MalformedError: it is something else.
    """
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        raise MalformedError("the body is no JSON object")
    return parsed


def parse_objects(body: bytes) -> list[dict[str, Any]]:
    """Parse a JSON object, or an array of them; what else is in the array is left out.

    Raises:
        MalformedError: it is something else, or too much.
    """
    parsed = _parse(body)
    objects = parsed if isinstance(parsed, list) else [parsed]
    if len(objects) > EVENTS_MAX:
        raise MalformedError(f"more than {EVENTS_MAX} events at once")
    if not isinstance(parsed, dict | list):
        raise MalformedError("the body is no JSON object or array")
    return [item for item in objects if isinstance(item, dict)]


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the body is no JSON") from error


def text_of(values: Any, *path: str) -> str:
    """Return the text at a path of keys; a number as text; "" for anything else."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    if isinstance(values, bool) or not isinstance(values, str | int | float):
        return ""
    # PostgreSQL stores neither NUL nor lone surrogates
    text = str(values)[:_TEXT_MAX].replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def object_of(values: Any, key: str) -> dict[str, Any]:
    """Return the object under a key; an empty one for anything else."""
    inner = values.get(key) if isinstance(values, dict) else None
    return inner if isinstance(inner, dict) else {}


def objects_of(values: Any, key: str) -> list[dict[str, Any]]:
    """Return the objects in the array under a key."""
    inner = values.get(key) if isinstance(values, dict) else None
    return [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []


def code_of(text: str) -> int:
    """Return an SMTP reply code; 0 for anything else."""
    digits = text.strip()[:3]
    number = int(digits) if digits.isascii() and digits.isdecimal() else 0
    return number if 400 <= number <= 599 else 0


def check_age(sent: datetime, now: datetime) -> None:
    """Refuse a signed request that is too old, or far ahead.

    Raises:
        UnverifiedError: it may be a replay.
    """
    if not -_AHEAD <= now - sent <= MAX_AGE:
        raise UnverifiedError(f"it was signed at {sent:%Y-%m-%d %H:%M} UTC, which is not now")
