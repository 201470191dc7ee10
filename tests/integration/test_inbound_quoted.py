"""Without a bounce domain a bounce that quotes our Message-ID counts, and a forged one does little.

Anybody can guess a Message-ID. So the report must name the reader's address, and is a soft bounce.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import store, subscriptions
from digest.app import App
from digest.model import MessageState, Queued, Subscriber, SubscriberStatus, SuppressionReason
from digest.services import inbound
from digest.subscriptions import SubscriptionRequest
from tests.returned import GOLDEN, letter

QUOTED = ["quoted-exchange", "quoted-letter-de", "quoted-envelope-id"]


@pytest.fixture
def alice(any_app: App) -> Subscriber:
    request = SubscriptionRequest(email="Alice@example.org")
    return subscriptions.subscribe(any_app, request, origin="command").subscriber


def quote(name: str, queued: Queued) -> bytes:
    """Make a report about a message of the store that holds no token."""
    golden = (GOLDEN / f"{name}.eml").read_bytes()
    return golden.replace(
        b"digest.20260609.s7@digest.example", queued.message_id.strip("<>").encode()
    )


def find_state(app: App, queued: Queued) -> MessageState | None:
    with app.store.reading() as tx:
        return store.deliveries.find_state(tx, queued.id)


@pytest.mark.parametrize("name", QUOTED)
def test_a_bounce_with_our_message_id_is_a_soft_bounce(
    any_app: App, alice: Subscriber, name: str
) -> None:
    queued = letter(any_app, alice, state=MessageState.UNKNOWN)
    received = inbound.receive_mail(any_app, quote(name, queued))
    assert (received.outcome, received.subscriber, received.message) == (
        "bounced",
        alice,
        queued.id,
    )
    assert received.suppressed is None
    assert find_state(any_app, queued) is MessageState.REJECTED
    with any_app.store.reading() as tx:
        assert [bounce.fault for bounce in store.bounces.load(tx, alice.email)] == ["mailbox"]
    # read again, it changes nothing
    assert inbound.receive_mail(any_app, quote(name, queued)).suppressed is None


def test_several_of_them_suppress_the_address_by_the_policy(
    any_app: App, alice: Subscriber
) -> None:
    suppressed = [
        inbound.receive_mail(
            any_app, quote("quoted-exchange", letter(any_app, alice, str(number)))
        ).suppressed
        for number in range(5)
    ]
    assert suppressed == [None] * 4 + [SuppressionReason.SOFT]
    assert subscriptions.get(any_app, alice.id).status is SubscriberStatus.SUPPRESSED


def test_a_report_that_names_another_address_is_left_for_people(
    any_app: App, alice: Subscriber
) -> None:
    data = quote("quoted-exchange", letter(any_app, alice))
    forged = data.replace(b"alice@example.org", b"mallory@example.org")
    assert inbound.receive_mail(any_app, forged).outcome == "untrusted"


def test_an_old_or_unknown_message_is_left_for_people(any_app: App, alice: Subscriber) -> None:
    queued = letter(any_app, alice)
    later = replace(any_app, now=lambda: any_app.now() + timedelta(days=8))
    assert inbound.receive_mail(later, quote("quoted-exchange", queued)).outcome == "untrusted"
    unknown = (GOLDEN / "quoted-exchange.eml").read_bytes()
    assert inbound.receive_mail(any_app, unknown).outcome == "untrusted"


def test_a_complaint_with_our_message_id_makes_the_reader_leave(
    any_app: App, alice: Subscriber
) -> None:
    queued = letter(any_app, alice)
    golden = (GOLDEN / "arf-yahoo.eml").read_bytes()
    data = golden.replace(
        b"<digest.20260609.s7@digest.example>", queued.message_id.encode()
    ).replace(b"aeaq", b"xxxx")
    assert inbound.receive_mail(any_app, data).outcome == "unsubscribed"
    reader = subscriptions.get(any_app, alice.id)
    assert reader.status is SubscriberStatus.LEFT
    assert subscriptions.resubscribe(any_app, alice.id).status is SubscriberStatus.ACTIVE
