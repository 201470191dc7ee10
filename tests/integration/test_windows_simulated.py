"""Simulated readers on a real store: outages, bounces, pauses and moves.

They come in any order. Ranking is the plain recipe "recent"; all else is the real service.
"""

from __future__ import annotations

import importlib
import itertools
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase as HypothesisPhase
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.due_dates import LOOK_BACK, NEAR, due_at, earliest_due, next_due
from digest.model import MessageState, SubscriberStatus
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.integration.arrivals import entry, ingest_entries
from tests.integration.fates import bounce_newest, resolve_unknown, send_waiting

START = datetime(2026, 10, 19, 12, tzinfo=UTC)  # the clocks of Europe change on the 25th
READERS = (
    SubscriptionRequest(email="daily@example.org", size=2),
    SubscriptionRequest(email="tokyo@example.org", size=3, days=(1,), timezone="Asia/Tokyo"),
    SubscriptionRequest(
        email="sunday@example.org", size=2, days=(7,), hour=22, timezone="Europe/Berlin"
    ),
    SubscriptionRequest(
        email="west@example.org", size=2, days=(2, 4), hour=18, timezone="America/Los_Angeles"
    ),
)
HOUR = timedelta(hours=1)


@dataclass
class World:
    """A service that ticks, its readers, and a record of its effects."""

    app: App
    now: datetime = START
    #: what the mail server makes of the next messages; None = it is away, and they wait
    outcome: str | None = "accepted"
    papers: int = 0
    #: (reader, local date) -> the ids that competed, and the instant
    competed: dict[tuple[int, date], frozenset[int]] = field(default_factory=dict)
    #: reader -> the instants at which `serve` made their digests since they changed anything
    digest_times: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    @property
    def service(self) -> App:
        return self.app.at(self.now)

    def join(self) -> None:
        for request in READERS:
            subscriptions.subscribe(self.service, request, origin="command")

    def publish(self, number: int) -> None:
        entries = [
            entry(f"Paper {self.papers + n}", arxiv=f"2610.{self.papers + n:05}")
            for n in range(number)
        ]
        self.papers += number
        ingest_entries(self.app.store, *entries, day=self.now.date())

    def tick(self) -> None:
        report = pipeline.compose(self.service, due=True)
        for planned in report.planned:
            who = subscriptions.find(self.app, planned.email)
            assert earliest_due(who) <= due_at(who, planned.local_date) <= self.now
            assert planned.local_date >= START.date()
            for before in self.digest_times[who.id][-1:]:
                first = len(self.digest_times[who.id]) == 1
                assert self.now - before >= NEAR or first
            self.digest_times[who.id].append(self.now)
        self._check_times([planned.email for planned in report.planned])
        self.send()

    def _check_times(self, emails: Sequence[str]) -> None:
        with self.app.store.reading() as tx:
            for email in emails:
                who = subscriptions.find(self.app, email)
                newest = select(tables.messages.c.expires_at).where(
                    tables.messages.c.subscriber_id == who.id
                )
                expires = tx.execute(newest.order_by(tables.messages.c.id.desc()).limit(1))
                following = next_due(who, self.now)
                assert following is not None
                assert self.now < expires.scalar_one() <= following[1]

    def by_hand(self) -> None:
        pipeline.compose(self.service)
        self.digest_times.clear()
        self.send()

    def send(self) -> None:
        """Send what waits; each message gets the current outcome."""
        if self.outcome is not None:
            send_waiting(self.app, self.outcome, self.now)

    def bounce(self, number: int) -> None:
        bounce_newest(self.app, self._reader(number), self.now)

    def resolve(self, accepted: bool) -> None:
        resolve_unknown(self.app, accepted=accepted, now=self.now)

    def change(self, number: int, fields: dict[str, Any]) -> None:
        who = self._reader(number)
        subscriptions.change(self.service, who.id, SubscriptionRequest(email="", **fields))
        self.digest_times.pop(who.id, None)

    def pause(self, number: int) -> None:
        who = self._reader(number)
        active = who.status is SubscriberStatus.ACTIVE
        subscriptions.pause(self.service, who.id, paused=active)

    def _reader(self, number: int) -> Any:
        return subscriptions.list_subscribers(self.app)[number]

    def run(self, steps: Sequence[tuple[str, Any]]) -> None:
        for what, how in steps:
            match what:
                case "serve":
                    for _ in range(how):
                        self.now += 5 * HOUR
                        self.tick()
                case "outage":
                    self.now += how * HOUR
                case "outcome":
                    self.outcome = how
                case "change":
                    self.change(*how)
                case _:
                    getattr(self, what)(*([] if how is None else [how]))


@contextmanager
def world() -> Iterator[World]:
    """Open a new store and record which papers compete."""
    module = importlib.import_module("digest.pipeline.steps.reader_batches")
    choose_digests = module.choose_digests
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        app = make_app(Path(folder), digest__recipe="recent")
        new_world = World(app=app.at(START))

        def record_candidates(rules: Any, split: Any, context: Any, batch: Sequence[Any]) -> Any:
            for candidates in batch:
                reader_id = candidates.reader.subscriber.id
                new_world.competed[reader_id, context.local_date] = candidates.paper_ids
            return choose_digests(rules, split, context, batch)

        patch.setattr(module, "choose_digests", record_candidates)
        try:
            new_world.join()
            yield new_world
        finally:
            app.close()


def check(world: World) -> None:
    """Check the promises over the whole history."""
    c = tables.digests.c
    columns = (c.id, c.subscriber_id, c.local_date, c.created_at, tables.messages.c.state)
    rows = select(*columns).join(tables.messages, tables.messages.c.digest_id == c.id)
    # Skip papers that an unknown mail listed; they are listed again, with a mark.
    items = select(tables.digest_items.c.digest_id, tables.digest_items.c.paper_id).where(
        ~tables.digest_items.c.seen_before
    )
    with world.app.store.reading() as tx:
        digests = tx.execute(rows.order_by(c.created_at, c.id)).all()
        listed: dict[int, set[int]] = defaultdict(set)
        for item in tx.execute(items):
            listed[item.digest_id].add(item.paper_id)
        papers = store.papers.load(tx, range(1, world.papers + 1))
    assert len({(row.subscriber_id, row.local_date) for row in digests}) == len(digests)
    for number in range(1, len(READERS) + 1):
        reader_digests = [row for row in digests if row.subscriber_id == number]
        accepted = [row for row in reader_digests if row.state == MessageState.ACCEPTED.value]
        shown = [paper for row in accepted for paper in listed[row.id]]
        assert len(shown) == len(set(shown))
        for ident, paper in papers.items():
            takers = [
                row
                for row in accepted
                if row.local_date - paper.first_seen <= LOOK_BACK
                and ident in world.competed[number, row.local_date]
            ]
            reachable = [
                row
                for row in accepted
                if row.created_at.date() > paper.first_seen
                and row.local_date - paper.first_seen < LOOK_BACK
            ]
            assert takers or not reachable, (number, ident, paper.first_seen, reader_digests)


readers = st.integers(0, len(READERS) - 1)
changes = st.one_of(
    st.sampled_from(["UTC", "Pacific/Honolulu", "Pacific/Kiritimati"]).map(
        lambda zone: {"timezone": zone}
    ),
    st.integers(0, 23).map(lambda hour: {"hour": hour}),
    st.sets(st.integers(1, 7), min_size=1).map(lambda days: {"days": tuple(sorted(days))}),
)
steps = st.one_of(
    st.tuples(st.just("serve"), st.integers(1, 6)),
    st.tuples(st.just("outage"), st.integers(1, 24 * 9)),
    st.tuples(st.just("publish"), st.integers(1, 4)),
    st.tuples(
        st.just("outcome"), st.sampled_from(["accepted", "accepted", "rejected", "unknown", None])
    ),
    st.tuples(st.just("bounce"), readers),
    st.tuples(st.just("resolve"), st.booleans()),
    st.tuples(st.just("pause"), readers),
    st.tuples(st.just("change"), st.tuples(readers, changes)),
    st.tuples(st.just("by_hand"), st.none()),
)


#: mails that are not sent for longer than `window_days`
SILENCE = [("outcome", None), ("serve", 6), ("outage", 200), ("serve", 1)]
#: the first digest comes back, with papers that it had no place for
BOUNCE = [("serve", 5), ("bounce", 0), ("publish", 1), ("serve", 1)]
#: nobody knows of the first digest, and then it was refused after all
REFUSED = [("outcome", "unknown"), ("serve", 5), ("outage", 20), ("resolve", False)]
#: a pause before the first digest
PAUSED_FIRST = [("serve", 7), ("pause", 3), ("serve", 11)]
#: new days before the first digest, twice
CHANGED_FIRST = [
    ("serve", 7),
    ("change", (3, {"days": (6,)})),
    ("serve", 15),
    ("change", (3, {"days": (2,)})),
]
#: a digest of unknown fate did arrive, as evidence says after the next one
ARRIVED_LATE = [
    ("publish", 1),
    ("outcome", "unknown"),
    ("serve", 5),
    ("outcome", "accepted"),
    ("publish", 1),
    ("serve", 5),
    ("resolve", True),
]


@example(SILENCE)
@example(BOUNCE)
@example(REFUSED)
@example(PAUSED_FIRST)
@example(CHANGED_FIRST)
@example(ARRIVED_LATE)
# No shrinking: it would run hundreds of other lives.
@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("DIGEST_TEST_EXAMPLES", "6")),
    phases=[HypothesisPhase.explicit, HypothesisPhase.reuse, HypothesisPhase.generate],
    deadline=None,
)
@given(st.lists(steps, min_size=8, max_size=24))
def test_no_paper_is_lost_or_listed_twice_whatever_happens(
    events: list[tuple[str, Any]],
) -> None:
    with world() as simulation:
        simulation.publish(3)
        simulation.run(events)
        # From here on nothing fails, so each paper must have competed within eight days.
        simulation.outcome = "accepted"
        for number in range(len(READERS)):
            if (
                subscriptions.list_subscribers(simulation.app)[number].status
                is SubscriberStatus.PAUSED
            ):
                simulation.pause(number)
        for _ in itertools.repeat(None, 9):
            simulation.publish(1)
            simulation.run([("outage", 14), ("serve", 2)])
        check(simulation)
