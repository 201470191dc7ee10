"""Inbound mail: a valid token acts once; a forged mail changes nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import (
    Delivery,
    Link,
    MessageState,
    Phase,
    Purpose,
    Subscriber,
    SubscriberStatus,
    SuppressionReason,
)
from digest.pipeline.steps.record_bounces import record_refusal
from digest.services import inbound
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, invent_papers, make_app
from tests.returned import GOLDEN, LEAVE, VERP, bounce_of, damage, letter, mail
from tests.webclient import Clock

ALICE, BOB = "alice@example.org", "bob@example.org"


def with_bounce_domain(app: App) -> App:
    mail = app.config.mail.model_copy(update={"bounce_domain": "bounces.example.org"})
    return replace(app, config=app.config.model_copy(update={"mail": mail}))


def with_mailbox(app: App) -> App:
    return replace(app, mailing=replace(app.mailing, mailbox="papers@example.org"))


@pytest.fixture
def service(app: App) -> App:
    return with_bounce_domain(app)


@pytest.fixture
def alice(service: App) -> Subscriber:
    return subscriptions.subscribe(
        service, SubscriptionRequest(email=ALICE), origin="command"
    ).subscriber


@pytest.fixture
def bob(service: App) -> Subscriber:
    return subscriptions.subscribe(
        service, SubscriptionRequest(email=BOB), origin="command"
    ).subscriber


def status(app: App, who: Subscriber) -> SubscriberStatus:
    return subscriptions.get(app, who.id).status


def states(app: App) -> dict[str, int]:
    with app.store.reading() as tx:
        return {state.value: n for state, n in store.deliveries.count_by_state(tx).items()}


def contents(app: App) -> dict[str, list[object]]:
    """Return all data that a mail could change."""
    with app.store.reading() as tx:
        return {
            table: list(tx.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2").all())
            for table in ("subscribers", "messages", "bounces", "suppressions", "feedback")
        }


# ------------------------------------------------------------------------------------------ bounces


@pytest.mark.parametrize(
    ("name", "fault", "reason"),
    [
        ("postfix-unknown-user", "reader", SuppressionReason.HARD),
        ("exim-letter", "reader", SuppressionReason.HARD),
        ("gmail-unknown-user", "reader", SuppressionReason.HARD),
        ("exchange-online-not-found", "reader", SuppressionReason.HARD),
        ("exchange-letter", "reader", SuppressionReason.HARD),
        ("qmail", "reader", SuppressionReason.HARD),
        ("opensmtpd", "reader", SuppressionReason.HARD),
        ("qmail-full", "mailbox", None),
        ("postfix-full-for-days", "mailbox", None),
        ("exim-report", "mailbox", None),
        ("sendmail", "mailbox", None),
        ("gmail-unauthenticated", "ours", None),
        ("international", "content", None),
    ],
)
def test_each_shape_of_bounce_is_held_against_whom_it_speaks_of(
    service: App, alice: Subscriber, name: str, fault: str, reason: SuppressionReason | None
) -> None:
    received = inbound.receive_mail(service, mail(name, service, letter(service, alice)))
    assert (received.outcome, received.fault, received.suppressed, received.handled) == (
        "bounced",
        fault,
        reason,
        True,
    )
    assert status(service, alice) is (
        SubscriberStatus.SUPPRESSED if reason else SubscriberStatus.ACTIVE
    )


def test_without_a_bounce_domain_the_signed_link_in_the_returned_headers_proves_the_message(
    app: App,
) -> None:
    alice = subscriptions.subscribe(
        app, SubscriptionRequest(email=ALICE), origin="command"
    ).subscriber
    queued = letter(app, alice)
    token = app.url(Purpose.UNSUBSCRIBE, alice.id, message_id=queued.id).rpartition("/")[2].encode()
    data = (
        (GOLDEN / "postfix-unknown-user.eml")
        .read_bytes()
        .replace(VERP, b"digest@example.org")
        .replace(LEAVE, token)
    )
    assert inbound.receive_mail(app, data).suppressed is SuppressionReason.HARD


def test_the_same_report_twice_is_one_bounce_on_every_database(any_app: App) -> None:
    service = with_bounce_domain(any_app)
    alice = subscriptions.subscribe(
        service, SubscriptionRequest(email=ALICE), origin="command"
    ).subscriber
    data = mail("exim-report", service, letter(service, alice))  # 5.2.1: suppressed at the second
    assert [inbound.receive_mail(service, data).suppressed for _ in range(3)] == [None, None, None]
    assert (
        inbound.receive_mail(
            service, mail("exim-report", service, letter(service, alice, "2"))
        ).suppressed
        is SuppressionReason.DISABLED
    )


def test_a_mailbox_full_often_enough_for_days_is_suppressed(
    service: App, alice: Subscriber
) -> None:
    suppressed = [
        inbound.receive_mail(
            service, mail("postfix-full-for-days", service, letter(service, alice, str(number)))
        ).suppressed
        for number in range(5)
    ]
    assert suppressed == [None] * 4 + [SuppressionReason.SOFT]


def test_a_refusal_at_the_door_and_its_report_by_mail_are_one_bounce(
    service: App, alice: Subscriber
) -> None:
    for number in range(4):
        queued = letter(service, alice, str(number))
        refusal = Delivery(
            outcome="rejected",
            server="mx",
            phase=Phase.RCPT,
            code=552,
            text=("5.2.2 full"),
            fault="mailbox",
            enhanced="5.2.2",
            started=NOON,
            ended=NOON,
        )
        with service.store.writing() as tx:
            record_refusal(service, tx, queued, refusal)
        inbound.receive_mail(service, mail("postfix-full-for-days", service, queued))
    assert status(service, alice) is SubscriberStatus.ACTIVE


def test_a_delay_changes_nothing(service: App, alice: Subscriber) -> None:
    data = mail("postfix-delayed", service, letter(service, alice))
    before = contents(service)
    assert inbound.receive_mail(service, data).outcome == "ignored"
    assert contents(service) == before


# --------------------------------------------------------------------- evidence of unknown messages


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("postfix-unknown-user", "rejected"),
        ("gmail-unauthenticated", "rejected"),
        ("postfix-delayed", "unknown"),
        ("arf-abuse", "accepted"),
        ("away-exchange-en", "accepted"),
        ("asks-to-leave", "accepted"),
        ("person-answers", "unknown"),
    ],
)
def test_a_mail_about_an_unknown_message_is_evidence(
    service: App, alice: Subscriber, name: str, state: str
) -> None:
    queued = letter(service, alice, state=MessageState.UNKNOWN)
    assert states(service) == {"unknown": 1}
    inbound.receive_mail(service, mail(name, service, queued))
    assert states(service) == {state: 1}


def test_evidence_and_complaints_are_noted_on_every_database(any_app: App) -> None:
    service = with_bounce_domain(any_app)
    alice = subscriptions.subscribe(
        service, SubscriptionRequest(email=ALICE), origin="command"
    ).subscriber
    data = mail("arf-abuse", service, letter(service, alice, state=MessageState.UNKNOWN))
    assert [inbound.receive_mail(service, data).suppressed for _ in range(2)] == [
        SuppressionReason.COMPLAINT,
        None,
    ]
    assert (states(service), status(service, alice)) == ({"accepted": 1}, SubscriberStatus.LEFT)


def test_a_bounced_message_stays_accepted(service: App, alice: Subscriber) -> None:
    inbound.receive_mail(service, bounce_of(service, letter(service, alice)))
    assert states(service) == {"accepted": 1}


# --------------------------------------------------------------------------- complaints and answers


@pytest.mark.parametrize("name", ["arf-abuse", "arf-redacted"])
def test_a_complaint_unsubscribes(service: App, alice: Subscriber, name: str) -> None:
    data = mail(name, service, letter(service, alice))
    received = inbound.receive_mail(service, data)
    assert (received.outcome, received.suppressed) == ("complained", SuppressionReason.COMPLAINT)
    assert status(service, alice) is SubscriberStatus.LEFT
    subscriptions.resubscribe(service, alice.id)
    assert inbound.receive_mail(service, data).suppressed is None
    assert status(service, alice) is SubscriberStatus.ACTIVE, "an old complaint is no new one"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("away-*.eml")), ids=lambda path: path.stem)
def test_an_automatic_answer_changes_no_reader(service: App, alice: Subscriber, path: Path) -> None:
    data = mail(path.stem, service, letter(service, alice))
    before = contents(service)
    assert inbound.receive_mail(service, data).outcome == "ignored"
    assert contents(service) == before


@pytest.mark.parametrize(
    "name",
    ["person-answers", "person-forwards-a-bounce", "dmarc-report", "receipt-read", "arf-not-spam"],
)
def test_mail_for_people_is_left_to_them(service: App, alice: Subscriber, name: str) -> None:
    data = mail(name, service, letter(service, alice))
    before = contents(service)
    assert not inbound.receive_mail(service, data).handled
    assert contents(service) == before


# ----------------------------------------------------------------------------------------- requests


def test_leaving_by_mail_works_for_a_machine_too(
    service: App, alice: Subscriber, bob: Subscriber
) -> None:
    for reader, extra in (
        (alice, b""),
        (bob, b"Auto-Submitted: auto-generated\nPrecedence: bulk\n"),
    ):
        received = inbound.receive_mail(
            service, extra + mail("asks-to-leave", service, letter(service, reader))
        )
        assert (received.outcome, status(service, reader)) == (
            "unsubscribed",
            SubscriberStatus.LEFT,
        )


def test_a_thumb_by_mail_counts_unless_a_machine_gives_it(
    app: App, dump: Callable[..., Path]
) -> None:
    alice = subscriptions.subscribe(
        app, SubscriptionRequest(email=ALICE), origin="command"
    ).subscriber
    pipeline.ingest(app, [dump(rows=invent_papers(NOON.date(), per_topic=1))])
    token = app.url(Purpose.DOWN, alice.id, paper_id=2).rpartition("/")[2]
    asked = (
        f"From: alice@example.org\nSubject: =?utf-8?q?Re=3A_Less_like_this_{token}?=\n\n".encode()
    )
    assert inbound.receive_mail(app, b"Auto-Submitted: auto-replied\n" + asked).outcome == "other"
    assert pipeline.current_vote(app, alice.id, 2) == 0
    assert inbound.receive_mail(app, asked).outcome == "voted"
    assert pipeline.current_vote(app, alice.id, 2) == -1
    subscriptions.unsubscribe(app, alice.id)
    up = app.url(Purpose.UP, alice.id, paper_id=2).rpartition("/")[2]
    assert (
        inbound.receive_mail(
            app, f"From: alice@example.org\nSubject: More like this {up}\n\n".encode()
        ).outcome
        == "ignored"
    )
    assert pipeline.current_vote(app, alice.id, 2) == -1  # as on the page


class Votes:
    """A reader who votes by mail and by page; mails arrive in any order."""

    def __init__(self, app: App, dump: Callable[..., Path]) -> None:
        self.clock = Clock()
        self.app = replace(app, now=self.clock)
        self.reader = subscriptions.subscribe(
            self.app, SubscriptionRequest(email=ALICE), origin="command"
        ).subscriber
        pipeline.ingest(self.app, [dump(rows=invent_papers(NOON.date(), per_topic=1))])
        self.count = 0

    def mail(self, purpose: Purpose, date: str, *, message: int = 0, name: str = "") -> bytes:
        self.count += 1
        token = self.app.url(purpose, self.reader.id, paper_id=2, message_id=message).rpartition(
            "/"
        )[2]
        ident = f"Message-ID: <{name or self.count}@laptop.example>\n"
        return f"From: {ALICE}\nDate: {date}\n{ident}Subject: Vote {token}\n\n".encode()

    def page(self, purpose: Purpose) -> None:
        link = Link(purpose, self.reader.id, 2)
        self.count += 1
        pipeline.record_press(self.app, link, pipeline.PostedForm(form=f"page {self.count}"))

    @property
    def vote(self) -> int:
        return pipeline.current_vote(self.app, self.reader.id, 2)


def test_a_thumb_by_mail_that_comes_late_does_not_undo_a_later_one(
    any_app: App, dump: Callable[..., Path]
) -> None:
    votes = Votes(any_app, dump)
    late = votes.mail(Purpose.UP, "Tue, 9 Jun 2026 12:00:30 +0000")
    votes.clock.wait(600)
    votes.page(Purpose.DOWN)
    votes.clock.wait(600)
    assert inbound.receive_mail(votes.app, late).outcome == "voted"
    assert votes.vote == -1
    inbound.receive_mail(votes.app, votes.mail(Purpose.UP, "Tue, 9 Jun 2026 14:15:00 +0200"))
    assert votes.vote == 1, "written at 12:15 UTC, after the page was pressed"


def test_thumbs_by_mail_count_in_the_order_in_which_they_were_written(
    app: App, dump: Callable[..., Path]
) -> None:
    votes = Votes(app, dump)
    up, down = (
        votes.mail(p, f"Tue, 9 Jun 2026 12:0{n}:00 +0000")
        for n, p in ((1, Purpose.UP), (2, Purpose.DOWN))
    )
    votes.clock.wait(3600)
    for data in (down, up, down, up):
        inbound.receive_mail(votes.app, data)
        assert votes.vote == -1


def test_the_same_mail_read_again_does_not_undo_a_later_thumb(
    app: App, dump: Callable[..., Path]
) -> None:
    """This holds whatever date the mail has."""
    votes = Votes(app, dump)
    for date in ("Tue, 9 Jun 2026 12:00:00 +0000", "Tue, 9 Jun 2099 12:00:00 +0000", "yesterday"):
        votes.clock.wait(600)
        data = votes.mail(Purpose.UP, date)
        inbound.receive_mail(votes.app, data)
        votes.clock.wait(600)
        votes.page(Purpose.DOWN)
        votes.clock.wait(600)
        inbound.receive_mail(votes.app, data)
        assert votes.vote == -1


def test_a_wrong_clock_of_the_reader_loses_no_thumb(app: App, dump: Callable[..., Path]) -> None:
    """A mail dated before the digest that it answers counts as written now."""
    votes = Votes(app, dump)
    message = letter(votes.app, votes.reader).id
    votes.clock.wait(600)
    votes.page(Purpose.DOWN)
    votes.clock.wait(600)
    inbound.receive_mail(
        votes.app, votes.mail(Purpose.UP, "Thu, 1 Jan 1970 00:00:00 +0000", message=message)
    )
    assert votes.vote == 1


def test_a_thumb_dated_days_ahead_yields_to_a_later_one(
    app: App, dump: Callable[..., Path]
) -> None:
    votes = Votes(app, dump)
    votes.clock.wait(5 * 86400)
    votes.page(Purpose.DOWN)
    votes.clock.wait(-5 * 86400 + 600)
    inbound.receive_mail(votes.app, votes.mail(Purpose.UP, "Tue, 9 Jun 2026 12:05:00 +0000"))
    assert votes.vote == 1


def test_an_address_is_confirmed_by_mail_where_no_page_can_be_reached(app: App) -> None:
    laptop = with_mailbox(app)
    asked = subscriptions.sign_up(
        laptop, SubscriptionRequest(email=ALICE, keywords=("robot",)), origin="page"
    ).subscriber
    pipeline.send(laptop)
    (written,) = [
        BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        for path in laptop.config.smtp.outbox.glob("*.eml")
    ]
    offered = []
    for kind in ("plain", "html"):
        body = written.get_body((kind,))
        assert isinstance(body, EmailMessage)
        offered += re.findall(
            r"mailto:papers@example\.org\?subject=([^\s\">]+)", body.get_content()
        )
    assert len(offered) == 2
    assert len(set(offered)) == 1
    answer = f"From: {ALICE}\nTo: papers@example.org\nSubject: {unquote(offered[0])}\n\n".encode()
    assert (
        inbound.receive_mail(laptop, b"Auto-Submitted: auto-replied\n" + answer).outcome == "other"
    )
    assert status(laptop, asked) is SubscriberStatus.PENDING
    for _ in range(2):
        assert inbound.receive_mail(laptop, answer).outcome == "confirmed"
        assert status(laptop, asked) is SubscriberStatus.ACTIVE
    with laptop.store.reading() as tx:
        assert [row["kind"] for row in store.deliveries.list_messages(tx)] == ["welcome", "confirm"]
    subscriptions.unsubscribe(laptop, asked.id)
    inbound.receive_mail(laptop, answer)  # an old mail does not resubscribe
    assert status(laptop, asked) is SubscriberStatus.LEFT


def test_where_pages_can_be_reached_nothing_is_confirmed_by_mail(tmp_path: Path) -> None:
    app = make_app(
        tmp_path, web__base_url="https://papers.example.net", mail__reply_to="papers@example.org"
    )
    subscriptions.sign_up(app, SubscriptionRequest(email=ALICE, keywords=("robot",)), origin="page")
    pipeline.send(app)
    (path,) = app.config.smtp.outbox.glob("*.eml")
    assert b"mailto:" not in path.read_bytes()
    app.close()


def test_a_request_of_a_deleted_reader_is_no_error(service: App, alice: Subscriber) -> None:
    data = mail("asks-to-leave", service, letter(service, alice))
    with service.store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM subscribers")
    assert inbound.receive_mail(service, data).outcome == "ignored"


# ------------------------------------------------------------------------------------------ forgery


def test_a_report_without_our_token_changes_nothing(service: App, alice: Subscriber) -> None:
    letter(service, alice)
    before = contents(service)
    for path in sorted(GOLDEN.glob("*.eml")):  # signed with the key of another service
        received = inbound.receive_mail(service, path.read_bytes())
        assert received.outcome in ("untrusted", "other"), path.stem
    assert contents(service) == before


def test_a_forged_address_with_another_message_id_is_detected(
    service: App, alice: Subscriber, bob: Subscriber
) -> None:
    own_letter = letter(service, bob)
    theirs = letter(service, alice, "2")
    address = service.bounce_address(bob.id, own_letter.id)
    other = service.bounce_address(alice.id, theirs.id)
    assert address is not None
    assert other is not None
    body, mac = address[2:31], address[31:57]
    forged = [
        f"b+{other[2:31]}{mac}@bounces.example.org",
        f"b+{body[::-1]}{mac}@x.org",
        f"b+{mac}{body}@x.org",
        "b+@x.org",
    ]
    before = contents(service)
    for forged_mail in forged:
        data = (
            (GOLDEN / "postfix-unknown-user.eml").read_bytes().replace(VERP, forged_mail.encode())
        )
        assert inbound.receive_mail(service, data).outcome == "untrusted"
    assert contents(service) == before


def test_the_right_to_vote_or_to_change_settings_is_no_right_to_suppress(
    service: App, alice: Subscriber
) -> None:
    queued = letter(service, alice)
    data = (GOLDEN / "postfix-unknown-user.eml").read_bytes().replace(VERP, b"digest@example.org")
    before = contents(service)
    for purpose in (Purpose.UP, Purpose.DOWN, Purpose.MANAGE, Purpose.CONFIRM):
        token = (
            service.url(purpose, alice.id, paper_id=1, message_id=queued.id)
            .rpartition("/")[2]
            .encode()
        )
        assert inbound.receive_mail(service, data.replace(LEAVE, token)).outcome == "untrusted"
        if purpose is Purpose.MANAGE:
            assert (
                inbound.receive_mail(service, b"Subject: Unsubscribe " + token + b"\n\n").outcome
                == "other"
            )
    assert contents(service) == before


def test_a_bounce_of_a_message_that_went_to_somebody_else_is_not_believed(
    service: App, alice: Subscriber, bob: Subscriber
) -> None:
    """Use a token whose reader and message do not belong together.

    It signs both numbers, so they differ only if the database was restored or mixed up.
    """
    theirs = letter(service, alice)
    address = service.bounce_address(bob.id, theirs.id)
    assert address is not None
    data = (GOLDEN / "postfix-unknown-user.eml").read_bytes().replace(VERP, address.encode())
    assert inbound.receive_mail(service, data).outcome == "untrusted"
    assert (status(service, alice), status(service, bob)) == (
        SubscriberStatus.ACTIVE,
        SubscriberStatus.ACTIVE,
    )


def test_damaged_mails_change_nothing_of_other_readers(
    service: App, alice: Subscriber, bob: Subscriber
) -> None:
    """A damaged mail about a reader's message concerns that reader or nobody."""
    chance = random.Random(2)
    queued = letter(service, alice)
    before = [row for row in contents(service)["subscribers"] if BOB in str(row)]
    for path in sorted(GOLDEN.glob("*.eml")):
        for _ in range(3):
            received = inbound.receive_mail(
                service, damage(mail(path.stem, service, queued), chance)
            )
            assert received.subscriber is None or received.subscriber.id == alice.id
    after = contents(service)
    assert [row for row in after["subscribers"] if BOB in str(row)] == before
    assert {str(row[0]) for row in after["suppressions"]} <= {ALICE}  # type: ignore[index]


def test_a_bounce_for_our_own_fault_is_an_alarm(service: App, alice: Subscriber) -> None:
    inbound.receive_mail(service, mail("gmail-unauthenticated", service, letter(service, alice)))
    (alarm,) = [alarm for alarm in services.status(service).alarms if alarm.kind == "refused"]
    assert "5.7.26" in str(alarm)


def test_a_rotated_key_still_proves_the_bounces_of_older_mails(
    service: App, alice: Subscriber
) -> None:
    data = bounce_of(service, letter(service, alice))
    service.rotate_keys()
    assert inbound.receive_mail(service, data).outcome == "bounced"
