"""Several mail servers, in order or by weight."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from digest.errors import MailerError
from digest.mail.mailer import SmtpMailer
from tests.fakes.smtp_server import Act, HostileSmtp, Step
from tests.integration.mailer.conftest import run, send, to


def two(
    first: HostileSmtp,
    second: HostileSmtp,
    work: Callable[[SmtpMailer], Coroutine[Any, Any, Any]],
    weights: tuple[int, int] = (0, 0),
) -> Any:
    async def inner() -> Any:
        async with first, second:
            mailer = SmtpMailer(
                [to(first.port, weight=weights[0]), to(second.port, weight=weights[1])], patience=0
            )
            try:
                await mailer.open()
                return await work(mailer)
            finally:
                await mailer.close()

    return run(inner())


async def five(mailer: SmtpMailer) -> list[str]:
    return [
        delivery.outcome
        for delivery in await send(mailer, *(f"{n}@d{n}.example" for n in range(5)))
    ]


def test_without_weights_the_first_server_takes_all() -> None:
    first, second = HostileSmtp(), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.accepted_recipients), second.connections) == (5, 0)


@pytest.mark.parametrize(
    "script",
    [
        {"BANNER": [Act.reply("421 busy")] * 9},
        {"BANNER": [Act.reply("554 go away")] * 9},
        {"BANNER": [Act.hang_up()] * 9},
        {"EHLO": [Act.reply("450 later")] * 9},
        {"MAIL": [Act.reply("421 busy")] * 9},
        {"MAIL": [Act.reply("530 5.7.0 log in first")] * 9},
        {"RCPT": [Act.reply("421 busy")] * 9},
        {"DATA": [Act.reply("421 busy")] * 9},
    ],
    ids=[
        "421 banner",
        "554 banner",
        "no banner",
        "450 EHLO",
        "421 MAIL",
        "530 MAIL",
        "421 RCPT",
        "421 DATA",
    ],
)
def test_the_second_server_takes_at_once_what_the_first_does_not(
    script: dict[Step, list[Act]],
) -> None:
    first, second = HostileSmtp(script), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(second.accepted_recipients), first.accepted_recipients, first.bodies) == (
        5,
        [],
        b"",
    )
    assert first.connections <= 2, "it is left alone for a while"


def test_a_refused_body_is_not_sent_to_another_server() -> None:
    """`begin` is called once; the ledger decides about another attempt."""
    first, second = HostileSmtp({"DOT": [Act.reply("421 busy")]}), HostileSmtp()
    outcomes = two(first, second, five)
    assert outcomes == ["deferred"] + ["accepted"] * 4
    assert "0@d0.example" not in second.accepted_recipients


def test_a_server_that_regularly_closes_connections_is_not_busy() -> None:
    first, second = HostileSmtp(per_connection=2), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.accepted_recipients), second.connections) == (5, 0)


def test_421_on_a_used_connection_only_ends_that_connection() -> None:
    fine = Act.reply("250 ok")
    first, second = (
        HostileSmtp({"MAIL": [fine, fine, Act.reply("421 4.4.2 enough", then="hang up")]}),
        HostileSmtp(),
    )
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.accepted_recipients), first.connections, second.connections) == (5, 2, 0)


def test_with_weights_the_servers_share() -> None:
    first, second = HostileSmtp(), HostileSmtp()

    async def forty(mailer: SmtpMailer) -> int:
        await send(mailer, *(f"{n}@d{n}.example" for n in range(40)))
        return mailer.connections

    assert two(first, second, forty, weights=(3, 1)) == 20
    assert (len(first.accepted_recipients), len(second.accepted_recipients)) == (30, 10)


def test_with_weights_the_others_take_the_share_of_one_that_is_down() -> None:
    first, second = HostileSmtp({"BANNER": [Act.hang_up()] * 9}), HostileSmtp()
    assert two(first, second, five, weights=(3, 1)) == ["accepted"] * 5
    assert len(second.accepted_recipients) == 5


def test_only_when_no_server_can_be_used_it_is_an_error_and_names_them_all() -> None:
    first, second = (
        HostileSmtp({"BANNER": [Act.reply("554 go away")] * 9}),
        HostileSmtp({"BANNER": [Act.hang_up()] * 9}),
    )
    with pytest.raises(MailerError) as mails:
        two(first, second, five)
    assert f":{first.port}: 554 go away" in str(mails.value)
    assert f":{second.port}: " in str(mails.value)


def test_a_server_that_dies_during_a_send_ends_it_and_loses_nothing() -> None:
    async def work() -> tuple[list[str], str]:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            outcomes = [delivery.outcome for delivery in await send(mailer, "a@example.org")]
        with pytest.raises(MailerError, match="Nothing was sent") as mails:
            await send(mailer, "b@example.org")
        await mailer.close()
        return outcomes, str(mails.value)

    assert run(work())[0] == ["accepted"]


def test_weights_for_some_only_or_no_server_at_all_are_refused() -> None:
    for servers in ([], [to(1, weight=1), to(2)]):
        with pytest.raises(ValueError, match="all of them have a weight or none"):
            SmtpMailer(servers)
