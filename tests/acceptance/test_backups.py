"""Backing up and restoring by commands, as an operator does."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from tests.acceptance.conftest import Run
from tests.conftest import TODAY, invent_papers


def write_dump(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in invent_papers(TODAY)))
    return path


def test_a_backup_of_the_morning_sends_nothing_again(run: Run, tmp_path: Path) -> None:
    day = str(TODAY)
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("ingest", str(write_dump(tmp_path / "d.jsonl")), "--date", day)
    assert "written: b.sqlite" in run("db", "backup", "b.sqlite").stdout
    assert "there already" in run("db", "backup", "b.sqlite", code=2).stderr
    assert json.loads(run("run", "--date", day, "--json").stdout)["send"]["accepted"] == 1
    text = run("db", "restore", "b.sqlite", "--yes", "--date", day).stdout
    assert "may be listed again" in text
    assert "Closed: each reader's local date up to 2026-06-09" in text
    again = json.loads(run("run", "--date", day, "--json").stdout)
    assert (again["compose"]["planned"], again["send"]["accepted"]) == (0, 0)
    assert json.loads(run("status", "--json").stdout)["closed_until"].startswith(day)
    assert "each reader's local date up to then is closed" in run("status").stdout


def test_a_restore_asks_first(run: Run) -> None:
    run("subscribe", "alice@example.org")
    run("db", "backup", "b.sqlite")
    run("subscribe", "bob@example.org")
    run("db", "restore", "b.sqlite", stdin="n\n", code=1)
    assert len(json.loads(run("subscribers", "--json").stdout)) == 2
    report = json.loads(run("db", "restore", "b.sqlite", "--json", stdin="y\n").stdout)
    assert report["keys"] in ("backup", "none")
    assert len(json.loads(run("subscribers", "--json").stdout)) == 1


def test_a_kept_mail_is_private(run: Run, tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        run("bounce", "--keep", "kept", stdin="Subject: hello\n\nfor a person\n")
    finally:
        os.umask(former)
    (mail,) = (tmp_path / "kept").iterdir()
    assert [oct(stat.S_IMODE(path.stat().st_mode)) for path in (mail.parent, mail)] == [
        "0o700",
        "0o600",
    ]
