"""`digest send` on a stop signal.

The first signal lets messages under way end and gives the others back. The second ends the command
at once, and the message under way is unknown.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.model import MessageState
from digest.subscriptions import SubscriptionRequest
from tests.conftest import ROOT, make_app
from tests.fakes.smtp_server import Act, HostileSmtp

S = MessageState
Dump = Callable[..., Path]


@pytest.fixture
def planned_app(tmp_path: Path, dump: Dump) -> Iterator[App]:
    """Four readers with a planned digest of today."""
    opened = make_app(tmp_path)
    app = opened.at(datetime.now(UTC))
    pipeline.ingest(app, [dump(app.now().date())])
    for number in range(4):
        subscriptions.subscribe(
            app,
            SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",)),
            origin="command",
        )
    assert len(pipeline.compose(app).planned) == 4
    yield app
    opened.close()


def states(app: App) -> dict[MessageState, int]:
    with app.store.reading() as tx:
        return store.deliveries.count_by_state(tx)


async def sending(app: App, server: HostileSmtp) -> asyncio.subprocess.Process:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")
    }
    settings = {
        "DIGEST_STORE__URL": str(app.store.url),
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(server.port),
        "DIGEST_SMTP__CONNECTIONS": "1",
        "DIGEST_SMTP__TLS": "none",
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "digest",
        "send",
        "--json",
        env=environment | settings,
        cwd=app.config.smtp.outbox.parent,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_send_finishes_what_is_on_its_way_and_gives_back_the_rest(
    planned_app: App, number: signal.Signals
) -> None:
    async def story() -> int:
        async with HostileSmtp({"DOT": [Act.reply("250 2.0.0 kept", delay=1.0)]}) as server:
            process = await sending(planned_app, server)
            await until(lambda: states(planned_app).get(S.SENDING) == 1)
            process.send_signal(number)
            return await process.wait()

    assert asyncio.run(story()) == 0
    assert states(planned_app) == {S.ACCEPTED: 1, S.PLANNED: 3}


def test_a_second_signal_ends_a_send_at_once_and_its_message_is_unknown(planned_app: App) -> None:
    async def story() -> int:
        async with HostileSmtp({"DOT": [Act.silence()]}) as server:
            process = await sending(planned_app, server)
            await until(lambda: states(planned_app).get(S.SENDING) == 1)
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.3)
            assert process.returncode is None
            process.send_signal(signal.SIGINT)
            return await process.wait()

    assert asyncio.run(story()) == -signal.SIGINT
    with planned_app.store.writing() as tx:
        dead = store.owners.find_dead(store.ledger.list_owners(tx))
        store.ledger.recover(
            tx, dead=dead, now=planned_app.now() + timedelta(seconds=1), clock=datetime.now(UTC)
        )
    assert states(planned_app) == {S.UNKNOWN: 1, S.PLANNED: 3}
