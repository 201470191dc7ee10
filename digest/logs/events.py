"""A log record -> its event and fields.

A message is written as `event name=value name=value: detail`, where the event is a few words:

    log.info("message settled subscriber=%d state=%s", 7, "accepted")
    log.warning("mail server paused server=%s seconds=%.0f: %s", name, seconds, error)

The names are read from the message before its values are put in, so no value can forge a field.
`Fields` as the last value brings further fields.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

#: keys of a line itself, which no field may have
RESERVED: Final = frozenset(
    {"time", "level", "logger", "event", "detail", "process", "exception", "stack"}
)
#: event of a message that does not follow the form, such as those of libraries
MESSAGE: Final = "message"

_PLACEHOLDER: Final = re.compile(r"%(?:%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")
_FIELD: Final = re.compile(r"([a-z_]+)=(.+?)")
#: what ends the event or the fields
_END: Final = (":", ";")
#: a word of an event, before its values are put in
_WORD: Final = re.compile(r"%s|[\w'-]+")
_CONSTANT: Final = re.compile(r"[\w.-]+")
#: words of an event, also with their values put in
_EVENT: Final = re.compile(r"[A-Za-z][\w' -]{0,79}")


class Fields(dict[str, Any]):
    """Further fields of a record; as text they are `name=value name=value`."""

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What a record says."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    #: what is said beside the fields, or ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """The parts of a message before its values are put in."""

    event: str
    #: name and value; the value is a placeholder or a constant
    fields: tuple[tuple[str, str], ...]
    detail: str


def read_event(record: logging.LogRecord) -> Event:
    """Return the event of a record; any record has one.

    Only the service's own records have names of events: libraries write as they like.
    """
    is_own = isinstance(record.msg, str) and f"{record.name}.".startswith("digest.")
    template = parse_template(str(record.msg)) if is_own else None
    # logging itself takes a mapping that is the only value out of its tuple
    args = (record.args,) if isinstance(record.args, Fields) else record.args or ()
    if template is not None and isinstance(args, tuple):
        try:
            event = _fill(template, list(args))
        except (TypeError, ValueError, IndexError):  # wrong number or type of arguments
            event = None
        if event is not None:
            return event
    return Event(name=MESSAGE, detail=format_message(record))


def format_message(record: logging.LogRecord) -> str:
    """Return the message with its values; a mistake in them never raises."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  (logging itself would print the arguments with secrets)
        return f"{record.msg!r}: wrong number or type of arguments"


@lru_cache(maxsize=512)
def parse_template(message: str) -> Template | None:
    """Cut a message into event, fields and detail; None where it has another form."""
    words = message.split(" ")
    event: list[str] = []
    fields: list[tuple[str, str]] = []
    ended = False  # by a colon or semicolon, after which comes the detail
    while words and not ended and _belongs_to_event(words, first=not event):
        word = words.pop(0)
        ended = word.endswith(_END)
        event.append(word.rstrip(":;"))
    while words and not ended and (match := _FIELD.fullmatch(words[0])):
        ended = words.pop(0).endswith(_END)
        name, value = match[1], match[2].rstrip(":;")
        if name in RESERVED or not (_PLACEHOLDER.fullmatch(value) or _CONSTANT.fullmatch(value)):
            return None
        fields.append((name, value))
    if event in ([], ["%s"]) and not fields:
        return None
    if not event or not all(_WORD.fullmatch(word) for word in event):
        return None
    return Template(event=" ".join(event), fields=tuple(fields), detail=" ".join(words))


def _belongs_to_event(words: list[str], *, first: bool) -> bool:
    """Return whether the first of the words left is part of the event.

    A value is one where it begins the event, or stands right before the fields.
    """
    if words[0] != "%s":
        return not _FIELD.fullmatch(words[0])
    return first or (len(words) > 1 and _FIELD.fullmatch(words[1]) is not None)


def _fill(template: Template, values: list[Any]) -> Event | None:
    """Put values in; None where the event has other than plain words then."""
    name = _put_in(template.event, values)
    fields: dict[str, Any] = {}
    for field_name, value in template.fields:
        fields[field_name] = _take(value, values) if value.startswith("%") else value
    detail = template.detail
    if detail == "%s" and len(values) == 1 and isinstance(values[0], Fields):
        more = values.pop()
        fields |= {f"{key}_" if key in RESERVED else key: more[key] for key in more}
        detail = ""
    detail = _put_in(detail, values)
    if values or not _EVENT.fullmatch(name):
        return None
    return Event(name=name, fields=fields, detail=detail)


def _put_in(text: str, values: list[Any]) -> str:
    """Put the next values into a text, and take them from the list."""
    count = sum(match[0] != "%%" for match in _PLACEHOLDER.finditer(text))
    if count > len(values):
        raise IndexError
    taken = tuple(values[:count])
    del values[:count]
    return text % taken if "%" in text else text


def _take(placeholder: str, values: list[Any]) -> Any:
    """Take the next value: a number or truth value as such, all else as its text."""
    value = values.pop(0)
    text = placeholder % (value,)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return float(text) if placeholder[-1] in "feg" and math.isfinite(value) else text
    return text
