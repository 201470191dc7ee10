"""Past digests as they were composed, and papers as they stood at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from digest import evaluate
from digest import store as rows
from digest.app import App
from digest.evaluate.report import describe_exploration
from digest.model import (
    Button,
    Digest,
    Feedback,
    Item,
    MessageState,
    Press,
    Provenance,
    Quiet,
    QuietReason,
    Score,
    Subscriber,
    Vote,
)
from digest.ranking import features
from digest.store import Store
from digest.store.digests import Window
from digest.store.feedback import Standing
from digest.store.tables import picks
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries
from tests.integration.ledger.conftest import add_reader

MADE = Provenance(
    model="thumbs", features="words1", recipe="learned", recipe_b="words", candidates=50, at=NOW
)
ITEMS = (
    Item(position=1, score=Score(paper_id=1, value=0.5, chance=0.97, rest=0.5), slot="pinned"),
    Item(position=2, score=Score(paper_id=2, value=0.4, chance=0.9, rest=0.4), team="words"),
    Item(
        position=3,
        score=Score(paper_id=3, value=0.1, chance=0.12, rest=0.1),
        slot="exploration",
        probability=0.02,
    ),
)


def add_papers(store: Store, papers: int = 4) -> None:
    ingest_entries(
        store,
        *(entry(f"Paper number {n} of some", arxiv=f"2606.0000{n}") for n in range(1, papers + 1)),
    )


def record_digest(
    store: Store,
    who: Subscriber,
    *,
    after: int = 0,
    outcome: Digest | Quiet | None = None,
    accepted: bool = True,
) -> None:
    day, now = DAY + timedelta(days=after), NOW + timedelta(days=after)
    chosen = outcome or Digest(subscriber_id=who.id, local_date=day, items=ITEMS, provenance=MADE)
    window = Window(
        message_id=f"<{day}.s{who.id}@example.org>",
        not_before=now,
        expires_at=now + timedelta(hours=16),
    )
    with store.writing() as tx:
        rows.digests.plan(tx, chosen, max_paper_id=4, window=window, now=now)
        if accepted:
            tx.exec_driver_sql("UPDATE messages SET state = 'accepted'")


def vote(store: Store, who: Subscriber, paper: int, thumb: Vote, hours: int) -> None:
    with store.writing() as tx:
        rows.feedback.save(
            tx,
            Feedback(
                subscriber_id=who.id, paper_id=paper, vote=thumb, at=NOW + timedelta(hours=hours)
            ),
        )


def test_a_past_digest_is_loaded_as_it_was_composed(store: Store) -> None:
    add_papers(store)
    alice, bob = add_reader(store), add_reader(store, "bob@example.org")
    record_digest(store, alice)
    quiet = Quiet(
        subscriber_id=alice.id,
        local_date=DAY + timedelta(days=1),
        reason=QuietReason.BELOW_THRESHOLD,
        provenance=MADE,
    )
    record_digest(store, alice, after=1, outcome=quiet)
    record_digest(store, bob, after=2, accepted=False)
    with store.reading() as tx:
        digests = rows.past.load_digests(tx, [alice.id, bob.id])
        loaded = rows.digests.load(tx, 1)
    assert [
        (digest.subscriber_id, digest.local_date - DAY, digest.state) for digest in digests
    ] == [
        (alice.id, timedelta(0), MessageState.ACCEPTED),
        (alice.id, timedelta(days=1), None),
        (bob.id, timedelta(days=2), MessageState.PLANNED),
    ]
    assert (digests[0].composed_at, digests[0].max_paper_id, digests[0].provenance) == (
        NOW,
        4,
        MADE,
    )
    assert digests[1].items == ()
    assert loaded.items == ITEMS
    for was, item in zip(digests[0].items, ITEMS, strict=True):
        assert (was.position, was.paper_id, was.match) == (
            item.position,
            item.score.paper_id,
            item.score.match,
        )
        assert (was.slot, was.probability, was.team) == (item.slot, item.probability, item.team)


def test_withdrawn_thumbs_are_not_counted(store: Store) -> None:
    add_papers(store)
    alice, bob = add_reader(store), add_reader(store, "bob@example.org")
    vote(store, alice, 1, 1, 1)
    vote(store, alice, 2, -1, 1)
    vote(store, bob, 1, 1, 1)
    vote(store, bob, 1, 0, 2)
    with store.reading() as tx:
        assert rows.past.count_thumbs_by_reader(tx) == {alice.id: 2}


def test_papers_are_loaded_as_of_a_time(store: Store) -> None:
    add_papers(store)
    alice, bob = add_reader(store), add_reader(store, "bob@example.org")
    vote(store, alice, 1, 1, 1)
    vote(store, bob, 1, 1, 5)
    with store.writing() as tx:
        for day in (DAY, DAY + timedelta(days=3)):
            tx.execute(picks.insert().values(paper_id=1, day=day, rank=2))
    with store.reading() as tx:
        then = rows.papers.load(tx, [1], before=NOW + timedelta(hours=2), least=1)[1]
        now = rows.papers.load(tx, [1], least=2)[1]
        assert rows.papers.load(tx, [1], before=NOW + timedelta(hours=2), least=2)[1].upvotes == 0
        assert (then.upvotes, then.picked) == (1, DAY)
        assert (now.upvotes, now.picked) == (2, DAY + timedelta(days=3))
        assert rows.papers.list_recent(tx, DAY, 10, max_paper_id=2) == [2, 1]
        assert rows.papers.list_recent(tx, DAY, 10) == [4, 3, 2, 1]
        assert rows.past.load_first_seen(tx, DAY - timedelta(days=1), DAY, 3) == {
            1: DAY,
            2: DAY,
            3: DAY,
        }
        assert rows.past.load_first_seen(tx, DAY, DAY + timedelta(days=1), 3) == {}


def test_vectors_of_an_id_range_come_in_batches(store: Store) -> None:
    add_papers(store)
    with store.writing() as tx:
        rows.papers.save_vectors(tx, features.VERSION, {n: bytes([n]) for n in range(1, 5)})
    with store.reading() as tx:
        assert list(rows.past.iterate_vectors(tx, features.VERSION, 1, 4, size=2)) == [
            {2: b"\x02", 3: b"\x03"},
            {4: b"\x04"},
        ]
        assert list(rows.past.iterate_vectors(tx, "another", 0, 4)) == []


def test_slots_and_draws_are_reported_without_readers(any_app: App) -> None:
    add_papers(any_app.store)
    alice = add_reader(any_app.store)
    for day in range(40):
        record_digest(any_app.store, alice, after=day)
    vote(any_app.store, alice, 3, 1, 1)
    report = evaluate.evaluate(any_app)
    assert [(slot.label, slot.estimate.units) for slot in report.slots] == [
        ("normal", 40),
        ("pinned", 40),
        ("exploration", 40),
    ]
    # The paper of the normal slot was from the other recipe.
    assert report.matches == []
    assert report.exploration is not None
    assert report.exploration.enough
    assert report.exploration.rate.value == 1 / 40
    assert "drawn evenly" in describe_exploration(report.exploration)
    (comparison,) = report.comparisons
    assert (comparison.wins, comparison.losses, comparison.ties) == (0, 0, 1)


def test_a_mails_papers_are_listed_with_the_thumbs_on_them(store: Store) -> None:
    """What the page of a thumb asks for: votes, held thumbs, merged and withdrawn papers."""
    add_papers(store, 5)
    alice, bob = add_reader(store), add_reader(store, "bob@example.org")
    record_digest(store, alice)
    record_digest(store, bob)
    with store.reading() as tx:
        ids = {
            who: tx.exec_driver_sql(
                f"SELECT id FROM messages WHERE subscriber_id = {who}"
            ).scalar_one()
            for who in (alice.id, bob.id)
        }

    def listed(who: Subscriber, message: int, since: timedelta = timedelta(0)) -> list[list[int]]:
        with store.reading() as tx:
            entries = rows.digest_lists.load_rated(tx, message, who.id, held_since=NOW + since)
        return [[each.listed_id, each.paper_id, each.vote, each.is_held] for each in entries]

    message = ids[alice.id]
    vote(store, alice, 2, -1, hours=1)
    vote(store, bob, 1, 1, hours=1)
    press = Press(button=Button.THUMB, paper_id=3, vote=1, at=NOW, form="a", state="held")
    with store.writing() as tx:
        recorded = rows.presses.record(tx, alice.id, press, forget_before=NOW - timedelta(days=1))
        assert recorded is not None
        assert recorded == replace(press, id=recorded.id)
        assert (
            rows.presses.record(tx, alice.id, press, forget_before=NOW - timedelta(days=1)) is None
        )
        assert rows.feedback.find_standing(tx, alice.id, 3) == Standing(
            paper_id=3, vote=0, has_held=True
        )
        assert rows.feedback.find_standing(tx, alice.id, 2) == Standing(
            paper_id=2, vote=-1, has_held=False
        )
        assert rows.feedback.find_standing(tx, alice.id, 99) is None
        assert rows.subscribers.find(tx, alice.id, lock=True) == alice
    assert listed(alice, message) == [[1, 1, 0, False], [2, 2, -1, False], [3, 3, 0, True]]
    assert listed(alice, message, timedelta(seconds=1))[2] == [3, 3, 0, False], "too long ago"
    assert listed(alice, ids[bob.id]) == [], "a mail to somebody else"
    with store.writing() as tx:
        rows.presses.void_held(tx, alice.id, Button.THUMB, 2)
        tx.exec_driver_sql("UPDATE papers SET withdrawn = (1 = 1) WHERE id = 1")
        tx.exec_driver_sql("UPDATE papers SET merged_into = 2 WHERE id = 3")
        assert rows.feedback.find_standing(tx, alice.id, 3) == Standing(
            paper_id=2, vote=-1, has_held=False
        )
    assert listed(alice, message) == [[2, 2, -1, False], [3, 2, -1, False]]
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE papers SET withdrawn = (1 = 1) WHERE id = 2")
    assert listed(alice, message) == [], "what a paper was merged into is withdrawn"
