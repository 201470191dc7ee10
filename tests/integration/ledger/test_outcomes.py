"""How an attempt changes the state of a message.

The outcomes are accepted, deferred, rejected, unknown and expired. Later evidence settles an
unknown message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from digest import store as rows
from digest.model import Delivery, MessageState, Outcome, Phase, Subscriber, SubscriberStatus
from digest.store import Store
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries
from tests.integration.ledger.conftest import (
    LATER,
    S,
    add_reader,
    begin_message,
    claim_messages,
    plan_digest,
    recover_messages,
    resolve_message,
    settle_message,
    states,
)


def test_an_accepted_message_passes_all_states(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    assert states(store) == {S.CLAIMED: 1}
    assert begin_message(store, queued)
    assert states(store) == {S.SENDING: 1}
    assert settle_message(store, queued, "accepted") is S.ACCEPTED
    assert claim_messages(store) == []


def test_a_late_result_does_not_undo_evidence(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, "frozen")
    assert begin_message(store, queued, "frozen")
    recover_messages(store, NOW, dead=("frozen",))
    assert resolve_message(store, queued, S.REJECTED)
    assert settle_message(store, queued, "accepted", "frozen") is S.REJECTED


def test_deferred_messages_back_off_and_expire(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    now = NOW
    pauses = []
    while claimed := claim_messages(store, now=now):
        assert begin_message(store, claimed[0], now=now)
        state = settle_message(store, claimed[0], "deferred", now=now)
        if state is S.EXPIRED:
            break
        assert state is S.DEFERRED
        assert claim_messages(store, now=now) == []
        start = now
        while not count_waiting(store, now):
            now += timedelta(minutes=1)
        pauses.append(now - start)
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (5, 15, 45, 120)]
    assert set(pauses[4:]) == {timedelta(hours=2)}
    assert NOW + timedelta(hours=14) <= now < NOW + timedelta(hours=16)
    assert claim_messages(store, now=now + timedelta(hours=2)) == []


def test_attempts_before_the_body_back_off_too(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    assert settle_message(store, queued, "deferred") is S.DEFERRED
    (queued,) = claim_messages(store, now=NOW + timedelta(minutes=5))
    assert settle_message(store, queued, "deferred", now=NOW + timedelta(minutes=5)) is S.DEFERRED
    assert claim_messages(store, now=NOW + timedelta(minutes=19)) == []
    assert claim_messages(store, now=NOW + timedelta(minutes=20))


def test_postponing_does_not_count_as_an_attempt(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    later = NOW + timedelta(hours=1)
    with store.writing() as tx:
        assert rows.ledger.postpone(tx, [queued], until=later, owner="another", now=NOW) == {}
        assert rows.ledger.postpone(tx, [queued], until=later, owner="me", now=NOW) == {
            queued.id: S.DEFERRED
        }
    assert claim_messages(store) == []
    (again,) = claim_messages(store, now=later)
    assert again.attempts == 0


@pytest.mark.parametrize(
    ("phase", "seconds", "waits", "attempts"),
    [
        (
            Phase.CONNECT,
            30,
            timedelta(seconds=30),
            [],
        ),  # postponed by a domain's pause: not an attempt
        (Phase.BODY, 30, timedelta(minutes=5), ["deferred"]),
        (Phase.BODY, 900, timedelta(minutes=15), ["deferred"]),
        (Phase.CONNECT, None, timedelta(minutes=5), ["deferred"]),  # the mail could not be written
    ],
)
def test_the_mailer_may_set_the_time_of_the_retry(
    store: Store,
    alice: Subscriber,
    phase: Phase,
    seconds: int | None,
    waits: timedelta,
    attempts: list[str],
) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    ended = NOW + timedelta(days=100)  # deliveries have the real time, whatever `--day` says
    retry_at = None if seconds is None else ended + timedelta(seconds=seconds)
    delivery = Delivery(
        outcome="deferred",
        server="",
        phase=phase,
        fault="busy",
        started=ended,
        ended=ended,
        retry_at=retry_at,
    )
    with store.writing() as tx:
        assert rows.ledger.settle(tx, [(queued, delivery)], owner="me", now=NOW) == {
            queued.id: S.DEFERRED
        }
        (message,) = rows.deliveries.list_messages(tx)
    assert message["not_before"] == NOW + waits
    assert [attempt["outcome"] for attempt in message["deliveries"]] == attempts


@pytest.mark.parametrize("state", [S.ACCEPTED, S.REJECTED])
def test_evidence_settles_only_unknown_and_sending_messages(
    store: Store, alice: Subscriber, state: MessageState
) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    assert not resolve_message(store, queued, state)
    assert begin_message(store, queued)
    assert resolve_message(store, queued, state)
    assert states(store) == {state: 1}
    assert settle_message(store, queued, "unknown") is state
    other = S.REJECTED if state is S.ACCEPTED else S.ACCEPTED
    assert not resolve_message(store, queued, other)
    with store.reading() as tx:
        (message,) = rows.deliveries.list_messages(tx)
    assert message["evidence"] == "a test"
    assert [delivery["outcome"] for delivery in message["deliveries"]] == ["unknown"]


def test_settling_is_idempotent(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store)
    assert begin_message(store, queued)
    assert [settle_message(store, queued, "accepted") for _ in range(2)] == [S.ACCEPTED] * 2
    with store.reading() as tx:
        (message,) = rows.deliveries.list_messages(tx, state=S.ACCEPTED)
    assert (len(message["deliveries"]), message["attempts"]) == (1, 1)


def test_messages_of_a_group_begin_and_settle_separately(store: Store) -> None:
    ingest_entries(store, entry("Paper", arxiv="2606.00001"))
    readers = [add_reader(store, f"r{number}@example.org") for number in range(6)]
    for who in readers:
        plan_digest(store, who)
    claimed = claim_messages(store)
    with store.writing() as tx:
        rows.subscribers.set_status(tx, readers[0].id, SubscriberStatus.LEFT, now=NOW)
    with store.writing() as tx:
        assert rows.ledger.begin(tx, claimed, owner="me", now=NOW, clock=NOW) == {
            queued.id for queued in claimed[1:]
        }
        outcomes: tuple[Outcome, ...] = (
            "lost",
            "accepted",
            "rejected",
            "unknown",
            "deferred",
            "lost",
        )
        ended = [
            Delivery(
                outcome=outcome,
                server="here",
                phase=Phase.BODY,
                code=0,
                text=outcome,
                started=NOW,
                ended=NOW,
            )
            for outcome in outcomes
        ]
        results = rows.ledger.settle(
            tx, list(zip(claimed, ended, strict=True)), owner="me", now=NOW
        )
    assert [results[queued.id] for queued in claimed] == [
        S.SKIPPED,
        S.ACCEPTED,
        S.REJECTED,
        S.UNKNOWN,
        S.DEFERRED,
        S.PLANNED,
    ]


def count_waiting(store: Store, now: datetime) -> int:
    with store.reading() as tx:
        return rows.deliveries.count_waiting(tx, now=now)[0]


def test_a_digest_past_its_window_expires(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    (queued,) = claim_messages(store, now=NOW + timedelta(hours=15, minutes=59, seconds=30))
    assert not begin_message(store, queued, now=NOW + timedelta(hours=16))
    plan_digest(store, alice, day=DAY + timedelta(days=1))
    assert recover_messages(store, LATER)["expired"] == 2  # the lost claim was returned first


def test_a_refusal_lasts_until_a_message_is_accepted(store: Store) -> None:
    ingest_entries(store, entry("A paper", arxiv="2606.00001"))
    alice, bob = add_reader(store), add_reader(store, "bob@example.org")

    def refusals() -> list[int]:
        with store.reading() as tx:
            faults = rows.deliveries.list_faults(tx, since=NOW - timedelta(days=1), lasting=True)
        return [number for _, _, number in faults]

    for reader in (alice, bob):
        plan_digest(store, reader)
    for queued in claim_messages(store):
        begin_message(store, queued)
        refused = Delivery(
            outcome="rejected",
            server="here",
            phase=Phase.BODY,
            code=550,
            enhanced="5.7.1",
            text="policy",
            fault="ours",
            started=NOW,
            ended=NOW,
        )
        with store.writing() as tx:
            rows.ledger.settle(tx, [(queued, refused)], owner="me", now=NOW)
    assert refusals() == [2]
    for left, reader in ((1, alice), (0, bob)):
        plan_digest(store, reader, day=DAY + timedelta(days=1))
        (queued,) = claim_messages(store)
        begin_message(store, queued)
        settle_message(store, queued, "accepted")
        assert sum(refusals()) == left
