"""A digest moves to another address: confirmed by the new one, told to the old one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError
from digest.model import AddressChange, Link, Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.webclient import Write, fill

Cast = Callable[[App], dict[str, Subscriber]]
NEW = "alice@new.example"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def alice(any_app: App, dump: Write, cast: Cast) -> Subscriber:
    """A reader with a thumb."""
    fill(any_app, dump)
    reader = cast(any_app)["alice"]
    services.rate(any_app, reader, "paper:1", 1)
    return reader


def ask(app: App, reader: Subscriber, email: str = NEW) -> None:
    subscriptions.ask_for_move(app, reader.id, email)


def changes(app: App, reader: Subscriber) -> list[AddressChange]:
    with app.store.reading() as tx:
        return store.address_changes.list_since(tx, reader.id, app.now() - 99 * DAY)


def confirm_link(app: App, reader: Subscriber, email: str = NEW) -> Link:
    pending = subscriptions.find(app, email)
    return Link(Purpose.CONFIRM, pending.id, changes(app, reader)[-1].id)


def object_link(app: App, reader: Subscriber) -> Link:
    return Link(Purpose.OBJECT, reader.id, changes(app, reader)[-1].id)


def count(app: App, where: str) -> int:
    with app.store.reading() as tx:
        return int(tx.exec_driver_sql(f"SELECT count(*) FROM {where}").scalar_one())


def move(app: App, reader: Subscriber) -> Subscriber:
    ask(app, reader)
    pipeline.send(app)
    result = subscriptions.confirm_move(app, confirm_link(app, reader))
    assert result.outcome == "moved"
    return subscriptions.get(app, reader.id)


def test_everything_moves_but_the_address(any_app: App, alice: Subscriber) -> None:
    moved = move(any_app, alice)
    assert moved == replace(alice, email=NEW)
    assert pipeline.current_vote(any_app, alice.id, 1) == 1
    assert [reader.email for reader in subscriptions.list_subscribers(any_app)].count(NEW) == 1
    assert [given.event for given in subscriptions.list_consents(any_app, alice.id)] == ["moved"]
    pipeline.compose(any_app, only=moved)
    pipeline.send(any_app)
    assert count(any_app, "messages WHERE kind = 'digest' AND state = 'accepted'") == 1


def test_nothing_moves_before_the_new_address_says_so(any_app: App, alice: Subscriber) -> None:
    ask(any_app, alice)
    pipeline.send(any_app)
    assert subscriptions.get(any_app, alice.id) == alice
    assert subscriptions.find(any_app, NEW).status is SubscriberStatus.PENDING


def test_a_move_is_done_once(any_app: App, alice: Subscriber) -> None:
    ask(any_app, alice)
    pipeline.send(any_app)
    link = confirm_link(any_app, alice)
    assert [subscriptions.confirm_move(any_app, link).outcome for _ in range(2)] == [
        "moved",
        "ended",
    ]


def test_the_old_address_is_told_before_the_move(any_app: App, alice: Subscriber) -> None:
    ask(any_app, alice)
    link = confirm_link(any_app, alice)
    assert subscriptions.confirm_move(any_app, link).outcome == "waits"
    assert subscriptions.get(any_app, alice.id) == alice
    pipeline.send(any_app)
    assert count(any_app, "messages WHERE kind = 'notice' AND state = 'accepted'") == 1
    assert subscriptions.confirm_move(any_app, link).outcome == "moved"


def test_a_server_that_takes_no_notice_holds_nobody_up_for_long(
    any_app: App, alice: Subscriber
) -> None:
    ask(any_app, alice)
    link = confirm_link(any_app, alice)
    later = any_app.at(any_app.now() + timedelta(hours=2))
    assert subscriptions.confirm_move(later, link).outcome == "moved"


def test_mails_go_to_the_right_address_and_say_what_happens(
    tmp_path: Path, dump: Write, cast: Cast
) -> None:
    app = make_app(tmp_path, web__base_url="https://papers.example.org/d")
    fill(app, dump)
    alice = cast(app)["alice"]
    ask(app, alice)
    pipeline.send(app)
    mails = [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in sorted(tmp_path.rglob("*.eml"))
    ]
    texts = {
        mail["To"].addresses[0].addr_spec: mail.get_body(("plain",)).get_content() for mail in mails
    }
    assert set(texts) == {alice.email, NEW}
    assert "a…@new.example" in texts[alice.email]
    assert NEW not in texts[alice.email]
    assert "Shall your digest come here?" in texts[NEW]
    assert alice.email not in texts[NEW]
    assert "https://papers.example.org/d/o/" in texts[alice.email]
    app.close()


@pytest.mark.parametrize("days", [0, 13])
def test_the_old_address_stops_or_undoes_it(any_app: App, alice: Subscriber, days: int) -> None:
    ask(any_app, alice)
    pipeline.send(any_app)
    link = confirm_link(any_app, alice)
    if days:
        subscriptions.confirm_move(any_app, link)
    later = any_app.at(any_app.now() + days * DAY)
    objection = object_link(any_app, alice)
    assert subscriptions.object_to_move(later, objection) == ("undone" if days else "stopped")
    assert subscriptions.object_to_move(later, objection) == "over"
    assert subscriptions.get(any_app, alice.id) == alice
    assert subscriptions.confirm_move(later, link).outcome == "ended"
    assert NEW not in [reader.email for reader in subscriptions.list_subscribers(any_app)]
    with pytest.raises(InputError, match="objected"):
        ask(later, alice)


def test_an_objection_is_over_after_two_weeks_and_the_old_address_forgotten(
    any_app: App, alice: Subscriber
) -> None:
    moved = move(any_app, alice)
    link = object_link(any_app, alice)
    later = any_app.at(any_app.now() + 15 * DAY)
    assert subscriptions.object_to_move(later, link) == "over"
    subscriptions.delete_old_moves(later)
    assert changes(any_app, alice) == []
    assert subscriptions.get(any_app, alice.id) == moved


def test_an_old_address_that_is_in_use_again_is_not_taken_over(
    any_app: App, alice: Subscriber
) -> None:
    moved = move(any_app, alice)
    subscriptions.subscribe(any_app, SubscriptionRequest(email=alice.email), origin="command")
    assert subscriptions.object_to_move(any_app, object_link(any_app, alice)) == "over"
    assert subscriptions.get(any_app, alice.id) == moved


def test_a_link_of_another_reader_or_change_does_nothing(
    any_app: App, alice: Subscriber, cast: Cast
) -> None:
    ask(any_app, alice)
    pipeline.send(any_app)
    link = confirm_link(any_app, alice)
    for wrong in (link._replace(paper_id=999), link._replace(subscriber_id=alice.id)):
        assert subscriptions.confirm_move(any_app, wrong).outcome == "ended"
    bob = subscriptions.find(any_app, "bob@example.org")
    wrong = object_link(any_app, alice)._replace(subscriber_id=bob.id)
    assert subscriptions.object_to_move(any_app, wrong) == "over"
    assert subscriptions.get(any_app, alice.id) == alice


def test_a_link_is_valid_for_a_week(any_app: App, alice: Subscriber) -> None:
    ask(any_app, alice)
    pipeline.send(any_app)
    link = confirm_link(any_app, alice)
    late = any_app.at(any_app.now() + 8 * DAY)
    assert subscriptions.confirm_move(late, link).outcome == "ended"


def test_a_later_question_replaces_the_first(any_app: App, alice: Subscriber) -> None:
    ask(any_app, alice)
    first = confirm_link(any_app, alice)
    ask(any_app, alice, "alice@other.example")
    pipeline.send(any_app)
    assert subscriptions.confirm_move(any_app, first).outcome == "ended"
    second = confirm_link(any_app, alice, "alice@other.example")
    assert subscriptions.confirm_move(any_app, second).outcome == "moved"


def test_an_address_with_a_digest_is_not_swallowed(any_app: App, alice: Subscriber) -> None:
    bob = subscriptions.find(any_app, "bob@example.org")
    ask(any_app, alice, bob.email)  # the answer is the same
    assert subscriptions.get(any_app, bob.id) == bob
    link = Link(Purpose.CONFIRM, bob.id, changes(any_app, alice)[-1].id)
    assert subscriptions.confirm_move(any_app, link).outcome == "taken"
    subscriptions.unsubscribe(any_app, bob.id)
    ask(any_app, alice, bob.email)
    link = Link(Purpose.CONFIRM, bob.id, changes(any_app, alice)[-1].id)
    assert subscriptions.confirm_move(any_app, link).outcome == "taken"
    assert subscriptions.get(any_app, alice.id) == alice


def test_a_suppressed_address_gets_no_mail_and_no_digest(any_app: App, alice: Subscriber) -> None:
    subscriptions.suppress(any_app, [subscriptions.make_suppression(any_app, NEW, "bounced")])
    ask(any_app, alice)
    assert count(any_app, "messages WHERE kind = 'confirm'") == 0


def test_a_reader_whose_mail_bounced_moves_and_reads_again(any_app: App, alice: Subscriber) -> None:
    subscriptions.suppress(
        any_app, [subscriptions.make_suppression(any_app, alice.email, "bounced")]
    )
    ask(any_app, alice)
    assert count(any_app, "messages WHERE kind = 'notice'") == 0
    assert subscriptions.confirm_move(any_app, confirm_link(any_app, alice)).outcome == "moved"
    assert subscriptions.get(any_app, alice.id).status is SubscriberStatus.ACTIVE
    assert len(subscriptions.list_suppressions(any_app)) == 1


def test_wrong_and_needless_addresses_are_refused(any_app: App, alice: Subscriber) -> None:
    with pytest.raises(AddressError):
        ask(any_app, alice, "nobody")
    with pytest.raises(InputError, match="already"):
        ask(any_app, alice, alice.email.upper())
    subscriptions.unsubscribe(any_app, alice.id)
    with pytest.raises(InputError, match="start the digest again"):
        ask(any_app, alice)
    assert changes(any_app, alice) == []


def test_three_questions_a_day(any_app: App, alice: Subscriber) -> None:
    for number in range(3):
        ask(any_app, alice, f"alice{number}@new.example")
    with pytest.raises(LimitError) as error:
        ask(any_app, alice)
    assert 0 < error.value.retry_after <= 24 * 3600
    ask(any_app.at(any_app.now() + DAY + MINUTE), alice)


def test_a_late_bounce_is_of_the_old_address(any_app: App, alice: Subscriber) -> None:
    pipeline.compose(any_app, only=alice)
    pipeline.send(any_app)
    with any_app.store.reading() as tx:
        message = tx.exec_driver_sql("SELECT id FROM messages WHERE kind = 'digest'").scalar_one()
        assert store.address_changes.find_address_of_message(tx, message) == ""
    move(any_app.at(any_app.now() + MINUTE), alice)
    with any_app.store.reading() as tx:
        assert store.address_changes.find_address_of_message(tx, message) == alice.email
