"""Health: it answers while the pages wait, and gives the cause in one word."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest import web
from digest.app import App
from digest.errors import StoreError
from digest.model import Purpose, Subscriber
from digest.store import Store, engine
from tests.conftest import build_sqlite_file
from tests.unit.web.conftest import heading
from tests.webclient import Client


@contextmanager
def lock_database(app: App) -> Iterator[None]:
    """Lock the database as another process that writes."""
    lock = sqlite3.connect(str(app.store.url.database), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()


def test_it_is_ready_where_the_database_can_be_read_and_written(any_app: App) -> None:
    answer = Client(any_app).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_health_needs_no_thread_and_no_connection_that_thumbs_wait_with(
    client: Client, alice: Subscriber
) -> None:
    path = client.path(Purpose.UP, alice, 1)
    pages = web.create(client.app)

    async def ask() -> tuple[httpx.Response, int]:
        transport = httpx.ASGITransport(pages, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://d.test") as asking:
            thumbs = [asyncio.create_task(asking.post(path, timeout=None)) for _ in range(60)]
            await asyncio.sleep(0.5)
            answer = await asking.get("/healthz", timeout=None)
            waiting = sum(not thumb.done() for thumb in thumbs)
            lock.execute("ROLLBACK")
            assert {thumb.status_code for thumb in await asyncio.gather(*thumbs)} == {200}
            return answer, waiting

    lock = sqlite3.connect(
        str(client.app.store.url.database), isolation_level=None, check_same_thread=False
    )
    lock.execute("BEGIN IMMEDIATE")
    answer, waiting = asyncio.run(ask())
    lock.close()
    assert (answer.status_code, waiting) == (200, 60)


def test_a_long_lock_makes_it_unready_but_healthy(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "HEALTH_WAIT_MS", 50)
    client = Client(app)
    with lock_database(app):
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "locked")
        assert answer.headers["retry-after"]
    assert client.get("/readyz").status_code == 200


def test_a_check_that_times_out_is_unavailable(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.web.health._TIMEOUT", 0.05)
    client = Client(app)
    with lock_database(app):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "slow")


def test_it_is_unready_and_pages_are_unavailable_until_the_file_is_back(
    client: Client, alice: Subscriber, tmp_path: Path
) -> None:
    file, away = Path(str(client.app.store.url.database)), tmp_path / "away"
    path = client.path(Purpose.UP, alice, 1)
    assert client.get("/readyz").status_code == 200
    file.rename(away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "absent")
    assert client.get("/healthz").status_code == 200, "a restart mends no database"
    for page in (client.get(path), client.post(path)):
        assert (page.status_code, page.headers["retry-after"]) == (503, "60")
        assert heading(page.text) == "Not just now"
    away.rename(file)
    assert client.get("/readyz").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.post(path).status_code == 200


def test_a_full_or_read_only_database_is_unready(app: App) -> None:
    client = Client(app)
    aside = app.store.for_health_checks()
    assert client.get("/readyz").status_code == 200
    with aside.engine.connect() as tx:  # its one connection keeps this setting
        tx.exec_driver_sql("PRAGMA query_only = ON")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "read-only")


def test_a_schema_of_another_version_is_unready(app: App) -> None:
    client = Client(app)
    with app.store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    assert client.get("/readyz").json()["reason"] == "schema"


@pytest.mark.parametrize("statement", ["DROP TABLE feedback", "DROP TABLE papers"])
def test_a_missing_table_is_answered_by_a_page_without_traceback(
    client: Client, alice: Subscriber, statement: str
) -> None:
    with client.app.store.writing() as tx:
        tx.exec_driver_sql("PRAGMA foreign_keys = OFF")
    with closing(sqlite3.connect(str(client.app.store.url.database))) as other, other:
        other.execute(statement)
    assert client.post(client.path(Purpose.UP, alice, 1)).status_code == 503


def test_the_probe_leaves_the_database_as_it_is(any_app: App) -> None:
    def rounds() -> list[Any]:
        with any_app.store.reading() as tx:
            return list(tx.exec_driver_sql("SELECT * FROM rounds"))

    before = rounds()
    Client(any_app).get("/readyz")
    assert rounds() == before


def test_a_failed_probe_does_not_show_the_path(app: App, tmp_path: Path) -> None:
    app.keys()
    (tmp_path / "broken.sqlite").write_bytes(b"no database, it only looks like a file" * 200)
    broken = replace(app, store=Store(f"sqlite:///{tmp_path / 'broken.sqlite'}"))
    assert Client(broken).get("/readyz").json() == {"status": "unavailable", "reason": "damaged"}


def test_a_second_check_uses_the_same_connection(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(build_sqlite_file())
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    assert store.for_health_checks() is store.for_health_checks()
    store.close()
    with pytest.raises(StoreError):
        Store("sqlite:////nowhere/at/all.sqlite").for_health_checks()
