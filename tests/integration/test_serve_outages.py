"""Servers that are down while `serve` runs: asked with backoff, told once, used again at once."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from digest import serve, subscriptions
from digest.app import App
from digest.scheduler import Scheduler
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.fakes.smtp_server import HostileSmtp
from tests.integration.serving import wait_until

LOUD = ("WARNING", "ERROR", "CRITICAL")


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what an operator is bothered with."""
    records = [record for record in caplog.records if record.levelname in LOUD]
    return [record.getMessage() for record in records if record.name != "digest.kept"]


def over(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if message.startswith("outage over")]


class Clock:
    """A clock for the outages of a service."""

    def __init__(self, service: serve.Service) -> None:
        self.now = 1000.0
        for outage in service.outages:
            outage.clock, outage.jitter = (lambda: self.now), (lambda: 1.0)

    def tick_for(self, scheduler: Scheduler, seconds: float, step: float) -> None:
        until = self.now + seconds
        while self.now < until:
            scheduler.tick()
            self.now += step


@contextmanager
def hanging_up() -> Iterator[tuple[int, list[float]]]:
    """Serve a port where every connection is closed at once; count them."""
    asked: list[float] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            asked.append(time.monotonic())
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


# --------------------------------------------------------------------------------------- database


def test_a_database_that_goes_is_told_once_and_nobody_asks_it_more_than_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tmp_path, schedule__tick_seconds="1")
    service = serve.Service(app)
    clocks = [*serve.scheduling(service), *serve.sending(service)]
    file, away = tmp_path / "digest.sqlite", tmp_path / "away.sqlite"
    for clock in clocks:
        clock.start()
    try:
        wait_until(lambda: file.with_name("digest.sqlite-wal").exists(), what="the first tick")
        time.sleep(1)
        assert loud(caplog) == []
        file.rename(away)
        wait_until(lambda: bool(loud(caplog)), what="the outage")
        time.sleep(4)
        assert not file.exists(), "no check may make an empty database"
        assert len(loud(caplog)) == 1, loud(caplog)
        assert loud(caplog)[0].startswith("outage server=database: sqlite:///")
        assert over(caplog) == []
        away.rename(file)
        wait_until(lambda: bool(over(caplog)), what="the end of the outage")
        subscriptions.sign_up(
            app, SubscriptionRequest(email="grace@example.org", keywords=("robot",)), origin="page"
        )
        outbox = app.config.smtp.outbox
        wait_until(lambda: len(list(outbox.glob("*.eml"))) == 1, what="the letter")
    finally:
        for clock in clocks:
            clock.hold()
        assert all(clock.stop(30) for clock in clocks)
    assert len(loud(caplog)) == 1
    assert len(over(caplog)) == 1
    app.close()


# -------------------------------------------------------------------------------------------- mail


def sign_up(app: App) -> None:
    subscriptions.sign_up(
        app, SubscriptionRequest(email="grace@example.org", keywords=("robot",)), origin="page"
    )


def with_smtp(app: App, port: int) -> App:
    smtp = app.config.smtp.model_copy(update={"host": "127.0.0.1", "port": port, "tls": "none"})
    return app.with_config(app.config.model_copy(update={"smtp": smtp}))


def test_a_mail_server_that_is_down_is_asked_ever_less_and_told_once(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    sign_up(app)
    with hanging_up() as (port, asked):
        service = serve.Service(with_smtp(app, port))
        (sending,) = serve.sending(service)
        clock = Clock(service)
        clock.tick_for(sending, 1800, step=10)
        # after 0, 10, 30, 70, 150, 310 seconds, and then every 300
        assert len(asked) == 10
    assert len(loud(caplog)) == 1, loud(caplog)
    assert loud(caplog)[0].startswith("outage server=mail: mail server 127.0.0.1:")
    assert over(caplog) == []

    async def deliver() -> None:
        async with HostileSmtp() as server:
            service.app = with_smtp(service.app, server.port)
            for outage in service.outages:
                outage.ask_now()  # as after SIGHUP
            await asyncio.to_thread(sending.tick)
            assert len(server.got) == 1

    asyncio.run(deliver())
    assert len(over(caplog)) == 1
    assert len(loud(caplog)) == 1


def test_a_stand_in_sends_while_the_first_mail_server_is_down(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    async def deliver() -> None:
        async with HostileSmtp() as server:
            first = app.config.smtp.model_copy(
                update={"host": "127.0.0.1", "port": down, "tls": "none"}
            )
            (second,) = (
                type(app.config.smtp)
                .model_fields["more"]
                .annotation.__args__[0](host="127.0.0.1", port=server.port, tls="none"),
            )
            smtp = first.model_copy(update={"more": (second,)})
            service = serve.Service(app.with_config(app.config.model_copy(update={"smtp": smtp})))
            (sending,) = serve.sending(service)
            for number in range(6):
                subscriptions.sign_up(
                    app,
                    SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",)),
                    origin="page",
                )
                await asyncio.to_thread(sending.tick)
            assert len(server.got) == 6

    with hanging_up() as (down, asked):
        asyncio.run(deliver())
        assert len(asked) == 1
    assert len(loud(caplog)) == 1, loud(caplog)
    assert loud(caplog)[0].startswith(f"outage server=mail:127.0.0.1:{down}: ")


def test_a_mailbox_that_is_down_is_asked_ever_less_and_told_once(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with hanging_up() as (port, asked):
        mailbox = app.config.mailbox.model_copy(
            update={"host": "127.0.0.1", "port": port, "username": "a", "tls": "none"}
        )
        service = serve.Service(
            replace(app, config=app.config.model_copy(update={"mailbox": mailbox}))
        )
        polling = list(serve.scheduling(service))[2]
        clock = Clock(service)
        clock.tick_for(polling, 6 * 3600, step=300)
        # after 0, 5, 15, 35, 75 minutes, and then every hour
        assert len(asked) == 9
    assert len(loud(caplog)) == 1, loud(caplog)
    assert loud(caplog)[0].startswith("outage server=mailbox: ")
