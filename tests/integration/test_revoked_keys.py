"""A leaked key is revoked: its links stop working, and leaving still works."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import NotFoundError, RevokedKeyError
from digest.mail import links
from digest.model import Purpose, Queued, Subscriber, SubscriberStatus, SuppressionReason
from digest.services import inbound
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON
from tests.returned import letter, mail
from tests.webclient import Client, Write, fill


def with_mail(app: App) -> App:
    """Return the same app with bounce addresses and a mailbox for answers."""
    settings = app.config.mail.model_copy(update={"bounce_domain": "bounces.example.org"})
    config = app.config.model_copy(update={"mail": settings})
    return replace(app, config=config, mailing=replace(app.mailing, mailbox="papers@example.org"))


@pytest.fixture
def service(any_app: App, dump: Write) -> App:
    fill(any_app, dump)
    return with_mail(any_app)


@pytest.fixture
def alice(service: App) -> Subscriber:
    return subscriptions.subscribe(
        service, SubscriptionRequest(email="alice@example.org"), origin="command"
    ).subscriber


@pytest.fixture
def other(service: App) -> Iterator[App]:
    """Another process that knows the keys from before."""
    service.keys()
    process = App.open(service.config, now=service.now)
    process.keys()
    yield process
    process.close()


def path_of(app: App, purpose: Purpose, reader: Subscriber) -> str:
    return app.url(purpose, reader.id, paper_id=1).removeprefix(app.config.web.base_url)


def status(app: App, reader: Subscriber) -> SubscriberStatus:
    return subscriptions.get(app, reader.id).status


PURPOSES = [Purpose.UP, Purpose.DOWN, Purpose.MANAGE, Purpose.CONFIRM]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_links_of_a_revoked_key_are_refused_and_say_what_to_do(
    service: App, alice: Subscriber, purpose: Purpose
) -> None:
    path, client = path_of(service, purpose, alice), Client(service)
    service.revoke_key(1)
    for answer in (client.get(path), client.post(path, data={"do": "pause"})):
        assert answer.status_code == 410
        assert "Any newer mail has links that work" in answer.text
        assert "alice" not in answer.text
    assert pipeline.current_vote(service, alice.id, 1) == 0
    assert status(service, alice) is SubscriberStatus.ACTIVE
    assert client.get(path_of(service, purpose, alice)).status_code == 200


def test_the_api_refuses_revoked_links_as_well(service: App, alice: Subscriber) -> None:
    token = path_of(service, Purpose.MANAGE, alice).rpartition("/")[2]
    service.revoke_key(1)
    answer = Client(service).post(
        f"/api/v1/readers/{token}/delete", json={"address": "alice@example.org"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "not_found")
    assert status(service, alice) is SubscriberStatus.ACTIVE


def test_a_running_process_refuses_revoked_links_within_a_minute(
    service: App, other: App, alice: Subscriber
) -> None:
    path = path_of(service, Purpose.MANAGE, alice)
    service.revoke_key(1)
    other._keys.read = -math.inf  # a minute has passed
    assert Client(other).get(path).status_code == 410
    assert other.keys()[-1].id == 2


@pytest.mark.parametrize("body", [{"List-Unsubscribe": "One-Click"}, {}])
def test_leaving_by_a_revoked_link_works_and_sends_a_goodbye(
    service: App, alice: Subscriber, body: dict[str, str]
) -> None:
    path, client = path_of(service, Purpose.UNSUBSCRIBE, alice), Client(service)
    service.revoke_key(1)
    page = client.get(path)
    assert page.status_code == 200
    assert "example.org" not in page.text
    response = client.post(path, data=body)
    assert response.status_code == 200
    assert "You have left" in response.text
    assert "Come back" not in response.text
    assert status(service, alice) is SubscriberStatus.LEFT
    with service.store.reading() as tx:
        waiting = store.deliveries.list_due(tx, now=service.now(), only=[alice.id])
    assert [row["kind"] for row in waiting] == ["goodbye"]


def test_nobody_is_brought_back_by_a_link_that_anybody_may_have_made(
    service: App, alice: Subscriber
) -> None:
    path, client = path_of(service, Purpose.UNSUBSCRIBE, alice), Client(service)
    service.revoke_key(1)
    client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert client.post(path, data={"undo": "1"}).status_code == 410
    assert status(service, alice) is SubscriberStatus.LEFT


def test_leaving_by_mail_goes_on_and_voting_by_mail_does_not(
    service: App, alice: Subscriber
) -> None:
    leave, vote = (
        service.mailto(purpose, alice.id, paper_id=1)
        for purpose in (Purpose.UNSUBSCRIBE, Purpose.UP)
    )
    service.revoke_key(1)

    def answer(url: str) -> str:
        subject = unquote(url.partition("subject=")[2])
        return inbound.receive_mail(
            service, f"Subject: {subject}\r\nFrom: a@b.example\r\n\r\n".encode()
        ).outcome

    assert answer(vote) == "other"
    assert pipeline.current_vote(service, alice.id, 1) == 0
    assert answer(leave) == "unsubscribed"
    assert status(service, alice) is SubscriberStatus.LEFT


# ------------------------------------------------------------------------------------------ bounces


def plan_attempted_message(app: App, reader: Subscriber, key: str = "1") -> Queued:
    """Claim a message and count one attempt to send it."""
    queued = letter(app, reader, key)
    with app.store.writing() as tx:
        tx.exec_driver_sql(f"UPDATE messages SET attempts = 1 WHERE id = {queued.id}")
    return queued


def test_a_bounce_that_was_on_its_way_counts_and_suppresses_nobody(
    service: App, alice: Subscriber
) -> None:
    data = mail("postfix-unknown-user", service, plan_attempted_message(service, alice))
    service.revoke_key(1)
    received = inbound.receive_mail(service, data)
    assert (received.outcome, received.suppressed) == ("bounced", None)
    assert status(service, alice) is SubscriberStatus.ACTIVE
    with service.store.reading() as tx:
        assert [bounce.fault for bounce in store.bounces.load(tx, alice.email)] == ["mailbox"]


def test_a_bounce_that_the_new_key_proves_suppresses_as_ever(
    service: App, alice: Subscriber
) -> None:
    service.keys()
    service.revoke_key(1)
    received = inbound.receive_mail(
        service, mail("postfix-unknown-user", service, letter(service, alice))
    )
    assert received.suppressed is SuppressionReason.HARD


def test_forged_bounces_suppress_nobody(service: App, alice: Subscriber) -> None:
    """An attacker with the key forges a bounce of every message, existing or not."""
    letters = [plan_attempted_message(service, alice, str(number)) for number in range(8)]
    forged = [mail("postfix-unknown-user", service, queued) for queued in letters]
    service.revoke_key(1)
    for data in forged:
        inbound.receive_mail(service, data)
    assert status(service, alice) is SubscriberStatus.ACTIVE
    with service.store.reading() as tx:
        assert store.suppressions.list_all(tx) == []


@pytest.mark.parametrize("late", [timedelta(days=8), timedelta(days=400)])
def test_after_a_week_its_bounces_prove_nothing(
    service: App, alice: Subscriber, late: timedelta
) -> None:
    data = mail("postfix-unknown-user", service, plan_attempted_message(service, alice))
    service.revoke_key(1)
    received = inbound.receive_mail(service.at(NOON + late), data)
    assert (received.outcome, received.handled) == ("untrusted", False)


def test_a_forged_bounce_of_a_message_sent_after_the_revocation_is_untrusted(
    service: App, alice: Subscriber
) -> None:
    """The new key signed the address of that message."""
    old = service.keys()[0]
    service.revoke_key(1)
    later = service.at(NOON + timedelta(hours=1))
    queued = plan_attempted_message(later, alice)
    signing = service.keys()[-1]
    service._keys.known.append(old)  # the revoked key of the forger
    data = mail("postfix-unknown-user", service, queued)
    service._keys.known.remove(old)
    assert service.keys()[-1] == signing
    assert inbound.receive_mail(later, data).outcome == "untrusted"


# -------------------------------------------------------------------------------------- the command


def test_the_newest_key_is_replaced_when_it_is_revoked(service: App) -> None:
    service.keys()
    assert service.revoke_key(1)
    assert not service.revoke_key(1)
    keys = service.keys()
    assert [(key.id, key.revoked_at is None) for key in keys] == [(1, False), (2, True)]
    with pytest.raises(NotFoundError, match="keys list"):
        service.revoke_key(9)


def test_an_old_key_is_revoked_and_the_newest_stays(service: App) -> None:
    service.keys()
    service.rotate_keys()
    service.revoke_key(1)
    first, _ = service.keys()
    token = links.write_token(
        pipeline.read_link(service, new_token(service), Purpose.MANAGE), first
    )
    with pytest.raises(RevokedKeyError):
        pipeline.read_link(service, token, Purpose.MANAGE)


def new_token(app: App) -> str:
    return app.url(Purpose.MANAGE, 1).rpartition("/")[2]


def test_the_command_says_that_it_made_a_new_key(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_STORE__URL", f"sqlite:///{app.store.url.database}")
    app.keys()
    result = CliRunner().invoke(commands, ["keys", "revoke", "1"])
    assert result.exit_code == 0
    assert "key 2 was made" in result.output
    rows = json.loads(CliRunner().invoke(commands, ["keys", "list", "--json"]).stdout)
    assert [(row["id"], row["signs"], row["revoked"] is None) for row in rows] == [
        (1, False, False),
        (2, True, True),
    ]
    listed = CliRunner().invoke(commands, ["keys", "list"]).output
    assert "only unsubscribing works" in " ".join(listed.split())
