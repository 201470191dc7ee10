"""Many messages over few connections, and callers that are cancelled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from digest.demo.servers import free_port
from digest.errors import MailerError
from digest.mail.mailer import SmtpMailer
from tests.fakes.smtp_server import Act, HostileSmtp, Step
from tests.integration.mailer.conftest import GUARD, message, run, send, to, yes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("how", "connections"),
    [
        ({}, 5),
        ({"per_connection": 7}, None),
        ({"most": 3}, None),
        ({"most": 1, "per_connection": 10}, None),
        ({"offers": ()}, 5),
    ],
    ids=[
        "a good server",
        "one that ends connections",
        "one that allows three",
        "one that allows one and ends it",
        "one without extensions",
    ],
)
def test_two_hundred_messages_over_five_connections_arrive_once_each(
    how: dict[str, Any], connections: int | None
) -> None:
    recipients = [f"r{number}@d{number % 9}.example" for number in range(200)]

    async def work() -> tuple[list[str], HostileSmtp, int]:
        async with HostileSmtp(**how) as server:
            most = 0

            async def begin() -> bool:
                nonlocal most
                most = max(most, server.open_connections)
                await asyncio.sleep(random.random() / 1000)
                return True

            mailer = SmtpMailer([to(server.port, connections=5)])
            await mailer.open()
            deliveries = await asyncio.gather(
                *(mailer.deliver(message(recipient), begin) for recipient in recipients)
            )
            await mailer.close()
            return [delivery.outcome for delivery in deliveries], server, most

    outcomes, server, most = run(work())
    assert outcomes == ["accepted"] * 200
    assert Counter(server.accepted_recipients) == Counter(recipients)
    assert most <= 5
    if connections:
        assert server.connections == connections


def test_a_refused_connection_waits_for_an_accepted_one() -> None:
    """Open many connections at once while none is established.

    If one is accepted, the server is not too busy for mail.
    """

    async def work() -> tuple[list[str], SmtpMailer]:
        async with HostileSmtp(most=1) as server:
            mailer = SmtpMailer([to(server.port, connections=5)])
            deliveries = await asyncio.gather(
                *(mailer.deliver(message(f"r{n}@example.org"), yes) for n in range(20))
            )
            await mailer.close()
            return [delivery.outcome for delivery in deliveries], mailer

    outcomes, mailer = run(work())
    assert outcomes == ["accepted"] * 20
    assert mailer.pauses() == []


def test_the_mailer_waits_while_the_server_still_counts_a_closed_connection() -> None:
    async def work() -> tuple[list[str], SmtpMailer]:
        slow = Act(say=b"221 bye\r\n", delay=0.2)
        async with HostileSmtp({"QUIT": [slow] * 9}, most=1) as server:
            mailer = SmtpMailer([to(server.port, connections=2, per_connection=3)])
            deliveries = await send(mailer, *(f"r{n}@example.org" for n in range(10)))
            await mailer.close()
            return [delivery.outcome for delivery in deliveries], mailer

    outcomes, mailer = run(work())
    assert outcomes == ["accepted"] * 10
    assert mailer.pauses() == []


def test_an_unreachable_server_is_reported_after_all_connections_failed() -> None:
    async def work() -> list[type[object]]:
        mailer = SmtpMailer([to(free_port(), connections=5)])
        ends = await asyncio.gather(
            *(mailer.deliver(message(f"r{n}@example.org"), yes) for n in range(20)),
            return_exceptions=True,
        )
        await mailer.close()
        return [type(end) for end in ends]

    assert run(work()) == [MailerError] * 20


def test_a_connection_is_used_as_often_as_configured() -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port, per_connection=4)])
            await send(mailer, *(f"r{number}@example.org" for number in range(10)))
            await mailer.close()
            return server

    server = run(work())
    assert (len(server.accepted_recipients), server.connections, len(server.commands("QUIT"))) == (
        10,
        3,
        3,
    )


def test_a_cancelled_waiter_wakes_the_next() -> None:
    """Cancel at many moments around the one in which the connection becomes free."""

    async def work(moment: int) -> list[str]:
        async with HostileSmtp() as server:
            go = asyncio.Event()

            async def slow() -> bool:
                await go.wait()
                return True

            mailer = SmtpMailer([to(server.port, connections=1)])
            first = asyncio.create_task(mailer.deliver(message("a@example.org"), slow))
            while not server.commands("DATA"):
                await asyncio.sleep(0)
            waiting = [
                asyncio.create_task(mailer.deliver(message(f"{n}@example.org"), yes))
                for n in range(3)
            ]
            await asyncio.sleep(0)
            go.set()
            for _ in range(moment):
                await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.gather(first, *waiting, return_exceptions=True)
            await mailer.close()
            return sorted(server.accepted_recipients)

    async def sweep() -> list[list[str]]:
        return [await work(moment) for moment in range(40)]

    for stored in run(sweep()):
        assert set(stored) >= {"a@example.org", "1@example.org", "2@example.org"}


@pytest.mark.parametrize("when", ["RCPT", "begin", "DOT"])
def test_a_cancelled_delivery_leaves_no_connection_in_its_middle(when: str) -> None:
    """A message cancelled after its body began is unknown; its connection closes."""

    async def work() -> tuple[list[str], HostileSmtp]:
        script: dict[Step, list[Act]] = {when: [Act.silence()]} if when != "begin" else {}  # type: ignore[dict-item]
        async with HostileSmtp(script) as server:
            mailer = SmtpMailer([to(server.port, connections=1)])

            async def begin() -> bool:
                if when == "begin":
                    await asyncio.sleep(GUARD)
                return True

            task = asyncio.create_task(mailer.deliver(message("a@example.org"), begin))
            while not (server.bodies if when == "DOT" else server.commands("RCPT")):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            outcomes = [delivery.outcome for delivery in await send(mailer, "b@example.org")]
            await mailer.close()
            return outcomes, server

    outcomes, server = run(work())
    assert outcomes == ["accepted"]
    assert server.accepted_recipients == ["b@example.org"]
    assert server.connections == 2


def test_an_error_of_begin_reaches_the_caller_and_nothing_is_sent() -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port)])

            async def begin() -> bool:
                raise RuntimeError("the database is gone")

            with pytest.raises(RuntimeError, match="the database is gone"):
                await mailer.deliver(message(), begin)
            assert [d.outcome for d in await send(mailer, "b@example.org")] == ["accepted"]
            await mailer.close()
            return server

    assert run(work()).accepted_recipients == ["b@example.org"]
