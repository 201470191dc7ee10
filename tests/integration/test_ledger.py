"""The ledger on SQLite and PostgreSQL: who may send what, exactly once, and what becomes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from digest import store as rows
from digest.model import (
    Delivery,
    Digest,
    Item,
    Made,
    MessageKind,
    MessageState,
    Outcome,
    Phase,
    Queued,
    Quiet,
    QuietReason,
    Score,
    Standing,
    Subscriber,
)
from digest.store import Store
from digest.store.digests import Window
from tests.integration.test_store import DAY, NOW, arrive, entry

S = MessageState
LATER = NOW + timedelta(hours=20)


def reader(store: Store, email: str = "alice@example.org") -> Subscriber:
    with store.writing() as tx:
        return rows.subscribers.add(tx, Subscriber(id=0, email=email, created=NOW), origin="command", now=NOW)


def planned(store: Store, who: Subscriber, day: date = DAY, papers: tuple[int, ...] = (1,), now: datetime = NOW) -> int | None:
    made = Made(model="keywords", features="words1", at=now)
    items = tuple(Item(position=n, score=Score(paper_id=p, value=1.0, match=90)) for n, p in enumerate(papers, 1))
    window = Window(message_id=f"<digest.{day}.s{who.id}@example.org>", not_before=now, expires_at=now + timedelta(hours=16))
    with store.writing() as tx:
        return rows.digests.plan(tx, Digest(subscriber_id=who.id, local_date=day, items=items, made=made), mark=9, window=window, now=now)


def claimed(store: Store, owner: str = "me", now: datetime = NOW) -> list[Queued]:
    with store.writing() as tx:
        return rows.ledger.claim(tx, owner=owner, now=now, clock=now)


def began(store: Store, queued: Queued, owner: str = "me", now: datetime = NOW) -> bool:
    with store.writing() as tx:
        return rows.ledger.begin(tx, [queued], owner=owner, now=now, clock=now) == {queued.id}


def settled(store: Store, queued: Queued, outcome: Outcome, owner: str = "me", now: datetime = NOW) -> MessageState:
    with store.writing() as tx:
        delivery = Delivery(outcome=outcome, server="here", phase=Phase.BODY, code=250, text="ok", started=now, ended=now)
        return rows.ledger.settle(tx, [(queued, delivery)], owner=owner, now=now)[queued.id]


def recovered(store: Store, now: datetime, dead: tuple[str, ...] = ()) -> dict[str, int]:
    with store.writing() as tx:
        return {state: n for state, n in rows.ledger.recover(tx, dead=dead, now=now, clock=now).items() if n}


def resolved(store: Store, queued: Queued, state: Any) -> bool:
    with store.writing() as tx:
        return rows.ledger.resolve(tx, queued.id, state, "a test", now=NOW)


def states(store: Store) -> dict[MessageState, int]:
    with store.reading() as tx:
        return rows.deliveries.count(tx)


@pytest.fixture
def alice(store: Store) -> Subscriber:
    arrive(store, *(entry(f"Paper {n}", arxiv=f"2606.0000{n}") for n in range(1, 6)))
    return reader(store)


def test_a_date_has_one_digest(store: Store, alice: Subscriber) -> None:
    assert planned(store, alice) == 1
    assert planned(store, alice, papers=(2,)) is None
    quiet = Quiet(subscriber_id=alice.id, local_date=DAY, reason=QuietReason.NO_NEW_PAPERS, made=Made(model="", features="", at=NOW))
    with store.writing() as tx:
        assert rows.digests.plan(tx, quiet, mark=9, window=Window(message_id="<x@y>", not_before=NOW, expires_at=LATER), now=NOW) is None
        assert [item.score.paper_id for item in rows.digests.load(tx, 1).items] == [1]


def test_a_digest_comes_back_as_it_was_chosen(store: Store, alice: Subscriber) -> None:
    planned(store, alice, papers=(3, 1))
    with store.reading() as tx:
        digest = rows.digests.load(tx, 1)
    assert [(item.position, item.score.paper_id, item.score.match) for item in digest.items] == [(1, 3, 90), (2, 1, 90)]
    assert (digest.made.model, digest.made.at) == ("keywords", NOW)


def test_the_straight_way_ends_in_accepted(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert states(store) == {S.CLAIMED: 1}
    assert began(store, queued)
    assert states(store) == {S.SENDING: 1}
    assert settled(store, queued, "accepted") is S.ACCEPTED
    assert claimed(store) == []


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


def test_a_sender_that_was_frozen_past_its_lease_must_not_send(store: Store, alice: Subscriber) -> None:
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


def test_a_sender_that_died_in_the_body_leaves_unknown_which_is_never_sent_again(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "dead")
    assert began(store, queued, "dead")
    assert recovered(store, NOW, dead=("dead",)) == {"unknown": 1}
    assert claimed(store, now=NOW + timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("accepted", S.ACCEPTED), ("rejected", S.REJECTED), ("deferred", S.REJECTED), ("unknown", S.UNKNOWN), ("lost", S.UNKNOWN)],
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


def test_a_late_word_does_not_undo_what_was_resolved(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "frozen")
    assert began(store, queued, "frozen")
    recovered(store, NOW, dead=("frozen",))
    assert resolved(store, queued, S.REJECTED)
    assert settled(store, queued, "accepted", "frozen") is S.REJECTED


def test_deferred_waits_longer_each_time_and_expires_when_the_next_time_would_be_too_late(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    now = NOW
    pauses = []
    while some := claimed(store, now=now):
        assert began(store, some[0], now=now)
        state = settled(store, some[0], "deferred", now=now)
        if state is S.EXPIRED:
            break
        assert state is S.DEFERRED
        assert claimed(store, now=now) == []
        start = now
        while not _waits(store, now):
            now += timedelta(minutes=1)
        pauses.append(now - start)
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (5, 15, 45, 120)]
    assert set(pauses[4:]) == {timedelta(hours=2)}
    assert NOW + timedelta(hours=14) <= now < NOW + timedelta(hours=16)
    assert claimed(store, now=now + timedelta(hours=2)) == []


def test_attempts_that_never_reached_the_body_wait_longer_each_time_too(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert settled(store, queued, "deferred") is S.DEFERRED
    (queued,) = claimed(store, now=NOW + timedelta(minutes=5))
    assert settled(store, queued, "deferred", now=NOW + timedelta(minutes=5)) is S.DEFERRED
    assert claimed(store, now=NOW + timedelta(minutes=19)) == []
    assert claimed(store, now=NOW + timedelta(minutes=20))


def test_a_postponed_message_comes_back_without_having_been_tried(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    later = NOW + timedelta(hours=1)
    with store.writing() as tx:
        assert rows.ledger.postpone(tx, [queued], until=later, owner="another", now=NOW) == {}
        assert rows.ledger.postpone(tx, [queued], until=later, owner="me", now=NOW) == {queued.id: S.DEFERRED}
    assert claimed(store) == []
    (again,) = claimed(store, now=later)
    assert again.attempts == 0


@pytest.mark.parametrize(
    ("phase", "seconds", "waits", "attempts"),
    [
        (Phase.CONNECT, 30, timedelta(seconds=30), []),  # sent back by a domain's pause: no attempt
        (Phase.BODY, 30, timedelta(minutes=5), ["deferred"]),
        (Phase.BODY, 900, timedelta(minutes=15), ["deferred"]),
        (Phase.CONNECT, None, timedelta(minutes=5), ["deferred"]),  # it could not even be written
    ],
)
def test_the_mailer_may_know_better_when_to_come_back(
    store: Store, alice: Subscriber, phase: Phase, seconds: int | None, waits: timedelta, attempts: list[str]
) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    ended = NOW + timedelta(days=100)  # deliveries have the real time, whatever day a command plays
    retry_at = None if seconds is None else ended + timedelta(seconds=seconds)
    delivery = Delivery(outcome="deferred", server="", phase=phase, fault="busy", started=ended, ended=ended, retry_at=retry_at)
    with store.writing() as tx:
        assert rows.ledger.settle(tx, [(queued, delivery)], owner="me", now=NOW) == {queued.id: S.DEFERRED}
        (message,) = rows.deliveries.of_messages(tx)
    assert message["not_before"] == NOW + waits
    assert [one["outcome"] for one in message["deliveries"]] == attempts


@pytest.mark.parametrize("state", [S.ACCEPTED, S.REJECTED])
def test_evidence_settles_what_is_unknown_or_under_way_and_nothing_else(store: Store, alice: Subscriber, state: MessageState) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert not resolved(store, queued, state)
    assert began(store, queued)
    assert resolved(store, queued, state)
    assert states(store) == {state: 1}
    assert settled(store, queued, "unknown") is state
    other = S.REJECTED if state is S.ACCEPTED else S.ACCEPTED
    assert not resolved(store, queued, other)
    with store.reading() as tx:
        (message,) = rows.deliveries.of_messages(tx)
    assert message["evidence"] == "a test"
    assert [delivery["outcome"] for delivery in message["deliveries"]] == ["unknown"]


def test_what_is_said_twice_counts_once(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert began(store, queued)
    assert [settled(store, queued, "accepted") for _ in range(2)] == [S.ACCEPTED] * 2
    with store.reading() as tx:
        (message,) = rows.deliveries.of_messages(tx, state=S.ACCEPTED)
    assert (len(message["deliveries"]), message["attempts"]) == (1, 1)


def test_a_group_begins_and_settles_each_message_by_itself(store: Store) -> None:
    arrive(store, entry("Paper", arxiv="2606.00001"))
    readers = [reader(store, f"r{number}@example.org") for number in range(6)]
    for who in readers:
        planned(store, who)
    some = claimed(store)
    with store.writing() as tx:
        rows.subscribers.set_standing(tx, readers[0].id, Standing.LEFT, now=NOW)
    with store.writing() as tx:
        assert rows.ledger.begin(tx, some, owner="me", now=NOW, clock=NOW) == {queued.id for queued in some[1:]}
        outcomes: tuple[Outcome, ...] = ("lost", "accepted", "rejected", "unknown", "deferred", "lost")
        ended = [
            Delivery(outcome=outcome, server="here", phase=Phase.BODY, code=0, text=outcome, started=NOW, ended=NOW) for outcome in outcomes
        ]
        found = rows.ledger.settle(tx, list(zip(some, ended, strict=True)), owner="me", now=NOW)
    assert [found[queued.id] for queued in some] == [S.SKIPPED, S.ACCEPTED, S.REJECTED, S.UNKNOWN, S.DEFERRED, S.PLANNED]


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
        ended = Delivery(outcome="accepted", server="here", phase=Phase.BODY, started=NOW, ended=NOW)
        assert rows.ledger.settle(tx, [(queued, ended) for queued in some], owner="me", now=NOW) == {some[1].id: S.ACCEPTED}


def test_an_expired_lease_is_not_renewed(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    claimed(store)
    for later, renewed in ((timedelta(seconds=30), 1), (timedelta(seconds=89), 1), (timedelta(seconds=150), 0)):
        with store.writing() as tx:
            assert rows.ledger.renew(tx, owner="me", clock=NOW + later) == renewed


def test_leases_run_by_the_real_time_whatever_day_a_command_plays(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    assert began(store, queued)
    with store.writing() as tx:
        assert not any(rows.ledger.recover(tx, dead=(), now=NOW + timedelta(hours=10), clock=NOW + timedelta(seconds=10)).values())


def test_a_long_queue_is_claimed_by_its_index_and_not_sorted(store: Store, alice: Subscriber) -> None:
    with store.writing() as tx:
        if tx.dialect.name == "postgresql":  # a planner that knows how short the table is reads it whole
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


def _waits(store: Store, now: datetime) -> int:
    with store.reading() as tx:
        return rows.deliveries.waiting(tx, now=now)[0]


def test_a_digest_past_its_window_expires(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store, now=NOW + timedelta(hours=15, minutes=59, seconds=30))
    assert not began(store, queued, now=NOW + timedelta(hours=16))
    planned(store, alice, day=DAY + timedelta(days=1))
    assert recovered(store, LATER)["expired"] == 2  # the lost claim was given back first


def test_whoever_leaves_between_claim_and_body_gets_nothing(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    with store.writing() as tx:
        rows.subscribers.set_standing(tx, alice.id, Standing.LEFT, now=NOW)
    assert not began(store, queued)
    assert settled(store, queued, "lost") is S.SKIPPED


def test_a_paused_reader_gets_nothing_either(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store)
    with store.writing() as tx:
        rows.subscribers.set_standing(tx, alice.id, Standing.PAUSED, now=NOW)
    assert not began(store, queued)


def test_a_confirmation_goes_to_who_is_not_subscribed_yet(store: Store) -> None:
    with store.writing() as tx:
        pending = rows.subscribers.add(
            tx, Subscriber(id=0, email="new@example.org", standing=Standing.PENDING, created=NOW), origin="page", now=NOW
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
    ("outcome", "carried", "maybe"),
    [("accepted", set(), set()), ("rejected", {1, 2}, set()), ("unknown", {1, 2}, {1, 2}), ("deferred", set(), set())],
)
def test_papers_of_a_digest_that_failed_compete_again(
    store: Store, alice: Subscriber, outcome: Outcome, carried: set[int], maybe: set[int]
) -> None:
    planned(store, alice, papers=(1, 2))
    (queued,) = claimed(store)
    assert began(store, queued)
    settled(store, queued, outcome)
    with store.reading() as tx:
        past = rows.digests.history(tx, [alice.id], DAY + timedelta(days=1))[alice.id]
    assert (past.carried, past.maybe_seen) == (carried, maybe)
    assert past.listed == (set() if carried else {1, 2})
    assert past.last_day == (None if carried else DAY)


def test_what_competed_again_and_was_not_chosen_is_done_with(store: Store, alice: Subscriber) -> None:
    planned(store, alice, papers=(1, 2))
    (queued,) = claimed(store)
    began(store, queued)
    settled(store, queued, "rejected")
    tomorrow = NOW + timedelta(days=1)
    planned(store, alice, day=DAY + timedelta(days=1), papers=(1,), now=tomorrow)
    with store.reading() as tx:
        past = rows.digests.history(tx, [alice.id], DAY + timedelta(days=2))[alice.id]
    assert (past.carried, past.listed) == (set(), {1})


def test_a_digest_that_expires_after_the_next_one_was_composed_loses_no_paper(store: Store, alice: Subscriber) -> None:
    planned(store, alice, papers=(1, 2))
    planned(store, alice, day=DAY + timedelta(days=1), papers=(3,), now=NOW + timedelta(hours=15))
    recovered(store, NOW + timedelta(hours=17))
    with store.reading() as tx:
        past = rows.digests.history(tx, [alice.id], DAY + timedelta(days=2))[alice.id]
    assert past.carried == {1, 2}


def test_a_living_process_is_not_dead_and_one_that_is_gone_is() -> None:
    me = rows.owners.me("x")
    gone = "/".join([*me.split("/")[:2], "999999", "1", "x"])
    rebooted = "/".join([me.split("/")[0], "another-boot", *me.split("/")[2:]])
    elsewhere = "/".join(["another-host", *me.split("/")[1:]])
    assert rows.owners.dead([me, gone, rebooted, elsewhere, "garbage"]) == {gone, rebooted}


def test_a_killed_process_whose_parent_has_not_looked_yet_is_dead_too() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = "/".join([*rows.owners.me().split("/")[:2], str(child.pid), rows.owners._start(child.pid) or "", "x"])
    assert rows.owners.dead([owner]) == set()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert rows.owners.dead([owner]) == {owner}
    child.communicate()
    assert rows.owners.dead([owner]) == {owner}


def test_times_come_back_aware(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    with store.reading() as tx:
        (latest,) = rows.digests.latest(tx)
        assert rows.digests.load(tx, 1).made.at.tzinfo is UTC
    assert latest["message"] == "planned"
