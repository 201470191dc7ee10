"""A store of every schema that there was is taken over whole, and composes; a newer is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from digest import pipeline, store
from digest.errors import StoreError
from digest.store import Store, schema, tables
from tests.conftest import invent_papers, make_app, postgres_url, write_dump
from tests.examples import FULL
from tests.filled_store import UNREADABLE, fill_store, read_rows
from tests.integration.store.test_old_store import RENAMED, STRICTNESS
from tests.old_store import EVENING, SETTINGS

REVISIONS = schema.list_revisions()
#: what is tried of each kind of database; of SQLite the rest too, with DIGEST_TEST_ALL=1
FEW = {
    "sqlite": REVISIONS if FULL else ("0001", "0008", *REVISIONS[-2:]),
    "postgres": ("0001", "0006", "0011", "0016", REVISIONS[-1]) if FULL else ("0016",),
}
RENAMED_LATER = {("presses", "former"): "previous_vote"}


@pytest.fixture(
    params=[
        pytest.param((kind, revision), marks=[pytest.mark.postgres] * (kind == "postgres"))
        for kind, revisions in FEW.items()
        for revision in revisions
    ],
    ids="-".join,
)
def filled_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with a store of a revision."""
    kind, revision = request.param
    url = f"sqlite:///{tmp_path / 'filled.sqlite'}"
    databases = (
        iter([url]) if kind == "sqlite" else postgres_url(request.getfixturevalue("postgres"))
    )
    for made in databases:
        fill_store(made, revision)
        yield made


def expect(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """What a row of an older schema is after the upgrade."""
    names = RENAMED | RENAMED_LATER
    return {
        names.get((name, column), column): STRICTNESS.get(value, value)
        if (name, column) == ("subscribers", "threshold")
        else value
        for column, value in row.items()
        if column != "email_key"  # computed anew by migration 0003
    }


def test_every_row_survives_and_the_service_goes_on(filled_url: str, tmp_path: Path) -> None:
    opened = Store(filled_url)
    before = dict(read_rows(opened))
    schema.upgrade(opened)
    after = dict(read_rows(opened))
    for name, rows in before.items():
        expected = [expect(name, row) for row in rows]
        kept = [{column: row[column] for column in expected[0]} for row in after[name]]
        assert sorted(kept, key=repr) == sorted(expected, key=repr), name
    with opened.writing() as tx:
        for name in UNREADABLE:
            tx.execute(delete(tables.metadata.tables[name]))
        assert [check for check in store.checks.check_rules(tx) if check.problem] == []
    assert not store.checks.check_word_index(opened).problem
    opened.close()
    app = replace(make_app(tmp_path, filled_url, **SETTINGS), now=lambda: EVENING)
    assert pipeline.compose(app).planned == []  # this day has its digests
    tomorrow = app.at(EVENING + timedelta(days=1))
    day = tomorrow.now().date()
    pipeline.ingest(tomorrow, [write_dump(tmp_path / "dumps", day, invent_papers(day))])
    composed = pipeline.compose(tomorrow)
    assert {digest.local_date for digest in composed.planned} == {day}
    assert len(composed.planned) >= 3
    app.close()


def test_a_newer_schema_is_refused_with_what_to_do(store: Store) -> None:
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for verb in (schema.require, schema.upgrade):
        with pytest.raises(StoreError, match="Install the version that made it; or restore"):
            verb(store)
