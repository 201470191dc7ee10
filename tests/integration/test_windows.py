"""Which digest is made late after outages, bounces and pauses, with which papers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Bounced, MessageState, QuietReason, Subscriber
from digest.pipeline.steps import due_batches
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import invent_papers, read_mails

Dump = Callable[..., Path]
MISSED = QuietReason.MISSED.value
#: the day before the stories begin
JOINED = datetime(2026, 5, 1, tzinfo=UTC)


def at(app: App, text: str) -> App:
    """Return the app at a time of 2026, such as "06-09 07:00"."""
    return app.at(datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC))


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def join(app: App, email: str = "a@example.org", **fields: object) -> Subscriber:
    request = SubscriptionRequest(email=email, keywords=("robot",), **fields)  # type: ignore[arg-type]
    return subscriptions.subscribe(app.at(JOINED), request, origin="command").subscriber


def bring(app: App, dump: Dump, text: str, per_topic: int = 1) -> None:
    """Read the papers of a day at a time of that day."""
    now = at(app, text)
    path = dump(now.now().date(), rows=invent_papers(now.now().date(), per_topic=per_topic))
    assert pipeline.ingest(now, [path]).count("new") == 4 * per_topic


def tick(app: App, text: str, **how: object) -> pipeline.ComposeReport:
    """Compose digests that are due and send them, as one tick of `serve`."""
    return pipeline.round(at(app, text), due=True, **how).composed  # type: ignore[arg-type]


def planned_dates(report: pipeline.ComposeReport) -> list[date]:
    return [digest.local_date for digest in report.planned]


def closed_dates(report: pipeline.ComposeReport) -> list[date]:
    return [digest.local_date for digest in report.quiet if digest.reason is QuietReason.MISSED]


def reasons(report: pipeline.ComposeReport) -> list[str]:
    return [reader.reason for reader in report.left_out]


def days_listed(app: App, who: Subscriber, local_date: date) -> list[date]:
    """List the days on which the papers of a digest were first seen."""
    _, papers = services.sent_digest(app, who, local_date)
    return sorted(paper.first_seen for paper in papers.values())


# ------------------------------------------------------------------------------------- missed dates


def test_a_digest_missed_over_midnight_is_made_under_its_own_date(any_app: App, dump: Dump) -> None:
    join(any_app, days=(7,), hour=22)
    bring(any_app, dump, "06-06 10:00")
    assert planned_dates(tick(any_app, "06-08 00:30")) == [day("06-07")]
    (message,) = read_mails(any_app).values()
    assert "7 June" in message["Subject"]
    assert "20260607" in message["Message-ID"]
    assert planned_dates(tick(any_app, "06-08 00:31")) == []


def test_after_days_without_the_service_one_digest_is_made_and_the_other_dates_are_closed(
    any_app: App, dump: Dump
) -> None:
    reader = join(any_app)
    for text in ("06-08", "06-09", "06-10", "06-11"):
        bring(any_app, dump, f"{text} 05:00")
    assert planned_dates(tick(any_app, "06-08 07:00")) == [day("06-08")]
    late = tick(any_app, "06-12 00:30")
    assert (planned_dates(late), closed_dates(late)) == (
        [day("06-11")],
        [day("06-09"), day("06-10")],
    )
    rows = late.json["subscribers"]
    assert {"email": reader.email, "date": "2026-06-09", "state": "quiet", "reason": MISSED} in rows  # type: ignore[operator]
    since = {day("06-09"), day("06-10"), day("06-11")}
    assert set(days_listed(any_app, reader, day("06-11"))) == since
    by_hand = pipeline.compose(at(any_app, "06-10 12:00"), day=day("06-10"))
    assert reasons(by_hand) == [f"the digest of 2026-06-10 was {MISSED}"]
    (row,) = services.status(at(any_app, "06-12 01:00")).digests
    assert (row["local_date"], row["missed"]) == (day("06-11"), 2)
    bring(any_app, dump, "06-12 05:00")
    assert planned_dates(tick(any_app, "06-12 07:00")) == [day("06-12")]


def test_a_near_next_digest_takes_all_papers(any_app: App, dump: Dump) -> None:
    reader = join(any_app)
    bring(any_app, dump, "06-09 05:00")
    tick(any_app, "06-09 07:00")
    bring(any_app, dump, "06-10 05:00")
    early = tick(any_app, "06-11 01:01")
    assert planned_dates(early) == []
    assert reasons(early) == [
        "the digest of 2026-06-10 was not made in time; that of 2026-06-11 takes its papers"
    ]
    bring(any_app, dump, "06-11 05:00")
    report = tick(any_app, "06-11 07:00")
    assert (planned_dates(report), closed_dates(report)) == ([day("06-11")], [day("06-10")])
    assert set(days_listed(any_app, reader, day("06-11"))) == {day("06-10"), day("06-11")}


def test_a_missed_digest_waits_for_the_papers_of_the_outage(app: App, dump: Dump) -> None:
    join(app)
    started = at(app, "06-09 23:30").now()
    first = tick(app, "06-09 23:30", started=started)
    assert reasons(first) == ["no new papers yet"]
    bring(app, dump, "06-09 23:50")
    assert planned_dates(tick(app, "06-09 23:51", started=started)) == [day("06-09")]


def test_a_digest_made_late_keeps_its_own_date_for_its_hours_and_no_longer(
    app: App, dump: Dump
) -> None:
    join(app)
    bring(app, dump, "06-09 05:00")
    pipeline.compose(at(app, "06-09 20:00"), due=True)
    with app.store.reading() as tx:
        expires = tx.execute(select(tables.messages.c.expires_at)).scalar_one()
    assert expires == datetime(2026, 6, 10, 7, tzinfo=UTC)  # the next is due, after 11 hours of 16
    bring(app, dump, "06-10 05:00")
    report = pipeline.round(at(app, "06-10 07:00"), due=True)
    assert planned_dates(report.composed) == [day("06-10")]
    assert report.sent.states == {MessageState.ACCEPTED: 1}
    assert services.status(app).messages == {"expired": 1, "accepted": 1}
    (reader,) = subscriptions.list_subscribers(app)
    assert set(days_listed(app, reader, day("06-10"))) == {day("06-09"), day("06-10")}


# ------------------------------------------------------------------------------------------- papers


@pytest.mark.parametrize(
    ("settings", "first", "late", "second"),
    [
        ({"days": (7,)}, "06-07 07:00", "06-07 08:00", "06-14 07:00"),
        # Monday there begins on Sunday in UTC
        ({"days": (1,), "timezone": "Asia/Tokyo"}, "06-07 22:00", "06-08 01:00", "06-14 22:00"),
        ({"days": (1,), "timezone": "Asia/Tokyo"}, "06-07 22:00", "06-07 23:00", "06-14 22:00"),
        (
            {"days": (7,), "timezone": "Pacific/Honolulu", "hour": 20},
            "06-08 06:00",
            "06-08 07:00",
            "06-15 06:00",
        ),
    ],
)
def test_a_weekly_reader_gets_papers_ingested_after_the_digest_in_the_next_one(
    any_app: App, dump: Dump, settings: dict[str, object], first: str, late: str, second: str
) -> None:
    reader = join(any_app, **settings)
    bring(any_app, dump, first.split()[0] + " 00:10")
    assert len(planned_dates(tick(any_app, first))) == 1
    rows = [
        dict(row, arxiv=f"2606.9{n:04}", title=f"Late {n}: {row['title']}")
        for n, row in enumerate(invent_papers(day("06-07")))
    ]
    path = dump(rows=rows)
    pipeline.ingest(at(any_app, late), [path])
    (local_date,) = planned_dates(tick(any_app, second))
    _, papers = services.sent_digest(any_app, reader, local_date)
    assert [paper for paper in papers.values() if paper.title.startswith("Late")]


@pytest.mark.slow
@pytest.mark.parametrize(("silence", "back"), [(20, 16), (40, 1)])
def test_papers_since_the_last_digest_that_arrived_compete_for_31_days(
    app: App, dump: Dump, silence: int, back: int
) -> None:
    reader = join(app, size=1)
    start = datetime(2026, 6, 1, 7, tzinfo=UTC)
    for now in (start, start + timedelta(days=1)):
        pipeline.ingest(app.at(now), [dump(now.date(), rows=invent_papers(now.date()))])
        pipeline.compose(app.at(now), due=True)
        if now == start:
            pipeline.send(app.at(now))
    for number in range(2, silence):  # nothing is sent, so each digest expires
        pipeline.compose(app.at(start + timedelta(days=number)), due=True)
    subscriptions.change(app.at(start), reader.id, SubscriptionRequest(email="", size=100))
    end = start + timedelta(days=silence)
    pipeline.ingest(app.at(end), [dump(end.date(), rows=invent_papers(end.date()))])
    pipeline.round(app.at(end), due=True)
    listed = days_listed(app, reader, end.date())
    # Papers of an expired digest compete again, whatever their age.
    assert listed == [start.date() + timedelta(days=1)] * back + [end.date()] * 16


def test_papers_not_listed_in_a_bounced_digest_compete_again(any_app: App, dump: Dump) -> None:
    reader = join(any_app, size=3)
    bring(any_app, dump, "06-09 05:00", per_topic=4)
    tick(any_app, "06-09 07:00")
    listed = set(services.sent_digest(any_app, reader, day("06-09"))[1])
    with any_app.store.writing() as tx:
        bounced = Bounced(fault="mailbox", enhanced="5.2.2", at=any_app.now())
        store.bounces.record(tx, bounced, message_id=1, email=reader.email, text="full", via="mail")
    waits = tick(any_app, "06-10 07:00")
    assert reasons(waits) == ["no new papers yet"]  # a digest of leftovers would come too early
    bring(any_app, dump, "06-10 08:00", per_topic=1)
    subscriptions.change(any_app, reader.id, SubscriptionRequest(email="", size=100))
    tick(any_app, "06-10 08:01")
    again = set(services.sent_digest(any_app, reader, day("06-10"))[1])
    assert len(again) == 16 - 3 + 4
    assert not again & listed


def test_a_day_below_the_threshold_does_not_close_the_next_before_its_papers_come(
    app: App, dump: Dump
) -> None:
    subscriptions.subscribe(
        app.at(JOINED),
        SubscriptionRequest(email="s@example.org", keywords=("beekeeping",), strictness=99),
        origin="command",
    )
    bring(app, dump, "06-09 05:00")
    below = tick(app, "06-09 07:00")
    assert below.quiet[-1].reason is QuietReason.BELOW_THRESHOLD
    assert reasons(tick(app, "06-10 07:00")) == ["no new papers yet"]


# ------------------------------------------------------------------------------- pauses and changes


def test_a_resumed_reader_gets_the_papers_of_the_pause_in_the_next_digest(
    any_app: App, dump: Dump
) -> None:
    reader = join(any_app, size=100)
    bring(any_app, dump, "06-01 05:00")
    tick(any_app, "06-01 07:00")
    subscriptions.pause(at(any_app, "06-01 12:00"), reader.id, paused=True)
    for text in ("06-02", "06-15"):
        bring(any_app, dump, f"{text} 05:00")
        assert planned_dates(tick(any_app, f"{text} 07:00")) == []
    subscriptions.pause(at(any_app, "06-15 12:00"), reader.id, paused=False)
    report = tick(any_app, "06-15 12:01")
    assert (planned_dates(report), closed_dates(report)) == ([], [])
    assert "they were away at 7:00 of 2026-06-15" in reasons(report)[0]
    report = tick(any_app, "06-16 07:00")
    assert (planned_dates(report), closed_dates(report)) == ([day("06-16")], [])
    assert set(days_listed(any_app, reader, day("06-16"))) == {day("06-02"), day("06-15")}


def test_a_pause_before_the_first_digest_loses_no_paper_since_the_reader_came(
    any_app: App, dump: Dump
) -> None:
    request = SubscriptionRequest(
        email="a@example.org", size=100, keywords=("robot",), created=JOINED - timedelta(days=500)
    )
    for text in ("05-20", "05-28", "06-02", "06-10"):
        bring(any_app, dump, f"{text} 05:00")
    reader = subscriptions.subscribe(at(any_app, "06-01 12:00"), request, origin="file").subscriber
    subscriptions.pause(at(any_app, "06-01 13:00"), reader.id, paused=True)
    subscriptions.pause(at(any_app, "06-15 12:00"), reader.id, paused=False)
    assert planned_dates(tick(any_app, "06-16 07:00")) == [day("06-16")]
    # The file says that they joined long ago, but older papers are from another service.
    assert set(days_listed(any_app, reader, day("06-16"))) == {day("06-02"), day("06-10")}


def test_a_weekday_that_a_reader_adds_has_no_missed_date(any_app: App, dump: Dump) -> None:
    reader = join(any_app, days=(1,))
    bring(any_app, dump, "06-08 05:00")
    tick(any_app, "06-08 07:00")
    bring(any_app, dump, "06-10 05:00")
    subscriptions.change(
        at(any_app, "06-11 12:00"), reader.id, SubscriptionRequest(email="", days=(1, 3))
    )
    assert planned_dates(tick(any_app, "06-11 12:01")) == []
    request = SubscriptionRequest(email=reader.email, days=(4,))
    subscriptions.subscribe(at(any_app, "06-11 13:00"), request, origin="command")
    assert planned_dates(tick(any_app, "06-11 13:01")) == [day("06-11")]


def test_a_reader_who_joins_after_the_hour_gets_the_first_digest_at_once(
    app: App, dump: Dump
) -> None:
    bring(app, dump, "06-08 05:00")
    late = at(app, "06-09 22:00")
    subscriptions.subscribe(
        late, SubscriptionRequest(email="l@example.org", hour=3), origin="command"
    )
    subscriptions.sign_up(late, SubscriptionRequest(email="p@example.org", hour=3), origin="page")
    assert planned_dates(tick(app, "06-09 22:01")) == [day("06-09")]
    pending = subscriptions.find(app, "p@example.org")
    subscriptions.confirm(at(app, "06-10 12:00"), pending.id)
    report = tick(app, "06-10 12:01")
    assert [(row.email, row.local_date) for row in report.planned] == [
        ("p@example.org", day("06-10"))
    ]


# ----------------------------------------------------------------------------------- cost of a tick


def test_a_tick_with_nothing_to_do_reads_little(
    app: App, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        request = SubscriptionRequest(email=f"r{number}@example.org", hour=7 if number % 2 else 23)
        subscriptions.subscribe(at(app, "06-09 06:00"), request, origin="command")
    bring(app, dump, "06-09 05:00")
    assert len(planned_dates(tick(app, "06-09 07:00"))) == 25
    assert len(planned_dates(tick(app, "06-09 23:00"))) == 25
    statements: list[str] = []
    event.listen(
        app.store.engine, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    # Reading what is learned from would raise an error.
    monkeypatch.setattr(due_batches, "read_training_data", None)
    for now, logged_reason in (
        ("06-09 23:30", "has a digest for 2026-06-09"),
        ("06-10 08:00", "no new"),
    ):
        statements.clear()
        assert any(
            logged_reason in reason for reason in reasons(pipeline.compose(at(app, now), due=True))
        )
        assert len(statements) < 40  # reads for fifty readers
