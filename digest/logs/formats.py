"""How a log record is written: as a line of text, or as a JSON object on one line.

A record is always one line. As text, the lines of a traceback follow indented, so that no text from
outside can look like a record; as JSON, the traceback is a field.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from digest.escaping import escape_to_one_line
from digest.logs.events import format_message, read_event
from digest.redaction import mask_addresses, redact

Format = Literal["text", "json"]
_INDENT = "    "


class SafeFormatter(logging.Formatter):
    """Formats a record as one line, its traceback indented, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.levelname} {record.name} {format_message(record)}".rstrip()
        first = f"{_format_time(record)} {escape_to_one_line(_clean(text))}"
        rest = _format_exception(self, record)
        if record.stack_info:
            rest = f"{rest}\n{record.stack_info}"
        return "\n".join([first, *_indent(rest)])


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line, without secrets.

    Its keys are time, level, logger, process, event, the fields of the event, and where there is
    something to say detail, exception and stack.
    """

    def format(self, record: logging.LogRecord) -> str:
        event = read_event(record)
        line: dict[str, Any] = {
            "time": _format_time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "event": event.name,
        }
        line |= {name: _clean_value(value) for name, value in event.fields.items()}
        texts = {
            "detail": event.detail,
            "exception": _format_exception(self, record),
            "stack": record.stack_info or "",
        }
        line |= {name: _clean(text) for name, text in texts.items() if text}
        # ASCII alone: no separator of lines, no control of a terminal, no lone surrogate is left
        return json.dumps(line, ensure_ascii=True)


def format_crash(error: BaseException, trace: TracebackType | None) -> str:
    """Return the traceback of a bug without secrets."""
    text = "".join(traceback.format_exception(type(error), error, trace))
    return "\n".join(["digest stopped because of a bug:", *_indent(text)])


def _format_time(record: logging.LogRecord) -> str:
    """Format as in 2026-12-01T07:00:00.123Z, the same in every time zone."""
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _format_exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info:
        return formatter.formatException(record.exc_info)
    return record.exc_text or ""


def _clean(text: str) -> str:
    return mask_addresses(redact(text))


def _clean_value(value: Any) -> Any:
    """Make a value of a field fit for JSON."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _clean(str(value))


def _indent(text: str) -> list[str]:
    return [
        f"{_INDENT}{escape_to_one_line(line)}" for line in _clean(text).split("\n") if line.strip()
    ]
