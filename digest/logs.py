"""Logging: one handler for all loggers and for warnings.

A record is always one line. The lines of a traceback follow indented, so that no text from outside
can look like a record. Secrets are hidden (`redaction`).
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from digest.escaping import escape_to_one_line
from digest.redaction import redact

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_INDENT = "    "


class SafeFormatter(logging.Formatter):
    """Formats a record as one line, its traceback indented, without secrets."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        try:
            record.message = record.getMessage()
        except Exception:  # noqa: BLE001  (logging itself would print the arguments with secrets)
            record.message = f"{record.msg!r}: wrong number or type of arguments"
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        first = escape_to_one_line(redact(self.formatMessage(record).rstrip()))
        rest = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        if record.stack_info:
            rest = f"{rest}\n{record.stack_info}"
        return "\n".join([first, *_indent(rest)])


def set_up(level: str) -> None:
    """Log to standard error from a level on: "debug", "info", "warning" or "error"."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def log_thread_errors() -> None:
    """Log errors in threads and destructors, which Python would print with secrets."""
    log = logging.getLogger("digest")

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "?"
        log.critical("thread %s ended by a bug", name, exc_info=failure.exc_value)

    def in_destructor(failure: sys.UnraisableHookArgs) -> None:
        log.error("%s", failure.err_msg or "exception ignored", exc_info=failure.exc_value)

    threading.excepthook = in_thread
    sys.unraisablehook = in_destructor


def format_crash(error: BaseException, trace: TracebackType | None) -> str:
    """Return the traceback of a bug without secrets."""
    text = "".join(traceback.format_exception(type(error), error, trace))
    return "\n".join(["digest stopped because of a bug:", *_indent(text)])


def _indent(text: str) -> list[str]:
    return [
        f"{_INDENT}{escape_to_one_line(line)}" for line in redact(text).split("\n") if line.strip()
    ]
