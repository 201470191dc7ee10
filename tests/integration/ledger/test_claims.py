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
from tests.integration.arrived import NOW, arrive, entry
from tests.integration.ledger.conftest import S, began, claimed, planned, reader, recovered, settled


def test_what_one_sender_claimed_another_does_not_get(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "one")
    assert claimed(store, "two") == []
    assert not began(store, queued, "two")


def test_many_senders_get_every_message_once(store: Store) -> None:
    arrive(store, entry("Paper", arxiv="2606.00001"))
    for number in range(120):
        planned(store, reader(store, f"r{number}@example.org"))

    def drain(owner: str) -> list[int]:
        got: list[int] = []
        while some := claimed(store, owner):
            got += [queued.id for queued in some]
        return got

    with ThreadPoolExecutor(4) as pool:
        lists = list(pool.map(drain, "abcd"))
    everything = [ident for some in lists for ident in some]
    assert sorted(everything) == sorted(set(everything))
    assert len(everything) == 120


def test_a_sender_that_was_frozen_past_its_lease_must_not_send(
    store: Store, alice: Subscriber
) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "frozen")
    awake = NOW + timedelta(minutes=2)
    assert not began(store, queued, "frozen", awake)
    assert recovered(store, awake) == {"planned": 1}
    (again,) = claimed(store, "other", awake)
    assert not began(store, queued, "frozen", awake)
    assert began(store, again, "other", awake)


def test_claims_of_a_dead_process_are_free_at_once(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    claimed(store, "dead")
    assert recovered(store, NOW, dead=("dead",)) == {"planned": 1}


def test_a_sender_that_died_in_the_body_leaves_unknown_which_is_never_sent_again(
    store: Store, alice: Subscriber
) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "dead")
    assert began(store, queued, "dead")
    assert recovered(store, NOW, dead=("dead",)) == {"unknown": 1}
    assert claimed(store, now=NOW + timedelta(hours=1)) == []


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
def test_a_sender_given_up_as_dead_that_had_the_answer_settles_what_became_unknown(
    store: Store, alice: Subscriber, outcome: Outcome, state: MessageState
) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "frozen")
    assert began(store, queued, "frozen")
    recovered(store, NOW, dead=("frozen",))
    assert settled(store, queued, "accepted", "another") is S.UNKNOWN
    assert settled(store, queued, outcome, "frozen") is state
    assert claimed(store) == []


def test_an_expired_lease_is_not_renewed(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    claimed(store)
    for later, renewed in (
        (timedelta(seconds=30), 1),
        (timedelta(seconds=89), 1),
        (timedelta(seconds=150), 0),
    ):
        with store.writing() as tx:
            assert rows.ledger.renew(tx, owner="me", clock=NOW + later) == renewed


def test_leases_run_by_the_real_time_whatever_day_a_command_plays(
    store: Store, alice: Subscriber
) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert began(store, queued)
    with store.writing() as tx:
        moved = rows.ledger.recover(
            tx, dead=(), now=NOW + timedelta(hours=10), clock=NOW + timedelta(seconds=10)
        )
    assert moved == rows.ledger.Recovered(planned=0, unknown=0, expired=0)


def test_a_long_queue_is_claimed_by_its_index_and_not_sorted(
    store: Store, alice: Subscriber
) -> None:
    with store.writing() as tx:
        if (
            tx.dialect.name == "postgresql"
        ):  # a planner that knows how short the table is reads it whole
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
