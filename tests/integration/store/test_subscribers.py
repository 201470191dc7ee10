"""Stored subscribers, their thumbs, and the keys of their links."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from digest import store as rows
from digest.errors import StoreError
from digest.model import Feedback, Interest, Subscriber, SubscriberStatus
from digest.store import Connection, Store
from digest.store.tables import subscribers
from tests.integration.arrivals import LATER, NOW, entry, ingest_entries


def subscriber(tx: Connection, email: str = "Alice@example.org", **more: object) -> Subscriber:
    reader = Subscriber(id=0, email=email, created=NOW, **more)  # type: ignore[arg-type]
    return rows.subscribers.add(tx, reader, origin="command", now=NOW)


def test_a_subscriber_is_loaded_as_stored(store: Store) -> None:
    topic = Interest(
        name="main",
        keywords=("ночь", "-survey"),
        categories=("cs.LG",),
        authors=("Jane Doe",),
        papers=("2606.00001",),
        text="a text",
    )
    with store.writing() as tx:
        reader = subscriber(
            tx,
            name="Al",
            timezone="Europe/Berlin",
            hour=5,
            days=(1, 3),
            size=7,
            strictness=80,
            quiet_days="weekly",
            interests=(topic,),
        )
    with store.reading() as tx:
        assert rows.subscribers.find(tx, reader.id) == reader
        assert rows.subscribers.find_by_email(tx, "ALICE@EXAMPLE.ORG") == reader
    assert (reader.interests, reader.days, reader.created) == ((topic,), (1, 3), NOW)


def test_the_id_of_a_deleted_subscriber_is_not_reused(store: Store) -> None:
    """Links in old mails contain the id."""
    ids = []
    for name in ("alice", "bob"):
        with store.writing() as tx:
            ids.append(subscriber(tx, email=f"{name}@example.org").id)
            tx.execute(delete(subscribers))
    assert ids[0] != ids[1]


def test_a_vote_replaces_the_last_and_a_repeat_keeps_its_time(store: Store) -> None:
    ingest_entries(store, entry("One", arxiv="2606.00001"))
    later = NOW + timedelta(hours=1)
    with store.writing() as tx:
        reader = subscriber(tx)
        votes = [(1, NOW), (1, later), (-1, later), (0, later)]
        before = [
            rows.feedback.save(tx, Feedback(subscriber_id=reader.id, paper_id=1, vote=vote, at=at))
            for vote, at in votes[:2]
        ]  # type: ignore[arg-type]
        assert rows.feedback.load_votes(tx, [reader.id])[reader.id][0].at == NOW
        before += [
            rows.feedback.save(tx, Feedback(subscriber_id=reader.id, paper_id=1, vote=vote, at=at))
            for vote, at in votes[2:]
        ]  # type: ignore[arg-type]
        assert before == [0, 1, 1, -1]
        assert rows.feedback.load_votes(tx, [reader.id]) == {}


def test_the_first_link_key_is_made_once(store: Store) -> None:
    with store.writing() as tx:
        first = rows.keys.ensure(tx, NOW)
    with store.writing() as tx:
        again = rows.keys.ensure(tx, NOW)
    assert [k.secret for k in first] == [k.secret for k in again]
    assert len(first[0].secret) == 32


def test_a_new_link_key_signs_and_old_ones_verify(store: Store) -> None:
    with store.writing() as tx:
        (first,) = rows.keys.ensure(tx, NOW)
    with store.writing() as tx:
        assert [key.id for key in rows.keys.rotate(tx, LATER)] == [1, 2]
    with store.reading() as tx:
        old, new = rows.keys.load_keys(tx)
        assert rows.keys.list_ids(tx) == [(1, NOW), (2, LATER)]
    assert old.secret == first.secret != new.secret
    with store.writing() as tx:
        for _ in range(253):
            rows.keys.rotate(tx, LATER)
        with pytest.raises(StoreError, match="255"):
            rows.keys.rotate(tx, LATER)


def test_subscribers_are_counted_by_status(store: Store) -> None:
    with store.writing() as tx:
        subscriber(tx)
        subscriber(tx, "bob@example.org", status=SubscriberStatus.PAUSED)
        assert rows.subscribers.count_by_status(tx) == {
            SubscriberStatus.ACTIVE: 1,
            SubscriberStatus.PAUSED: 1,
        }
