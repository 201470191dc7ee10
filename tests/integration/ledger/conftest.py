"""The ledger on SQLite and PostgreSQL; each step of a message in a transaction."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from digest import store as rows
from digest.model import (
    Delivery,
    Digest,
    Item,
    MessageState,
    Outcome,
    Phase,
    Provenance,
    Queued,
    Score,
    Subscriber,
)
from digest.store import Store
from digest.store.digests import Window
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries

S = MessageState
LATER = NOW + timedelta(hours=20)


def add_reader(store: Store, email: str = "alice@example.org") -> Subscriber:
    with store.writing() as tx:
        return rows.subscribers.add(
            tx, Subscriber(id=0, email=email, created=NOW), origin="command", now=NOW
        )


def plan_digest(
    store: Store,
    who: Subscriber,
    day: date = DAY,
    papers: tuple[int, ...] = (1,),
    now: datetime = NOW,
    seen_before: frozenset[int] = frozenset(),
) -> int | None:
    provenance = Provenance(model="keywords", features="words1", at=now)
    items = tuple(
        Item(
            position=n, score=Score(paper_id=p, value=1.0, chance=0.9), seen_before=p in seen_before
        )
        for n, p in enumerate(papers, 1)
    )
    window = Window(
        message_id=f"<digest.{day}.s{who.id}@example.org>",
        not_before=now,
        expires_at=now + timedelta(hours=16),
    )
    with store.writing() as tx:
        return rows.digests.plan(
            tx,
            Digest(subscriber_id=who.id, local_date=day, items=items, provenance=provenance),
            max_paper_id=9,
            window=window,
            now=now,
        )


def claim_messages(store: Store, owner: str = "me", now: datetime = NOW) -> list[Queued]:
    with store.writing() as tx:
        return rows.ledger.claim(tx, owner=owner, now=now, clock=now)


def begin_message(store: Store, queued: Queued, owner: str = "me", now: datetime = NOW) -> bool:
    with store.writing() as tx:
        return rows.ledger.begin(tx, [queued], owner=owner, now=now, clock=now) == {queued.id}


def settle_message(
    store: Store, queued: Queued, outcome: Outcome, owner: str = "me", now: datetime = NOW
) -> MessageState:
    with store.writing() as tx:
        delivery = Delivery(
            outcome=outcome,
            server="here",
            phase=Phase.BODY,
            code=250,
            text="ok",
            started=now,
            ended=now,
        )
        return rows.ledger.settle(tx, [(queued, delivery)], owner=owner, now=now)[queued.id]


def recover_messages(store: Store, now: datetime, dead: tuple[str, ...] = ()) -> dict[str, int]:
    with store.writing() as tx:
        moved = rows.ledger.recover(tx, dead=dead, now=now, clock=now)
    return {state: n for state in ("planned", "unknown", "expired") if (n := getattr(moved, state))}


def resolve_message(store: Store, queued: Queued, state: Any) -> bool:
    with store.writing() as tx:
        return rows.ledger.resolve(tx, queued.id, state, "a test", now=NOW)


def states(store: Store) -> dict[MessageState, int]:
    with store.reading() as tx:
        return rows.deliveries.count_by_state(tx)


@pytest.fixture
def alice(store: Store) -> Subscriber:
    ingest_entries(store, *(entry(f"Paper {n}", arxiv=f"2606.0000{n}") for n in range(1, 6)))
    return add_reader(store)
