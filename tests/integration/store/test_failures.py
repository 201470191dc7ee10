"""Faults of real databases: what is reported, and that the service recovers."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from digest import store as rows
from digest.demo.servers import free_port
from digest.errors import StoreError
from digest.store import Store
from digest.store.statements import add_rows
from digest.store.tables import alarms, rounds
from tests.conftest import NOON, build_sqlite_file, postgres_url, skip_or_fail
from tests.unit.test_failures import POSTGRES

psycopg: Any = pytest.importorskip("psycopg")


@contextmanager
def expect_store_error(reason: str) -> Iterator[None]:
    with pytest.raises(StoreError) as caught:
        yield
    assert caught.value.reason == reason, str(caught.value)


def write(store: Store) -> None:
    with store.writing() as tx:
        rows.rounds.record(tx, "compose", at=NOON, report={})


def read(store: Store) -> None:
    with store.reading() as tx:
        rows.rounds.load_latest(tx, "compose")


# --------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def postgres_store(postgres: str) -> Iterator[Store]:
    """A database whose settings and permissions a test may change."""
    for url in postgres_url(postgres):
        store = Store(url)
        rows.schema.require(store)
        yield store
        store.close()


@contextmanager
def open_connection(store: Store) -> Iterator[Any]:
    """Open another connection to the same database."""
    url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def terminate(store: Store) -> None:
    """End all connections, as the server does when it shuts down."""
    with open_connection(store) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.postgres
@pytest.mark.parametrize(("state", "reason"), POSTGRES.items())
def test_errors_of_the_server_are_explained(
    state: str, reason: str, postgres_database: str
) -> None:
    store = Store(postgres_database)
    with expect_store_error(reason), store.writing() as tx:
        tx.exec_driver_sql(
            f"DO $$ BEGIN RAISE EXCEPTION 'provoked' USING ERRCODE = '{state}'; END $$"
        )
    store.close()


@pytest.mark.postgres
def test_a_database_that_turns_read_only_and_back(postgres_store: Store) -> None:
    write(postgres_store)
    with open_connection(postgres_store) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        postgres_store.engine.dispose()
        with expect_store_error("read-only"):
            write(postgres_store)
        with expect_store_error("read-only"), postgres_store.writing() as tx:
            add_rows(tx, alarms, [("a", "b", "c", "[]", NOON, None)])  # with COPY
        read(postgres_store)
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    with expect_store_error("read-only"):  # this connection still has the old setting
        write(postgres_store)
    write(postgres_store)


@pytest.mark.postgres
def test_connections_that_the_server_ends(postgres_store: Store) -> None:
    read(postgres_store)
    terminate(postgres_store)
    read(postgres_store)  # the pool replaces the dead connection
    write(postgres_store)
    with expect_store_error("gone"), postgres_store.reading() as tx:
        terminate(postgres_store)
        tx.exec_driver_sql("SELECT 1")
    with expect_store_error("gone"), postgres_store.writing() as tx:  # at the commit
        rows.rounds.record(tx, "compose", at=NOON, report={})
        terminate(postgres_store)
    with expect_store_error("gone"), postgres_store.writing() as tx:  # during COPY
        terminate(postgres_store)
        add_rows(tx, alarms, [("a", "b", "c", "[]", NOON, None)])
    with expect_store_error("gone"), postgres_store.reading() as tx:  # while rows are read
        large = "SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n"
        with tx.execution_options(yield_per=10).exec_driver_sql(large) as many:
            next(many)
            terminate(postgres_store)
            for _ in many:
                pass
    write(postgres_store)


@pytest.mark.postgres
def test_a_deadlock_is_retried(postgres_store: Store) -> None:
    with postgres_store.writing() as tx:
        for kind in ("a", "b"):
            tx.execute(
                alarms.insert().values(
                    kind=kind, what="", remedy="", details=[], since=NOON, over_at=None
                )
            )
    both = threading.Barrier(2)
    tried = []

    def cross(first: str, second: str) -> None:
        times = 0

        def work(tx: rows.Connection) -> None:
            nonlocal times
            times += 1
            tried.append(first)
            tx.execute(alarms.update().where(alarms.c.kind == first).values(what=first))
            if times == 1:
                both.wait(30)
            tx.execute(alarms.update().where(alarms.c.kind == second).values(remedy=first))

        postgres_store.commit(work)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(tried) in (["a", "a", "b"], ["a", "b", "b"])
    with postgres_store.reading() as tx:
        stored = {row.kind: row.what for row in tx.execute(alarms.select())}
    assert stored == {"a": "a", "b": "b"}


@pytest.mark.postgres
def test_timeouts_of_the_server_are_explained(postgres_store: Store) -> None:
    with expect_store_error("cancelled"), postgres_store.reading() as tx:
        tx.exec_driver_sql("SET LOCAL statement_timeout = 20")
        tx.exec_driver_sql("SELECT pg_sleep(30)")
    with open_connection(postgres_store) as connection, connection.transaction():
        connection.execute("LOCK TABLE rounds")
        with expect_store_error("locked"), postgres_store.writing() as tx:
            tx.exec_driver_sql("SET LOCAL lock_timeout = 20")
            tx.execute(rounds.select())


@pytest.mark.postgres
def test_errors_of_permissions_logins_and_limits_are_explained(
    postgres_store: Store, postgres: str
) -> None:
    role = f"{postgres_store.url.database}_user"
    with open_connection(postgres_store) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
        try:
            user = Store(
                str(postgres_store.url.set(username=role, password="x").render_as_string(False))
            )
            with expect_store_error("denied"):
                read(user)
            connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
            read(user)
            with expect_store_error("denied"):
                write(user)
            user.close()
            connection.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
            with expect_store_error("busy"):
                read(user)
            connection.execute(f"ALTER ROLE {role} CONNECTION LIMIT 5 NOLOGIN")
            with expect_store_error("login"):
                read(user)
            connection.execute(f"ALTER ROLE {role} LOGIN")
            read(user)
            user.close()
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")
    with expect_store_error("login"):
        read(user)


@pytest.mark.postgres
def test_tables_and_databases_that_are_dropped(postgres_store: Store, postgres: str) -> None:
    with open_connection(postgres_store) as connection:
        connection.execute("DROP TABLE rounds")
    for attempt in (read, write):
        with expect_store_error("incomplete"):
            attempt(postgres_store)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {postgres_store.url.database} WITH (FORCE)")
        with expect_store_error("absent"):
            read(postgres_store)
        connection.execute(f"CREATE DATABASE {postgres_store.url.database}")
    with expect_store_error("incomplete"):
        read(postgres_store)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Callable[..., None]]]:
    """A PostgreSQL server of the test, and a function that runs pg_ctl on it."""
    program = shutil.which("pg_ctl") or next(
        iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), None
    )
    if program is None:
        skip_or_fail("no pg_ctl is installed")
    programs = Path(str(program)).parent
    with tempfile.TemporaryDirectory(prefix="digest-pg-") as place:
        folder, port = Path(place), free_port()
        as_user: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
            as_user |= {"user": "postgres", "group": "postgres", "cwd": folder}
        (folder / "password").write_text("swordfish")
        (folder / "password").chmod(0o644)
        data = str(folder / "data")
        init = [
            programs / "initdb",
            "-N",
            "-U",
            "digest",
            "-A",
            "scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "-D",
            data,
        ]
        subprocess.run(init, check=True, **as_user)
        options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"

        def control(*words: str) -> None:
            log = ["-l", str(folder / "log")] if words[0] == "start" else []
            done = subprocess.run(
                [programs / "pg_ctl", "-w", "-D", data, "-o", options, *log, *words],
                check=False,
                **(as_user | {"capture_output": False, "stdout": subprocess.DEVNULL}),
            )
            assert done.returncode == 0, words

        control("start")
        try:
            yield f"postgresql://digest:swordfish@127.0.0.1:{port}/postgres", control
        finally:
            subprocess.run(
                [programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **as_user
            )


@pytest.mark.postgres
def test_a_server_that_is_stopped_and_started(
    server: tuple[str, Callable[..., None]],
) -> None:
    url, control = server
    store = Store(url)
    rows.schema.require(store)
    for way in ("fast", "immediate"):
        with expect_store_error("gone"), store.writing() as tx:
            rows.rounds.record(tx, "compose", at=NOON, report={})
            control("stop", "-m", way)
            rows.rounds.record(tx, "compose", at=NOON, report={})
        for attempt in (read, write):
            with expect_store_error("gone"):
                attempt(store)
        control("start")
        write(store)
    wrong = Store(url.replace("swordfish", "herring"))
    with expect_store_error("login"):
        read(wrong)
    store.close()


# ------------------------------------------------------------------------------------------- SQLite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "digest.sqlite"
    path.write_bytes(build_sqlite_file())
    return path


@pytest.fixture
def sqlite(file: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{file}", busy_ms=50)
    write(store)
    yield store
    store.close()


def test_a_read_only_file_is_explained(file: Path, sqlite: Store) -> None:
    closed = Store(f"sqlite:///file:{file}?mode=ro&uri=true")
    read(closed)
    with expect_store_error("read-only"):
        write(closed)
    closed.close()
    write(sqlite)


def test_a_removed_file_is_not_created_again(file: Path, sqlite: Store, tmp_path: Path) -> None:
    away = tmp_path / "away.sqlite"
    file.rename(away)
    for attempt in (read, write):
        with expect_store_error("absent"):
            attempt(sqlite)
    assert not file.exists()
    away.rename(file)
    write(sqlite)


def test_a_replaced_file_is_opened_again(file: Path, sqlite: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(build_sqlite_file())
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    other.replace(file)
    with sqlite.reading() as tx:
        assert rows.rounds.load_latest(tx, "compose") is None
    write(sqlite)
    fresh = Store(f"sqlite:///{file}")
    with fresh.reading() as tx:
        assert rows.rounds.load_latest(tx, "compose") is not None
    fresh.close()


def test_a_damaged_file_is_explained(file: Path, sqlite: Store) -> None:
    sqlite.close()
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    file.write_bytes(data)
    with expect_store_error("damaged"):
        read(sqlite)


def test_a_dropped_table_is_explained(file: Path, sqlite: Store) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE rounds")
    for attempt in (read, write):
        with expect_store_error("incomplete"):
            attempt(sqlite)


def test_an_interrupted_statement_is_explained(sqlite: Store) -> None:
    with expect_store_error("cancelled"), sqlite.reading() as tx:
        driver = tx.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        threading.Timer(0.2, driver.interrupt).start()
        tx.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )


def test_a_conflicting_transaction_is_retried_a_few_times(sqlite: Store) -> None:
    tried = []

    def work(_: rows.Connection) -> None:
        tried.append(1)
        raise StoreError("another was faster", reason="conflict")

    with expect_store_error("conflict"):
        sqlite.commit(work)
    assert len(tried) == 3

    def fail(_: rows.Connection) -> None:
        tried.append(1)
        raise StoreError("full", reason="full")

    with expect_store_error("full"):
        sqlite.commit(fail)
    assert len(tried) == 4
