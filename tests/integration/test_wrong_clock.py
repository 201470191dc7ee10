"""Recovery from a clock that ran days ahead: nothing waits for days."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest import scheduler, services, subscriptions
from digest.app import App
from digest.config import SourceEntry
from digest.due_dates import Due, due
from digest.model import DEFERRED_MAX, PAUSE_MAX, MessageKind, MessageState, Pause, Subscriber
from digest.services.fetch import _reason_to_wait
from digest.store import Store, ledger, sources
from digest.store import pauses as rows
from digest.store.ledger import LEASE
from digest.store.tables import messages, pauses
from digest.subscriptions import SubscriptionRequest

pytestmark = pytest.mark.slow

Dump = Callable[..., Path]
NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
AHEAD = timedelta(days=5)


# ------------------------------------------------------------------------------------------- pauses


def pause(until: datetime, **values: Any) -> Pause:
    return Pause(
        **(
            {
                "kind": "domain",
                "name": "slow.example",
                "reason": "busy",
                "text": "451 later",
                "strikes": 2,
                "until": until,
            }
            | values
        )
    )


def load_pause_ends(opened: Store) -> list[datetime]:
    with opened.reading() as tx:
        return list(tx.execute(pauses.select().with_only_columns(pauses.c.until)).scalars())


def test_a_pause_of_a_clock_ahead_is_over_when_it_is_read(store: Store) -> None:
    with store.writing() as tx:
        rows.save(tx, pause(NOW + AHEAD + timedelta(hours=1)), clock=NOW + AHEAD)
        rows.save(tx, pause(NOW + PAUSE_MAX, name="busy.example"), clock=NOW)
    for later in (timedelta(0), timedelta(minutes=30)):
        with store.reading() as tx:
            pauses = {pause.name: pause.until for pause in rows.load_all(tx, clock=NOW + later)}
        assert pauses == {"slow.example": NOW + later, "busy.example": NOW + PAUSE_MAX}, (
            "never longer than the longest, and never further on"
        )


def test_a_correct_pause_replaces_one_of_a_clock_ahead(store: Store) -> None:
    with store.writing() as tx:
        rows.save(tx, pause(NOW + AHEAD), clock=NOW + AHEAD)
        rows.save(tx, pause(NOW + timedelta(minutes=5)), clock=NOW)
    assert load_pause_ends(store) == [NOW + timedelta(minutes=5)]


def test_a_pause_of_a_clock_ahead_can_be_withdrawn(store: Store) -> None:
    with store.writing() as tx:
        rows.save(tx, pause(NOW + AHEAD), clock=NOW + AHEAD)
        (future_pause,) = rows.load_all(tx, clock=NOW)
        rows.end(tx, future_pause, clock=NOW)
    assert load_pause_ends(store) == []


# --------------------------------------------------------------------------------------- the ledger


@pytest.fixture
def planned_app(any_app: App) -> App:
    """An app with a letter that waits for its reader."""
    subscriptions.sign_up(any_app, SubscriptionRequest(email="alice@example.org"), origin="page")
    return any_app


def row(app: App) -> Any:
    with app.store.reading() as tx:
        return tx.execute(messages.select()).one()


def change(app: App, **values: Any) -> None:
    with app.store.writing() as tx:
        tx.execute(messages.update().values(**values))


def recover(app: App, now: datetime = NOW, clock: datetime = NOW) -> None:
    with app.store.writing() as tx:
        ledger.recover(tx, dead=[], now=now, clock=clock)


@pytest.mark.parametrize(
    ("held", "freed"), [(MessageState.CLAIMED, "planned"), (MessageState.SENDING, "unknown")]
)
def test_a_lease_of_a_clock_ahead_ends_within_a_lease(
    planned_app: App, held: MessageState, freed: str
) -> None:
    change(planned_app, state=held.value, owner="elsewhere/x/1/2/3", lease_until=NOW + AHEAD)
    recover(planned_app)
    assert (row(planned_app).state, row(planned_app).lease_until) == (held.value, NOW + LEASE), (
        "its owner may live, and renew it"
    )
    recover(planned_app, NOW + LEASE, NOW + 2 * LEASE)
    assert row(planned_app).state == freed


def test_a_lease_of_a_slightly_different_clock_is_kept(planned_app: App) -> None:
    change(
        planned_app,
        state="claimed",
        owner="elsewhere/x/1/2/3",
        lease_until=NOW + LEASE + timedelta(minutes=4),
    )
    recover(planned_app)
    assert row(planned_app).lease_until == NOW + LEASE + timedelta(minutes=4)


@pytest.mark.parametrize(("state", "attempts"), [("deferred", 1), ("planned", 0)])
def test_messages_postponed_by_a_clock_ahead_are_due(
    planned_app: App, state: str, attempts: int
) -> None:
    change(
        planned_app,
        state=state,
        attempts=attempts,
        not_before=NOW + AHEAD,
        expires_at=NOW + AHEAD + timedelta(days=1),
    )
    recover(planned_app)
    with planned_app.store.writing() as tx:
        assert len(ledger.claim(tx, owner="me", now=NOW, clock=NOW)) == 1


def test_the_longest_wait_is_kept_also_by_a_command_of_another_day(
    planned_app: App,
) -> None:
    change(planned_app, state="deferred", not_before=NOW + DEFERRED_MAX)
    recover(planned_app)
    recover(planned_app, now=NOW - timedelta(days=30), clock=NOW)
    assert row(planned_app).not_before == NOW + DEFERRED_MAX


def test_a_digest_of_a_later_date_is_left_to_that_date(planned_app: App) -> None:
    change(
        planned_app,
        kind=MessageKind.DIGEST.value,
        not_before=NOW + AHEAD,
        expires_at=NOW + AHEAD + timedelta(days=1),
    )
    recover(planned_app)
    assert row(planned_app).not_before == NOW + AHEAD


# -------------------------------------------------------------------------------------------- files


def put(app: App, dump: Dump, at: float) -> Path:
    app.config.ingest.inbox.mkdir(exist_ok=True)
    path = dump().rename(app.config.ingest.inbox / "2026-06-09.jsonl")
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize("ahead", [60, 5 * 86_400, 10 * 365 * 86_400])
def test_a_dump_dated_in_the_future_is_read(app: App, dump: Dump, ahead: float) -> None:
    put(app, dump, time.time() + ahead)
    inbox = services.Inbox()
    assert services.ingest_inbox(app, inbox, settled=0.05).count("new") == 16
    assert services.ingest_inbox(app, inbox, settled=0.05).files == []


def test_a_dump_dated_in_the_future_waits_while_it_grows(
    app: App, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = time.time() + 86_400
    path = put(app, dump, at)

    def write_more(_seconds: float) -> None:
        with path.open("ab") as file:
            file.write(b"\n")
        os.utime(path, (at + 1, at + 1))

    monkeypatch.setattr("digest.services.inbox.time.sleep", write_more)
    assert services.ingest_inbox(app, services.Inbox(), settled=0.05).files == []


def test_a_dump_that_vanishes_while_it_is_watched_stops_nothing(
    app: App, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(app, dump, time.time() + 86_400)
    monkeypatch.setattr("digest.services.inbox.time.sleep", lambda _seconds: path.unlink())
    assert services.ingest_inbox(app, services.Inbox(), settled=0.05).files == []


# ------------------------------------------------------------------- sources, alarms, the scheduler


@pytest.mark.parametrize("joined", [NOW - AHEAD, NOW + AHEAD])
def test_a_reader_who_changed_days_on_a_clock_ahead_is_due_today(joined: datetime) -> None:
    reader = Subscriber(
        id=1, email="alice@example.org", hour=7, created=joined, due_from=NOW + AHEAD
    )
    assert due(reader, NOW, closed=[]) == Due(local_date=NOW.date())
    assert due(reader, NOW, closed=[NOW.date()]) is None


def test_a_fetch_lease_of_a_clock_ahead_falls_to_who_asks(store: Store) -> None:
    with store.writing() as tx:
        assert sources.claim(tx, "elsewhere/x/1/2/3", NOW + AHEAD)[0]
        assert sources.claim(tx, "me", NOW)[0]
        assert not sources.claim(tx, "other", NOW)[0]


def test_a_source_asked_by_a_clock_ahead_is_due() -> None:
    entry = SourceEntry(name="x", kind="arxiv-feed", categories=("cs.LG",))
    state = {"asked_at": (NOW + AHEAD).isoformat(), "not_before": (NOW + AHEAD).isoformat()}
    assert _reason_to_wait(state, entry, NOW, only_if_due=True) == ""
    assert _reason_to_wait({"asked_at": NOW.isoformat()}, entry, NOW, only_if_due=True)


class Jumped(datetime):
    """A clock that a test can set."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.by


_HOUR = timedelta(hours=1)


@pytest.mark.parametrize("by", [AHEAD, -AHEAD, _HOUR, -_HOUR])
def test_ticks_go_on_after_the_clock_was_set(
    monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    monkeypatch.setattr(Jumped, "by", timedelta(0))
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Jumped)
    monkeypatch.setattr("digest.scheduler.datetime", Jumped)
    ticks, after_jump = threading.Semaphore(0), 0
    clock = scheduler.Scheduler([ticks.release], seconds=1)
    clock.start()
    try:
        assert ticks.acquire(timeout=30)
        time.sleep(0.3)  # the next tick is waited for
        monkeypatch.setattr(Jumped, "by", by)
        while after_jump < 3 and ticks.acquire(timeout=30):
            after_jump += 1
    finally:
        clock.stop()
    assert after_jump == 3
