"""Who may send a message: claims, leases, and senders that died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from digest import store as rows
from digest.model import MessageState, Outcome, Subscriber
from digest.store import Store
from tests.integration.arrivals import NOW, entry, ingest_entries
from tests.integration.ledger.conftest import (
    S,
    add_reader,
    begin_message,
    claim_messages,
    plan_digest,
    recover_messages,
    settle_message,
)


def test_a_claimed_message_is_not_claimed_again(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, "one")
    assert claim_messages(store, "two") == []
    assert not begin_message(store, queued, "two")


def test_many_senders_claim_every_message_once(store: Store) -> None:
    ingest_entries(store, entry("Paper", arxiv="2606.00001"))
    for number in range(120):
        plan_digest(store, add_reader(store, f"r{number}@example.org"))

    def drain(owner: str) -> list[int]:
        got: list[int] = []
        while batch := claim_messages(store, owner):
            got += [queued.id for queued in batch]
        return got

    with ThreadPoolExecutor(4) as pool:
        lists = list(pool.map(drain, "abcd"))
    everything = [ident for claimed_ids in lists for ident in claimed_ids]
    assert sorted(everything) == sorted(set(everything))
    assert len(everything) == 120


def test_a_sender_whose_lease_expired_must_not_send(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, "frozen")
    awake = NOW + timedelta(minutes=2)
    assert not begin_message(store, queued, "frozen", awake)
    assert recover_messages(store, awake) == {"planned": 1}
    (again,) = claim_messages(store, "other", awake)
    assert not begin_message(store, queued, "frozen", awake)
    assert begin_message(store, again, "other", awake)


def test_claims_of_a_dead_process_are_released_at_once(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    claim_messages(store, "dead")
    assert recover_messages(store, NOW, dead=("dead",)) == {"planned": 1}


def test_a_sender_that_dies_in_the_body_leaves_an_unknown_message(
    store: Store, alice: Subscriber
) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, "dead")
    assert begin_message(store, queued, "dead")
    assert recover_messages(store, NOW, dead=("dead",)) == {"unknown": 1}
    assert claim_messages(store, now=NOW + timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("accepted", S.ACCEPTED),
        ("rejected", S.REJECTED),
        ("deferred", S.REJECTED),
        ("unknown", S.UNKNOWN),
        ("lost", S.UNKNOWN),
    ],
)
def test_a_late_result_after_the_lease_expired_settles_the_message(
    store: Store, alice: Subscriber, outcome: Outcome, state: MessageState
) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, "frozen")
    assert begin_message(store, queued, "frozen")
    recover_messages(store, NOW, dead=("frozen",))
    assert settle_message(store, queued, "accepted", "another") is S.UNKNOWN
    assert settle_message(store, queued, outcome, "frozen") is state
    assert claim_messages(store) == []


def test_an_expired_lease_is_not_renewed(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    claim_messages(store)
    for later, renewed in (
        (timedelta(seconds=30), 1),
        (timedelta(seconds=89), 1),
        (timedelta(seconds=150), 0),
    ):
        with store.writing() as tx:
            assert rows.ledger.renew(tx, owner="me", clock=NOW + later) == renewed


def test_leases_use_the_real_time(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    assert begin_message(store, queued)
    with store.writing() as tx:
        moved = rows.ledger.recover(
            tx, dead=(), now=NOW + timedelta(hours=10), clock=NOW + timedelta(seconds=10)
        )
    assert moved == rows.ledger.Recovered(planned=0, unknown=0, expired=0)


def test_a_claim_reads_the_index_without_sorting(store: Store, alice: Subscriber) -> None:
    with store.writing() as tx:
        if (
            tx.dialect.name == "postgresql"
        ):  # with statistics of a short table, the planner would scan it
            tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        seen: list[str] = []

        @event.listens_for(tx, "before_cursor_execute")
        def look(_tx: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
            if statement.startswith("WITH"):
                explain = "EXPLAIN QUERY PLAN " if tx.dialect.name == "sqlite" else "EXPLAIN "
                cursor.execute(explain + statement, parameters)
                seen.append(" ".join(str(row) for row in cursor.fetchall()))

        rows.ledger.claim(tx, owner="me", now=NOW, clock=NOW)
    assert len(seen) == 2
    for explained in seen:
        assert "ix_messages_state_not_before_id" in explained
        assert "TEMP B-TREE" not in explained
        assert "Sort" not in explained
