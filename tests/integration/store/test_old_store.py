"""A store of version 0.1.0 after the upgrade.

No row is lost, old links work, and no date is sent twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from digest import pipeline
from digest.app import App
from digest.model import SubscriberStatus
from digest.store import Store, schema, tables
from tests.conftest import make_app
from tests.old_store import EVENING, SETTINGS, fill_old_store
from tests.webclient import Client


def states_of(app: App) -> dict[str, str]:
    """Map the Message-ID of each message to its state."""
    with app.store.reading() as tx:
        return {row.message_id: row.state for row in tx.execute(select(tables.messages))}


@pytest.fixture
def upgraded_store(tmp_path: Path, empty_url: str) -> Iterator[tuple[App, dict[str, Any]]]:
    contents = fill_old_store(empty_url)
    store = Store(empty_url)
    schema.upgrade(store)
    store.close()
    app = replace(make_app(tmp_path, empty_url, **SETTINGS), now=lambda: EVENING)
    yield app, contents
    app.close()


def count_rows(app: App, names: list[str]) -> dict[str, int]:
    with app.store.reading() as tx:
        return {
            name: tx.execute(
                select(func.count()).select_from(tables.metadata.tables[name])
            ).scalar_one()
            for name in names
        }


#: columns of 0.1.0 that have another name now
RENAMED = {
    ("digests", "mark"): "max_paper_id",
    ("digests", "made"): "provenance",
    ("digest_items", "why"): "explanation",
    ("mailboxes", "mark"): "last_uid",
    ("mailboxes", "validity"): "uid_validity",
    ("pauses", "why"): "reason",
    ("subscribers", "standing"): "status",
    ("subscribers", "threshold"): "strictness",
    ("suppressions", "former"): "previous_status",
}
#: thresholds of 0.1.0 that became a word; who chose nothing had 0
STRICTNESS = {"0": "balanced", "good": "balanced", "strong": "few", "100": "99"}


def test_every_value_but_the_key_of_an_address_is_kept(empty_url: str) -> None:
    names = fill_old_store(empty_url)["counts"]
    store = Store(empty_url)
    with store.writing() as tx:  # tables that are empty in the stored file
        tx.exec_driver_sql(
            "INSERT INTO mailboxes VALUES ('inbox', 7, 42, true, '', NULL, '2026-06-08')"
        )
        tx.exec_driver_sql(
            "INSERT INTO pauses VALUES ('server', 'mx:25', '2026-06-08', 'busy', '421', 1, NULL)"
        )
        tx.exec_driver_sql(
            "INSERT INTO suppressions VALUES"
            " ('a@example.org', 'a@example.org', 'hard', '2026-06-08', '', 'active')"
        )
        for number, threshold in enumerate(("good", "strong", "37", "100"), start=1):
            tx.exec_driver_sql(
                f"UPDATE subscribers SET threshold = '{threshold}' WHERE id = {number}"
            )

    def rows_of(name: str) -> list[dict[str, Any]]:
        with store.reading() as tx:
            rows = tx.exec_driver_sql(f"SELECT * FROM {name}").mappings()
            return sorted(map(dict, rows), key=repr)

    before = {name: rows_of(name) for name in names}
    schema.upgrade(store)
    for name, rows in before.items():
        renamed = [
            {
                RENAMED.get((name, column), column): STRICTNESS.get(value, value)
                if column == "threshold"
                else value
                for column, value in row.items()
                if column != "email_key"  # computed anew by migration 0003
            }
            for row in rows
        ]
        values = [{column: row[column] for column in renamed[0]} for row in rows_of(name)]
        assert sorted(values, key=repr) == sorted(renamed, key=repr), name
    store.close()


def test_no_row_is_lost(upgraded_store: tuple[App, dict[str, Any]]) -> None:
    app, contents = upgraded_store
    assert count_rows(app, list(contents["counts"])) == contents["counts"]


def test_no_date_is_composed_or_sent_again(upgraded_store: tuple[App, dict[str, Any]]) -> None:
    app, contents = upgraded_store
    before = states_of(app)
    composed = pipeline.compose(app)
    assert [reader.email for reader in composed.planned] == []
    pipeline.send(app)
    after = states_of(app)
    waiting = {
        message["message_id"] for message in contents["messages"] if message["state"] == "deferred"
    }
    assert waiting
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} <= waiting


def test_old_links_work(upgraded_store: tuple[App, dict[str, Any]]) -> None:
    app, contents = upgraded_store
    client = Client(app)
    for name, links in contents["links"].items():
        assert client.get(f"/m/{links['settings']}").status_code == 200, name
        assert client.get(f"/c/{links['confirm']}").status_code == 200, name
    daily, weekly = contents["links"]["daily"], contents["links"]["weekly"]
    assert client.post(f"/t/{weekly['up'][1]}").status_code == 200
    with app.store.reading() as tx:
        vote = tx.execute(
            select(tables.feedback.c.vote).where(
                tables.feedback.c.subscriber_id == weekly["subscriber"],
                tables.feedback.c.paper_id == weekly["papers"][1],
            )
        ).scalar_one()
    assert vote == 1
    for links in (daily, weekly):
        assert client.post(f"/u/{links['leave']}").status_code == 200
        with app.store.reading() as tx:
            status = tx.execute(
                select(tables.subscribers.c.status).where(
                    tables.subscribers.c.id == links["subscriber"]
                )
            ).scalar_one()
        assert status == SubscriberStatus.LEFT.value
