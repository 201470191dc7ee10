"""`digest db check` finds what must not be, and nothing in a sound store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from digest import pipeline, services
from digest.app import App
from digest.errors import StoreError
from digest.store import Store, checks


@pytest.fixture
def lived(any_app: App, cast: Callable[[App], Any], dump: Callable[..., Path]) -> App:
    """An app after a round, so that there is something to check."""
    cast(any_app)
    pipeline.ingest(any_app, [dump()])
    pipeline.round(any_app)
    return any_app


def problems(app: App) -> list[str]:
    return [check.name for check in services.check_database(app) if check.problem]


def test_a_sound_store_has_no_problem(lived: App) -> None:
    found = list(services.check_database(lived))
    # The tests' own PostgreSQL does not wait for the disk.
    assert [check for check in found if check.problem and "power cut" not in check.name] == []
    assert len(found) >= 15
    services.vacuum_database(lived, full=True, words=True)
    assert "the index of words fits the papers" not in problems(lived)


#: what damages a store -> the rule that finds it
DAMAGE = {
    "DELETE FROM digest_items WHERE digest_id = 1": "every digest has its message, and its papers",
    "UPDATE messages SET digest_id = NULL WHERE id = 1": "the counts of the ledger add up",
    "UPDATE messages SET state = 'planned' WHERE id = 1": "what a mail server took waits no more",
    "UPDATE messages SET state = 'sending', owner = '' WHERE id = 1": "who sends a message holds a "
    "lease",
    "UPDATE papers SET merged_into = 2 WHERE id = 1": "merged papers have handed over what was "
    "theirs",
    "INSERT INTO installation (id, install_id) VALUES (8, 'a'), (9, 'b')": "the installation has "
    "one name",
    "DELETE FROM link_keys": "mails have a key that signs their links",
}


def test_damage_is_found_with_a_remedy(lived: App) -> None:
    for statement, rule in DAMAGE.items():
        with lived.store.writing() as tx:
            savepoint = tx.begin_nested()
            tx.execute(text(statement))
            found = [check for check in checks.check_rules(tx) if check.problem]
            savepoint.rollback()
        assert rule in [check.name for check in found]
        assert all(check.remedy for check in found)
    with lived.store.reading() as tx:
        assert [check for check in checks.check_rules(tx) if check.problem] == []


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("digests", "a reader has one digest for a date"),
        ("messages", "a Message-ID names one message"),
    ],
)
def test_doubled_rows_are_found_although_the_unique_index_is_gone(
    app: App, cast: Callable[[App], Any], dump: Callable[..., Path], table: str, rule: str
) -> None:
    cast(app)
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    app.close()
    with sqlite3.connect(str(app.store.file)) as raw:
        columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
        raw.executescript(
            f"CREATE TABLE copy AS SELECT * FROM {table}; DROP TABLE {table};"
            f"ALTER TABLE copy RENAME TO {table};"
        )
        rest = ", ".join(columns[1:])
        raw.execute(f"INSERT INTO {table} (id, {rest}) SELECT 99, {rest} FROM {table} WHERE id = 1")
    raw.close()
    assert rule in problems(app)


def test_ids_that_would_be_given_again_are_found(lived: App) -> None:
    with lived.store.writing() as tx:
        if lived.store.is_sqlite:
            tx.execute(text("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'subscribers'"))
        else:
            tx.execute(text("SELECT setval(pg_get_serial_sequence('subscribers', 'id'), 1)"))
    assert problems_of_ids(lived) == ["no id is given twice"]


def problems_of_ids(app: App) -> list[str]:
    return [name for name in problems(app) if "id" in name.split()]


def test_a_wrong_index_of_words_is_found_and_made_anew(app: App, dump: Callable[..., Path]) -> None:
    pipeline.ingest(app, [dump()])
    with app.store.writing() as tx:
        tx.exec_driver_sql("DROP TRIGGER papers_update_words")
        tx.execute(text("UPDATE papers SET title = 'Another title' WHERE id = 1"))
    assert problems(app) == ["the index of words fits the papers"]
    assert "the index of words fits the papers" not in [
        check.name for check in services.check_database(app, quick=True)
    ]
    services.vacuum_database(app, words=True)
    assert problems(app) == []


def test_a_damaged_file_of_vectors_is_found(app: App, dump: Callable[..., Path]) -> None:
    pipeline.ingest(app, [dump()])
    services.rebuild_index(app)
    assert problems(app) == []
    path = services.find_index_file(app)
    assert path is not None
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 255
    path.write_bytes(contents)
    assert problems(app) == ["the file of vectors is sound"]


def test_a_damaged_database_is_found(app: App, dump: Callable[..., Path]) -> None:
    pipeline.ingest(app, [dump()])
    with app.store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = tx.execute(
            text("SELECT max(pageno) FROM dbstat WHERE name = 'ix_papers_first_seen'")
        ).scalar_one()
    app.close()
    with Path(str(app.store.file)).open("r+b") as file:
        file.seek((page - 1) * 4096 + 2000)
        file.write(b"\xff" * 2000)
    assert "the database is not damaged" in problems(app)


def test_vacuum_gives_space_back(app: App, dump: Callable[..., Path]) -> None:
    pipeline.ingest(app, [dump(per_topic=40)])
    with app.store.writing() as tx:
        tx.execute(text("UPDATE records SET raw = randomblob(9000)"))
    with app.store.writing() as tx:
        tx.execute(text("UPDATE records SET raw = x''"))
    before, after = services.vacuum_database(app)
    assert before - after > 1_000_000


def test_vacuum_of_a_file_in_use_is_an_error(app: App) -> None:
    holder = sqlite3.connect(str(app.store.file), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    hurried = Store(app.store.url.render_as_string(), busy_ms=50)
    with pytest.raises(StoreError, match="locked by another process"):
        checks.vacuum(hurried)
    holder.execute("ROLLBACK")
    holder.close()
