"""Writes of many threads share transactions on SQLite, and wait in line for the file."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from digest import store as rows
from digest.errors import InputError, StoreError
from digest.store import Connection, Store
from tests.conftest import make_app

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
#: longer than anything takes here; a test that waits for it has failed
LONG = 60.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    app = make_app(tmp_path)
    yield app.store
    app.close()


@pytest.fixture
def commits(opened: Store) -> list[int]:
    """One entry for each commit."""
    counted: list[int] = []
    event.listen(opened.engine, "commit", lambda _tx: counted.append(1))
    return counted


def sign(client: str) -> Callable[[Connection], str]:
    def work(tx: Connection) -> str:
        rows.signups.record(tx, client, now=NOW)
        return client

    return work


def fail(tx: Connection) -> str:
    rows.signups.record(tx, "failed", now=NOW)
    raise InputError("not this one")


def stored(opened: Store) -> list[str]:
    with opened.reading() as tx:
        return list(tx.execute(text("SELECT client FROM signups ORDER BY client")).scalars())


def ask_while_locked(opened: Store, works: list[Callable[[Connection], Any]]) -> list[Future[Any]]:
    """Ask for writes while another transaction runs, so that they wait together."""
    with ThreadPoolExecutor(len(works)) as threads, opened.writing():
        futures = [threads.submit(opened.commit_together, work) for work in works]
        until = time.monotonic() + LONG
        while len(opened._commit_queue._requests) < len(works):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert not any(future.done() for future in futures)
    return futures


def test_what_waits_together_is_committed_together(opened: Store, commits: list[int]) -> None:
    names = [f"client {number}" for number in range(8)]
    futures = ask_while_locked(opened, [sign(name) for name in names])
    assert [future.result() for future in futures] == names
    assert stored(opened) == names
    assert len(commits) == 2, "the transaction that they waited for, and their own"


def test_one_that_fails_takes_no_other_with_it(opened: Store, commits: list[int]) -> None:
    futures = ask_while_locked(opened, [sign("a"), fail, sign("b")])
    assert (futures[0].result(), futures[2].result()) == ("a", "b")
    with pytest.raises(InputError, match="not this one"):
        futures[1].result()
    assert stored(opened) == ["a", "b"]
    assert len(commits) == 3, "the transaction that they waited for, and one for each of the two"


def test_nobody_is_answered_before_the_commit(opened: Store) -> None:
    answered: list[str] = []
    seen: list[list[str]] = []
    event.listen(opened.engine, "commit", lambda _tx: seen.append(list(answered)))

    def ask(name: str) -> None:
        answered.append(opened.commit_together(sign(name)))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abc"]
    with opened.writing():
        for thread in threads:
            thread.start()
        while len(opened._commit_queue._requests) < 3:
            time.sleep(0.01)
    for thread in threads:
        thread.join(LONG)
    assert seen == [[], []]
    assert sorted(answered) == ["a", "b", "c"]


def test_where_the_transaction_is_lost_each_is_tried_by_itself(opened: Store) -> None:
    """As when SQLite rolls all of it back, since the disk is full."""

    def lose(tx: Connection) -> None:
        driver: Any = tx.connection.driver_connection
        driver.rollback()
        raise sqlite3.OperationalError("lost")

    futures = ask_while_locked(opened, [sign("a"), lose, sign("b")])
    assert (futures[0].result(), futures[2].result()) == ("a", "b")
    assert futures[1].exception() is not None
    assert stored(opened) == ["a", "b"]


def test_a_commit_that_fails_is_told_to_all(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_connection: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(opened.engine.dialect, "do_commit", refuse)
    for future in ask_at_once(opened, [sign("a"), sign("b")]):
        assert future.exception() is not None
    monkeypatch.undo()
    assert stored(opened) == []
    assert opened.commit_together(sign("c")) == "c"


def ask_at_once(opened: Store, works: list[Callable[[Connection], Any]]) -> list[Future[Any]]:
    with ThreadPoolExecutor(len(works)) as threads:
        return [threads.submit(opened.commit_together, work) for work in works]


def test_a_file_that_stays_locked_is_told_to_all_who_wait(tmp_path: Path) -> None:
    make_app(tmp_path).close()
    file = tmp_path / "digest.sqlite"
    hurried = Store(f"sqlite:///{file}", busy_ms=200)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for future in ask_at_once(hurried, [sign("a"), sign("b"), sign("c")]):
            error = future.exception()
            assert isinstance(error, StoreError)
            assert error.reason == "locked"
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert hurried.commit_together(sign("d")) == "d"
    hurried.close()


def test_it_also_works_on_postgresql(store: Store) -> None:
    assert store.commit_together(sign("a")) == "a"
    with pytest.raises(InputError):
        store.commit_together(fail)
    assert stored(store) == ["a"]


# ------------------------------------------------------------------------------------------- turns


def test_writers_of_a_process_take_turns_in_order_of_coming(opened: Store) -> None:
    order: list[int] = []

    def write(number: int) -> None:
        with opened.writing():
            order.append(number)

    threads = []
    with opened.writing():
        for number in range(6):
            threads.append(threading.Thread(target=write, args=(number,)))
            threads[-1].start()
            while len(opened._turns._line) <= number:
                time.sleep(0.005)
    for thread in threads:
        thread.join(LONG)
    assert order == list(range(6))


def test_a_turn_that_does_not_come_in_time_is_a_locked_file(tmp_path: Path) -> None:
    make_app(tmp_path).close()
    hurried = Store(f"sqlite:///{tmp_path / 'digest.sqlite'}", busy_ms=100)
    with (
        hurried.writing(),
        ThreadPoolExecutor(1) as threads,
        pytest.raises(StoreError, match="locked") as locked,
    ):
        threads.submit(hurried.commit_together, sign("a")).result(LONG)
    assert locked.value.reason == "locked"
    assert not hurried._turns._line
    assert hurried.commit_together(sign("b")) == "b"
    hurried.close()


def test_a_writer_gets_its_turn_beside_a_process_that_writes_without_end(opened: Store) -> None:
    """SQLite's own wait grows to a tenth of a second, and then meets no gap of a millisecond."""
    stopped = threading.Event()
    path = opened.file
    assert path is not None

    def write_on() -> None:
        other = sqlite3.connect(path, isolation_level=None, timeout=LONG)
        while not stopped.is_set():
            other.execute("BEGIN IMMEDIATE")
            time.sleep(0.02)
            other.execute("ROLLBACK")
            time.sleep(0.003)
        other.close()

    busy = threading.Thread(target=write_on)
    busy.start()
    try:
        started = time.monotonic()
        for number in range(5):
            opened.commit_together(sign(str(number)))
        assert time.monotonic() - started < LONG
    finally:
        stopped.set()
        busy.join(LONG)
    assert len(stored(opened)) == 5
