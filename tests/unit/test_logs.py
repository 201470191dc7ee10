"""Log records: one line each, whoever wrote the words, and without secrets."""

from __future__ import annotations

import io
import logging
import sys
import threading
import unicodedata
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest import logs, redaction

ANYTHING = st.text(st.characters(codec=None), max_size=60)
HARM = "a\r\n2026-01-01 00:00:00,000 INFO digest.web forged\x1b[2J\u202e\u2028\x85\udc80"


@pytest.fixture(autouse=True)
def _restore_secrets_and_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


@pytest.fixture
def log_stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up("debug")
    return stream


def fail_with(error: Exception) -> None:
    raise error


def format_record(message: object, *args: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    name, level = "digest.web", logging.INFO
    record = logging.LogRecord(name, level, "x.py", 1, message, args, info)  # type: ignore[arg-type]
    return logs.SafeFormatter().format(record)


@given(ANYTHING, ANYTHING)
@example(HARM, HARM)
@example("%s %d", "x")
@example("%(", HARM)
def test_a_record_is_one_line_without_raw_controls(message: str, argument: str) -> None:
    for text in (
        format_record(message),
        format_record("%s", argument),
        format_record(message, argument),
    ):
        assert len(text.splitlines()) == 1
        assert not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}


@given(ANYTHING)
@example(HARM)
def test_the_lines_of_a_traceback_cannot_look_like_records(text: str) -> None:
    try:
        fail_with(ValueError(text))
    except ValueError as error:
        shown = format_record("it failed", error=error)
    first, *rest = shown.split("\n")
    assert first.endswith("it failed")
    assert len(rest) >= 3
    assert all(line.startswith("    ") for line in rest)
    assert shown.splitlines() == shown.split("\n")


def test_secrets_are_hidden_in_words_arguments_and_chains_of_errors() -> None:
    redaction.register_secrets("swordfish-7")
    try:
        try:
            fail_with(OSError("login swordfish-7 refused"))
        except OSError as inner:
            raise RuntimeError("https://me:other@h/x?api_key=k77") from inner
    except RuntimeError as error:
        shown = format_record("swordfish-7 %s", ["swordfish-7"], error=error)
    assert "swordfish-7" not in shown
    assert "other" not in shown
    assert "k77" not in shown
    assert "OSError: login ********** refused" in shown


@pytest.mark.parametrize(
    "name",
    [
        "digest.web",
        "httpx",
        "httpcore.http11",
        "uvicorn.error",
        "sqlalchemy.engine.Engine",
        "aiosmtplib",
        "apscheduler.scheduler",
        "alembic",
        "asyncio",
        "py.warnings",
        "anything",
    ],
)
def test_every_logger_goes_through_the_one_handler(log_stream: io.StringIO, name: str) -> None:
    redaction.register_secrets("swordfish-7")
    logging.getLogger(name).warning("key=%s\nforged", "swordfish-7")
    assert log_stream.getvalue().endswith(f" WARNING {name} key=**********\\nforged\n")
    assert log_stream.getvalue().count("\n") == 1


def test_wrong_arguments_are_not_printed_by_logging_itself(log_stream: io.StringIO) -> None:
    redaction.register_secrets("swordfish-7")
    root = logging.getLogger()  # pytest has a handler too, and it would fail first
    root.handlers[:] = [h for h in root.handlers if isinstance(h.formatter, logs.SafeFormatter)]
    logging.getLogger("digest").warning("%d papers", "swordfish-7")
    assert "swordfish-7" not in log_stream.getvalue()
    assert "'%d papers': wrong number or type of arguments" in log_stream.getvalue()


def test_secrets_in_warnings_are_hidden(log_stream: io.StringIO) -> None:
    redaction.register_secrets("swordfish-7")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("swordfish-7 is old", DeprecationWarning, stacklevel=1)
    assert "WARNING py.warnings" in log_stream.getvalue()
    assert "DeprecationWarning: ********** is old" in log_stream.getvalue()


def test_secrets_in_errors_of_threads_are_hidden(log_stream: io.StringIO) -> None:
    redaction.register_secrets("swordfish-7")
    logs.log_thread_errors()

    def fail() -> None:
        raise RuntimeError("swordfish-7")

    thread = threading.Thread(target=fail, name="t1")
    thread.start()
    thread.join()
    assert "CRITICAL digest thread ended thread=t1: a bug\n    Traceback" in log_stream.getvalue()
    assert "RuntimeError: **********" in log_stream.getvalue()
    assert "swordfish" not in log_stream.getvalue()


def test_secrets_in_a_crash_are_hidden() -> None:
    redaction.register_secrets("swordfish-7")
    error = RuntimeError("swordfish-7\nforged")
    text = logs.format_crash(error, error.__traceback__)
    assert "swordfish" not in text
    assert all(line.startswith("    ") for line in text.split("\n")[1:])
