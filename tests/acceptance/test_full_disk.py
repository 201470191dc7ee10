"""Disks that are full or read-only: each command says so, and goes on once they are not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from digest import config, pipeline, services, store, web
from digest.app import App
from digest.store import tables
from tests.acceptance.conftest import Run
from tests.conftest import ROOT, TODAY, invent_papers, read_mails, skip_or_fail, write_dump
from tests.fakes.small_disk import SmallDisk, why_not
from tests.webclient import Client

pytestmark = pytest.mark.slow
KB = 1024
READERS = 3


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if why := why_not(tmp_path):
        skip_or_fail(why)
    with SmallDisk(tmp_path / "disk", megabytes=8) as mounted:
        yield mounted


def set_up(run: Run, folder: Path, **sections: str) -> None:
    """Write a config in the working folder, and subscribe readers."""
    sections = {"mail": 'sender = "digest@example.org"', **sections}
    lines = "".join(f"[{name}]\n{text}\n" for name, text in sections.items())
    (folder / "config.toml").write_text(lines)
    for number in range(READERS):
        run("subscribe", f"reader{number}@example.org", "--size", "50", "--strictness", "always")


def open_app(folder: Path) -> App:
    return App.open(config.load(folder / "config.toml", {}))


def read_states(app: App, *columns: Any) -> Counter[Any]:
    with app.store.reading() as tx:
        return Counter(tuple(row) for row in tx.execute(select(*columns)))


def check_nothing_lost(folder: Path, days: int) -> None:
    """Each reader has one mail of each day, each paper once, and the store is sound."""
    app = open_app(folder)
    with app.store.reading() as tx:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    states = read_states(app, tables.messages.c.state)
    assert states == {("accepted",): days * READERS}
    query = select(tables.digests.c.subscriber_id, tables.digest_items.c.paper_id).join_from(
        tables.digest_items, tables.digests
    )
    with app.store.reading() as tx:
        listed = Counter(tuple(row) for row in tx.execute(query))
        papers = len(tx.execute(select(tables.papers.c.id)).all())
    assert papers == days * 40
    assert set(listed.values()) == {1}
    assert len(read_mails(app)) == days * READERS
    app.close()


def test_a_store_on_a_full_disk_loses_and_doubles_nothing(
    run: Run, disk: SmallDisk, tmp_path: Path
) -> None:
    set_up(run, tmp_path, store=f'url = "sqlite:///{disk.folder}/digest.sqlite"')
    failed = 0
    rooms = (0, 20, 60, 150, 400)
    for number, room in enumerate(rooms):
        day = TODAY + timedelta(days=number)
        dump = write_dump(tmp_path / "dumps", day, invent_papers(day, 10))
        for words in (
            ("ingest", str(dump), "--seen", "name"),
            ("run", "--date", str(day)),
            ("db", "backup", str(tmp_path / f"backup{number}")),
        ):
            disk.fill(left=room * KB)
            failed += run_on_bad_disk(run, *words)
            disk.free()
            end_claims(tmp_path)
            run(*(words if words[0] != "db" else (*words, "--force")))
    assert failed >= len(rooms), "the disk was full at some point of each day"
    check_nothing_lost(tmp_path, days=len(rooms))


def end_claims(folder: Path) -> None:
    """End the claims of a command that is over, since it ran in this process."""
    app = open_app(folder)
    now = app.now()
    with app.store.writing() as tx:
        ledger = store.ledger
        ledger.recover(
            tx, dead=ledger.list_owners(tx), now=datetime.min.replace(tzinfo=UTC), clock=now
        )
    app.close()


def run_on_bad_disk(run: Run, *words: str) -> bool:
    """Run a command that may fail; return whether it did, with one line that says what to do."""
    try:
        run(*words)
    except AssertionError as error:
        text = str(error)
        assert "ended with 1" in text, text
        assert "Traceback" not in text
        assert "disk" in text, text
        assert "run it again" in text or "Check" in text, text
        return True
    return False


def test_a_backup_that_does_not_fit_leaves_the_old_one(
    run: Run, disk: SmallDisk, tmp_path: Path
) -> None:
    set_up(run, tmp_path)
    backup = disk.folder / "backup"
    run("db", "backup", str(backup))
    before = backup.read_bytes()
    for left in (0, 100 * KB):
        disk.fill(left=left)
        said = run("db", "backup", str(backup), "--force", code=1).stderr
        assert f"{disk.folder}: has no room for the backup" in said
        assert backup.read_bytes() == before
        disk.free()
        assert [path.name for path in disk.folder.iterdir()] == ["backup"]
    disk.protect()
    assert str(backup) in run("db", "backup", str(backup), "--force", code=2).stderr
    disk.unprotect()
    run("db", "backup", str(backup), "--force")


def test_mails_that_an_outbox_does_not_take_are_written_later(
    run: Run, disk: SmallDisk, tmp_path: Path
) -> None:
    set_up(run, tmp_path, smtp=f'outbox = "{disk.folder}/outbox"')
    day = write_dump(tmp_path / "dumps", TODAY, invent_papers(TODAY, 10))
    run("ingest", str(day), "--seen", "name")
    run("compose", "--date", str(TODAY))
    app = open_app(tmp_path)
    outbox = app.config.smtp.outbox
    (when,) = read_states(app, tables.messages.c.not_before)
    for minutes, spoil, mend in (
        (1, lambda: disk.fill(left=50 * KB), disk.free),
        (30, disk.fill, disk.free),
        (120, disk.protect, disk.unprotect),
    ):
        spoil()
        report = pipeline.send(app.at(when[0] + timedelta(minutes=minutes)))
        mend()
        assert not report.states.keys() - {"deferred", "accepted"}
        assert read_states(app, tables.messages.c.state)[("deferred",)] >= 1
        assert all(path.suffix == ".eml" for path in outbox.iterdir()), "no half mails"
    texts = " ".join(text for (text,) in read_states(app, tables.deliveries.c.text))
    assert "No space left on device" in texts
    assert "Read-only file system" in texts
    pipeline.send(app.at(when[0] + timedelta(hours=8)))
    app.close()
    check_nothing_lost(tmp_path, days=1)


def test_an_inbox_that_takes_nothing_says_so(
    run: Run, disk: SmallDisk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up(run, tmp_path, ingest=f'inbox = "{disk.folder}/inbox"')
    (disk.folder / "inbox").mkdir()
    app = open_app(tmp_path)
    client = Client(app, web.create(app))
    _, key = services.create_api_key(app, "test", ["dumps:write"])
    body = b"".join(msgspec.json.encode(row) + b"\n" for row in invent_papers(TODAY, 10))

    def upload() -> httpx.Response:
        sent = {"content": body, "headers": {"Authorization": f"Bearer {key}"}}
        return client.post("/api/v1/dumps?name=2026-06-09.jsonl", **sent)

    for spoil, mend in ((disk.fill, disk.free), (disk.protect, disk.unprotect)):
        spoil()
        answer = upload()
        mend()
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert list((disk.folder / "inbox").iterdir()) == []
    log = capfd.readouterr().err  # the commands above have set it up
    assert "took nothing: No space left on device. Check" in log
    assert "took nothing: Read-only file system. Check" in log
    assert upload().status_code == 202
    # What lies in an inbox that has become full or read-only is read.
    for spoil, mend in ((disk.fill, disk.free), (disk.protect, disk.unprotect)):
        spoil()
        report = services.ingest_inbox(app, services.Inbox(), settled=0)
        mend()
        assert not report.failed
    assert len(report.files) == 0, "it was read at the first look"
    with app.store.reading() as tx:
        assert len(tx.execute(select(tables.papers.c.id)).all()) == 40
    app.close()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_output_that_takes_nothing_is_no_bug(run: Run, tmp_path: Path, stream: str) -> None:
    """A log on a full disk stops nothing; a report that cannot be written says so."""
    set_up(run, tmp_path)
    dump = write_dump(tmp_path / "dumps", TODAY, invent_papers(TODAY, 10))
    run("ingest", str(dump), "--seen", "name")
    with Path("/dev/full").open("wb") as full:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        done = subprocess.run(
            [sys.executable, "-m", "digest", "run", "--date", str(TODAY), "--json"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            text=True,
            check=False,
            **pipes,  # type: ignore[call-overload]
        )
    if stream == "stdout":
        assert done.returncode == 1
        assert "the output: cannot be written (No space left on device)" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert done.returncode == 0
        assert msgspec.json.decode(done.stdout)["send"]["accepted"] == READERS
    check_nothing_lost(tmp_path, days=1)


def test_a_read_only_store_says_so_and_serves_again(
    run: Run, disk: SmallDisk, tmp_path: Path
) -> None:
    set_up(run, tmp_path, store=f'url = "sqlite:///{disk.folder}/digest.sqlite"')
    dump = write_dump(tmp_path / "dumps", TODAY, invent_papers(TODAY, 10))
    ingest = ("ingest", str(dump), "--seen", "name")
    for words in (ingest, ("run", "--date", str(TODAY))):
        disk.protect()
        said = run(*words, code=1).stderr
        assert "read-only" in said, said
        assert "Check" in said
        disk.unprotect()
        run(*words)
    check_nothing_lost(tmp_path, days=1)
