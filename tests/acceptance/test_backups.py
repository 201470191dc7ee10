"""Backing up and restoring by commands, as an operator does."""

from __future__ import annotations

import json
import os
import sqlite3
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


def test_history_is_pruned_and_the_database_checked_and_made_shorter(
    run: Run, tmp_path: Path
) -> None:
    day = str(TODAY)
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("ingest", str(write_dump(tmp_path / "d.jsonl")), "--date", day)
    run("run", "--date", day)
    later = ("--date", "2036-01-01")
    dry = json.loads(run("db", "prune", "--dry-run", "--json", *later).stdout)
    assert "dry run: nothing was changed" in run("db", "prune", "--dry-run", *later).stdout
    done = json.loads(run("db", "prune", "--json", *later).stdout)
    assert done == dry | {"dry_run": False}
    assert {kind["name"]: kind["rows"] for kind in done["pruned"]}["raw"] == 16
    assert "MB ->" in run("db", "vacuum").stdout
    report = json.loads(run("db", "check", "--json").stdout)
    assert report["sound"]
    with sqlite3.connect(tmp_path / "digest.sqlite") as raw:
        raw.execute("DELETE FROM digest_items")
    raw.close()
    assert "1 digests have no message or no papers" in run("db", "check", code=1).stdout


def test_a_store_moves_by_two_commands_and_sends_nothing_again(run: Run, tmp_path: Path) -> None:
    day = str(TODAY)
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("ingest", str(write_dump(tmp_path / "d.jsonl")), "--date", day)
    run("run", "--date", day)
    assert "1 reader, 16 papers, 1 digest" in run("db", "export", "moved.zip").stdout
    assert "there already" in run("db", "export", "moved.zip", code=2).stderr
    target = {"DIGEST_STORE__URL": "sqlite:///other.sqlite"}
    assert "1 reader, 16 papers, 1 digest" in run("db", "import", "moved.zip", **target).stdout
    again = json.loads(run("run", "--date", day, "--json", **target).stdout)
    assert (again["compose"]["planned"], again["send"]["accepted"]) == (0, 0)
    assert "is not empty" in run("db", "import", "moved.zip", code=1, **target).stderr
    assert "no export" in run("db", "import", "d.jsonl", code=2, **target).stderr
