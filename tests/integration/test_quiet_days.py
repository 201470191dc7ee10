"""What readers are told of days without a digest, on each kind of database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import MessageState, Provenance, Quiet, QuietReason, Subscriber
from digest.store import tables
from digest.store.digests import Window
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers, read_mails

Dump = Callable[..., Path]
MONDAY = TODAY + timedelta(days=7 - TODAY.weekday())


def at(app: App, day: date, hour: int = 12) -> App:
    return app.at(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def join(app: App, quiet_days: str, **fields: object) -> Subscriber:
    """Subscribe a reader for whom no invented paper is sure enough."""
    wanted = {"keywords": ("beekeeping",), "strictness": 99} | fields
    request = SubscriptionRequest(
        email=f"{quiet_days}@example.org",
        quiet_days=quiet_days,
        **wanted,  # type: ignore[arg-type]
    )
    return subscriptions.subscribe(app, request, origin="command").subscriber


def bring(app: App, dump: Dump, day: date) -> App:
    """Read papers of a day; return the app on that day."""
    now = at(app, day)
    pipeline.ingest(now, [dump(day, rows=invent_papers(day))])
    return now


def text_of(mail: object) -> str:
    return " ".join(mail.get_body(("plain",)).get_content().split())  # type: ignore[attr-defined]


def test_a_quiet_day_is_one_mail_for_readers_who_asked_for_a_line(any_app: App, dump: Dump) -> None:
    readers = {name: join(any_app, name) for name in ("silent", "line", "weekly")}
    now = bring(any_app, dump, TODAY)
    report = pipeline.round(now)
    assert {quiet.reason for quiet in report.composed.quiet} == {QuietReason.BELOW_THRESHOLD}
    assert report.sent.states == {MessageState.ACCEPTED: 1}
    (mail,) = read_mails(any_app).values()
    assert (mail["To"], mail["Subject"]) == (
        "line@example.org",
        "Nothing for you today · 16 read",
    )
    shown = services.preview(now, readers["line"])
    (nearest,) = shown.papers.values()
    assert shown.json["nearest"] == {"paper": nearest.name, "title": nearest.title}
    assert f"The nearest was: {nearest.title} <{nearest.url}>" in text_of(mail)
    assert shown.message is not None
    assert shown.message.subject == mail["Subject"]
    assert services.preview(now, readers["silent"]).message is None
    again = pipeline.round(now)
    assert (again.composed.planned, again.sent.states) == ([], {})
    assert len(read_mails(any_app)) == 1


def test_a_day_without_papers_is_told_to_nobody(any_app: App, dump: Dump) -> None:
    join(any_app, "line")
    pipeline.round(bring(any_app, dump, TODAY))
    tomorrow = at(any_app, TODAY + timedelta(days=1), 23)
    report = pipeline.round(tomorrow)
    assert [quiet.reason for quiet in report.composed.quiet] == [QuietReason.NO_NEW_PAPERS]
    assert len(read_mails(any_app)) == 1


def test_the_mail_of_a_quiet_day_takes_no_paper_away(any_app: App, dump: Dump) -> None:
    """It is accepted, but no digest arrived: what it had read competes again."""
    reader = join(any_app, "line")
    pipeline.round(bring(any_app, dump, TODAY))
    tomorrow = TODAY + timedelta(days=1)
    with any_app.store.reading() as tx:
        cutoffs = store.history.load_last_cutoffs(tx, [reader.id], tomorrow)[reader.id]
    assert cutoffs.arrived is None
    assert cutoffs.latest is not None
    request = SubscriptionRequest(email="", keywords=("robot",), strictness="always")
    subscriptions.change(any_app, reader.id, request)
    now = at(any_app, tomorrow)
    pipeline.ingest(now, [dump(tomorrow, rows=invent_papers(tomorrow, per_topic=1)[1:2])])
    pipeline.round(now)
    _, papers = services.sent_digest(any_app, reader, tomorrow)
    assert {paper.first_seen for paper in papers.values()} == {TODAY, tomorrow}


def test_a_quiet_week_is_told_with_the_first_digest_of_the_next(any_app: App, dump: Dump) -> None:
    reader = join(any_app, "weekly")
    for number in range(3):
        pipeline.round(bring(any_app, dump, TODAY + timedelta(days=number)))
    assert read_mails(any_app) == {}
    request = SubscriptionRequest(email="", keywords=("robot",), strictness="always")
    subscriptions.change(any_app, reader.id, request)
    for number in range(2):
        pipeline.round(bring(any_app, dump, MONDAY + timedelta(days=number)))
    first, second = (text_of(mail) for mail in read_mails(any_app).values())
    assert "Last week had 3 quiet days:" in first
    assert "Last week" not in second


def test_a_quiet_week_is_told_by_itself_where_the_next_begins_quietly(
    any_app: App, dump: Dump
) -> None:
    join(any_app, "weekly")
    for number in (0, 1):
        pipeline.round(bring(any_app, dump, TODAY + timedelta(days=number)))
    for number in (0, 1):
        pipeline.round(bring(any_app, dump, MONDAY + timedelta(days=number)))
    (mail,) = read_mails(any_app).values()
    assert mail["Subject"] == "Nothing for you today · 16 read"
    assert "Last week had 2 quiet days:" in text_of(mail)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ([], 0),
        ([(-1, "nothing above the reader's threshold")], 1),
        ([(-7, "nothing above the reader's threshold"), (-2, QuietReason.MUTED)], 2),
        ([(-8, "nothing above the reader's threshold")], 0),
        ([(-3, QuietReason.NO_NEW_PAPERS), (-2, QuietReason.MISSED)], 0),
        ([(-1, QuietReason.MUTED), (0, QuietReason.MISSED)], 1),
        ([(-1, QuietReason.MUTED), (0, QuietReason.NO_NEW_PAPERS)], 0),
        ([(-1, QuietReason.MUTED), (2, QuietReason.MUTED)], 1),
    ],
)
def test_the_quiet_days_of_a_week_are_counted_once(
    any_app: App, days: list[tuple[int, str]], told: int
) -> None:
    """Days are counted from a Monday; the reader's next day is its Tuesday."""
    reader = join(any_app, "weekly")
    with any_app.store.writing() as tx:
        for number, reason in days:
            quiet = Quiet(
                subscriber_id=reader.id,
                local_date=MONDAY + timedelta(days=number),
                reason=QuietReason(reason),
                provenance=Provenance(model="", features="", at=any_app.now()),
            )
            store.digests.plan(tx, quiet, max_paper_id=0, window=None, now=any_app.now())
        counts = store.quiet_days.count_of_last_week(tx, [reader.id], MONDAY + timedelta(days=1))
    assert counts == ({reader.id: told} if told else {})


def test_a_quiet_day_is_loaded_as_it_was_stored(any_app: App) -> None:
    reader = join(any_app, "line")
    now = any_app.now()
    quiet = Quiet(
        subscriber_id=reader.id,
        local_date=TODAY,
        reason=QuietReason.MUTED,
        provenance=Provenance(model="thumbs", features="", new_candidates=5, at=now),
        nearest_paper_id=7,
        quiet_days_told=2,
    )
    window = Window(message_id="<a@b>", not_before=now, expires_at=now + timedelta(hours=1))
    with any_app.store.writing() as tx:
        ident = store.digests.plan(tx, quiet, max_paper_id=9, window=window, now=now)
        assert ident is not None
        assert store.quiet_days.load(tx, [ident]) == {ident: quiet}
        assert store.digests.load_many(tx, [ident]) == {}
        message = tx.execute(select(tables.messages)).one()
    assert (message.digest_id, message.state, message.key) == (ident, "planned", str(TODAY))
