"""Pauses, rates and limits of servers and domains."""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from digest.mail.mailer import ALL_DOMAINS, RateLimiter, RateLimiters, SmtpMailer
from digest.mail.mailer.pacing import Backoff, Policy
from digest.model import Delivery, Phase
from tests.fakes.smtp_server import Act, HostileSmtp
from tests.integration.mailer.conftest import message, run, send, to, yes


def test_a_domain_that_says_later_is_paused_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime], HostileSmtp]:
        async with HostileSmtp({"RCPT": [Act.reply("451 4.7.1 slow down")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            recipients = [
                "a@Slow.example",
                "b@slow.example",
                "c@quick.example",
                "d@SLOW.example",
                "e@quick.example",
            ]
            deliveries = await send(mailer, *recipients)
            holds = mailer.paused_domains()
            await mailer.close()
            return deliveries, holds, server

    with caplog.at_level(logging.WARNING, "digest.mailer"):
        deliveries, holds, server = run(work())
    assert [d.outcome for d in deliveries] == [
        "deferred",
        "deferred",
        "accepted",
        "deferred",
        "accepted",
    ]
    assert [d.phase for d in deliveries] == [
        Phase.RCPT,
        Phase.CONNECT,
        Phase.BODY,
        Phase.CONNECT,
        Phase.BODY,
    ]
    assert len(server.commands("RCPT")) == 3, "the paused are not asked about"
    assert list(holds) == ["slow.example"]
    assert all(
        d.retry_at and d.retry_at >= holds["slow.example"] - timedelta(seconds=1)
        for d in deliveries
        if d.outcome == "deferred"
    )
    assert len(caplog.records) == 1


def test_a_pause_shared_with_other_senders_names_no_reader(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> list[Delivery]:
        async with HostileSmtp(
            {
                "RCPT": [
                    Act.reply(
                        "451-4.7.1 <alice@slow.example>\n451 4.7.1 alice@slow.example too often"
                    )
                ]
            }
        ) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(mailer, "alice@slow.example", "bob@slow.example")
            await mailer.close()
            return deliveries

    with caplog.at_level(logging.WARNING, "digest.mailer"):
        first, second = run(work())
    assert "alice" in first.text
    assert "alice" not in second.text + caplog.text
    assert "too often" in second.text
    assert "\n" not in first.text + second.text + "".join(
        record.getMessage() for record in caplog.records
    )


def test_a_policy_refusal_pauses_the_domain_for_longer_and_is_our_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime]]:
        async with HostileSmtp(
            {"DOT": [Act.reply("550 5.7.26 this mail is unauthenticated")]}
        ) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(
                mailer, "a@strict.example", "b@strict.example", "c@other.example"
            )
            holds = mailer.paused_domains()
            await mailer.close()
            return deliveries, holds

    deliveries, holds = run(work())
    assert [(d.outcome, d.fault) for d in deliveries] == [
        ("rejected", "ours"),
        ("deferred", "ours"),
        ("accepted", ""),
    ]
    assert "5.7.26" in deliveries[1].text
    assert all(
        d.retry_at and d.retry_at > datetime.now(UTC) + timedelta(minutes=5) for d in deliveries[:2]
    )
    assert holds["strict.example"] > datetime.now(UTC) + timedelta(minutes=5)


def test_an_address_that_is_gone_pauses_nobody() -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime]]:
        async with HostileSmtp(
            {
                "RCPT": [
                    Act.reply("550 5.1.1 nobody"),
                    Act.reply("450 4.2.0 greylisted"),
                    Act.reply("452 4.2.2 full"),
                ]
            }
        ) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(mailer, *(f"{n}@example.org" for n in range(4)))
            holds = mailer.paused_domains()
            await mailer.close()
            return deliveries, holds

    deliveries, holds = run(work())
    assert [(d.outcome, d.fault) for d in deliveries] == [
        ("rejected", "reader"),
        ("deferred", "busy"),
        ("deferred", "mailbox"),
        ("accepted", ""),
    ]
    assert [d.retry_at for d in deliveries] == [None] * 4
    assert holds == {}


def test_pauses_outlive_the_mailer() -> None:
    async def work() -> list[str]:
        limiters = RateLimiters()
        async with HostileSmtp({"RCPT": [Act.reply("451 slow down")]}) as server:
            outcomes = []
            for _ in range(2):
                mailer = SmtpMailer([to(server.port)], limiters, patience=0)
                outcomes += [d.outcome for d in await send(mailer, "a@example.org")]
                await mailer.close()
            assert len(server.commands("RCPT")) == 1
            return outcomes

    assert run(work()) == ["deferred", "deferred"]


def test_a_server_that_swallows_messages_gets_only_a_few() -> None:
    async def work() -> tuple[list[str], HostileSmtp]:
        async with HostileSmtp({"DOT": [Act.hang_up()] * 99}) as server:
            mailer = SmtpMailer([to(server.port, connections=1)], patience=0)
            outcomes = [
                d.outcome for d in await send(mailer, *(f"{n}@d{n}.example" for n in range(20)))
            ]
            await mailer.close()
            return outcomes, server

    outcomes, server = run(work())
    assert outcomes == ["unknown"] * 3 + ["deferred"] * 17
    assert len(server.got) == 3


def test_a_paused_domain_in_another_script_is_retried_later() -> None:
    async def work() -> list[bool]:
        async with HostileSmtp({"RCPT": [Act.reply("451 4.7.1 slow down")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            await send(mailer, "a@bücher.example")
            is_open = [
                mailer.next_slot(domain, 0) is None
                for domain in ("bücher.example", "xn--bcher-kva.example", "other.example")
            ]
            await mailer.close()
            return is_open

    assert run(work()) == [False, False, True]


def test_the_only_server_being_paused_holds_every_domain() -> None:
    async def work() -> tuple[list[str], dict[str, datetime]]:
        async with HostileSmtp({"MAIL": [Act.reply("530 5.7.0 log in first")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            outcomes = [d.outcome for d in await send(mailer, "a@x.example", "b@y.example")]
            holds = mailer.paused_domains()
            await mailer.close()
            assert len(server.commands("MAIL")) == 1
            return outcomes, holds

    outcomes, holds = run(work())
    assert (outcomes, list(holds)) == (["deferred", "deferred"], [ALL_DOMAINS])


def test_messages_over_a_domains_limit_are_postponed_one_after_the_other() -> None:
    async def work() -> list[Delivery]:
        async with HostileSmtp() as server:
            mailer = SmtpMailer(
                [to(server.port)], RateLimiters(domains=RateLimiter(max_rate=20)), patience=0
            )
            deliveries = await send(mailer, *(f"{n}@example.org" for n in range(6)))
            await mailer.close()
            assert len(server.accepted_recipients) == 2, "six seconds' worth"
            return deliveries

    deliveries = run(work())
    assert [d.outcome for d in deliveries] == ["accepted"] * 2 + ["deferred"] * 4
    backs = [d.retry_at for d in deliveries[2:]]
    gaps = [(b - a).total_seconds() for a, b in pairwise(backs) if a and b]
    assert gaps == pytest.approx([3.0] * 3, abs=0.5)


def test_a_short_wait_for_a_servers_limit_is_waited_out_and_a_long_one_postpones() -> None:
    async def work() -> list[str]:
        async with HostileSmtp() as server:
            quick = SmtpMailer([to(server.port, per_minute=6000)], patience=30)
            outcomes = [
                d.outcome
                for d in await asyncio.gather(
                    *(quick.deliver(message(f"{n}@example.org"), yes) for n in range(620))
                )
            ]
            await quick.close()
            slow = SmtpMailer([to(server.port, per_minute=1)], patience=1)
            outcomes += [d.outcome for d in await send(slow, "a@example.org", "b@example.org")]
            await slow.close()
            return outcomes

    assert run(work()) == ["accepted"] * 620 + ["accepted", "deferred"]


def test_a_message_is_sent_however_long_it_waited_for_a_connection() -> None:
    async def work() -> list[str]:
        async with HostileSmtp({"DOT": [Act.reply("250 kept", delay=0.05)] * 10}) as server:
            mailer = SmtpMailer([to(server.port, connections=1, per_minute=6000)], patience=0.2)
            deliveries = await asyncio.gather(
                *(mailer.deliver(message(f"{n}@example.org"), yes) for n in range(10))
            )
            await mailer.close()
            return [delivery.outcome for delivery in deliveries]

    assert run(work()) == ["accepted"] * 10


def test_a_pause_ends() -> None:
    async def work() -> list[str]:
        short = Policy(
            busy=Backoff(first=0.05, longest=0.05), retry_during_probe=0.01, assumed_rate=100_000
        )
        limiters = RateLimiters(
            servers=RateLimiter(policy=short), domains=RateLimiter(policy=short, max_rate=math.inf)
        )
        async with HostileSmtp(
            {"MAIL": [Act.reply("421 busy")], "RCPT": [Act.reply("451 slow down")]}, offers=()
        ) as server:
            mailer = SmtpMailer([to(server.port)], limiters)
            outcomes = []
            while "accepted" not in outcomes:
                outcomes += [d.outcome for d in await send(mailer, "a@example.org")]
                await asyncio.sleep(0.01)
            await mailer.close()
            return outcomes

    outcomes = run(work())
    assert outcomes[:2] == ["deferred", "deferred"]
