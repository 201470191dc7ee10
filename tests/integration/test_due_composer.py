"""Ticks at which nothing can have changed look at nobody, and nobody is missed by that."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.model import MessageState, Subscriber, SubscriberStatus
from digest.pipeline.due_composer import QUARTER
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.examples import examples
from tests.integration.arrivals import entry, ingest_entries
from tests.integration.fates import bounce_newest, resolve_unknown, send_waiting

START = datetime(2026, 10, 24, 6, 40, tzinfo=UTC)  # the clocks of Europe change on the 25th
MINUTE = timedelta(minutes=1)
READERS = (
    SubscriptionRequest(email="daily@example.org", size=2, hour=7),
    SubscriptionRequest(email="berlin@example.org", size=2, hour=2, timezone="Europe/Berlin"),
    SubscriptionRequest(email="nepal@example.org", size=2, hour=13, timezone="Asia/Kathmandu"),
)
#: who gets a digest or a quiet day: (address, local date, papers or reason)
Outcome = tuple[str, date, object]


@dataclass
class World:
    """A service that ticks."""

    app: App
    #: with the shortcut; else every tick looks at everybody
    shortcut: bool
    now: datetime = START
    started: datetime = START
    papers: int = 0
    joined: int = 0
    #: ticks that looked at nobody
    skipped: int = 0
    composer: pipeline.DueComposer | None = field(default=None)

    def __post_init__(self) -> None:
        self.app = replace(self.app, now=lambda: self.now)
        for request in READERS:
            subscriptions.subscribe(self.app, request, origin="command")
        self.restart()

    def restart(self) -> None:
        self.started = self.now
        self.composer = pipeline.DueComposer(self.app) if self.shortcut else None

    def tick(self, minutes: int) -> list[Outcome]:
        self.now += minutes * MINUTE
        if self.composer is None:
            report = pipeline.compose(self.app, due=True, started=self.started)
        else:
            composed = self.composer.compose()
            self.skipped += composed is None
            report = composed or pipeline.ComposeReport()
        planned = [(one.email, one.local_date, one.papers) for one in report.planned]
        return sorted([*planned, *((q.email, q.local_date, q.reason) for q in report.quiet)])

    def by_hand(self) -> None:
        pipeline.compose(self.app)

    def publish(self, number: int, days_ago: int = 0) -> None:
        entries = [
            entry(f"Paper {self.papers + n}", arxiv=f"2610.{self.papers + n:05}")
            for n in range(number)
        ]
        self.papers += number
        ingest_entries(self.app.store, *entries, day=self.now.date() - timedelta(days=days_ago))

    def republish(self, days_ago: int) -> None:
        """Publish the first paper again, whose day may move by that."""
        day = self.now.date() - timedelta(days=days_ago)
        ingest_entries(self.app.store, entry("Paper 0, revised", arxiv="2610.00000"), day=day)

    def join(self, hour: int) -> None:
        self.joined += 1
        request = SubscriptionRequest(email=f"new{self.joined}@example.org", size=1, hour=hour)
        subscriptions.subscribe(self.app, request, origin="command")

    def change(self, number: int, fields: dict[str, Any]) -> None:
        request = SubscriptionRequest(email="", **fields)
        subscriptions.change(self.app, self.reader(number).id, request)

    def pause(self, number: int) -> None:
        who = self.reader(number)
        subscriptions.pause(self.app, who.id, paused=who.status is SubscriberStatus.ACTIVE)

    def leave(self, number: int) -> None:
        who = self.reader(number)
        if who.status is SubscriberStatus.LEFT:
            subscriptions.resubscribe(self.app, who.id)
        else:
            subscriptions.unsubscribe(self.app, who.id)

    def delete(self, number: int) -> None:
        who = self.reader(number)
        subscriptions.delete(self.app, who.id)
        request = SubscriptionRequest(email=who.email, size=who.size, hour=who.hour)
        subscriptions.subscribe(self.app, request, origin="command")

    def rate(self, number: int, vote: int) -> None:
        """Rate the newest paper, or take that back."""
        if self.papers:
            with self.app.store.reading() as tx:
                newest = store.papers.find_max_id(tx)
            who = self.reader(number).id
            pipeline.record_feedback(self.app, who, newest, vote, via="command")  # type: ignore[arg-type]

    def send(self, outcome: str) -> None:
        send_waiting(self.app, outcome, self.now)

    def bounce(self, number: int) -> None:
        bounce_newest(self.app, self.reader(number), self.now)

    def resolve(self, accepted: bool) -> None:
        resolve_unknown(self.app, accepted=accepted, now=self.now)

    def reader(self, number: int) -> Subscriber:
        found = {reader.email: reader for reader in subscriptions.list_subscribers(self.app)}
        return found[READERS[number].email or ""]

    def do(self, what: str, how: Sequence[Any]) -> list[Outcome]:
        result = getattr(self, what)(*how)
        return result if what == "tick" else []


@contextmanager
def world(*, shortcut: bool) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        app = make_app(Path(folder), digest__recipe="recent", digest__window_hours="5")
        try:
            yield World(app=replace(app, now=lambda: START), shortcut=shortcut)
        finally:
            app.close()


def events(name: str, *values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just(name), st.tuples(*values))


readers = st.integers(0, len(READERS) - 1)
changes = st.one_of(
    st.sampled_from(["UTC", "Pacific/Honolulu", "Pacific/Kiritimati", "Asia/Kolkata"]).map(
        lambda zone: {"timezone": zone}
    ),
    st.integers(0, 23).map(lambda hour: {"hour": hour}),
    st.sets(st.integers(1, 7), min_size=1).map(lambda days: {"days": tuple(sorted(days))}),
)
ticks = events("tick", st.sampled_from([1, 1, 1, 7, 15, 40, 60, 60, 310, 1440]))
story = st.lists(
    st.one_of(
        ticks,
        ticks,
        ticks,
        events("tick", st.integers(-700, 700)),  # the clock is set
        events("publish", st.integers(1, 3), st.integers(0, 9)),
        events("republish", st.integers(0, 9)),
        events("join", st.integers(0, 23)),
        events("change", readers, changes),
        events("pause", readers),
        events("leave", readers),
        events("delete", readers),
        events("rate", readers, st.sampled_from([1, -1, 0])),
        events("send", st.sampled_from(["accepted", "accepted", "rejected", "unknown"])),
        events("bounce", readers),
        events("resolve", st.booleans()),
        events("by_hand"),
        events("restart"),
    ),
    min_size=10,
    max_size=40,
)
#: the papers of a refused digest compete again while the next one waits
REFUSED = [
    ("publish", (2, 0)),
    ("tick", (60,)),
    ("tick", (1440,)),
    ("tick", (1,)),
    ("send", ("rejected",)),
    ("tick", (1,)),
]


@example(REFUSED)
@settings(max_examples=examples(40), deadline=None)
@given(story)
def test_the_same_readers_get_a_digest_as_if_every_tick_looked_at_everybody(
    steps: list[tuple[str, tuple[Any, ...]]],
) -> None:
    with ExitStack() as stack:
        quick = stack.enter_context(world(shortcut=True))
        plain = stack.enter_context(world(shortcut=False))
        for what, how in [*steps, ("tick", (1,)), ("tick", (1440,))]:
            assert quick.do(what, how) == plain.do(what, how), (what, how, quick.now)


# -------------------------------------------------------------------------------- one event each


@pytest.fixture
def waiting() -> Iterator[World]:
    """A service whose readers wait for papers, and which has looked at all of them."""
    with world(shortcut=True) as ready:
        ready.publish(2)
        ready.tick(60)
        ready.send("accepted")
        ready.tick(1440)
        assert ready.tick(1) == []
        assert ready.skipped == 1
        yield ready


def looks(ready: World) -> bool:
    """Return whether the next tick looks at everybody."""
    before = ready.skipped
    ready.tick(1)
    return ready.skipped == before


def restore(ready: World) -> None:
    with ready.app.store.writing() as tx:
        store.installation.close_until(tx, ready.now - timedelta(days=1))


def expire(ready: World) -> None:
    """Let the newest message expire, as if it had waited."""
    columns = tables.messages.c
    with ready.app.store.writing() as tx:
        newest = tx.execute(select(columns.id).order_by(columns.id.desc()).limit(1)).scalar_one()
        tx.execute(
            tables.messages.update()
            .where(columns.id == newest)
            .values(state=MessageState.PLANNED.value, expires_at=ready.now)
        )


@pytest.mark.parametrize(
    "event",
    [
        lambda ready: ready.publish(1),
        lambda ready: ready.republish(3),
        lambda ready: ready.join(3),
        lambda ready: ready.change(0, {"hour": 6}),
        lambda ready: ready.pause(0),
        lambda ready: ready.leave(1),
        lambda ready: ready.delete(2),
        lambda ready: ready.bounce(0),
        lambda ready: ready.rate(0, -1) or ready.rate(0, 0),
        lambda ready: ready.restart(),
        expire,
        restore,
    ],
)
def test_a_tick_after_a_change_looks_at_everybody(
    waiting: World, event: Callable[[World], None]
) -> None:
    event(waiting)
    assert looks(waiting)
    assert not looks(waiting)


def test_a_thumb_changes_nothing_for_those_who_wait(
    waiting: World,
) -> None:
    waiting.rate(0, 1)
    assert not looks(waiting)


def test_a_clock_that_is_set_back_is_no_reason_to_wait(waiting: World) -> None:
    waiting.now -= timedelta(minutes=3)
    assert looks(waiting)


def test_a_change_by_a_machine_whose_clock_is_behind_is_seen(waiting: World) -> None:
    now, waiting.now = waiting.now, waiting.now - timedelta(minutes=4)
    waiting.change(0, {"size": 3})
    waiting.now = now
    assert looks(waiting)


def test_a_compose_that_was_stopped_goes_on_at_the_next_tick(waiting: World) -> None:
    waiting.publish(2)
    assert waiting.composer is not None
    stopped = waiting.composer.compose(stop=lambda: True)
    assert stopped is not None
    assert stopped.stopped
    assert [email for email, *_ in waiting.tick(1)]


def test_a_compose_that_failed_goes_on_at_the_next_tick(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.publish(2)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.due_composer, "compose", broken)
        with pytest.raises(ZeroDivisionError):
            waiting.tick(1)
    assert waiting.tick(1)


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 7, 1), date(2040, 1, 1)])
def test_every_hour_of_every_zone_begins_with_a_quarter(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for name in available_timezones():
        offset = noon.astimezone(ZoneInfo(name)).utcoffset()
        assert offset is not None
        assert offset % QUARTER == timedelta(), name
