"""Send every record of this process through one handler."""

from __future__ import annotations

import logging
import sys
import threading

from digest.logs.formats import Format, JsonFormatter, SafeFormatter, format_crash


def set_up(level: str, form: Format = "text") -> None:
    """Log to standard error.

    Args:
        level: from which on: "debug", "info", "warning" or "error".
        form: of a line.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else SafeFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def current_format() -> Format:
    """Return the form in which this process logs."""
    formatters = (handler.formatter for handler in logging.getLogger().handlers)
    return "json" if any(isinstance(f, JsonFormatter) for f in formatters) else "text"


def log_thread_errors() -> None:
    """Log errors in threads and destructors, which Python would print with secrets."""
    log = logging.getLogger("digest")

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "?"
        log.critical("thread ended thread=%s: a bug", name, exc_info=failure.exc_value)

    def in_destructor(failure: sys.UnraisableHookArgs) -> None:
        log.error(
            "exception ignored: %s",
            failure.err_msg or "in a destructor",
            exc_info=failure.exc_value,
        )

    threading.excepthook = in_thread
    sys.unraisablehook = in_destructor


def write_crash(error: BaseException) -> None:
    """Write the traceback of a bug that ends the process, in the form of the log."""
    if current_format() == "json":
        logging.getLogger("digest").critical(
            "crash: digest stopped because of a bug", exc_info=error
        )
    else:
        sys.stderr.write(f"{format_crash(error, error.__traceback__)}\n")
