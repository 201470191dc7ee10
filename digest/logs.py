"""The log of a process: one handler for all loggers, own and foreign, and for warnings.

A record is one line, whatever stands in it; the lines of a traceback follow indented, so that
nothing from outside can look like a record. Secrets are hidden (`redaction`).
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from digest.escaping import one_line
from digest.redaction import hide

_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"
_INDENT = "    "


class SafeFormatter(logging.Formatter):
    """Formats a record as one line, its traceback as indented ones, without secrets."""

    def __init__(self) -> None:
        super().__init__(_FORM)

    def format(self, record: logging.LogRecord) -> str:
        try:
            record.message = record.getMessage()
        except Exception:  # noqa: BLE001  (logging itself would print the arguments unhidden)
            record.message = f"{record.msg!r}: its arguments do not fit"
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        first = one_line(hide(self.formatMessage(record).rstrip()))
        rest = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        if record.stack_info:
            rest = f"{rest}\n{record.stack_info}"
        return "\n".join([first, *_indented(rest)])


def set_up(level: str) -> None:
    """Log to standard error from `level` on: "debug", "info", "warning" or "error"."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def guard_threads() -> None:
    """Let a bug that ends a thread or a destructor be logged instead of printed as it is."""
    log = logging.getLogger("digest")

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "?"
        log.critical("thread %s ended by a mistake of ours", name, exc_info=failure.exc_value)

    def in_destructor(failure: sys.UnraisableHookArgs) -> None:
        log.error("%s", failure.err_msg or "exception ignored", exc_info=failure.exc_value)

    threading.excepthook = in_thread
    sys.unraisablehook = in_destructor


def report_crash(error: BaseException, trace: TracebackType | None) -> str:
    """The traceback of a bug, as it may be shown."""
    text = "".join(traceback.format_exception(type(error), error, trace))
    return "\n".join(["digest stopped by a mistake of ours:", *_indented(text)])


def _indented(text: str) -> list[str]:
    return [f"{_INDENT}{one_line(line)}" for line in hide(text).split("\n") if line.strip()]
