"""A store moves between databases whole or not at all, and the service goes on where it was."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from digest import pipeline, services, store
from digest.app import App
from digest.errors import InputError, StoreError
from digest.model import MessageState
from digest.store import Store, schema, tables, transfers
from tests.conftest import (
    NOON,
    TODAY,
    invent_papers,
    make_app,
    postgres_url,
    read_mails,
    write_dump,
)
from tests.examples import examples
from tests.filled_store import UNREADABLE, fill_store
from tests.old_store import EVENING, SETTINGS
from tests.webclient import Client

#: from one kind of database to the other
WAYS = [
    pytest.param(("sqlite", "postgres"), marks=pytest.mark.postgres),
    pytest.param(("postgres", "sqlite"), marks=pytest.mark.postgres),
]


def make_database(kind: str, folder: Path, admin: str) -> Iterator[str]:
    """Make an empty database of a kind."""
    yield from (
        [f"sqlite:///{folder / 'empty.sqlite'}"] if kind == "sqlite" else postgres_url(admin)
    )


@pytest.fixture(scope="module", params=WAYS, ids="-to-".join)
def moved(
    request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[App, App, dict[str, Any]]]:
    """A store with rows in every table, the same after its move, and what it holds."""
    folder = tmp_path_factory.mktemp("moved")
    databases = [make_database(kind, folder, postgres) for kind in request.param]
    urls = [next(database) for database in databases]
    contents = fill_store(urls[0], schema.get_head_revision())
    source, target = (Store(url) for url in urls)
    with source.writing() as tx:
        tx.execute(text("UPDATE digest_items SET standard = 1e308 WHERE position = 1"))
        paper = dict(tx.execute(select(tables.papers).limit(1)).mappings().one())
        for ident, merged_into in ((201, None), (200, 201)):  # the first row names a later one
            row = paper | {"id": ident, "merged_into": merged_into}
            tx.execute(tables.papers.insert().values(row))
    transfers.export_all(source, folder / "moved.zip", now=EVENING)
    transfers.import_all(target, folder / "moved.zip", now=EVENING)
    source.close()
    target.close()
    apps = [
        replace(make_app(folder / name, url, **SETTINGS), now=lambda: EVENING)
        for name, url in zip(("source", "target"), urls, strict=True)
    ]
    yield apps[0], apps[1], contents
    for app in apps:
        app.close()
    for database in databases:
        next(database, None)


def read_everything(opened: Store) -> dict[str, list[Any]]:
    with opened.reading() as tx:
        return {
            table.name: [
                tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in tables.metadata.sorted_tables
        }


def test_every_row_of_every_table_arrives(moved: tuple[App, App, dict[str, Any]]) -> None:
    source, target, _ = moved
    before, after = read_everything(source.store), read_everything(target.store)
    assert all(before[name] for name in before if name != "prunings")
    assert after == before
    assert [found for found in services.check_database(target) if found.problem] == []
    with target.store.reading() as tx:
        query = store.search.WordQuery(words=("the",))
        assert store.search.find_ids(tx, query) or "sqlite" not in tx.dialect.name
    for name in ("subscribers", "messages", "digests", "dumps", "api_keys", "webhooks"):
        assert next_id(target.store, name) > max(row[0] for row in before[name]), name


def next_id(opened: Store, name: str) -> int:
    """Return the id that a new row gets: a copy of an old one, whose unique values are changed."""
    table = tables.metadata.tables[name]
    unique = {
        "subscribers": {"email_key": "next"},
        "messages": {"key": "next", "message_id": "next", "digest_id": None},
        "digests": {"local_date": TODAY.replace(year=2030)},
        "api_keys": {"hash": b"next"},
    }
    with opened.writing() as tx:
        row = dict(tx.execute(select(table).limit(1)).mappings().one())
        del row["id"]
        values = row | unique.get(name, {})
        ident = tx.execute(table.insert().values(values).returning(table.c.id)).scalar_one()
        tx.execute(table.delete().where(table.c.id == ident))
    return int(ident)


def test_the_service_goes_on_where_it_was(
    moved: tuple[App, App, dict[str, Any]], tmp_path: Path
) -> None:
    source, target, contents = moved
    tomorrow = EVENING + timedelta(days=1)
    day = tomorrow.date()
    dump = write_dump(tmp_path / "dumps", day, invent_papers(day))
    digests = []
    for app in (source, target):
        with app.store.writing() as tx:
            for name in UNREADABLE:
                tx.execute(tables.metadata.tables[name].delete())
        assert pipeline.compose(app).planned == []  # this day has its digests
        pipeline.ingest(app.at(tomorrow), [dump])
        assert len(pipeline.compose(app.at(tomorrow)).planned) >= 3
        with app.store.reading() as tx:
            ids = tx.execute(select(tables.digests.c.id).order_by("id")).scalars().all()
            loaded = store.digests.load_many(tx, ids).values()
        digests.append({(digest.subscriber_id, digest.local_date): digest for digest in loaded})
    assert digests[0] == digests[1]
    links = contents["links"]["daily"]
    client = Client(target)
    assert client.get(f"/m/{links['settings']}").status_code == 200
    assert client.post(f"/t/{contents['links']['weekly']['up'][1]}").status_code == 200
    assert client.post(f"/u/{links['leave']}").status_code == 200
    pipeline.send(target)
    sent = {mail["Message-ID"] for mail in read_mails(target).values()}
    waiting = {m["message_id"] for m in contents["messages"] if m["state"] == "deferred"}
    assert sent & {m["message_id"] for m in contents["messages"]} <= waiting


# ----------------------------------------------------------------------------------------- refusals


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
    def make_older(manifest: dict[str, Any]) -> None:
        manifest["revision"] = "0020"
        del manifest["tables"]["prunings"]

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
