"""Everything about a reader is exported, nothing about others; what they agreed to is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from digest import dumps, pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Subscriber
from digest.store.tables import metadata
from digest.subscriptions import SubscriptionRequest

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def readers(any_app: App, dump: Callable[..., Any], cast: Cast) -> dict[str, Subscriber]:
    """Alice and bob with thumbs, digests and mails."""
    pipeline.ingest(any_app, [dump()], seen="name")
    readers = cast(any_app)
    for name, vote in (("alice", 1), ("bob", -1)):
        services.rate(any_app, readers[name], "paper:1", vote)  # type: ignore[arg-type]
        services.rate(any_app, readers[name], "paper:2", 1)
    pipeline.compose(any_app)
    pipeline.send(any_app)
    return readers


def test_all_rows_of_a_reader_and_no_others_are_exported(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    with any_app.store.writing() as tx:
        keys = {"users/1 robots": {"version": 3, "keys": ["ABC"]}}
        store.sources.save_libraries(tx, readers["alice"].id, keys, any_app.now())
        store.sources.save_libraries(tx, readers["bob"].id, keys, any_app.now())
    export = services.export_reader(any_app, readers["alice"])
    json.dumps(export)
    tables = export["tables"]
    for name in (
        "interests",
        "feedback",
        "digests",
        "digest_items",
        "messages",
        "deliveries",
        "source_states",
    ):
        assert tables[name], name
    assert [row["email"] for row in tables["subscribers"]] == ["alice@example.org"]
    assert "bob@" not in json.dumps(export)
    ids = {row["paper_id"] for row in tables["feedback"]}
    assert ids <= {int(ident) for ident in export["papers"]}
    with any_app.store.reading() as tx:  # what deleting alice would delete is what was exported
        counts = count_rows(tx)
    subscriptions.delete(any_app, readers["alice"].id)
    with any_app.store.reading() as tx:
        left = count_rows(tx)
    deleted = {name: counts[name] - left[name] for name in counts if counts[name] != left[name]}
    assert deleted == {name: len(rows) for name, rows in tables.items() if rows}


def count_rows(tx: store.Connection) -> dict[str, int]:
    return {table.name: len(tx.execute(select(table)).all()) for table in metadata.sorted_tables}


def test_a_suppression_of_the_address_is_exported(
    any_app: App, readers: dict[str, Subscriber]
) -> None:
    alice = readers["alice"]
    subscriptions.suppress(
        any_app, [subscriptions.make_suppression(any_app, alice.email, "asked for")]
    )
    export = services.export_reader(any_app, alice)
    assert [row["evidence"] for row in export["tables"]["suppressions"]] == ["asked for"]


@pytest.mark.parametrize("format", ["bib", "ris"])
def test_thumbs_are_read_back_by_the_own_reader(
    any_app: App, readers: dict[str, Subscriber], tmp_path: Any, format: services.ThumbFormat
) -> None:
    text = services.export_thumbs(any_app, readers["alice"], 1, format)
    file = tmp_path / f"thumbs.{format}"
    file.write_text(text, encoding="utf-8", newline="")
    records = list(dumps.open_dump(file, today=any_app.now().date()).records())
    titles = [services.get_paper(any_app, number).title for number in (1, 2)]
    assert [record.title for record in records] == titles  # type: ignore[union-attr]
    keys = [line for line in text.splitlines() if line.startswith("@")]
    assert len(set(keys)) == len(keys)
    assert services.export_thumbs(any_app, readers["carol"], 1, format) == ""
    assert services.get_paper(any_app, 1).title.split()[-1] in services.export_thumbs(
        any_app, readers["bob"], -1, format
    )


def test_consent_is_kept_with_time_origin_and_wording(any_app: App) -> None:
    request = SubscriptionRequest(email="dave@example.org")
    for _ in range(3):
        subscriptions.sign_up(any_app, request, origin="page")
    dave = subscriptions.find(any_app, "dave@example.org")
    later = any_app.at(any_app.now() + timedelta(hours=1))
    for _ in range(2):
        subscriptions.confirm(later, dave.id, origin="mail")
    asked, confirmed = subscriptions.list_consents(any_app, dave.id)
    assert (asked.event, asked.origin, asked.at) == ("asked", "page", any_app.now())
    assert asked.wording == subscriptions.WORDING
    assert (confirmed.event, confirmed.origin, confirmed.at) == ("confirmed", "mail", later.now())
    assert confirmed.wording == ""
    subscriptions.sign_up(later, request, origin="api")  # a reader already: nothing new
    assert len(subscriptions.list_consents(any_app, dave.id)) == 2


def test_asking_again_another_day_is_kept_again(any_app: App) -> None:
    request = SubscriptionRequest(email="dave@example.org")
    for days, origin in ((0, "page"), (2, "api")):
        later = any_app.at(any_app.now() + timedelta(days=days))
        subscriptions.sign_up(later, request, origin=origin)
    dave = subscriptions.find(any_app, "dave@example.org")
    events = [
        (given.event, given.origin) for given in subscriptions.list_consents(any_app, dave.id)
    ]
    assert events == [("asked", "page"), ("asked", "api")]
