"""The webhook of the alarms: told of each start and end once, signed, whoever looks."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from digest import config, services, store
from digest.app import App
from digest.errors import ConfigError, InputError
from digest.model import MessageKind
from digest.services.webhook_sending import BACKOFF
from digest.webhooks import parse_secret, verify
from tests.conftest import NOON, make_app
from tests.fakes.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as opened:
        yield opened


def configure(app: App, url: str, *, disk_mb: int = 10**9, secret: str = SECRET) -> App:
    """Return the service on a full disk (by default), with a webhook of its alarms."""
    alerts = app.config.alerts.model_copy(
        update={"webhook": url, "webhook_secret": SecretStr(secret), "disk_mb": disk_mb}
    )
    hooks = app.config.webhooks.model_copy(update={"allowed_networks": ("127.0.0.0/8",)})
    return replace(app, config=app.config.model_copy(update={"alerts": alerts, "webhooks": hooks}))


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.received]


def test_a_start_and_an_end_are_told_once_each_and_signed(any_app: App, receiver: Receiver) -> None:
    full = configure(any_app, receiver.url)
    for app in (full, full, full.at(NOON + timedelta(hours=1))):
        services.watch(app)
        services.send_webhooks(app)
    mended = configure(any_app, receiver.url, disk_mb=0).at(NOON + timedelta(hours=2))
    for app in (mended, mended):
        services.watch(app)
        services.send_webhooks(app)
    started, ended = bodies(receiver)
    assert started["type"] == "alarm.started"
    assert started["timestamp"] == "2026-06-09T12:00:00.000Z"
    assert started["data"]["name"] == "disk"
    assert "nearly full" in started["data"]["what"]
    assert "Free some space" in started["data"]["remedy"]
    assert ended["type"] == "alarm.ended"
    assert ended["data"]["since"].startswith("2026-06-09T12:00")
    assert ended["data"]["ended_at"].startswith("2026-06-09T14:00")
    for request in receiver.received:
        assert verify(parse_secret(SECRET), request.headers, request.body, now=int(time.time()))


def test_processes_that_look_at_once_tell_of_each_change_once(
    any_app: App, receiver: Receiver, tmp_path: Path
) -> None:
    others = [make_app(tmp_path, any_app.config.store.url) for _ in range(3)]
    try:
        for changes, disk_mb in enumerate((10**9, 0, 10**9, 0), start=1):
            services_at_once = [
                configure(app, receiver.url, disk_mb=disk_mb) for app in (any_app, *others)
            ]
            barrier = threading.Barrier(len(services_at_once))

            def look(app: App, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                services.watch(app)
                services.send_webhooks(app)

            threads = [threading.Thread(target=look, args=(app,)) for app in services_at_once]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len({r.headers["webhook-id"] for r in receiver.received}) == changes
    finally:
        for app in others:
            app.close()
    assert [body["type"] for body in bodies(receiver)] == ["alarm.started", "alarm.ended"] * 2
    with any_app.store.reading() as tx:
        assert len(store.webhooks.list_all(tx)) == 1


def test_a_receiver_that_is_down_is_told_later_under_the_same_id(any_app: App) -> None:
    with Receiver(503, 500) as receiver:
        app = configure(any_app, receiver.url)
        services.watch(app)
        for wait in (timedelta(), BACKOFF[0] * 1.3, BACKOFF[1] * 1.3):
            app = app.at(app.now() + wait)
            services.send_webhooks(app)
    assert len(receiver.received) == 3
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1


def test_the_row_follows_the_config_and_goes_with_it(app: App, receiver: Receiver) -> None:
    other_secret = base64.b64encode(bytes(range(1, 33))).decode()
    for url, secret in (
        ("https://example.org/first", SECRET),
        (receiver.url, SECRET),
        (receiver.url, other_secret),
    ):
        services.watch(configure(app, url, secret=secret))
        ((webhook, _),) = services.list_webhooks(app)
        assert (webhook.id, webhook.url, webhook.source) == (1, url, "alerts")
        assert webhook.secret == parse_secret(secret)
    with pytest.raises(InputError, match=r"\[alerts\] webhook: empty it there"):
        services.remove_webhook(app, webhook.id)
    services.watch(configure(app, "", secret=""))
    assert services.list_webhooks(app) == []


def test_a_webhook_of_a_command_may_ask_for_alarms_too(app: App, receiver: Receiver) -> None:
    app = configure(app, "", secret="")
    services.add_webhook(app, receiver.url, ["alarm.started"])
    services.watch(app)
    services.watch(configure(app, "", secret="", disk_mb=0))
    services.send_webhooks(app)
    assert [body["type"] for body in bodies(receiver)] == ["alarm.started"]


def test_no_address_of_a_reader_is_told(app: App) -> None:
    app = configure(app, "https://example.org/hook", disk_mb=0)
    with app.store.writing() as tx:
        store.rounds.record(
            tx, "send", at=NOON - timedelta(hours=3), report={}, error="<eve@example.org> refused"
        )
        store.ledger.plan(
            tx,
            kind=MessageKind.ALERT,
            subscriber_id=None,
            key="x:2026-06-09",
            message_id="<x@example.org>",
            not_before=NOON - timedelta(hours=3),
            expires_at=NOON + timedelta(days=1),
        )
    assert "send" in {alarm.kind for alarm in services.watch(app).alarms}
    texts = "".join(event.body for event in services.list_webhook_deliveries(app, 1))
    assert "e…@example.org" in texts
    assert "eve@" not in texts


def test_another_machine_does_not_end_the_alarm_of_a_full_disk(
    app: App, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, roomy = configure(app, receiver.url), configure(app, receiver.url, disk_mb=0)
    monkeypatch.setattr("socket.gethostname", lambda: "one")
    services.watch(full)
    monkeypatch.setattr("socket.gethostname", lambda: "two")
    assert services.watch(roomy).over == []
    monkeypatch.setattr("socket.gethostname", lambda: "one")
    assert services.watch(roomy).over == ["disk"]
    services.watch(full)
    monkeypatch.setattr("socket.gethostname", lambda: "two")
    assert services.watch(roomy.at(NOON + timedelta(days=3))).over == ["disk"], "one is gone"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('webhook = "https://example.org/hook"', "openssl rand -base64 32"),
        ('webhook = "example.org/hook"', "must be an address such as https://"),
        ('webhook_secret = "too short"', "must be Base64 of 24 to 64 bytes"),
        ('webhook_secret_file = "bad.txt"', "must be Base64 of 24 to 64 bytes"),
        (f'webhook_secret = "{SECRET}"\nwebhook_secret_file = "good.txt"', "keep one"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "good.txt").write_text(f"{SECRET}\n")
    (tmp_path / "bad.txt").write_text("swordfish\n")
    path = tmp_path / "config.toml"
    path.write_text(f"[alerts]\n{lines}\n")
    with pytest.raises(ConfigError, match=message) as raised:
        config.load(path, {})
    assert "alerts" in str(raised.value)


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(f"{SECRET}\n")
    path = tmp_path / "config.toml"
    path.write_text(
        '[alerts]\nwebhook = "https://example.org/hook"\nwebhook_secret_file = "good.txt"\n'
    )
    assert config.load(path, {}).alerts.webhook_secret.get_secret_value() == SECRET
