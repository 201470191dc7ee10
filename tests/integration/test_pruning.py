"""Old history goes; what the promises rest on stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from digest import config, pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import ConfigError
from digest.model import MessageState, Subscriber
from digest.store import tables
from tests.conftest import NOON, TODAY, invent_papers

Cast = Callable[[App], dict[str, Subscriber]]
Write = Callable[..., Path]
MUCH_LATER = NOON + timedelta(days=1000)
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def lived(any_app: App, cast: Cast, dump: Write) -> App:
    """An app after a day: papers, one of them refused, digests, thumbs and a suppressed address."""
    readers = cast(any_app)
    rows = [*invent_papers(TODAY, per_topic=6), {"arxiv": "nonsense"}]
    pipeline.ingest(any_app, [dump(rows=rows)])
    pipeline.round(any_app)
    for name, query, vote in (("alice", "paper:1", 1), ("alice", "paper:2", -1)):
        services.rate(any_app, readers[name], query, vote)  # type: ignore[arg-type]
    listed = next(iter(list_papers(any_app, readers["bob"].id)))
    services.rate(any_app, readers["bob"], f"paper:{listed}", 1)
    suppression = subscriptions.make_suppression(any_app, "gone@example.org", "asked for")
    subscriptions.suppress(any_app, [suppression])
    with any_app.store.writing() as tx:
        for verb in ("fetch", "fetch", "compose"):
            store.rounds.record(tx, verb, at=NOON, report={"of": verb})
    return any_app


def read_tables(app: App) -> dict[str, list[dict[str, Any]]]:
    with app.store.reading() as tx:
        return {
            table.name: [
                dict(row)
                for row in tx.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in tables.metadata.sorted_tables
        }


def list_papers(app: App, reader: int) -> list[int]:
    """List the papers of all digests of a reader."""
    with app.store.reading() as tx:
        return list(
            tx.execute(
                select(tables.digest_items.c.paper_id)
                .join(tables.digests, tables.digests.c.id == tables.digest_items.c.digest_id)
                .where(tables.digests.c.subscriber_id == reader)
            ).scalars()
        )


def prune(app: App, **options: Any) -> dict[str, int]:
    pruned = services.prune(app.at(MUCH_LATER), **options)
    return {kind.name: kind.rows for kind in pruned if kind.rows}


def without(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in names} for row in rows]


def test_nothing_goes_but_what_is_named(lived: App) -> None:
    before = read_tables(lived)
    counted = prune(lived, dry_run=True)
    assert read_tables(lived) == before
    counts = prune(lived)
    after = read_tables(lived)
    assert counts == counted
    assert {name for name in after if after[name] != before[name]} == {
        "records",
        "digest_items",
        "deliveries",
        "rejects",
        "rounds",
        "prunings",
    }
    assert without(after["records"], "raw") == without(before["records"], "raw")
    assert {bytes(row["raw"]) for row in after["records"]} == {b""}
    assert without(after["digest_items"], "explanation") == without(
        before["digest_items"], "explanation"
    )
    assert (after["deliveries"], after["rejects"]) == ([], [])
    verbs = [row["verb"] for row in after["rounds"]]
    assert sorted(verbs) == sorted({row["verb"] for row in before["rounds"]})
    assert counts["raw"] == len(before["records"])
    assert counts["deliveries"] == len(before["deliveries"]) == 3
    assert counts["rejects"] == 1


def test_what_is_young_or_kept_for_ever_stays(lived: App) -> None:
    before = read_tables(lived)
    soon = lived.at(NOON + timedelta(days=31, minutes=-1))
    assert not any(kind.rows for kind in services.prune(soon))
    for_ever = {f"{name}_days": 0 for name in ("raw", "rejects", "reasons", "deliveries", "rounds")}
    keep = lived.config.keep.model_copy(update=for_ever)
    settings = lived.config.model_copy(update={"keep": keep})
    kept = replace(lived.at(MUCH_LATER), config=settings)
    assert not any(kind.rows for kind in services.prune(kept))
    assert without_mark(read_tables(lived)) == without_mark(before)


def without_mark(everything: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: rows for name, rows in everything.items() if name != "prunings"}


def test_pruned_history_gives_the_same_digest_and_lists_no_paper_again(
    lived: App, dump: Write
) -> None:
    tomorrow = lived.at(TOMORROW)
    pipeline.ingest(tomorrow, [dump(TODAY + timedelta(days=1))])
    with lived.store.reading() as tx:
        ids = [reader.id for reader in store.subscribers.list_by_status(tx)]
    before = {ident: set(list_papers(lived, ident)) for ident in ids}
    expected = preview_all(tomorrow)
    learned = load_learned(lived, ids)
    prune(lived)
    assert preview_all(tomorrow) == expected
    assert load_learned(lived, ids) == learned
    assert pipeline.compose(lived).planned == []  # today has its digest
    assert len(pipeline.compose(tomorrow).planned) == 3
    for ident in ids:
        papers = list_papers(lived, ident)
        assert len(papers) == len(set(papers)) > len(before[ident])


def preview_all(app: App) -> dict[str, Any]:
    with app.store.reading() as tx:
        readers = store.subscribers.list_by_status(tx)
    return {reader.email: services.preview(app, reader).outcome for reader in readers}


def load_learned(app: App, ids: list[int]) -> tuple[Any, ...]:
    """Load what learning reads of old digests."""
    with app.store.reading() as tx:
        return (
            store.history.load_interests(tx, ids),
            store.history.load_ignored(tx, ids, since=NOON - timedelta(days=1)),
            store.calibrations.load_ratings(tx, 100),
            store.past.load_digests(tx, ids),
        )


def test_a_dump_that_is_read_again_brings_nothing(lived: App, dump: Write) -> None:
    prune(lived)
    before = without_mark(read_tables(lived))
    rows = [*invent_papers(TODAY, per_topic=6), {"arxiv": "nonsense"}]
    (again,) = pipeline.ingest(lived, [dump(rows=rows)]).files
    assert again.counts == {"read": 25, "duplicate": 24, "rejected": 1}
    renamed = dump(rows=rows[:-1]).rename(lived.config.ingest.inbox.parent / "other.jsonl")
    (report,) = pipeline.ingest(lived, [renamed]).files
    assert +report.counts == {"read": 24, "duplicate": 24}
    after = read_tables(lived)
    for name in ("papers", "records", "identities"):
        assert after[name] == before[name], name


def test_attempts_of_messages_that_have_not_ended_stay(lived: App) -> None:
    states = (MessageState.UNKNOWN, MessageState.DEFERRED, MessageState.REJECTED)
    with lived.store.writing() as tx:
        ids = list(tx.execute(select(tables.messages.c.id)).scalars())
        for ident, state in zip(ids, states, strict=True):
            tx.execute(
                update(tables.messages)
                .where(tables.messages.c.id == ident)
                .values(state=state.value)
            )
    assert prune(lived)["deliveries"] == 1
    with lived.store.reading() as tx:
        left = set(tx.execute(select(tables.deliveries.c.message_id)).scalars())
    assert left == set(ids[:2])


def test_reasons_of_a_mail_that_may_still_be_written_stay(lived: App) -> None:
    with lived.store.writing() as tx:
        first = tx.execute(select(tables.messages.c.id).order_by("id").limit(1)).scalar_one()
        change = update(tables.messages).where(tables.messages.c.id == first)
        tx.execute(change.values(state="deferred"))
    before = read_tables(lived)["digest_items"]
    assert "reasons" not in prune(lived)
    assert read_tables(lived)["digest_items"] == before
    with lived.store.writing() as tx:
        tx.execute(change.values(state="expired"))
    assert prune(lived)["reasons"]


def test_a_clock_that_ran_ahead_stops_no_later_pruning(lived: App) -> None:
    far = MUCH_LATER + timedelta(days=1)
    with lived.store.writing() as tx:
        tx.execute(update(tables.digests).where(tables.digests.c.id == 1).values(created_at=far))
    assert prune(lived)["reasons"]
    with lived.store.reading() as tx:
        assert store.pruning.load_mark(tx, "reasons") == 3


def test_a_stopped_run_goes_on_where_it_was(lived: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.services.pruning._BATCH", 5)
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    assert prune(lived, stop=stop) == {"raw": 10}
    assert services.is_pruning_due(lived)
    rest = prune(lived)
    assert rest["raw"] == len(read_tables(lived)["records"]) - 10
    assert prune(lived) == {}


def test_serve_prunes_once_a_day(app: App) -> None:
    assert services.is_pruning_due(app)
    services.prune(app)
    assert not services.is_pruning_due(app.at(NOON + timedelta(hours=23)))
    assert services.is_pruning_due(app.at(NOON + timedelta(hours=24)))
    assert services.is_pruning_due(app.at(NOON - timedelta(days=2)))  # the clock was set back


@pytest.mark.parametrize("days", ["1", "30", "-1"])
def test_too_few_days_are_refused(days: str) -> None:
    with pytest.raises(ConfigError, match=r"KEEP__RAW_DAYS.* 0"):
        config.load(None, {"DIGEST_KEEP__RAW_DAYS": days})


# ----------------------------------------------------------------------------- files of the inbox


def test_only_files_that_were_read_and_have_not_changed_are_deleted(
    app: App, dump: Write, tmp_path: Path
) -> None:
    inbox = app.config.ingest.inbox
    inbox.mkdir()
    names = ("read", "changed", "linked", "unread")
    for number, name in enumerate(names):
        day = TODAY - timedelta(days=number)
        dump(day).rename(inbox / f"{name}-{day}.jsonl")
    files = {path.name.partition("-")[0]: path for path in inbox.iterdir()}
    outside = dump(TODAY - timedelta(days=9))
    pipeline.ingest(app, [*(files[name] for name in names[:3]), outside])
    files["changed"].write_bytes(files["changed"].read_bytes().replace(b"robot", b"ROBOT", 1))
    target = files["linked"].rename(tmp_path / "elsewhere.jsonl")
    os.symlink(target, files["linked"])
    keep = app.config.keep.model_copy(update={"dumps_days": 40})
    settings = app.config.model_copy(update={"keep": keep})
    later = replace(app.at(MUCH_LATER), config=settings)
    for dry_run in (True, False):
        (pruned,) = (k for k in services.prune(later, dry_run=dry_run) if k.name == "dumps")
        assert pruned.rows == 1
    assert {path.name.partition("-")[0] for path in inbox.iterdir()} == set(names) - {"read"}
    assert target.exists()
    assert outside.exists()
    assert services.ingest_inbox(app, settled=0).files  # what is left is still read


def test_unconfirmed_sign_ups_go_and_a_dry_run_counts_them(app: App) -> None:
    request = subscriptions.SubscriptionRequest(email="new@example.org")
    subscriptions.sign_up(app, request, origin="page")
    counted = prune(app, dry_run=True)
    assert (counted["unconfirmed"], prune(app)["unconfirmed"]) == (1, 1)
    with app.store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM subscribers")).scalar_one() == 0
