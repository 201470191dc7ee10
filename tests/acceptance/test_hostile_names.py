"""Hostile names in everything that commands print and the service logs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import httpx
import msgspec
import pytest

from digest import logs, pipeline, serve, subscriptions
from digest.app import App
from digest.model import Purpose
from digest.subscriptions import SubscriptionRequest
from tests.acceptance.conftest import Run
from tests.conftest import TODAY, invent_papers, make_app

#: a forged line, a command to the terminal, a turned name, and what `splitlines` breaks at
EVIL = "a\nforged\r\x1b[2J\x1b]0;owned\x07\x9b1m\u202egpj\u2066\u2028forged\x85forged"
RAW = set("\r\x1b\x07\x9b\u202e\u2066\u2028\x85")


def check_harmless(text: str, *, wrapped: bool = False) -> None:
    """Check that no raw control character and no forged line is in a text.

    With `wrapped` the text is running text, in which any word may begin a line.
    """
    assert not set(text) & RAW
    assert wrapped or not [line for line in text.splitlines() if line.startswith("forged")]


@pytest.mark.slow
def test_every_command_escapes_names(run: Run, tmp_path: Path) -> None:
    rows = invent_papers(TODAY)
    rows[0] |= {"title": EVIL, "authors": [EVIL], "categories": [EVIL]}
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / f"{EVIL}.jsonl").write_bytes(
        b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    )
    (inbox / f"{EVIL}.bin").write_bytes(EVIL.encode())
    (inbox / f"2{EVIL}.jsonl").write_bytes(
        msgspec.json.encode(rows[0]) + b"\n" + EVIL.encode() + b"\n"
    )
    readers = tmp_path / f"{EVIL}.csv"
    readers.write_text(f'email,name,keywords\na@example.org,"{EVIL}","{EVIL}"\n"{EVIL}",,\n')
    settings = {"DIGEST_MAIL__NAME": EVIL, "DIGEST_LOG__LEVEL": "debug"}
    for words in (
        ("subscribe", "--file", str(readers)),
        ("ingest", str(inbox)),
        ("ingest", str(inbox / f"no{EVIL}")),
        ("suppressions", "add", "z@example.org", "--evidence", EVIL),
        ("subscribers",),
        ("dumps",),
        ("rejects",),
        ("withdrawn",),
        ("compose",),
        ("preview", "a@example.org"),
        ("preview", "a@example.org", "--text"),
        ("rate", "a@example.org", EVIL, "up"),
        ("explain", "a@example.org"),
        ("send",),
        ("deliveries",),
        ("deliveries", EVIL),
        ("suppressions",),
        ("status",),
        ("config",),
        ("doctor", "--offline"),
        ("fetch", EVIL),
        ("import-library", "a@example.org", str(inbox / f"{EVIL}.bin")),
    ):
        for more in ((), ("--json",)):
            try:
                done = run(*words, *more, **settings)
            except AssertionError as error:  # a command may fail, with any code
                _, _, text = str(error).partition(":\n")
                check_harmless(text)
            else:
                check_harmless(done.stdout + done.stderr, wrapped="--text" in words)
                assert not more or json.loads(done.stdout) is not None


def test_the_log_of_a_service_holds_neither_forged_lines_nor_tokens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="a@example.org"), origin="command"
    ).subscriber
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / f"{EVIL}.jsonl").write_bytes(b"{")
    os.utime(tmp_path / "inbox" / f"{EVIL}.jsonl", (0, 0))  # old enough to be complete
    path = app.url(Purpose.MANAGE, reader.id).removeprefix(app.config.web.base_url)
    token = path.rpartition("/")[2]

    def fail(app: App, token: str, purpose: Purpose) -> None:
        raise RuntimeError(f"{EVIL} {token}")

    try:
        logs.set_up("debug")
        (first, *_) = serve.scheduling(serve.Service(app))
        first.tick()
        monkeypatch.setattr(pipeline, "read_link", fail)
        with serve.Background(app) as address:
            answer = httpx.get(f"{address}{path}", headers={"Referer": path}, trust_env=False)
            assert answer.status_code == 500
            assert token not in answer.text
    finally:
        app.close()
    log = capfd.readouterr().err
    assert token not in log
    assert "    RuntimeError: a\n    forged\\r\\x1b[2J" in log
    assert "dump=a\\nforged" in log
    assert not set(log) & RAW
    record = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.]+ |    ")
    assert [line for line in log.splitlines() if not record.match(line)] == []
