"""Checks of the reader at the moment of sending: who left or paused gets nothing."""

from __future__ import annotations

import pytest

from digest import store as rows
from digest.model import Delivery, MessageKind, Phase, Subscriber, SubscriberStatus
from digest.store import Store
from tests.integration.arrivals import NOW, entry, ingest_entries
from tests.integration.ledger.conftest import (
    LATER,
    S,
    add_reader,
    begin_message,
    claim_messages,
    plan_digest,
    settle_message,
)


def test_deleting_a_message_while_it_is_sent_is_harmless(store: Store) -> None:
    ingest_entries(store, entry("Paper", arxiv="2606.00001"))
    gone, stays = add_reader(store), add_reader(store, "bob@example.org")
    plan_digest(store, gone)
    plan_digest(store, stays)
    claimed = claim_messages(store)
    with store.writing() as tx:
        tx.exec_driver_sql(f"DELETE FROM subscribers WHERE id = {gone.id}")
    with store.writing() as tx:
        assert rows.ledger.begin(tx, claimed, owner="me", now=NOW, clock=NOW) == {claimed[1].id}
        ended = Delivery(
            outcome="accepted", server="here", phase=Phase.BODY, started=NOW, ended=NOW
        )
        assert rows.ledger.settle(
            tx, [(queued, ended) for queued in claimed], owner="me", now=NOW
        ) == {claimed[1].id: S.ACCEPTED}


@pytest.mark.parametrize("status", [SubscriberStatus.LEFT, SubscriberStatus.PAUSED])
def test_readers_who_leave_or_pause_before_the_body_get_nothing(
    store: Store, alice: Subscriber, status: SubscriberStatus
) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    with store.writing() as tx:
        rows.subscribers.set_status(tx, alice.id, status, now=NOW)
    assert not begin_message(store, queued)
    assert settle_message(store, queued, "lost") is S.SKIPPED


def test_a_confirmation_goes_to_a_pending_reader(store: Store) -> None:
    with store.writing() as tx:
        pending = rows.subscribers.add(
            tx,
            Subscriber(id=0, email="new@example.org", status=SubscriberStatus.PENDING, created=NOW),
            origin="page",
            now=NOW,
        )
        plan = {
            "kind": MessageKind.CONFIRM,
            "subscriber_id": pending.id,
            "key": "2026-06-09",
            "message_id": "<c@x>",
            "not_before": NOW,
            "expires_at": LATER,
        }
        assert rows.ledger.plan(tx, **plan)
        assert not rows.ledger.plan(tx, **plan)
    (queued,) = claim_messages(store)
    assert begin_message(store, queued)


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (MessageKind.DIGEST, {SubscriberStatus.ACTIVE}),
        (MessageKind.CONFIRM, {SubscriberStatus.PENDING}),
        (MessageKind.WELCOME, {SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED}),
        (MessageKind.GOODBYE, {SubscriberStatus.LEFT, SubscriberStatus.PENDING}),
    ],
)
def test_the_status_decides_which_kinds_a_reader_gets(
    store: Store, alice: Subscriber, kind: MessageKind, to: set[SubscriberStatus]
) -> None:
    for status in SubscriberStatus:
        key = status.value
        with store.writing() as tx:
            rows.subscribers.set_status(tx, alice.id, status, now=NOW)
            rows.ledger.plan(
                tx,
                kind=kind,
                subscriber_id=alice.id,
                key=key,
                message_id=f"<{key}@x>",
                not_before=NOW,
                expires_at=LATER,
            )
            listed = rows.deliveries.list_due(tx, now=NOW)
        (queued,) = claim_messages(store)
        assert begin_message(store, queued) == (status in to) == bool(listed), status
        assert settle_message(store, queued, "accepted" if status in to else "lost") is (
            S.ACCEPTED if status in to else S.SKIPPED
        )
