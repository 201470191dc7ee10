"""Webhooks: an event is stored with what happened, and arrives at least once, signed."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest import pipeline, services, store, subscriptions, webhooks
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Subscriber, SubscriberStatus, SuppressionReason, Webhook
from digest.pipeline.steps.record_bounces import suppress
from digest.services.webhook_sending import BACKOFF, DISABLE_AFTER, MAX_AGE
from digest.store.engine import Connection
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, ROOT, make_app
from tests.fakes.receiver import Receiver

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
ALL = ("digest.sent", "thumb", "unsubscribed")


def open_to_loopback(app: App) -> App:
    settings = app.config.webhooks.model_copy(update={"allowed_networks": ("127.0.0.0/8",)})
    return replace(app, config=app.config.model_copy(update={"webhooks": settings}))


@pytest.fixture
def service(any_app: App) -> App:
    return open_to_loopback(any_app)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as opened:
        yield opened


def bodies(app: App, webhook: Webhook) -> list[dict[str, Any]]:
    """Return the events of a webhook, oldest first."""
    listed = services.list_webhook_deliveries(app, webhook.id)
    return [json.loads(delivery.body) for delivery in reversed(listed)]


def data_of(app: App, webhook: Webhook) -> list[tuple[str, dict[str, Any]]]:
    return [(body["type"], body["data"]) for body in bodies(app, webhook)]


def states(app: App, webhook: Webhook) -> list[str]:
    return [delivery.state for delivery in services.list_webhook_deliveries(app, webhook.id)]


def later(app: App, delta: timedelta) -> App:
    return app.at(app.now() + delta)


# ----------------------------------------------------------------------------------- what is told


def test_a_round_tells_of_each_digest_and_of_nothing_else(
    service: App, cast: Cast, dump: Dump
) -> None:
    people = cast(service)
    webhook, _ = services.add_webhook(service, "https://example.org/hook", ALL)
    pipeline.ingest(service, [dump()])
    pipeline.round(service)
    told = data_of(service, webhook)
    assert sorted(data["subscriber"] for _, data in told) == sorted(p.id for p in people.values())
    assert {kind for kind, _ in told} == {"digest.sent"}
    assert {data["date"] for _, data in told} == {"2026-06-09"}
    assert all(data["papers"] for _, data in told)
    assert "@" not in "".join(map(str, told))


def test_a_thumb_is_told_once_and_its_withdrawal_too(service: App, cast: Cast, dump: Dump) -> None:
    alice = cast(service)["alice"]
    pipeline.ingest(service, [dump()])
    webhook, _ = services.add_webhook(service, "https://example.org/hook", ["thumb"])
    for vote in (1, 1, -1, 0):
        pipeline.record_feedback(service, alice.id, 3, vote, via="command")
    told = [data for _, data in data_of(service, webhook)]
    assert [(data["before"], data["vote"]) for data in told] == [(0, 1), (1, -1), (-1, 0)]
    assert {data["paper"] for data in told} == {3}


def test_what_is_rolled_back_is_not_told(service: App, cast: Cast, dump: Dump) -> None:
    alice = cast(service)["alice"]
    pipeline.ingest(service, [dump()])
    webhook, _ = services.add_webhook(service, "https://example.org/hook", ALL)

    def fail(tx: Connection) -> None:
        store.subscribers.set_status(tx, alice.id, SubscriberStatus.LEFT, now=NOON)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        service.store.commit(fail)
    assert bodies(service, webhook) == []


def test_leaving_is_told_with_its_reason(service: App, cast: Cast) -> None:
    people = cast(service)
    webhook, _ = services.add_webhook(service, "https://example.org/hook", ["unsubscribed"])
    subscriptions.unsubscribe(service, people["alice"].id)
    subscriptions.unsubscribe(service, people["alice"].id)
    with service.store.writing() as tx:
        suppress(service, tx, people["bob"].email, SuppressionReason.COMPLAINT, "spam")
    subscriptions.delete(service, people["carol"].id)
    subscriptions.delete(service, people["alice"].id)
    told = {data["subscriber"]: data["reason"] for _, data in data_of(service, webhook)}
    # what was told of alice is deleted with her, and she had left before
    assert told == {people["bob"].id: "complaint", people["carol"].id: "deleted"}


def test_a_stranger_who_never_confirmed_is_nobody_who_left(service: App) -> None:
    webhook, _ = services.add_webhook(service, "https://example.org/hook", ALL)
    request = SubscriptionRequest(email="dora@example.org")
    subscriptions.sign_up(service, request, origin="page", client="192.0.2.1")
    pending = subscriptions.find(service, "dora@example.org")
    subscriptions.unsubscribe(service, pending.id)
    subscriptions.delete(service, pending.id)
    assert bodies(service, webhook) == []


def test_addresses_are_told_only_where_asked(service: App, cast: Cast) -> None:
    people = cast(service)
    without, _ = services.add_webhook(service, "https://example.org/a", ALL)
    with_them, _ = services.add_webhook(service, "https://example.org/b", ALL, addresses=True)
    subscriptions.delete(service, people["alice"].id)
    assert "email" not in bodies(service, without)[0]["data"]
    assert bodies(service, with_them)[0]["data"]["email"] == "alice@example.org"


def test_nothing_is_stored_without_a_webhook(service: App, cast: Cast) -> None:
    subscriptions.unsubscribe(service, cast(service)["alice"].id)
    with service.store.reading() as tx:
        assert not store.webhooks.has_due(tx, now=NOON)


# ----------------------------------------------------------------------------------- how it arrives


def leave_somebody(app: App, cast: Cast) -> None:
    subscriptions.unsubscribe(app, cast(app)["alice"].id)


def test_an_event_arrives_signed_and_once(
    service: App, cast: Cast, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook, secret = services.add_webhook(service, receiver.url, ALL)
    leave_somebody(service, cast)
    assert services.send_webhooks(service).outcomes == {"delivered": 1}
    assert services.send_webhooks(service).outcomes == {}
    (received,) = receiver.received
    key = webhooks.parse_secret(secret)
    now = int(time.time())
    assert webhooks.verify(key, received.headers, received.body, now=now)
    assert not webhooks.verify(key, received.headers, received.body + b" ", now=now)
    assert not webhooks.verify(key, received.headers, received.body, now=now + 10_000)
    assert json.loads(received.body)["type"] == "unsubscribed"
    assert states(service, webhook) == ["delivered"]
    assert secret not in caplog.text


def test_a_failing_receiver_gets_the_same_event_again(service: App, cast: Cast) -> None:
    with Receiver(500, 503) as receiver:
        webhook, _ = services.add_webhook(service, receiver.url, ALL)
        leave_somebody(service, cast)
        assert services.send_webhooks(service).outcomes == {"deferred": 1}
        assert services.send_webhooks(service).outcomes == {}  # not due yet
        (failing, _) = services.list_webhooks(service)[0]
        assert failing.failing_since == NOON
        second = later(service, BACKOFF[0] * 1.3)
        assert services.send_webhooks(second).outcomes == {"deferred": 1}
        third = later(second, BACKOFF[1] * 1.3)
        assert services.send_webhooks(third).outcomes == {"delivered": 1}
        (mended, counts) = services.list_webhooks(service)[0]
        assert (mended.failing_since, mended.error, counts) == (None, "", {"delivered": 1})
        assert len({(r.headers["webhook-id"], r.body) for r in receiver.received}) == 1
    assert len(receiver.received) == 3
    assert states(service, webhook) == ["delivered"]


def test_a_receiver_that_asks_for_time_gets_it(service: App, cast: Cast) -> None:
    with Receiver(429, headers={"Retry-After": "7200"}) as receiver:
        webhook, _ = services.add_webhook(service, receiver.url, ALL)
        leave_somebody(service, cast)
        services.send_webhooks(service)
    (delivery,) = services.list_webhook_deliveries(service, webhook.id)
    assert delivery.next_at is not None
    assert delivery.next_at >= NOON + timedelta(hours=2)


def test_an_event_is_given_up_and_the_webhook_turned_off_with_an_alarm(
    service: App, cast: Cast
) -> None:
    webhook, _ = services.add_webhook(service, "http://127.0.0.1:9/nobody", ALL)
    leave_somebody(service, cast)
    app, attempts = service, 0
    while "waiting" in states(app, webhook):
        services.send_webhooks(app)
        attempts += 1
        app = later(app, BACKOFF[min(attempts, len(BACKOFF)) - 1] * 1.3)
        assert attempts <= len(BACKOFF) + 1
    assert states(app, webhook) == ["failed"]
    assert app.now() - NOON < MAX_AGE + timedelta(hours=20)
    # what happens later still fails, until the webhook is turned off
    subscriptions.unsubscribe(app, subscriptions.find(app, "bob@example.org").id)
    last = service.at(NOON + DISABLE_AFTER + timedelta(hours=1))
    assert services.send_webhooks(last).disabled == [webhook.id]
    alarms = [alarm for alarm in services.watch(last).alarms if alarm.kind == "webhooks"]
    assert len(alarms) == 1
    assert f"webhooks enable {webhook.id}" in alarms[0].remedy
    subscriptions.unsubscribe(last, subscriptions.find(last, "carol@example.org").id)
    assert states(last, webhook) == ["failed", "failed"]  # nothing new waits
    services.enable_webhook(last, webhook.id)
    assert [a for a in services.watch(last).alarms if a.kind == "webhooks"] == []


def test_a_receiver_that_is_gone_is_turned_off_at_once(service: App, cast: Cast) -> None:
    with Receiver(410) as receiver:
        webhook, _ = services.add_webhook(service, receiver.url, ALL)
        leave_somebody(service, cast)
        assert services.send_webhooks(service).disabled == [webhook.id]


def test_no_redirect_is_followed(service: App, cast: Cast) -> None:
    with (
        Receiver() as inner,
        Receiver(*[302] * 9, headers={"Location": inner.url}) as outer,
    ):
        services.add_webhook(service, outer.url, ALL)
        leave_somebody(service, cast)
        assert services.send_webhooks(service).outcomes == {"deferred": 1}
        assert inner.received == []
        assert len(outer.received) == 1


def test_one_dead_receiver_holds_up_no_other(
    service: App, cast: Cast, receiver: Receiver, dump: Dump
) -> None:
    people = cast(service)
    dead, _ = services.add_webhook(service, "http://127.0.0.1:9/nobody", ALL)
    services.add_webhook(service, receiver.url, ALL)
    for person in people.values():
        subscriptions.unsubscribe(service, person.id)
    assert services.send_webhooks(service).outcomes == {"delivered": 3, "deferred": 1}
    # the dead one was tried once, not once for each event
    listed = services.list_webhook_deliveries(service, dead.id)
    assert sorted(delivery.attempts for delivery in listed) == [0, 0, 1]


def test_two_senders_never_claim_the_same_event(service: App, cast: Cast) -> None:
    services.add_webhook(service, "https://example.org/hook", ALL)
    leave_somebody(service, cast)
    until = NOON + timedelta(minutes=10)
    with service.store.writing() as tx:
        first = store.webhooks.claim(tx, now=NOON, until=until, limit=50)
    with service.store.writing() as tx:
        assert store.webhooks.claim(tx, now=NOON, until=until, limit=50) == []
        again = store.webhooks.claim(tx, now=until, until=until + timedelta(hours=1), limit=50)
    ids = [[d.event_id for _, deliveries in part for d in deliveries] for part in (first, again)]
    assert ids[0] == ids[1]


KILLED_WHILE_POSTING = """
import os, signal, sys
from datetime import UTC, datetime
from digest import config, services
from digest.app import App
from digest.services import webhook_sending

async def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

webhook_sending.post_signed = die
app = App.open(config.load(None), now=lambda: datetime(2026, 6, 9, 12, tzinfo=UTC))
services.send_webhooks(app)
"""


def test_kill_9_between_the_event_and_its_sending_loses_none(
    store_url: str, tmp_path: Path, cast: Cast, receiver: Receiver
) -> None:
    app = open_to_loopback(make_app(tmp_path, store_url))
    webhook, _ = services.add_webhook(app, receiver.url, ALL)
    leave_somebody(app, cast)
    environment = os.environ | {"DIGEST_STORE__URL": store_url, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_POSTING], env=environment, cwd=tmp_path, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert services.send_webhooks(app).outcomes == {}  # the claim of the dead still holds
    assert services.send_webhooks(later(app, timedelta(minutes=15))).outcomes == {"delivered": 1}
    assert states(app, webhook) == ["delivered"]
    app.close()


def test_old_events_are_deleted(service: App, cast: Cast, receiver: Receiver) -> None:
    services.add_webhook(service, receiver.url, ALL)
    leave_somebody(service, cast)
    services.send_webhooks(service)
    assert services.purge_webhooks(later(service, timedelta(days=29))) == 0
    assert services.purge_webhooks(later(service, timedelta(days=31))) == 1


# ----------------------------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://127.0.0.1/",
        "https://localhost.localdomain:0/",
        "https://10.0.0.7/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:0a00:0001::]/",
        "https://[fe80::1%25eth0]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://user:password@example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://exa mple.org/",
        "https://example.org/\r\nX-Header: 1",
        "",
        "https://example.org/" + "a" * 3000,
    ],
)
def test_an_address_inside_is_refused(app: App, url: str) -> None:
    with pytest.raises(InputError):
        services.add_webhook(app, url, ALL)


def test_a_name_that_leads_inside_is_refused_when_it_is_used(app: App, cast: Cast) -> None:
    webhook, _ = services.add_webhook(app, "https://localhost/hook", ALL)
    tested = services.try_webhook(app, webhook.id)
    assert not tested.succeeded
    assert "not a public address" in tested.error


def test_a_test_event_tells_what_came_back(service: App) -> None:
    with Receiver(204, 500) as receiver:
        webhook, _ = services.add_webhook(service, receiver.url, ALL)
        assert services.try_webhook(service, webhook.id).succeeded
        failed = services.try_webhook(service, webhook.id)
    assert (failed.status, failed.succeeded) == (500, False)
    assert bodies(service, webhook) == []


def test_unknown_events_and_webhooks_are_named(app: App) -> None:
    with pytest.raises(InputError, match=r"digest\.sent, thumb, unsubscribed"):
        services.add_webhook(app, "https://example.org/", ["everything"])
    with pytest.raises(InputError):
        services.add_webhook(app, "https://example.org/", [])
    for call in (services.remove_webhook, services.enable_webhook, services.try_webhook):
        with pytest.raises(NotFoundError, match="webhook 7"):
            call(app, 7)
