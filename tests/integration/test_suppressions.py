"""Suppressed addresses: reasons, how long they last, and the only way back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import store, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, NotFoundError
from digest.mail.mailer.replies import classify
from digest.model import (
    Delivery,
    MessageKind,
    Outcome,
    Phase,
    Queued,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)
from digest.pipeline.steps import record_bounces
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON

ALICE = "alice@example.org"


@pytest.fixture
def alice(any_app: App) -> Subscriber:
    return subscriptions.subscribe(
        any_app, SubscriptionRequest(email=ALICE, keywords=("robot",)), origin="command"
    ).subscriber


def letter(app: App, who: Subscriber, key: str, kind: MessageKind = MessageKind.WELCOME) -> Queued:
    """Plan and claim a message."""
    with app.store.writing() as tx:
        store.ledger.plan(
            tx,
            kind=kind,
            subscriber_id=who.id,
            key=key,
            message_id=app.message_id(kind, key, who.id),
            not_before=app.now(),
            expires_at=app.now() + timedelta(hours=8),
        )
        claimed = store.ledger.claim(tx, owner="me", now=app.now(), clock=app.now())
    return next(message for message in claimed if message.key == key)


def record_refusal(
    app: App,
    queued: Queued,
    code: int,
    text: str,
    phase: Phase = Phase.RCPT,
    outcome: Outcome = "rejected",
) -> Suppression | None:
    verdict = classify(phase, code, text)
    assert not code or verdict.outcome == outcome
    delivery = Delivery(
        outcome=outcome,
        server="mx",
        phase=phase,
        code=code,
        text=text,
        fault=verdict.fault,
        enhanced=verdict.enhanced,
        started=app.now(),
        ended=app.now(),
    )
    with app.store.writing() as tx:
        return record_bounces.record_refusal(app, tx, queued, delivery)


def status(app: App, who: Subscriber) -> SubscriberStatus:
    return subscriptions.get(app, who.id).status


def messages(app: App) -> dict[str, int]:
    with app.store.reading() as tx:
        return {state.value: n for state, n in store.deliveries.count_by_state(tx).items()}


def test_one_hard_bounce_suppresses(any_app: App, alice: Subscriber) -> None:
    suppression = record_refusal(any_app, letter(any_app, alice, "1"), 550, "5.1.1 user unknown")
    assert suppression is not None
    assert (suppression.reason, suppression.since, suppression.evidence) == (
        SuppressionReason.HARD,
        NOON,
        "550 5.1.1 user unknown",
    )
    assert status(any_app, alice) is SubscriberStatus.SUPPRESSED
    assert subscriptions.list_suppressions(any_app) == [suppression]


def test_a_disabled_mailbox_is_suppressed_after_two_different_messages(
    any_app: App, alice: Subscriber
) -> None:
    first = letter(any_app, alice, "1")
    assert record_refusal(any_app, first, 550, "5.2.1 disabled") is None
    assert record_refusal(any_app, first, 550, "5.2.1 disabled") is None
    suppression = record_refusal(any_app, letter(any_app, alice, "2"), 550, "5.2.1 disabled")
    assert suppression is not None
    assert suppression.reason is SuppressionReason.DISABLED


def test_soft_bounces_are_counted_over_the_days_of_the_rule(
    any_app: App, alice: Subscriber
) -> None:
    days = [0, 5, 6, 7, 18, 19, 19]
    suppressions = [
        record_refusal(
            any_app.at(NOON + timedelta(days=day)),
            letter(any_app.at(NOON + timedelta(days=day)), alice, str(number)),
            552,
            "full",
        )
        for number, day in enumerate(days)
    ]
    # The bounces of days 0 and 5 are older than 14 days at the time of the fifth.
    assert [bool(suppression) for suppression in suppressions] == [
        False,
        False,
        False,
        False,
        False,
        False,
        True,
    ]
    assert status(any_app, alice) is SubscriberStatus.SUPPRESSED


def test_our_own_faults_and_what_was_not_refused_suppress_nobody(
    any_app: App, alice: Subscriber
) -> None:
    for number in range(8):
        assert (
            record_refusal(any_app, letter(any_app, alice, f"p{number}"), 550, "5.7.1 policy")
            is None
        )
        assert (
            record_refusal(
                any_app,
                letter(any_app, alice, f"d{number}"),
                450,
                "4.2.0 later",
                outcome="deferred",
            )
            is None
        )
        assert (
            record_refusal(any_app, letter(any_app, alice, f"n{number}"), 0, "no SMTPUTF8") is None
        )
    assert status(any_app, alice) is SubscriberStatus.ACTIVE


def test_messages_to_a_suppressed_address_are_skipped_whatever_their_kind(
    any_app: App, alice: Subscriber
) -> None:
    queued = letter(any_app, alice, "1")
    with any_app.store.writing() as tx:
        store.ledger.release(tx, owner="me", now=NOON)
        for kind in (MessageKind.GOODBYE, MessageKind.CONFIRM):
            store.ledger.plan(
                tx,
                kind=kind,
                subscriber_id=alice.id,
                key="x",
                message_id=f"<{kind}@x>",
                not_before=NOON,
                expires_at=NOON + timedelta(1),
            )
    record_refusal(any_app, queued, 550, "5.1.1 unknown")
    assert messages(any_app) == {"skipped": 3}


def test_only_the_operator_releases_a_suppressed_address(any_app: App, alice: Subscriber) -> None:
    record_refusal(any_app, letter(any_app, alice, "1"), 550, "5.1.1 unknown")
    before = messages(any_app)
    request = SubscriptionRequest(email=ALICE.upper(), size=3)
    for origin in ("command", "file", "config"):
        done = subscriptions.subscribe(any_app, request, origin=origin)
        assert (done.outcome, done.suppression is not None) == ("suppressed", True)
    for origin in ("page", "api"):
        assert subscriptions.sign_up(any_app, request, origin=origin).outcome == "asked"
    subscriptions.confirm(any_app, alice.id)
    subscriptions.resubscribe(any_app, alice.id)
    subscriptions.pause(any_app, alice.id, paused=False)
    assert status(any_app, alice) is SubscriberStatus.SUPPRESSED
    assert messages(any_app) == before
    assert subscriptions.release(any_app, ALICE).reason is SuppressionReason.HARD
    assert status(any_app, alice) is SubscriberStatus.ACTIVE
    with pytest.raises(NotFoundError, match="digest suppressions"):
        subscriptions.release(any_app, ALICE)


def test_an_address_stays_suppressed_when_its_subscriber_is_deleted(
    any_app: App, alice: Subscriber
) -> None:
    record_refusal(any_app, letter(any_app, alice, "1"), 550, "5.1.1 unknown")
    with any_app.store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM subscribers")
    assert [suppression.address for suppression in subscriptions.list_suppressions(any_app)] == [
        ALICE
    ]
    assert (
        subscriptions.subscribe(any_app, SubscriptionRequest(email=ALICE), origin="file").outcome
        == "suppressed"
    )
    assert (
        subscriptions.sign_up(any_app, SubscriptionRequest(email=ALICE), origin="page").outcome
        == "asked"
    )
    assert subscriptions.list_subscribers(any_app) == []
    assert messages(any_app) == {}


def test_a_stranger_who_asks_for_a_suppressed_address_sees_no_difference(any_app: App) -> None:
    subscriptions.suppress(
        any_app, [subscriptions.make_suppression(any_app, ALICE, "asked by phone")]
    )
    for email in (ALICE, "bob@example.org"):
        with pytest.raises(InputError, match="size"):
            subscriptions.sign_up(any_app, SubscriptionRequest(email=email, size=999), origin="api")
        assert (
            subscriptions.sign_up(any_app, SubscriptionRequest(email=email), origin="api").outcome
            == "asked"
        )


def test_a_release_forgives_and_the_same_reports_read_again_do_not_count(
    any_app: App, alice: Subscriber
) -> None:
    message = letter(any_app, alice, "1")
    record_refusal(any_app, message, 550, "5.1.1 unknown")
    subscriptions.release(any_app, ALICE)
    assert record_refusal(any_app, message, 550, "5.1.1 unknown") is None
    assert record_refusal(any_app, letter(any_app, alice, "2"), 550, "5.2.1 disabled") is None
    assert status(any_app, alice) is SubscriberStatus.ACTIVE


@pytest.mark.parametrize(
    "former",
    [
        SubscriberStatus.ACTIVE,
        SubscriberStatus.PAUSED,
        SubscriberStatus.LEFT,
        SubscriberStatus.PENDING,
    ],
)
def test_a_release_restores_the_earlier_status(
    any_app: App, alice: Subscriber, former: SubscriberStatus
) -> None:
    with any_app.store.writing() as tx:
        store.subscribers.set_status(tx, alice.id, former, now=NOON)
    assert (
        subscriptions.suppress(any_app, [subscriptions.make_suppression(any_app, ALICE, "")]) == 1
    )
    assert (
        subscriptions.suppress(any_app, [subscriptions.make_suppression(any_app, ALICE, "")]) == 0
    )
    assert status(any_app, alice) is SubscriberStatus.SUPPRESSED
    subscriptions.release(any_app, ALICE)
    assert status(any_app, alice) is former


def test_a_reader_who_leaves_while_suppressed_stays_left_after_the_release(
    any_app: App, alice: Subscriber
) -> None:
    subscriptions.suppress(any_app, [subscriptions.make_suppression(any_app, ALICE, "")])
    subscriptions.unsubscribe(any_app, alice.id)
    subscriptions.release(any_app, ALICE)
    assert status(any_app, alice) is SubscriberStatus.LEFT


def record_complaint(app: App) -> None:
    with app.store.writing() as tx:
        record_bounces.suppress(app, tx, ALICE, SuppressionReason.COMPLAINT, "abuse")


def test_after_a_complaint_only_the_readers_link_or_the_operator_resubscribes(
    any_app: App, alice: Subscriber
) -> None:
    record_complaint(any_app)
    assert status(any_app, alice) is SubscriberStatus.LEFT
    assert (
        subscriptions.sign_up(any_app, SubscriptionRequest(email=ALICE), origin="page").outcome
        == "asked"
    )
    assert (
        subscriptions.subscribe(any_app, SubscriptionRequest(email=ALICE), origin="command").outcome
        == "suppressed"
    )
    assert messages(any_app) == {}
    assert subscriptions.resubscribe(any_app, alice.id).status is SubscriberStatus.ACTIVE
    assert subscriptions.list_suppressions(any_app) == []


def test_a_complaint_of_a_suppressed_address_outlives_the_release(
    any_app: App, alice: Subscriber
) -> None:
    subscriptions.suppress(any_app, [subscriptions.make_suppression(any_app, ALICE, "")])
    record_complaint(any_app)
    subscriptions.release(any_app, ALICE)
    assert status(any_app, alice) is SubscriberStatus.LEFT


def test_a_bounce_or_the_operator_outweighs_a_complaint(any_app: App, alice: Subscriber) -> None:
    record_complaint(any_app)
    assert (
        subscriptions.suppress(
            any_app, [subscriptions.make_suppression(any_app, ALICE, "asked by phone")]
        )
        == 1
    )
    assert status(any_app, alice) is SubscriberStatus.SUPPRESSED
    assert subscriptions.resubscribe(any_app, alice.id).status is SubscriberStatus.SUPPRESSED
    (suppression,) = subscriptions.list_suppressions(any_app)
    assert (suppression.reason, suppression.evidence) == (
        SuppressionReason.OPERATOR,
        "asked by phone",
    )
    subscriptions.release(any_app, ALICE)
    assert status(any_app, alice) is SubscriberStatus.LEFT


@pytest.mark.slow
def test_a_long_list_is_imported(app: App) -> None:
    many = [
        subscriptions.make_suppression(app, f"reader{number}@example.org", "")
        for number in range(1100)
    ]
    assert subscriptions.suppress(app, many) == 1100
    assert subscriptions.suppress(app, many) == 0


def test_an_invalid_address_is_not_suppressed(any_app: App) -> None:
    with pytest.raises(AddressError):
        subscriptions.make_suppression(any_app, "nobody", "")
