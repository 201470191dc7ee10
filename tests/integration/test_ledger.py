"""The ledger on SQLite and PostgreSQL: who may send what, exactly once, and what becomes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

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
        return rows.ledger.claim(tx, owner=owner, now=now)


def began(store: Store, queued: Queued, owner: str = "me", now: datetime = NOW) -> bool:
    with store.writing() as tx:
        return rows.ledger.begin(tx, queued, owner=owner, now=now)


def settled(store: Store, queued: Queued, outcome: Outcome, owner: str = "me", now: datetime = NOW) -> MessageState:
    with store.writing() as tx:
        delivery = Delivery(outcome=outcome, server="here", phase=Phase.BODY, code=250, text="ok", started=now, ended=now)
        return rows.ledger.settle(tx, queued, delivery, owner=owner, now=now)


def recovered(store: Store, now: datetime, dead: tuple[str, ...] = ()) -> dict[str, int]:
    with store.writing() as tx:
        return {state: n for state, n in rows.ledger.recover(tx, dead=dead, now=now).items() if n}


def states(store: Store) -> dict[MessageState, int]:
    with store.reading() as tx:
        return rows.ledger.count(tx)


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


def test_a_late_word_of_a_sender_that_lost_its_message_changes_nothing(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    (queued,) = claimed(store, "dead")
    assert began(store, queued, "dead")
    recovered(store, NOW, dead=("dead",))
    assert settled(store, queued, "deferred", "dead") is S.UNKNOWN


def test_deferred_waits_longer_each_time_and_then_expires(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    now = NOW
    pauses = []
    while True:
        some = claimed(store, now=now)
        if not some:
            break
        assert began(store, some[0], now=now)
        assert settled(store, some[0], "deferred", now=now) is S.DEFERRED
        assert claimed(store, now=now) == []
        start = now
        while not (got := _waits(store, now)):
            now += timedelta(minutes=1)
            if now > NOW + timedelta(hours=17):
                break
        if not got:
            break
        pauses.append(now - start)
    assert pauses[:3] == [timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45)]
    assert recovered(store, NOW + timedelta(hours=17)) == {"expired": 1}


def _waits(store: Store, now: datetime) -> int:
    with store.reading() as tx:
        return rows.ledger.waiting(tx, now=now)[0]


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


def test_times_come_back_aware(store: Store, alice: Subscriber) -> None:
    planned(store, alice)
    with store.reading() as tx:
        (latest,) = rows.digests.latest(tx)
        assert rows.digests.load(tx, 1).made.at.tzinfo is UTC
    assert latest["message"] == "planned"
