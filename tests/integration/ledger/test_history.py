"""Which papers of a planned digest the next digests may list again."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from digest import store as rows
from digest.model import Bounced, Outcome, Provenance, Quiet, QuietReason, Subscriber
from digest.store import Store
from digest.store.digests import Window
from digest.store.history import Cutoff, History
from digest.store.tables import messages
from tests.examples import FULL
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries
from tests.integration.ledger.conftest import (
    LATER,
    begin_message,
    claim_messages,
    plan_digest,
    recover_messages,
    settle_message,
)


def load_history(
    tx: rows.Connection, who: Subscriber, before: date, *, since: date = DAY - timedelta(days=38)
) -> History:
    cutoffs = rows.history.load_last_cutoffs(tx, [who.id], before)
    return rows.history.load(tx, cutoffs, before, since=since)[who.id]


def test_a_date_has_one_digest(store: Store, alice: Subscriber) -> None:
    assert plan_digest(store, alice) == 1
    assert plan_digest(store, alice, papers=(2,)) is None
    quiet = Quiet(
        subscriber_id=alice.id,
        local_date=DAY,
        reason=QuietReason.NO_NEW_PAPERS,
        provenance=Provenance(model="", features="", at=NOW),
    )
    with store.writing() as tx:
        assert (
            rows.digests.plan(
                tx,
                quiet,
                max_paper_id=9,
                window=Window(message_id="<x@y>", not_before=NOW, expires_at=LATER),
                now=NOW,
            )
            is None
        )
        assert [item.score.paper_id for item in rows.digests.load(tx, 1).items] == [1]


def test_a_digest_is_loaded_as_it_was_chosen(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice, papers=(3, 1))
    with store.reading() as tx:
        digest = rows.digests.load(tx, 1)
    assert [(item.position, item.score.paper_id, item.score.match) for item in digest.items] == [
        (1, 3, 90),
        (2, 1, 90),
    ]
    assert (digest.provenance.model, digest.provenance.at) == ("keywords", NOW)


def test_loaded_times_are_aware(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice)
    with store.reading() as tx:
        (latest,) = rows.digests.list_latest(tx)
        assert rows.digests.load(tx, 1).provenance.at.tzinfo is UTC
    assert latest["message"] == "planned"


@pytest.mark.parametrize(
    ("outcome", "carried", "maybe"),
    [
        ("accepted", set(), set()),
        ("rejected", {1, 2}, set()),
        ("unknown", {1, 2}, {1, 2}),
        ("deferred", set(), set()),
    ],
)
def test_papers_of_a_failed_digest_are_candidates_again(
    store: Store, alice: Subscriber, outcome: Outcome, carried: set[int], maybe: set[int]
) -> None:
    plan_digest(store, alice, papers=(1, 2))
    (queued,) = claim_messages(store)
    assert begin_message(store, queued)
    settle_message(store, queued, outcome)
    with store.reading() as tx:
        past = load_history(tx, alice, DAY + timedelta(days=1))
    assert (past.carried, past.maybe_seen) == (carried, maybe)
    assert past.listed == (set() if carried else {1, 2})
    cutoff = Cutoff(local_date=DAY, composed_at=NOW, max_paper_id=9)
    assert past.arrived == (cutoff if outcome == "accepted" else None)
    assert past.latest == cutoff


@pytest.mark.parametrize(
    ("fault", "arrived"), [("mailbox", None), ("ours", None), ("complaint", DAY)]
)
def test_papers_of_a_bounced_digest_are_not_listed_again(
    store: Store, alice: Subscriber, fault: str, arrived: date | None
) -> None:
    plan_digest(store, alice, papers=(1, 2))
    (queued,) = claim_messages(store)
    begin_message(store, queued)
    settle_message(store, queued, "accepted")
    note = rows.bounces.record_complaint if fault == "complaint" else rows.bounces.record
    bounced = Bounced(fault="" if fault == "complaint" else fault, enhanced="", at=NOW)  # type: ignore[arg-type]
    with store.writing() as tx:
        assert note(tx, bounced, message_id=queued.id, email=alice.email, text="", via="mail")
        past = load_history(tx, alice, DAY + timedelta(days=1))
    assert (past.arrived and past.arrived.local_date) == arrived
    assert (past.carried, past.listed) == (set(), {1, 2})


def test_missed_dates_are_closed_without_papers(store: Store, alice: Subscriber) -> None:
    plan_digest(store, alice, papers=(1,))
    closed = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    with store.writing() as tx:
        rows.digests.close_missed(tx, alice.id, closed, now=LATER)
        reasons = rows.digests.load_reasons(tx, [alice.id], closed[0])[alice.id]
        past = load_history(tx, alice, DAY + timedelta(days=2))
        last = rows.digests.load_last_dates(tx, [alice.id], since=closed[0], before=closed[2])
    missed = QuietReason.MISSED.value
    assert reasons == dict(zip(closed, [missed, "", missed], strict=True))
    assert past.latest == Cutoff(local_date=DAY, composed_at=NOW, max_paper_id=9)
    assert last == {alice.id: DAY}


def test_carried_papers_are_dropped_after_an_accepted_digest(
    store: Store, alice: Subscriber
) -> None:
    plan_digest(store, alice, papers=(1, 2))
    (queued,) = claim_messages(store)
    begin_message(store, queued)
    settle_message(store, queued, "rejected")
    tomorrow = NOW + timedelta(days=1)
    plan_digest(store, alice, day=DAY + timedelta(days=1), papers=(1,), now=tomorrow)
    with store.reading() as tx:
        past = load_history(tx, alice, DAY + timedelta(days=2))
    assert (past.carried, past.listed) == ({2}, {1})
    (queued,) = claim_messages(store, now=tomorrow)
    begin_message(store, queued, now=tomorrow)
    settle_message(store, queued, "accepted", now=tomorrow)
    with store.reading() as tx:
        past = load_history(tx, alice, DAY + timedelta(days=2))
    assert (past.carried, past.listed) == (set(), {1})


def test_a_digest_that_expires_after_the_next_one_was_composed_loses_no_paper(
    store: Store, alice: Subscriber
) -> None:
    plan_digest(store, alice, papers=(1, 2))
    plan_digest(
        store, alice, day=DAY + timedelta(days=1), papers=(3,), now=NOW + timedelta(hours=15)
    )
    recover_messages(store, NOW + timedelta(hours=17))
    with store.reading() as tx:
        past = load_history(tx, alice, DAY + timedelta(days=2))
    assert past.carried == {1, 2}


def compute_whole_history(
    store: Store,
    ident: int,
    before: date,
    past: list[tuple[date, tuple[int, ...], str, datetime, datetime]],
) -> History:
    """Compute a reader's history from all past digests, as an oracle."""
    earlier = [digest for digest in past if digest[0] < before]
    closed = [digest for digest in earlier if digest[2] not in ("rejected", "unknown", "expired")]
    last = max(closed, key=lambda digest: digest[0]) if closed else None
    newest = max(earlier, key=lambda digest: digest[0]) if earlier else None
    listed = {paper for digest in closed for paper in digest[1]}
    failed = [digest for digest in past if digest[0] < before and digest not in closed]
    carried = {
        paper for digest in failed if last is None or last[3] <= digest[4] for paper in digest[1]
    }
    return History(
        arrived=last and Cutoff(local_date=last[0], composed_at=last[3], max_paper_id=9),
        latest=newest and Cutoff(local_date=newest[0], composed_at=newest[3], max_paper_id=9),
        listed=frozenset(listed),
        carried=frozenset(carried - listed),
        maybe_seen=frozenset(
            {paper for digest in failed if digest[2] == "unknown" for paper in digest[1]} - listed
        ),
    )


@pytest.mark.parametrize("seed", range(6 if FULL else 2))
def test_the_loaded_history_equals_the_whole_history(
    store: Store, alice: Subscriber, seed: int
) -> None:
    chance = random.Random(seed)
    past: list[tuple[date, tuple[int, ...], str, datetime, datetime]] = []
    ingest_entries(store, *(entry(f"Later paper {n}", arxiv=f"2606.1{n:04}") for n in range(60)))
    for number in range(60):
        if chance.random() < 0.2:
            continue  # a day without a digest
        day, at = DAY + timedelta(days=number), NOW + timedelta(days=number)
        so_far = compute_whole_history(store, alice.id, day, past)
        new = [paper for paper in range(number + 1, number + 4) if paper not in so_far.listed]
        papers = tuple(
            sorted(
                {
                    *chance.sample(
                        sorted({*new, *so_far.carried}), min(2, len({*new, *so_far.carried}))
                    ),
                    number + 4,
                }
            )
        )
        plan_digest(store, alice, day=day, papers=papers, now=at, seen_before=so_far.maybe_seen)
        state = chance.choice(["accepted", "accepted", "rejected", "unknown", "expired"])
        # Settled by the operator, days later.
        changed = at + timedelta(days=chance.choice([0, 0, 0, 1, 3, 30]))
        with store.writing() as tx:
            said = {"state": state, "changed_at": changed}
            tx.execute(update(messages).where(messages.c.key == day.isoformat()).values(said))
        past.append((day, papers, state, at, changed))
        before, since = day + timedelta(days=1), day - timedelta(days=7)
        with store.reading() as tx:
            loaded = load_history(tx, alice, before, since=since)
            all_of_it = load_history(tx, alice, before, since=date.min)
        expected = compute_whole_history(store, alice.id, before, past)
        assert all_of_it == expected
        assert (loaded.arrived, loaded.latest, loaded.carried) == (
            expected.arrived,
            expected.latest,
            expected.carried,
        )
        competing = {paper for paper in range(1, 70) if paper > number - 4} | expected.carried
        assert loaded.listed & competing == expected.listed & competing
        assert loaded.maybe_seen & expected.carried == expected.maybe_seen & expected.carried
