"""Sending on many connections.

Outcomes are committed in groups, each is settled, a stop is orderly, and the papers of failed
digests compete again.
"""

from __future__ import annotations

import email as email_library
import gc
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Update, update

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.mail.mailer import SmtpMailer, SmtpServer
from digest.mail.mailer.base import Begin
from digest.model import Delivery, Message, MessageKind, SubscriberStatus, SuppressionReason
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY
from tests.fakes.post_office import PostOffice
from tests.fakes.smtp_server import HostileSmtp, serving
from tests.integration.send.conftest import Cast, Dump, S, counts, readers


def count_commits(app: App) -> list[int]:
    """Return a list that grows by one with each transaction that writes."""
    numbers: list[int] = []
    open_transaction = app.store.writing

    def count_and_open() -> Any:
        numbers.append(1)
        return open_transaction()

    app.store.writing = count_and_open  # type: ignore[method-assign]
    return numbers


def test_every_message_goes_out_once_on_all_connections(many: App) -> None:
    office = PostOffice(connections=5)
    report = pipeline.send(office.serving(many))
    assert report.states == {S.ACCEPTED: 30}
    assert (report.waiting, report.later, report.stopped, report.error) == (0, 0, False, "")
    assert (len(office.taken), len(set(office.taken))) == (30, 30)
    assert office.most == 5
    assert counts(many) == {S.ACCEPTED: 30}


def test_connections_share_commits(many: App) -> None:
    numbers = count_commits(many)
    pipeline.send(PostOffice(connections=10).serving(many))
    assert len(numbers) < 30  # without groups there would be more than sixty


@pytest.mark.parametrize("connections", [1, 3])
def test_each_connection_has_at_most_one_message_in_sending(many: App, connections: int) -> None:
    """Otherwise a killed sender would leave more unknown messages than connections."""
    being_sent: list[int] = []

    class Office(PostOffice):
        async def deliver(self, message: Message, begin: Begin) -> Delivery:
            async def seen() -> bool:
                began = await begin()
                being_sent.append(counts(many)[S.SENDING])
                return began

            return await super().deliver(message, seen)

    assert pipeline.send(Office(connections).serving(many)).states == {S.ACCEPTED: 30}
    assert max(being_sent) == connections


def test_the_answer_of_each_server_settles_its_message(many: App) -> None:
    office = PostOffice()
    office.set_reply(
        "r1@example.org", outcome="rejected", code=554, text="5.6.0 too strange", fault="content"
    )
    office.set_reply(
        "r2@example.org", outcome="deferred", code=451, text="4.3.0 later", fault="busy"
    )
    office.set_reply("r3@example.org", outcome="unknown", code=0, text="")
    office.set_reply(
        "r4@example.org", outcome="rejected", code=550, text="5.7.26 unauthenticated", fault="ours"
    )
    report = pipeline.send(office.serving(many))
    assert report.states == {S.ACCEPTED: 26, S.REJECTED: 1, S.DEFERRED: 2, S.UNKNOWN: 1}
    assert report.later == 2
    assert sorted(email for email, _ in report.troubles) == [
        f"r{number}@example.org" for number in (1, 2, 3, 4)
    ]
    assert {s.status for s in subscriptions.list_subscribers(many)} == {SubscriberStatus.ACTIVE}


def test_a_fault_of_ours_is_an_alarm_and_is_tried_again(many: App) -> None:
    office = PostOffice()
    office.set_reply(
        "r4@example.org",
        outcome="rejected",
        code=550,
        text="5.7.26 [example] unauthenticated",
        fault="ours",
        enhanced="5.7.26",
    )
    pipeline.send(office.serving(many))
    status = services.status(many)
    assert [(fault, n) for fault, _, n in status.faults] == [("ours", 1)]
    (alarm,) = [str(alarm) for alarm in status.alarms if alarm.kind == "refused"]
    assert "550 5.7.26 [example] unauthenticated" in alarm
    mended = PostOffice()
    later = many.at(NOON + timedelta(minutes=5))
    assert pipeline.send(mended.serving(later)).states == {S.ACCEPTED: 1}


def test_mail_to_a_domain_that_pauses_is_put_off_unwritten(many: App) -> None:
    subscriptions.subscribe(
        many, SubscriptionRequest(email="slow@example.net", keywords=("robot",)), origin="command"
    )
    pipeline.compose(many)
    office = PostOffice()
    office.hold_domain("example.org", datetime.now(UTC) + timedelta(minutes=10))
    report = pipeline.send(office.serving(many))
    assert report.states == {S.ACCEPTED: 1, S.DEFERRED: 30}
    assert len(office.taken) == 1
    assert [row["deliveries"] for row in services.deliveries(many, state=S.DEFERRED)] == [[]] * 30
    assert pipeline.send(PostOffice().serving(many.at(NOON + timedelta(minutes=11)))).states == {
        S.ACCEPTED: 30
    }


def test_when_every_server_pauses_for_long_the_send_ends_and_all_waits(many: App) -> None:
    office = PostOffice()
    office.hold_domain("*", datetime.now(UTC) + timedelta(minutes=10))
    report = pipeline.send(office.serving(many))
    assert "every mail server pauses until" in report.error
    assert (report.states, report.waiting, counts(many)) == ({}, 30, {S.PLANNED: 30})


def test_a_short_pause_of_every_server_is_waited_out(many: App) -> None:
    office = PostOffice()
    office.hold_domain("*", datetime.now(UTC) + timedelta(seconds=0.2))
    office.forget_ended_holds()
    assert pipeline.send(office.serving(many)).states == {S.ACCEPTED: 30}


def test_a_refused_address_is_suppressed_but_not_for_our_own_fault(many: App) -> None:
    office = PostOffice()
    office.set_reply(
        "r1@example.org",
        outcome="rejected",
        code=550,
        text="5.1.1 nobody",
        fault="reader",
        enhanced="5.1.1",
    )
    office.set_reply(
        "r2@example.org",
        outcome="rejected",
        code=550,
        text="5.7.1 policy",
        fault="ours",
        enhanced="5.7.1",
    )
    office.set_reply(
        "r3@example.org",
        outcome="rejected",
        code=552,
        text="5.2.2 full",
        fault="mailbox",
        enhanced="5.2.2",
    )
    office.set_reply(
        "r4@example.org",
        outcome="rejected",
        code=554,
        text="5.6.0 form",
        fault="content",
        enhanced="5.6.0",
    )
    pipeline.send(office.serving(many))
    assert [
        s.email
        for s in subscriptions.list_subscribers(many)
        if s.status is SubscriberStatus.SUPPRESSED
    ] == ["r1@example.org"]
    with many.store.reading() as tx:
        suppression = store.suppressions.find(tx, "r1@example.org")
        counted = [bounce.fault for bounce in store.bounces.load(tx, "r3@example.org")]
    assert suppression is not None
    assert ("5.1.1" in suppression.evidence, suppression.since) == (True, NOON)
    assert counted == ["mailbox"]


def test_a_mailbox_that_is_full_until_the_window_ends_is_a_soft_bounce_once(many: App) -> None:
    office = PostOffice()
    office.set_reply(
        "r1@example.org",
        outcome="deferred",
        code=452,
        text="4.2.2 full",
        fault="mailbox",
        enhanced="4.2.2",
    )
    office.set_reply(
        "r2@example.org",
        outcome="deferred",
        code=451,
        text="4.7.1 greylisted",
        fault="busy",
        enhanced="4.7.1",
    )
    pipeline.send(office.serving(many))
    with many.store.reading() as tx:
        assert store.bounces.load(tx, "r1@example.org") == []  # the message may still arrive
    pipeline.send(office.serving(many.at(NOON + timedelta(minutes=30))))
    late = many.at(NOON + timedelta(days=2))
    for _ in range(2):
        pipeline.send(office.serving(late))
    with many.store.reading() as tx:
        (bounced,) = store.bounces.load(tx, "r1@example.org")
        assert (bounced.fault, bounced.enhanced, bounced.at) == ("mailbox", "4.2.2", late.now())
        assert store.bounces.load(tx, "r2@example.org") == []


@pytest.mark.parametrize(
    "ends", ["the next attempt would be late", "another pause outlasts it", "compose looks first"]
)
def test_a_mailbox_full_for_days_is_suppressed_however_the_window_ends(
    any_app: App, ends: str
) -> None:
    (reader,) = readers(any_app, 1)
    full = {
        "outcome": "deferred",
        "code": 452,
        "text": "4.2.2 full",
        "fault": "mailbox",
        "enhanced": "4.2.2",
    }
    for day in range(any_app.config.bounces.soft):
        today = any_app.at(NOON + timedelta(days=day))
        with any_app.store.writing() as tx:
            assert store.suppressions.find(tx, reader.email) is None
            key = f"w{day}"
            store.ledger.plan(
                tx,
                kind=MessageKind.WELCOME,
                subscriber_id=reader.id,
                key=key,
                message_id=f"<{key}@here>",
                not_before=today.now(),
                expires_at=today.now()
                + timedelta(minutes=6 if ends != ("the next attempt would be late") else 4),
            )
        office = PostOffice()
        office.set_reply(reader.email, **full)
        pipeline.send(office.serving(today))
        after = any_app.at(today.now() + timedelta(minutes=5, seconds=30))
        if ends == "another pause outlasts it":
            office.hold_domain("example.org", datetime.now(UTC) + timedelta(hours=1))
            pipeline.send(office.serving(after))
        elif ends == "compose looks first":
            pipeline.compose(any_app.at(today.now() + timedelta(minutes=7)))
    with any_app.store.reading() as tx:
        stopped = store.suppressions.find(tx, reader.email)
    assert stopped is not None
    assert (stopped.reason, stopped.evidence) == (SuppressionReason.SOFT, "452 4.2.2 full")


def test_a_line_that_breaks_leaves_everything_accounted_for(many: App) -> None:
    office = PostOffice(connections=3)
    office.break_after(10)
    report = pipeline.send(office.serving(many))
    assert report.error == "the line is dead"
    assert report.states[S.ACCEPTED] == len(office.taken)
    assert counts(many) == {S.ACCEPTED: len(office.taken), S.PLANNED: 30 - len(office.taken)}
    again = PostOffice()
    assert pipeline.send(again.serving(many)).states == {S.ACCEPTED: 30 - len(office.taken)}
    assert not set(office.taken) & set(again.taken)


def test_asked_to_stop_it_ends_what_is_on_its_way_and_gives_back_the_rest(many: App) -> None:
    office = PostOffice(connections=3)
    report = pipeline.send(office.serving(many), stop=lambda: len(office.taken) >= 7)
    assert report.stopped
    assert 7 <= len(office.taken) <= 9
    assert counts(many) == {S.ACCEPTED: len(office.taken), S.PLANNED: 30 - len(office.taken)}


def test_a_reader_who_leaves_before_the_body_gets_nothing(many: App) -> None:
    alice = subscriptions.find(many, "r7@example.org")
    office = PostOffice()
    office.call_before_body("r7@example.org", lambda: subscriptions.unsubscribe(many, alice.id))
    report = pipeline.send(office.serving(many))
    assert report.states == {S.ACCEPTED: 29, S.SKIPPED: 1}
    assert len(office.taken) == 29


def test_a_reader_who_pauses_before_the_body_gets_nothing_and_the_send_ends(many: App) -> None:
    bob = subscriptions.find(many, "r8@example.org")
    office = PostOffice()
    office.call_before_body(
        "r8@example.org", lambda: subscriptions.pause(many, bob.id, paused=True)
    )
    assert pipeline.send(office.serving(many)).states == {S.ACCEPTED: 29, S.SKIPPED: 1}


def test_a_sender_whose_claims_were_taken_away_sends_nothing_more(many: App) -> None:
    """A sender was frozen; when it wakes, another sender has its claims."""
    first, second = PostOffice(connections=2), PostOffice(connections=2)

    def another() -> None:
        with many.store.writing() as tx:
            store.ledger.recover(
                tx, dead=store.ledger.list_owners(tx), now=many.now(), clock=datetime.now(UTC)
            )
        pipeline.send(second.serving(many))

    first.call_before_body("r0@example.org", another)
    pipeline.send(first.serving(many))
    assert Counter(first.taken + second.taken).most_common(1)[0][1] == 1
    assert len(first.taken + second.taken) == 30


def test_one_letter_that_cannot_be_written_stops_no_other(many: App, tmp_path: Path) -> None:
    broken = tmp_path / "templates" / "email" / "digest"
    broken.mkdir(parents=True)
    (broken / "subject.txt").write_text(
        "{% if name %}{{ nobody_gave_this }}{% endif %}{{ best }}", encoding="utf-8"
    )
    subscriptions.subscribe(
        many, SubscriptionRequest(email="r9@example.org", name="Niner"), origin="command"
    )
    office = PostOffice()
    report = pipeline.send(replace(office.serving(many), templates=(tmp_path / "templates",)))
    assert report.states == {S.ACCEPTED: 29, S.DEFERRED: 1}
    assert "subject.txt" in report.troubles[0][1]


@pytest.mark.parametrize(
    "spoilt",
    [
        update(tables.digests).values(provenance={}).where(tables.digests.c.id == 5),
        update(tables.digest_items)
        .values(explanation="{")
        .where(tables.digest_items.c.digest_id == 5),
    ],
)
def test_a_digest_that_cannot_be_read_stops_no_other(many: App, spoilt: Update) -> None:
    with many.store.writing() as tx:
        tx.execute(spoilt)
    report = pipeline.send(PostOffice().serving(many))
    assert report.states == {S.ACCEPTED: 29, S.DEFERRED: 1}
    assert "a mistake of ours" in report.troubles[0][1]


@pytest.mark.parametrize("offers", [("8BITMIME", "SMTPUTF8"), ("8BITMIME",)])
def test_an_address_in_another_script_gets_its_digest_where_the_server_takes_such(
    app: App, dump: Dump, offers: tuple[str, ...]
) -> None:
    pipeline.ingest(app, [dump()])
    for email in ("jürgen@bücher.example", "zoe@example.org"):
        subscriptions.subscribe(
            app, SubscriptionRequest(email=email, keywords=("robot",)), origin="command"
        )
    pipeline.compose(app)
    with serving(HostileSmtp(offers=offers)) as server:
        mailer = SmtpMailer([SmtpServer(host="127.0.0.1", port=server.port)])
        report = pipeline.send(replace(app, make_mailer=lambda: mailer))
    got = {
        message.recipient: email_library.message_from_bytes(message.data, policy=SMTPUTF8)
        for message in server.got
    }
    assert got["zoe@example.org"]["To"] == "zoe@example.org"
    assert len(server.commands("MAIL FROM")) == report.states[S.ACCEPTED]
    if "SMTPUTF8" in offers:
        assert got["jürgen@xn--bcher-kva.example"]["To"] == "jürgen@xn--bcher-kva.example"
    else:
        assert report.states == {S.ACCEPTED: 1, S.REJECTED: 1}
        assert "does not offer SMTPUTF8" in report.troubles[0][1]


@pytest.mark.parametrize(
    ("reply", "maybe_seen"),
    [
        ({"outcome": "rejected", "code": 554, "fault": "content"}, False),
        ({"outcome": "unknown"}, True),
        ({"outcome": "deferred", "code": 451, "fault": "busy"}, False),
    ],
)
def test_the_papers_of_a_digest_that_failed_come_back_the_next_day(
    any_app: App, cast: Cast, dump: Dump, reply: dict[str, Any], maybe_seen: bool
) -> None:
    """Papers of rejected, unknown and expired digests are in the mail of the next day."""
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump()])
    office = PostOffice()
    office.set_reply(alice.email, **reply)
    ((_, first),) = pipeline.compose(any_app, only=alice).digests
    pipeline.send(office.serving(any_app), only=alice)
    tomorrow = any_app.at(NOON + timedelta(days=1))
    fresh = PostOffice()
    ((_, second),) = pipeline.compose(tomorrow, only=alice).digests
    assert {item.score.paper_id for item in first.items} <= {
        item.score.paper_id for item in second.items
    }
    assert {item.seen_before for item in second.items} == {maybe_seen}
    assert pipeline.send(fresh.serving(tomorrow), only=alice).states == {S.ACCEPTED: 1}
    with any_app.store.reading() as tx:
        messages = [(row["key"], row["state"]) for row in store.deliveries.list_messages(tx)]
    expected = {"rejected": S.REJECTED, "unknown": S.UNKNOWN, "deferred": S.EXPIRED}[
        reply["outcome"]
    ]
    assert messages == [
        ((TODAY + timedelta(days=1)).isoformat(), S.ACCEPTED),
        (TODAY.isoformat(), expected),
    ]
    after = any_app.at(NOON + timedelta(days=2))
    assert pipeline.compose(after, only=alice).planned == []


def test_a_send_leaves_the_collector_of_cycles_as_it_was(many: App) -> None:
    during: list[tuple[object, int]] = []
    before = gc.get_threshold(), gc.get_freeze_count()
    office = PostOffice()
    office.call_before_body(
        "r1@example.org", lambda: during.append((gc.get_threshold(), gc.get_freeze_count()))
    )
    pipeline.send(office.serving(many))
    assert during != [before]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_memory_does_not_depend_on_the_queue(many: App) -> None:
    """At most one batch is claimed, plus what the connections wait for."""
    most = 0

    def look() -> bool:
        nonlocal most
        most = max(most, counts(many).get(S.CLAIMED, 0))
        return False

    pipeline.send(PostOffice(connections=2).serving(many), stop=look)
    assert 0 < most <= store.ledger.CLAIM_MAX


def test_a_digest_of_another_day_is_not_sent(many: App) -> None:
    late = many.at(NOON + timedelta(days=2))
    office = PostOffice()
    report = pipeline.send(office.serving(late))
    assert (report.states, office.taken) == ({S.EXPIRED: 30}, [])
    assert date.fromisoformat(services.deliveries(late)[0]["key"]) == TODAY
