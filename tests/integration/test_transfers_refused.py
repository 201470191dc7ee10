"""A file that is damaged, or a store that holds something, is refused; nothing is half done."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from digest import pipeline, store
from digest.app import App
from digest.errors import InputError, StoreError
from digest.model import MessageState
from digest.store import Store, schema, tables, transfers
from tests.conftest import NOON, make_app, postgres_url
from tests.examples import examples
from tests.filled_store import reflect
from tests.integration.test_transfers import make_database, read_everything


@pytest.fixture
def exported(app: App, cast: Any, dump: Any, tmp_path: Path) -> Path:
    """The file of a small store."""
    cast(app)
    pipeline.ingest(app, [dump()])
    pipeline.compose(app)
    app.keys()
    path = tmp_path / "small.zip"
    transfers.export_all(app.store, path, now=NOON)
    return path


def test_only_its_owner_may_read_the_file(exported: Path) -> None:
    assert exported.stat().st_mode & 0o777 == 0o600


def test_a_store_that_holds_something_is_refused(app: App, exported: Path) -> None:
    before = read_everything(app.store)
    with pytest.raises(StoreError, match="is not empty: it holds"):
        transfers.import_all(app.store, exported, now=NOON)
    assert read_everything(app.store) == before


def test_a_damaged_file_is_refused_and_fills_nothing(
    exported: Path, app: App, tmp_path: Path
) -> None:
    whole = exported.read_bytes()
    dice = random.Random(7)
    damaged = tmp_path / "damaged.zip"
    for number in range(examples(40)):
        contents = bytearray(whole)
        if number % 3 == 0:
            del contents[dice.randrange(len(contents)) :]
        else:
            place = dice.randrange(len(contents))
            contents[place] ^= 1 << dice.randrange(8)
        damaged.write_bytes(contents)
        target = Store(f"sqlite:///{tmp_path / f'{number}.sqlite'}")
        refusal = ""
        try:
            transfers.import_all(target, damaged, now=NOON)
        except (InputError, StoreError) as error:
            refusal = str(error)
        if refusal:
            assert str(damaged) in refusal
            assert schema.is_empty(target.url.render_as_string())
        else:  # a bit that says nothing of the contents, such as the time of an entry
            assert read_everything(target) == read_everything(app.store)
        target.close()


def test_a_full_disk_leaves_nothing_and_says_so(app: App, exported: Path, tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from digest.errors import InputError; from digest.store import Store, transfers\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: transfers.export_all(Store(sys.argv[1]), Path(sys.argv[2]), now=datetime.now(UTC),"
        " in_use=True)\n"
        "except InputError as error: print(error)"
    )
    url, path = app.store.url.render_as_string(), tmp_path / "full" / "x.zip"
    path.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, url, str(path)], capture_output=True, text=True, check=False
    )
    assert "cannot be written (File too large). Nothing was left behind" in done.stdout, done.stderr
    assert list(path.parent.iterdir()) == []


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a copy of an export whose manifest is changed."""
    copy = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        change(manifest)
        for name in old.namelist():
            if name != "manifest.json":
                new.writestr(name, old.read(name))
        new.writestr("manifest.json", json.dumps(manifest))
    return copy


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(revision="9999"), "newer than this version"),
        (lambda m: m.update(form="digest export 2"), "Install digest"),
        (lambda m: m["tables"]["papers"].update(rows=3), "is damaged"),
        (lambda m: m["tables"]["papers"].update(sha256="0"), "is damaged"),
        (lambda m: m["tables"]["papers"]["columns"].pop("title"), "other columns"),
        (lambda m: m["tables"].update({"secrets; --": m["tables"]["picks"]}), "has no secrets"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    exported: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    target = Store(f"sqlite:///{tmp_path / 'target.sqlite'}")
    with pytest.raises((InputError, StoreError), match=message):
        transfers.import_all(target, rewrite(exported, change), now=NOON)
    assert schema.get_revision(target) is None
    target.close()


def test_a_file_of_an_older_schema_is_upgraded(exported: Path, app: App, tmp_path: Path) -> None:
    older = Store(f"sqlite:///{tmp_path / 'older.sqlite'}")
    with older.writing() as tx:
        schema.migrate(tx, "0020")
        known = {name: set(table.c.keys()) for name, table in reflect(tx).items()}
    older.close()

    def make_older(manifest: dict[str, Any]) -> None:
        manifest["revision"] = "0020"
        entries = {name: entry for name, entry in manifest["tables"].items() if name in known}
        for name, entry in entries.items():
            columns = {key: kind for key, kind in entry["columns"].items() if key in known[name]}
            assert columns == entry["columns"] or not entry["rows"]
            entry["columns"] = columns
        manifest["tables"] = entries

    target = Store(f"sqlite:///{tmp_path / 'target.sqlite'}")
    transfers.import_all(target, rewrite(exported, make_older), now=NOON)
    assert schema.get_revision(target) == schema.get_head_revision()
    assert read_everything(target) == read_everything(app.store)
    target.close()


@pytest.mark.parametrize("path", ["a backup", "a text", "nothing"])
def test_another_file_is_refused(app: App, tmp_path: Path, path: str) -> None:
    file = tmp_path / "other"
    if path == "a backup":
        store.backups.back_up(app.store, file)
    elif path == "a text":
        file.write_text("no archive")
    with pytest.raises(InputError, match=r"is no export|there is no such file"):
        transfers.import_all(Store(f"sqlite:///{tmp_path / 'x.sqlite'}"), file, now=NOON)


def test_a_store_in_use_is_refused_or_closed(exported: Path, app: App, tmp_path: Path) -> None:
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM papers');"
        "print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(app.store.file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    path = tmp_path / "in-use.zip"
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="another process uses it"):
            transfers.export_all(app.store, path, now=NOON)
        assert not path.exists()
        transfers.export_all(app.store, path, now=NOON, in_use=True)
    finally:
        other.communicate()
    target = make_app(tmp_path / "target")
    imported = transfers.import_all(target.store, path, now=NOON)
    assert imported.closed is not None
    assert imported.closed.stopped == 3
    with target.store.reading() as tx:
        states = set(tx.execute(select(tables.messages.c.state)).scalars())
    assert states == {MessageState.UNKNOWN.value}
    assert pipeline.compose(target).planned == []
    target.close()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_killed_import_leaves_nothing(
    exported: Path, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    admin = "" if kind == "sqlite" else request.getfixturevalue("postgres")
    database = make_database(kind, tmp_path, admin)
    url = next(database)
    code = (
        "import os, signal, sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from digest.store import Store, sequences, transfers; old = sequences.advance\n"
        "def advance(tx, name, last):\n"
        "    if name == 'records': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    old(tx, name, last)\n"
        "sequences.advance = advance\n"
        "transfers.import_all(Store(sys.argv[1]), Path(sys.argv[2]), now=datetime.now(UTC))"
    )
    killed = subprocess.run([sys.executable, "-c", code, url, str(exported)], check=False)
    assert killed.returncode == -9
    target = Store(url)
    assert schema.get_revision(target) is None
    transfers.import_all(target, exported, now=NOON)
    assert schema.get_revision(target) == schema.get_head_revision()
    target.close()
    next(database, None)


@pytest.mark.postgres
def test_what_postgres_cannot_hold_is_named(
    exported: Path, app: App, postgres: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.zip"
    for url in postgres_url(postgres):
        for change, message in (
            ({"comment": "a\0b"}, "row 1 of papers holds the character NUL"),
            ({"comment": "", "version": 2**40}, "a row of papers does not fit"),
        ):
            with app.store.writing() as tx:
                tx.execute(tables.papers.update().where(tables.papers.c.id == 1).values(change))
            transfers.export_all(app.store, path, now=NOON, overwrite=True)
            target = Store(url)
            with pytest.raises((InputError, StoreError), match=message):
                transfers.import_all(target, path, now=NOON)
            assert schema.get_revision(target) is None
            target.close()
