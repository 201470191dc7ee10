"""Who still gets a message when its turn comes: what is not true of a reader any more
is not sent."""

from __future__ import annotations

import pytest

from digest import store as rows
from digest.model import Delivery, MessageKind, Phase, Subscriber, SubscriberStatus
from digest.store import Store
from tests.integration.arrived import NOW, arrive, entry
from tests.integration.ledger.conftest import LATER, S, began, claimed, planned, reader, settled


def test_a_message_that_was_deleted_while_it_was_sent_harms_nobody(store: Store) -> None:
    arrive(store, entry("Paper", arxiv="2606.00001"))
    gone, stays = reader(store), reader(store, "bob@example.org")
    planned(store, gone)
    planned(store, stays)
    some = claimed(store)
    with store.writing() as tx:
        tx.exec_driver_sql(f"DELETE FROM subscribers WHERE id = {gone.id}")
    with store.writing() as tx:
        assert rows.ledger.begin(tx, some, owner="me", now=NOW, clock=NOW) == {some[1].id}
        ended = Delivery(
            outcome="accepted", server="here", phase=Phase.BODY, started=NOW, ended=NOW
        )
        assert rows.ledger.settle(
            tx, [(queued, ended) for queued in some], owner="me", now=NOW
        ) == {some[1].id: S.ACCEPTED}


@pytest.mark.parametrize("status", [SubscriberStatus.LEFT, SubscriberStatus.PAUSED])
def test_whoever_leaves_or_pauses_between_claim_and_body_gets_nothing(
    store: Store, alice: Subscriber, status: SubscriberStatus
) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    with store.writing() as tx:
        rows.subscribers.set_status(tx, alice.id, status, now=NOW)
    assert not began(store, queued)
    assert settled(store, queued, "lost") is S.SKIPPED


def test_a_confirmation_goes_to_who_is_not_subscribed_yet(store: Store) -> None:
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
    (queued,) = claimed(store)
    assert began(store, queued)


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (MessageKind.DIGEST, {SubscriberStatus.ACTIVE}),
        (MessageKind.CONFIRM, {SubscriberStatus.PENDING}),
        (MessageKind.WELCOME, {SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED}),
        (MessageKind.GOODBYE, {SubscriberStatus.LEFT, SubscriberStatus.PENDING}),
    ],
)
def test_who_changed_their_mind_before_the_body_gets_nothing_that_is_not_true_any_more(
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
        (queued,) = claimed(store)
        assert began(store, queued) == (status in to) == bool(listed), status
        assert settled(store, queued, "accepted" if status in to else "lost") is (
            S.ACCEPTED if status in to else S.SKIPPED
        )
