"""A store moves between databases whole or not at all, and the service goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from digest import pipeline, services, store
from digest.app import App
from digest.store import Store, schema, tables, transfers
from tests.conftest import (
    TODAY,
    invent_papers,
    make_app,
    postgres_url,
    read_mails,
    write_dump,
)
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
        "webhooks": {"source": "next"},
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
