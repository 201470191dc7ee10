"""A fresh sender sends a little more each day, and all sending stops when too much comes back.

A real mail server, Postfix's smtp-sink, counts what it got.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest import pipeline, services, store
from digest.app import App
from digest.demo.servers import free_port
from digest.model import MessageKind, MessageState, Queued
from digest.pipeline.steps import sender_processes
from digest.pipeline.steps.sending_limits import SendingLimits
from digest.services import inbound
from digest.store import tables
from digest.store.ledger import LEASE
from digest.subscriptions.lifecycle import plan_letter
from tests.conftest import make_app, skip_or_fail
from tests.fakes.smtp_server import Act, HostileSmtp, serving
from tests.integration.send.conftest import counts
from tests.kill.sink import Sink, copies_in, program
from tests.returned import bounce_of

S = MessageState
Open = Callable[..., App]


@pytest.fixture
def open_app(many: App, tmp_path: Path) -> Iterator[Open]:
    """Open the app with thirty planned digests anew, with other settings."""
    url = many.store.url.render_as_string(hide_password=False)
    opened: list[App] = []

    def open_with(**settings: str) -> App:
        opened.append(make_app(tmp_path, url, **settings))
        return opened[-1]

    yield open_with
    for app in opened:
        app.close()


@pytest.fixture
def server() -> dict[str, str]:
    if program() is None:
        skip_or_fail("no smtp-sink is installed (Debian's package postfix)")
    return {
        "smtp__host": "127.0.0.1",
        "smtp__port": str(free_port()),
        "smtp__tls": "none",
    }


def let_a_day_pass(app: App) -> None:
    """Move everything that was sent a day back, since deliveries follow the real clock."""
    with app.store.writing() as tx:
        for table, names in (
            (tables.deliveries, ("started_at", "ended_at")),
            (tables.sending_ramps, ("began_at", "day")),
        ):
            key = next(iter(table.primary_key.columns))
            for row in tx.execute(select(table)).all():
                earlier = {name: getattr(row, name) - timedelta(days=1) for name in names}
                tx.execute(update(table).where(key == getattr(row, key.name)).values(**earlier))


def test_a_fresh_sender_sends_more_each_day_and_loses_nothing(
    open_app: Open, server: dict[str, str], tmp_path: Path
) -> None:
    app = open_app(**server, smtp__ramp_start="4", smtp__ramp_growth="2")
    sent = []
    with Sink(app.config.smtp.port, tmp_path / "taken"):
        for _ in range(5):
            report = pipeline.send(app)
            assert (report.error, report.halted) == ("", "")
            again = pipeline.send(app)
            assert again.states == {}
            assert again.held_back == report.held_back == 30 - sum(sent) - report.states[S.ACCEPTED]
            sent.append(report.states[S.ACCEPTED])
            let_a_day_pass(app)
    assert sent == [4, 8, 16, 2, 0]
    copies = copies_in(tmp_path / "taken")
    assert (len(copies), max(copies.values())) == (30, 1)


def test_status_says_what_waits_and_nobody_is_alarmed(open_app: Open) -> None:
    app = open_app(smtp__per_day="12")
    assert services.status(app).day_limit == pipeline.DayLimit(limit=12, used=0, waiting=30)
    pipeline.send(app)
    status = services.status(app)
    assert status.json["day_limit"] == {"limit": 12, "used": 12, "held_back": 18}
    (alarm,) = [alarm for alarm in status.alarms if alarm.kind == "send"]
    assert alarm.what == "18 digests wait: today's limit of 12 messages is used up"
    assert not alarm.urgent


def test_a_dry_run_keeps_to_the_limit(open_app: Open) -> None:
    app = open_app(smtp__per_day="12")
    dry = pipeline.send(app, dry_run=True)
    assert (dry.sendable, dry.waiting, dry.held_back) == (12, 30, 18)
    assert pipeline.send(app).states == {S.ACCEPTED: 12}
    with app.store.reading() as tx:
        accepted = select(tables.messages.c.key).where(tables.messages.c.state == S.ACCEPTED.value)
        query = accepted.add_columns(tables.subscribers.c.email).join(
            tables.subscribers, tables.subscribers.c.id == tables.messages.c.subscriber_id
        )
        sent = {(row.key, row.email) for row in tx.execute(query)}
    assert {(row["key"], row["email"]) for row in dry.due} == sent
    dry = pipeline.send(app, dry_run=True)
    assert (dry.due, dry.sendable, dry.waiting, dry.held_back) == ([], 0, 18, 18)
    dry = pipeline.send(open_app(), dry_run=True)
    assert (len(dry.due), dry.sendable, dry.waiting, dry.held_back) == (18, 18, 18, 0)
    with app.store.writing() as tx:
        store.sending.stop(tx, "too much came back", at=app.now())
    dry = pipeline.send(open_app(), dry_run=True)
    assert (dry.due, dry.sendable, dry.halted) == ([], 0, "too much came back")


@pytest.mark.slow
def test_processes_keep_the_limit_together(
    open_app: Open, server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_processes, "MESSAGES_PER_PROCESS", 1)
    app = open_app(**server, smtp__processes="2", smtp__per_day="7")
    with Sink(app.config.smtp.port, tmp_path / "taken"):
        assert pipeline.send(app).states == {S.ACCEPTED: 7}
    assert len(copies_in(tmp_path / "taken")) == 7


def test_claims_at_the_same_time_keep_the_limit(open_app: Open) -> None:
    app = open_app(smtp__ramp_start="10")
    claimed: list[int] = []

    def claim(number: int) -> None:
        limits = SendingLimits(app, owner=f"sender {number}", lease=LEASE, only=None)
        with app.store.writing() as tx:
            claimed.extend(queued.id for queued in limits.claim(tx))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 10


def test_letters_do_not_wait(open_app: Open) -> None:
    app = open_app(smtp__per_day="3")
    with app.store.writing() as tx:
        reader = store.subscribers.list_by_status(tx)[0]
        plan_letter(app, tx, MessageKind.WELCOME, reader)
    assert pipeline.send(app).states == {S.ACCEPTED: 3}
    with app.store.writing() as tx:
        plan_letter(app, tx, MessageKind.WELCOME, store.subscribers.list_by_status(tx)[1])
    assert pipeline.send(app).states == {S.ACCEPTED: 1}
    with app.store.reading() as tx:
        kinds = [row["kind"] for row in store.deliveries.list_messages(tx, state=S.ACCEPTED)]
    assert sorted(kinds) == ["digest", "digest", "welcome", "welcome"]


def test_turns_are_fair_and_prefer_who_rates(open_app: Open) -> None:
    app = open_app(smtp__per_day="5")
    with app.store.writing() as tx:
        readers = store.subscribers.list_by_status(tx)
        paper = store.papers.find_max_id(tx)
        joined_long_ago = app.now() - timedelta(days=10)
        tx.execute(
            update(tables.subscribers)
            .where(tables.subscribers.c.id == readers[20].id)
            .values(added_at=joined_long_ago)
        )
    pipeline.record_feedback(app, readers[25].id, paper, 1, via="command")
    with app.store.reading() as tx:
        turns = store.sending.list_turns(tx, now=app.now(), limit=100, only=None)
        rows = tx.execute(select(tables.messages.c.id, tables.messages.c.subscriber_id)).all()
    order = [dict(tuple(row) for row in rows)[ident] for ident in turns]
    assert order[:2] == [readers[20].id, readers[25].id]
    assert order[2:] == sorted(order[2:])
    pipeline.send(app)
    with app.store.reading() as tx:
        accepted = {
            row["subscriber_id"] for row in store.deliveries.list_messages(tx, state=S.ACCEPTED)
        }
    assert accepted == set(order[:5])


def test_an_install_that_has_sent_begins_with_its_busiest_day(open_app: Open) -> None:
    pipeline.send(open_app(smtp__per_day="8"))
    app = open_app(smtp__ramp_start="2", smtp__ramp_growth="1.5")
    assert pipeline.send(app).states == {S.ACCEPTED: 4}  # 12 a day, of which 8 are used


def test_another_sender_begins_anew(open_app: Open) -> None:
    assert pipeline.send(open_app(smtp__ramp_start="8")).states == {S.ACCEPTED: 8}
    other = open_app(smtp__ramp_start="8", mail__sender="digest@example.net")
    assert pipeline.send(other).states == {S.ACCEPTED: 8}
    assert pipeline.send(open_app(smtp__ramp_start="8")).states == {}


# ----------------------------------------------------------------------------------------------
# stops


def bounce(app: App, count: int) -> None:
    """Let accepted digests come back, by reports at their bounce addresses."""
    mail = app.config.mail.model_copy(update={"bounce_domain": "bounces.example.org"})
    app = replace(app, config=app.config.model_copy(update={"mail": mail}))
    with app.store.writing() as tx:
        rows = store.deliveries.list_messages(tx, state=S.ACCEPTED)[:count]
        readers = store.subscribers.load(tx, [row["subscriber_id"] for row in rows])
    for row in rows:
        queued = Queued(
            id=row["id"],
            kind=MessageKind(row["kind"]),
            subscriber=readers[row["subscriber_id"]],
            key=row["key"],
            message_id=row["message_id"],
            digest_id=row["digest_id"],
            attempts=row["attempts"],
        )
        assert inbound.receive_mail(app, bounce_of(app, queued)).outcome == "bounced"


def test_too_many_bounces_stop_all_sending_until_it_is_resumed(open_app: Open) -> None:
    app = open_app(smtp__per_day="20", bounces__stop_bounces="5")
    assert pipeline.send(app).states == {S.ACCEPTED: 20}
    bounce(app, 6)
    app = open_app(bounces__stop_bounces="5")
    waiting = counts(app)[S.PLANNED]
    report = pipeline.send(app)
    assert (report.states, report.waiting) == ({}, waiting)
    assert report.halted == "6 of the last 20 messages bounced, more than 5 %"
    status = services.status(app)
    assert status.json["halted"]["why"] == report.halted
    (alarm,) = [alarm for alarm in status.alarms if alarm.kind == "stopped"]
    assert alarm.urgent
    assert "digest send --resume" in alarm.remedy
    assert pipeline.send(app).halted == report.halted  # for every later send, too
    assert pipeline.resume(app)
    assert not pipeline.resume(app)
    report = pipeline.send(app)
    assert (report.states, report.halted) == ({S.ACCEPTED: waiting}, "")
    assert "stopped" not in [alarm.kind for alarm in services.status(app).alarms]


def test_complaints_stop_it_and_the_operator_still_hears_of_it(open_app: Open) -> None:
    app = open_app(smtp__per_day="20", alerts__to="boss@example.org")
    pipeline.send(app)
    with app.store.writing() as tx:
        for row in store.deliveries.list_messages(tx, state=S.ACCEPTED)[:3]:
            tx.execute(
                tables.bounces.insert().values(
                    message_id=row["id"],
                    email_key=row["email"],
                    fault="complaint",
                    enhanced="",
                    text="abuse",
                    via="mail",
                    at=app.now(),
                    counts=True,
                )
            )
    app = open_app(alerts__to="boss@example.org")
    report = pipeline.send(app)
    assert report.halted == "3 of the last 20 messages were marked as spam, more than 0.5 %"
    assert services.watch(app).planned == ["stopped"]
    report = pipeline.send(app)
    assert report.states == {S.ACCEPTED: 1}
    assert counts(app)[S.PLANNED] == 10
    with app.store.reading() as tx:
        newest = store.deliveries.list_messages(tx, state=S.ACCEPTED)[0]
    assert (newest["kind"], newest["email"]) == ("alert", "the operator")


def test_refusals_of_a_real_server_stop_it(open_app: Open) -> None:
    refusal = Act.reply("550 5.1.1 no such user here")
    with serving(HostileSmtp({"RCPT": [refusal] * 12})) as server:
        app = open_app(
            smtp__host="127.0.0.1",
            smtp__port=str(server.port),
            smtp__tls="none",
            smtp__per_day="15",
        )
        report = pipeline.send(app)
        assert report.states == {S.REJECTED: 12, S.ACCEPTED: 3}
        app = open_app(smtp__host="127.0.0.1", smtp__port=str(server.port), smtp__tls="none")
        assert pipeline.send(app).halted == "12 of the last 15 messages bounced, more than 10 %"
        assert len(server.accepted_recipients) == 3


def test_full_mailboxes_stop_nothing(open_app: Open) -> None:
    full = Act.reply("552 5.2.2 mailbox full")
    with serving(HostileSmtp({"RCPT": [full] * 12})) as server:
        app = open_app(smtp__host="127.0.0.1", smtp__port=str(server.port), smtp__tls="none")
        pipeline.send(app)
        assert pipeline.send(app).halted == ""
        assert len(server.accepted_recipients) == 18
