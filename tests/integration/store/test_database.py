"""The schema, and refusals of unusable databases with a remedy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from digest import papers as rules
from digest import store as rows
from digest.errors import StoreError
from digest.store import Store, schema
from digest.store.arrivals import NewRecord
from digest.store.tables import metadata
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries, load_papers


def test_migrations_and_tables_are_equal(store: Store) -> None:
    with store.reading() as tx:
        differences = compare_metadata(
            MigrationContext.configure(
                tx, opts={"compare_type": True, "include_name": is_no_word_index}
            ),
            metadata,
        )
    assert differences == []


def is_no_word_index(name: str | None, kind: str, parents: object) -> bool:
    """Leave out the index of words, of which SQLAlchemy knows nothing."""
    return "paper_words" not in (name or "") and name != "ix_papers_words"


def test_an_empty_database_gets_the_schema(
    empty_url: str,
) -> None:
    store = Store(empty_url)
    assert schema.upgrade(store) == (None, schema.get_head_revision())
    assert schema.upgrade(store) == (schema.get_head_revision(), schema.get_head_revision())
    schema.require(store)
    store.close()


def test_an_older_schema_is_refused_with_the_remedy(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.schema.get_head_revision", lambda: "9999")
    with pytest.raises(StoreError, match="digest db upgrade"):
        schema.require(store)


def test_a_schema_newer_than_this_version_is_refused(store: Store) -> None:
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for verb in (schema.require, schema.upgrade):
        with pytest.raises(StoreError, match="newer than this version"):
            verb(store)


def test_a_database_with_foreign_tables_is_refused(empty_url: str) -> None:
    other = Store(empty_url)
    with other.writing() as tx:
        tx.exec_driver_sql("CREATE TABLE strangers (id INTEGER)")
    with pytest.raises(StoreError, match="not ours"):
        schema.require(other)
    other.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "no database URL"),
        ("mysql://x/y", "not supported|no database URL"),
        ("sqlite:////no/such/folder/x.sqlite", "does not exist"),
    ],
)
def test_a_bad_url_is_refused_with_examples(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Store(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://reader:swordfish@db.example.org/digest",
        "mysql://reader:swordfish@x/y",
        "reader:swordfish@x/y",
    ],
)
def test_a_refused_url_hides_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert "swordfish" not in str(caught.value)
    assert "store.url" in str(caught.value)


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    down = Store("postgresql://someone:swordfish@127.0.0.1:1/nothing")
    with pytest.raises(StoreError) as caught, down.reading() as tx:
        tx.exec_driver_sql("SELECT 1")
    assert "127.0.0.1" in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"this is not a database, it is a text" * 100)
    with pytest.raises(StoreError, match="no SQLite database"):
        schema.require(Store(f"sqlite:///{tmp_path / 'x.sqlite'}"))


def test_a_locked_database_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    schema.require(Store(url))
    holder = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    hurried = Store(url, busy_ms=50)
    with pytest.raises(StoreError, match="locked by another process"), hurried.writing() as tx:
        rows.keys.ensure(tx, NOW)
    holder.execute("ROLLBACK")
    with hurried.reading() as tx:
        assert rows.keys.load_keys(tx) == []
    holder.close()


def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.require(store)
    ingest_entries(store, entry("Before", arxiv="2606.00001"))
    many = [
        entry(f"Paper {n}", arxiv=f"2606.{n:05d}", abstract="word " * 400) for n in range(2, 400)
    ]
    with pytest.raises(StoreError, match="disk is full"), store.writing() as tx:  # noqa: PT012
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        # What SQLite reports when the disk has no more room.
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
        dump = rows.dumps.begin(
            tx, rows.dumps.DumpFile(name="x", form="jsonl", sha256="0" * 64), day=DAY, now=NOW
        )
        rows.arrivals.add(
            tx,
            dump,
            [NewRecord(line=n, raw="{}", entry=e, day=DAY) for n, e in enumerate(many)],
            rules,
        )
    store.close()
    assert [paper.title for paper in load_papers(Store(f"sqlite:///{tmp_path / 'x.sqlite'}"))] == [
        "Before"
    ]


def test_the_revisions_that_are_known_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    in_order = [each.revision for each in script.walk_revisions()][::-1]
    assert list(schema.list_revisions()) == in_order
    assert schema.get_head_revision() == script.get_current_head()
