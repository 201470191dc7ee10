"""The log as JSON: one object a line, with the event and its fields, and nothing private."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import digest
from digest import logs, redaction
from digest.logs.events import RESERVED, parse_template

ANYTHING = st.text(st.characters(codec=None), max_size=60)
HARM = 'a\r\n{"event": "forged"}\x1b[2J\u202e\u2028\x85\udc80'
SOURCE = Path(digest.__file__).parent
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


@pytest.fixture
def log_stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(redaction, "_known", {})
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up("debug", "json")
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def format_line(message: Any, *args: object, name: str = "digest.web", **more: Any) -> Any:
    record = logging.LogRecord(name, logging.INFO, "x.py", 1, message, args, None)
    for key, value in more.items():
        setattr(record, key, value)
    text = logs.JsonFormatter().format(record)
    assert text.isascii()
    assert text.isprintable()
    return json.loads(text)


def fail_with(error: Exception) -> None:
    raise error


def test_a_line_has_its_event_and_fields_with_their_types() -> None:
    line = format_line("thumb subscriber=%d vote=%d late=%s part=%.1f via=page", 7, -1, True, 0.25)
    assert line.pop("process") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "digest.web",
        "event": "thumb",
        "subscriber": 7,
        "vote": -1,
        "late": True,
        "part": 0.2,
        "via": "page",
    }


def test_the_time_is_utc_in_iso_8601_in_every_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("digest", logging.INFO, "x.py", 1, "serve", (), None)
    record.created = 1_800_000_000.1234
    try:
        for zone in ("Pacific/Kiritimati", "America/St_Johns"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            for formatter in (logs.SafeFormatter(), logs.JsonFormatter()):
                assert "2027-01-15T08:00:00.123Z" in formatter.format(record)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("message", "args", "event", "fields", "detail"),
    [
        ("%s failed: %s", ("compose", "locked"), "compose failed", {}, "locked"),
        ("feed %s subscriber=%d", ("open", 3), "feed open", {"subscriber": 3}, ""),
        ("alarm kind=%s %s", ("disk", "a=b"), "alarm", {"kind": "disk"}, "a=b"),
        ("stopped; what computes is left", (), "stopped", {}, "what computes is left"),
        ("webhooks %s", (logs.Fields(delivered=2),), "webhooks", {"delivered": 2}, ""),
        ("ingest dump=%s %s", ("d", logs.Fields()), "ingest", {"dump": "d"}, ""),
        (
            "ingest dump=%s %s",
            ("d", logs.Fields(event=1)),
            "ingest",
            {"dump": "d", "event_": 1},
            "",
        ),
        ("%s", ("anything at all",), "message", {}, "anything at all"),
        ("a=%d", ("x",), "message", {}, "'a=%d': wrong number or type of arguments"),
        ("%s subscriber=%d", ("bad\nevent", 3), "message", {}, "bad\nevent subscriber=3"),
    ],
)
def test_the_event_is_read_from_the_message(
    message: str, args: tuple[object, ...], event: str, fields: dict[str, Any], detail: str
) -> None:
    line = format_line(message, *args)
    assert line["event"] == event
    assert {key: line[key] for key in line if key not in RESERVED} == fields
    assert line.get("detail", "") == detail


@given(ANYTHING, ANYTHING)
@example(HARM, HARM)
@example("%s %d", "x")
def test_no_text_forges_a_line_or_a_field(message: str, value: str) -> None:
    format_line(message, value)
    format_line(message, name="anything")
    line = format_line("thumb word=%s subscriber=%d: %s", value, 7, value)
    assert set(line) <= RESERVED | {"word", "subscriber"}
    assert (line["event"], line["subscriber"]) == ("thumb", 7)


def test_an_exception_is_a_field(log_stream: io.StringIO) -> None:
    redaction.register_secrets("swordfish-7")
    try:
        fail_with(ValueError("alice@example.org swordfish-7\nforged"))
    except ValueError:
        logging.getLogger("digest.compose").exception("digest not composed subscriber=%d", 5)
    (text,) = log_stream.getvalue().splitlines()
    line = json.loads(text)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: a…@example.org **********\nforged")
    assert (line["event"], line["subscriber"], line["level"]) == ("digest not composed", 5, "error")


@pytest.mark.parametrize("name", ["uvicorn.error", "apscheduler.scheduler", "sqlalchemy.engine"])
def test_libraries_log_in_the_same_form(log_stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning('Job "%s" of %s', "tick", "bob@example.org")
    line = json.loads(log_stream.getvalue())
    assert (line["logger"], line["event"]) == (name, "message")
    assert line["detail"] == 'Job "tick" of b…@example.org'


def test_a_crash_is_a_line_too(log_stream: io.StringIO) -> None:
    logs.write_crash(RuntimeError("a bug of ours"))
    line = json.loads(log_stream.getvalue())
    assert (line["event"], line["level"]) == ("crash", "critical")
    assert "RuntimeError: a bug of ours" in line["exception"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("550 <alice@example.org>: unknown", "550 <a…@example.org>: unknown"),
        ("to: bob%40mail.example.org&x", "to: b…@mail.example.org&x"),
        ('"a person"@example.org', "a…@example.org"),
        ("bounce+7=carol@b.example", "b…@b.example"),
        ("dave@[192.0.2.1] erin@localhost", "d…@[192.0.2.1] e…@localhost"),
        ("frédéric@exämple.org", "f…@exämple.org"),
        ("no address @ all, nor @decorator", "no address @ all, nor @decorator"),
        (
            "message=<digest.20261201.s7.k3ab@example.org>",
            "message=<digest.20261201.s7.k3ab@example.org>",
        ),
    ],
)
def test_addresses_are_masked_and_message_ids_are_not(text: str, masked: str) -> None:
    assert redaction.mask_addresses(text) == masked


@given(st.emails())
def test_every_address_is_masked(email: str) -> None:
    local, _, domain = email.rpartition("@")
    for form in ("text", "json"):
        formatter = logs.JsonFormatter() if form == "json" else logs.SafeFormatter()
        record = logging.LogRecord("digest", 20, "x", 1, "refused: to <%s>", (email,), None)
        assert f"{local}@{domain}" not in formatter.format(record) or len(local) == 1


def list_log_calls() -> Iterator[tuple[str, ast.expr]]:
    """Yield place and message of each call of a logger in the package."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and "log" in ast.unparse(node.func.value).lower()
            ):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.args[0]


def test_every_message_of_ours_has_an_event_and_named_values() -> None:
    calls = list(list_log_calls())
    assert len(calls) > 80
    faults = []
    for place, message in calls:
        options = [message.body, message.orelse] if isinstance(message, ast.IfExp) else [message]
        for option in options:
            text = option.value if isinstance(option, ast.Constant) else None
            template = parse_template(text) if isinstance(text, str) else None
            if template is None or len(template.event) > 40:
                faults.append(f"{place}: {ast.unparse(option)}")
    assert faults == [], "each is `event name=value: text`, with a short event of plain words"
