"""Mail servers as they are configured: TLS and logins, several at once, limits, and many messages at the same time."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar

import pytest
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from digest.errors import MailerError
from digest.mailer import EVERYWHERE, Pace, Paces, SmtpMailer, SmtpServer, Timeouts
from digest.mailer.pacing import Limits, Pauses
from digest.model import Delivery, Message, Phase
from tests.fakes import certificates
from tests.fakes.certificates import Certificates
from tests.fakes.smtp_server import Act, HostileSmtp, Step

T = TypeVar("T")
GUARD = 60
TIMEOUTS = Timeouts(connect=GUARD, greeting=GUARD, mail=GUARD, rcpt=GUARD, data=GUARD, dot=GUARD)
BODY = b"Subject: hello\r\n\r\nsecret words\r\n"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made the same way by somebody else."""
    return certificates.make(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def misnamed(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("misnamed"), "mail.example.org")


def message(recipient: str = "alice@example.org", data: bytes = BODY, sender: str = "b@example.org") -> Message:
    return Message(message_id="<m+1@example.org>", sender=sender, recipient=recipient, subject="", text="", html="", data=data)


def to(port: int, **more: Any) -> SmtpServer:
    return SmtpServer(**{"host": "127.0.0.1", "port": port, "tls": "none", "timeouts": TIMEOUTS, **more})


async def yes() -> bool:
    return True


async def send(mailer: SmtpMailer, *recipients: str) -> list[Delivery]:
    return [await mailer.deliver(message(recipient), yes) for recipient in recipients]


def run(work: Coroutine[Any, Any, T]) -> T:
    async def guarded() -> T:
        async with asyncio.timeout(GUARD):
            return await work

    return asyncio.run(guarded())


# ---------------------------------------------------------------------------------------------- TLS and logins


class Keeper:
    """The handler of a real aiosmtpd: keeps what comes, and whether it came encrypted and logged in."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bool, bool]] = []

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        self.kept.append((envelope.rcpt_tos[0], server.transport.get_extra_info("sslcontext") is not None, bool(session.authenticated)))
        return "250 2.0.0 kept"


def check(server: Server, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"swordfish")
    return AuthResult(success=good, handled=good)


@asynccontextmanager
async def real(keeper: Keeper, *, ssl: SSLContext | None = None, **how: Any) -> AsyncIterator[int]:
    """An aiosmtpd in this event loop; yields its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(keeper, hostname="real.example", authenticator=check, auth_required=True, **how), "127.0.0.1", 0, ssl=ssl
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def through(port: int, **more: Any) -> list[str]:
    mailer = SmtpMailer([to(port, **more)], patience=0)
    try:
        await mailer.open()
        return [delivery.outcome for delivery in await send(mailer, "a@example.org", "b@example.org")]
    finally:
        await mailer.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")  # it does not count TLS from the first byte
@pytest.mark.parametrize("tls", ["auto", "starttls", "tls"])
def test_a_real_server_is_talked_to_under_tls_and_logged_in_to(tls: str, trusted: Certificates) -> None:
    keeper = Keeper()
    under = (
        {"ssl": trusted.server, "auth_require_tls": False} if tls == "tls" else {"tls_context": trusted.server, "require_starttls": True}
    )

    async def work() -> list[str]:
        async with real(keeper, **under) as port:
            return await through(port, tls=tls, username="me", password="swordfish", ca_file=trusted.ca_file)

    assert run(work()) == ["accepted", "accepted"]
    assert keeper.kept == [("a@example.org", True, True), ("b@example.org", True, True)]


def test_a_wrong_password_is_an_error_that_says_so(trusted: Certificates) -> None:
    async def work() -> None:
        async with real(Keeper(), tls_context=trusted.server) as port:
            with pytest.raises(MailerError, match=r"535.*the login"):
                await through(port, tls="starttls", username="me", password="trout", ca_file=trusted.ca_file)

    run(work())


@pytest.mark.parametrize("tls", ["auto", "starttls", "tls"])
@pytest.mark.parametrize("who", ["stranger", "misnamed", "nobody"])
def test_a_certificate_that_cannot_be_trusted_ends_it(who: str, tls: str, request: pytest.FixtureRequest, trusted: Certificates) -> None:
    shown: Certificates = request.getfixturevalue("trusted" if who == "nobody" else who)
    trust = None if who == "nobody" else shown.ca_file if who == "misnamed" else trusted.ca_file

    async def work() -> HostileSmtp:
        async with HostileSmtp(offers=("STARTTLS", "AUTH PLAIN"), tls=shown.server, implicit=tls == "tls") as server:
            with pytest.raises(MailerError, match="certificate"):
                await through(server.port, tls=tls, ca_file=trust)
            return server

    assert_nothing_leaked(run(work()))


def assert_nothing_leaked(server: HostileSmtp) -> None:
    plain = [line for _, encrypted, line in server.told if not encrypted]
    assert not [line for line in plain if line.upper().startswith((b"AUTH", b"MAIL", b"RCPT", b"DATA"))], "in clear"
    assert server.bodies == b""
    assert server.got == []


@pytest.mark.parametrize("tls", ["auto", "starttls"])
def test_where_tls_was_stripped_neither_password_nor_message_leaves(tls: str, trusted: Certificates) -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp(offers=("AUTH PLAIN LOGIN", "PIPELINING")) as server:
            with pytest.raises(MailerError, match="STARTTLS"):
                await through(server.port, tls=tls, username="me", password="swordfish", ca_file=trusted.ca_file)
            return server

    assert_nothing_leaked(run(work()))


def test_demanded_tls_without_a_login_is_demanded_too() -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp() as server:
            with pytest.raises(MailerError, match="STARTTLS"):
                await through(server.port, tls="starttls")
            return server

    assert_nothing_leaked(run(work()))


INJECTED = [
    b"220 go\r\n250 hostile.example\r\n",
    b"220 go\r\n250-hostile.example\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n",
    b"220 go\r\n2",
]


@pytest.mark.parametrize("said", INJECTED, ids=["one reply", "a conversation", "a piece"])
def test_what_was_injected_before_tls_is_not_believed_under_it(said: bytes, trusted: Certificates) -> None:
    async def work() -> tuple[list[str], HostileSmtp]:
        offers = ("STARTTLS", "AUTH PLAIN", "PIPELINING")
        async with HostileSmtp({"STARTTLS": [Act(say=said)]}, offers=offers, tls=trusted.server) as server:
            outcomes = await through(server.port, tls="starttls", username="me", password="swordfish", ca_file=trusted.ca_file)
            return outcomes, server

    outcomes, server = run(work())
    assert outcomes == ["accepted"] * 2 == ["accepted"] * len(server.stored)
    assert all(encrypted for _, encrypted, line in server.told if line.startswith((b"AUTH", b"MAIL")))


ANSWERS = {
    "421": Act.reply("421 4.3.2 closing", then="hang up"),
    "454": Act.reply("454 4.7.0 not now"),
    "500": Act.reply("500 what"),
    "535": Act.reply("535 5.7.8 no"),
    "250": Act.reply("250 ok"),
    "334": Act.reply("334 "),
    "334 not base64": Act.reply("334 \x00\xff"),
    "junk": Act.reply("junk"),
    "nothing": Act.hang_up(),
    "half": Act(say=b"220", then="hang up"),
    "binary": Act(say=bytes(range(256)) + b"\r\n"),
    "endless": Act(say=b"220-more\r\n" * 200, then="babble"),
    "100 kB": Act(say=b"220 " + b"x" * 100_000 + b"\r\n"),
    "silence": Act.silence(),
    "silence within TLS": Act(say=b"220 go\r\n", then="keep silent"),
    "no TLS behind it": Act(say=b"220 go\r\nthis is no handshake" * 50, then="babble"),
}


@pytest.mark.parametrize("step", ["STARTTLS", "AUTH"])
@pytest.mark.parametrize("method", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_every_answer_to_starttls_and_login_ends_without_a_leak(step: Step, method: str, trusted: Certificates) -> None:
    if step == "STARTTLS" and method != "PLAIN":
        method = f"{method} PLAIN"

    async def one(act: Act) -> tuple[str, HostileSmtp]:
        offers = ("STARTTLS", f"AUTH {method}", "PIPELINING")
        async with HostileSmtp({step: [act] * 20}, offers=offers, tls=trusted.server) as server:
            short = replace(TIMEOUTS, greeting=0.5 if act.then in ("keep silent", "babble") else GUARD)
            try:
                (outcome, _) = await through(
                    server.port, tls="starttls", username="me", password="swordfish", ca_file=trusted.ca_file, timeouts=short
                )
            except MailerError:
                return "error", server
            return outcome, server

    async def walk() -> dict[str, str]:
        outcomes = {}
        for name, (outcome, server) in zip(ANSWERS, await asyncio.gather(*map(one, ANSWERS.values())), strict=True):
            assert_nothing_leaked(server)
            outcomes[name] = outcome
        return outcomes

    outcomes = run(walk())
    assert outcomes.pop("454") == "deferred", "it will be able to later"
    if step == "STARTTLS" or method == "PLAIN":
        assert outcomes.pop("421") == "deferred"
    assert set(outcomes.values()) <= {"error", "deferred"}
    assert outcomes["535"] == outcomes["nothing"] == outcomes["silence"] == "error"


# ---------------------------------------------------------------------------------------------- what is said of a message


def said(offers: tuple[str, ...], one: Message) -> tuple[Delivery, HostileSmtp]:
    async def work() -> tuple[Delivery, HostileSmtp]:
        async with HostileSmtp(offers=offers) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            delivery = await mailer.deliver(one, yes)
            await mailer.close()
            return delivery, server

    return run(work())


def test_what_the_server_offers_is_used_and_nothing_else() -> None:
    _, plain = said((), message("a+b=c@example.org"))
    assert plain.commands("MAIL") == ["MAIL FROM:<b@example.org>"]
    assert plain.commands("RCPT") == ["RCPT TO:<a+b=c@example.org>"]
    _, rich = said(("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 1000000"), message("a+b=c@example.org"))
    assert rich.commands("MAIL") == [f"MAIL FROM:<b@example.org> SIZE={len(BODY)} RET=HDRS ENVID=m+2B1@example.org"]
    assert rich.commands("RCPT") == ["RCPT TO:<a+b=c@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@example.org"]


def test_eight_bits_and_letters_beyond_ascii_are_announced() -> None:
    one = message("jörg+x@bücher.example", data="Subject: ü\r\n\r\nü\r\n".encode())
    delivery, server = said(("8BITMIME", "SMTPUTF8", "DSN"), one)
    assert delivery.outcome == "accepted"
    assert server.commands("MAIL") == ["MAIL FROM:<b@example.org> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=m+2B1@example.org"]
    assert server.commands("RCPT") == [
        "RCPT TO:<jörg+x@xn--bcher-kva.example> NOTIFY=FAILURE,DELAY ORCPT=utf-8;jörg\\x{2B}x@xn--bcher-kva.example"
    ]


@pytest.mark.parametrize(
    ("offers", "one", "fault", "enhanced"),
    [
        (("8BITMIME",), message("jörg@example.org"), "content", "5.6.7"),
        (("SIZE 20",), message(), "content", "5.3.4"),
        ((), message(data=b"Subject: x\r\n\r\nbare\n.\r\nRSET\r\n"), "content", "5.6.0"),
        ((), message(data=b"Subject: x\r\n\r\nbare\r.\r\n"), "content", "5.6.0"),
        ((), message(f"{'a' * 65}@example.org"), "reader", "5.1.3"),
        ((), message(f"a@{'b.' * 130}example"), "reader", "5.1.3"),
        ((), message("a@xn--\ud800.example"), "reader", "5.1.3"),
        ((), message("a@ü..example"), "reader", "5.1.3"),
        ((), message(sender="no sender"), "ours", "5.1.7"),
    ],
)
def test_what_cannot_be_put_to_the_server_never_reaches_it(offers: tuple[str, ...], one: Message, fault: str, enhanced: str) -> None:
    delivery, server = said(offers, one)
    assert (delivery.outcome, delivery.fault, delivery.enhanced, delivery.phase) == ("rejected", fault, enhanced, Phase.MAIL)
    assert server.commands("MAIL") == []


def test_an_empty_return_path_can_be_sent() -> None:
    delivery, server = said((), message(sender=""))
    assert (delivery.outcome, server.commands("MAIL")) == ("accepted", ["MAIL FROM:<>"])


@pytest.mark.parametrize("limit", ["SIZE", "SIZE 0", "SIZE much", "SIZE " + "9" * 400])
def test_a_size_without_a_number_is_no_limit(limit: str) -> None:
    assert said((limit,), message())[0].outcome == "accepted"


# ---------------------------------------------------------------------------------------------- many at once


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
def test_two_hundred_messages_over_five_connections_arrive_once_each(how: dict[str, Any], connections: int | None) -> None:
    recipients = [f"r{number}@d{number % 9}.example" for number in range(200)]

    async def work() -> tuple[list[str], HostileSmtp, int]:
        async with HostileSmtp(**how) as server:
            most = 0

            async def begin() -> bool:
                nonlocal most
                most = max(most, server.standing)
                await asyncio.sleep(random.random() / 1000)
                return True

            mailer = SmtpMailer([to(server.port, connections=5)])
            await mailer.open()
            deliveries = await asyncio.gather(*(mailer.deliver(message(recipient), begin) for recipient in recipients))
            await mailer.close()
            return [delivery.outcome for delivery in deliveries], server, most

    outcomes, server, most = run(work())
    assert outcomes == ["accepted"] * 200
    assert Counter(server.stored) == Counter(recipients)
    assert most <= 5
    if connections:
        assert server.connections == connections


def test_a_connection_is_used_as_often_as_told() -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port, per_connection=4)])
            await send(mailer, *(f"r{number}@example.org" for number in range(10)))
            await mailer.close()
            return server

    server = run(work())
    assert (len(server.stored), server.connections, len(server.commands("QUIT"))) == (10, 3, 3)


def test_who_is_cancelled_while_waiting_gives_the_turn_to_the_next() -> None:
    """Cancelled at every moment about the one in which the connection becomes free."""

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
            waiting = [asyncio.create_task(mailer.deliver(message(f"{n}@example.org"), yes)) for n in range(3)]
            await asyncio.sleep(0)
            go.set()
            for _ in range(moment):
                await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.gather(first, *waiting, return_exceptions=True)
            await mailer.close()
            return sorted(server.stored)

    async def sweep() -> list[list[str]]:
        return [await work(moment) for moment in range(40)]

    for stored in run(sweep()):
        assert set(stored) >= {"a@example.org", "1@example.org", "2@example.org"}


@pytest.mark.parametrize("when", ["RCPT", "begin", "DOT"])
def test_a_cancelled_delivery_leaves_no_connection_in_its_middle(when: str) -> None:
    """What was cancelled after its body had begun may have arrived: the ledger calls it unknown. The next must not inherit its connection."""

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
    assert server.stored == ["b@example.org"]
    assert server.connections == 2


def test_a_begin_that_fails_is_the_callers_and_sends_nothing() -> None:
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

    assert run(work()).stored == ["b@example.org"]


# ---------------------------------------------------------------------------------------------- several servers


def two(
    first: HostileSmtp, second: HostileSmtp, work: Callable[[SmtpMailer], Coroutine[Any, Any, Any]], weights: tuple[int, int] = (0, 0)
) -> Any:
    async def inner() -> Any:
        async with first, second:
            mailer = SmtpMailer([to(first.port, weight=weights[0]), to(second.port, weight=weights[1])], patience=0)
            try:
                await mailer.open()
                return await work(mailer)
            finally:
                await mailer.close()

    return run(inner())


async def five(mailer: SmtpMailer) -> list[str]:
    return [delivery.outcome for delivery in await send(mailer, *(f"{n}@d{n}.example" for n in range(5)))]


def test_without_weights_the_first_server_takes_all() -> None:
    first, second = HostileSmtp(), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.stored), second.connections) == (5, 0)


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
    ids=["421 banner", "554 banner", "no banner", "450 EHLO", "421 MAIL", "530 MAIL", "421 RCPT", "421 DATA"],
)
def test_what_the_first_server_does_not_take_the_second_does_at_once(script: dict[Step, list[Act]]) -> None:
    first, second = HostileSmtp(script), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(second.stored), first.stored, first.bodies) == (5, [], b"")
    assert first.connections <= 2, "it is left alone for a while"


def test_a_body_that_was_refused_is_not_put_to_another_server_by_itself() -> None:
    """`begin` is asked once; the ledger decides about another attempt."""
    first, second = HostileSmtp({"DOT": [Act.reply("421 busy")]}), HostileSmtp()
    outcomes = two(first, second, five)
    assert outcomes == ["deferred"] + ["accepted"] * 4
    assert "0@d0.example" not in second.stored


def test_a_server_that_ends_its_connections_by_custom_is_not_called_busy() -> None:
    first, second = HostileSmtp(per_connection=2), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.stored), second.connections) == (5, 0)


def test_421_to_a_connection_that_was_in_use_is_its_end_and_no_complaint() -> None:
    fine = Act.reply("250 ok")
    first, second = HostileSmtp({"MAIL": [fine, fine, Act.reply("421 4.4.2 enough", then="hang up")]}), HostileSmtp()
    assert two(first, second, five) == ["accepted"] * 5
    assert (len(first.stored), first.connections, second.connections) == (5, 2, 0)


def test_with_weights_the_servers_share() -> None:
    first, second = HostileSmtp(), HostileSmtp()

    async def forty(mailer: SmtpMailer) -> int:
        await send(mailer, *(f"{n}@d{n}.example" for n in range(40)))
        return mailer.connections

    assert two(first, second, forty, weights=(3, 1)) == 20
    assert (len(first.stored), len(second.stored)) == (30, 10)


def test_with_weights_the_others_take_the_share_of_one_that_is_down() -> None:
    first, second = HostileSmtp({"BANNER": [Act.hang_up()] * 9}), HostileSmtp()
    assert two(first, second, five, weights=(3, 1)) == ["accepted"] * 5
    assert len(second.stored) == 5


def test_only_when_no_server_can_be_used_it_is_an_error_and_names_them_all() -> None:
    first, second = HostileSmtp({"BANNER": [Act.reply("554 go away")] * 9}), HostileSmtp({"BANNER": [Act.hang_up()] * 9})
    with pytest.raises(MailerError) as caught:
        two(first, second, five)
    assert f":{first.port}: 554 go away" in str(caught.value)
    assert f":{second.port}: " in str(caught.value)


def test_a_server_that_dies_during_a_send_ends_it_and_loses_nothing() -> None:
    async def work() -> tuple[list[str], str]:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            outcomes = [delivery.outcome for delivery in await send(mailer, "a@example.org")]
        with pytest.raises(MailerError, match="Nothing was sent") as caught:
            await send(mailer, "b@example.org")
        await mailer.close()
        return outcomes, str(caught.value)

    assert run(work())[0] == ["accepted"]


def test_weights_for_some_only_or_no_server_at_all_are_refused() -> None:
    for servers in ([], [to(1, weight=1), to(2)]):
        with pytest.raises(ValueError, match="all of them have a weight or none"):
            SmtpMailer(servers)


# ---------------------------------------------------------------------------------------------- pace


def test_a_domain_that_says_later_is_paused_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime], HostileSmtp]:
        async with HostileSmtp({"RCPT": [Act.reply("451 4.7.1 slow down")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            recipients = ["a@Slow.example", "b@slow.example", "c@quick.example", "d@SLOW.example", "e@quick.example"]
            deliveries = await send(mailer, *recipients)
            holds = mailer.holds()
            await mailer.close()
            return deliveries, holds, server

    with caplog.at_level(logging.WARNING, "digest.mailer"):
        deliveries, holds, server = run(work())
    assert [d.outcome for d in deliveries] == ["deferred", "deferred", "accepted", "deferred", "accepted"]
    assert [d.phase for d in deliveries] == [Phase.RCPT, Phase.CONNECT, Phase.BODY, Phase.CONNECT, Phase.BODY]
    assert len(server.commands("RCPT")) == 3, "the paused are not asked about"
    assert list(holds) == ["slow.example"]
    assert all(d.retry_at and d.retry_at >= holds["slow.example"] - timedelta(seconds=1) for d in deliveries if d.outcome == "deferred")
    assert len(caplog.records) == 1


def test_what_others_are_told_of_a_pause_names_no_reader(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> list[Delivery]:
        async with HostileSmtp({"RCPT": [Act.reply("451-4.7.1 <alice@slow.example>\n451 4.7.1 alice@slow.example too often")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(mailer, "alice@slow.example", "bob@slow.example")
            await mailer.close()
            return deliveries

    with caplog.at_level(logging.WARNING, "digest.mailer"):
        first, second = run(work())
    assert "alice" in first.text
    assert "alice" not in second.text + caplog.text
    assert "too often" in second.text
    assert "\n" not in first.text + second.text + "".join(record.getMessage() for record in caplog.records)


def test_a_policy_refusal_pauses_the_domain_for_longer_and_is_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime]]:
        async with HostileSmtp({"DOT": [Act.reply("550 5.7.26 this mail is unauthenticated")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(mailer, "a@strict.example", "b@strict.example", "c@other.example")
            holds = mailer.holds()
            await mailer.close()
            return deliveries, holds

    deliveries, holds = run(work())
    assert [(d.outcome, d.fault) for d in deliveries] == [("rejected", "ours"), ("deferred", "ours"), ("accepted", "")]
    assert "5.7.26" in deliveries[1].text
    assert all(d.retry_at and d.retry_at > datetime.now(UTC) + timedelta(minutes=5) for d in deliveries[:2])
    assert holds["strict.example"] > datetime.now(UTC) + timedelta(minutes=5)


def test_an_address_that_is_gone_pauses_nobody() -> None:
    async def work() -> tuple[list[Delivery], dict[str, datetime]]:
        async with HostileSmtp(
            {"RCPT": [Act.reply("550 5.1.1 nobody"), Act.reply("450 4.2.0 greylisted"), Act.reply("452 4.2.2 full")]}
        ) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            deliveries = await send(mailer, *(f"{n}@example.org" for n in range(4)))
            holds = mailer.holds()
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


def test_what_was_learned_outlives_the_mailer() -> None:
    async def work() -> list[str]:
        paces = Paces()
        async with HostileSmtp({"RCPT": [Act.reply("451 slow down")]}) as server:
            outcomes = []
            for _ in range(2):
                mailer = SmtpMailer([to(server.port)], paces, patience=0)
                outcomes += [d.outcome for d in await send(mailer, "a@example.org")]
                await mailer.close()
            assert len(server.commands("RCPT")) == 1
            return outcomes

    assert run(work()) == ["deferred", "deferred"]


def test_a_server_that_swallows_messages_gets_only_a_few() -> None:
    async def work() -> tuple[list[str], HostileSmtp]:
        async with HostileSmtp({"DOT": [Act.hang_up()] * 99}) as server:
            mailer = SmtpMailer([to(server.port, connections=1)], patience=0)
            outcomes = [d.outcome for d in await send(mailer, *(f"{n}@d{n}.example" for n in range(20)))]
            await mailer.close()
            return outcomes, server

    outcomes, server = run(work())
    assert outcomes == ["unknown"] * 3 + ["deferred"] * 17
    assert len(server.got) == 3


def test_the_only_server_being_paused_holds_every_domain() -> None:
    async def work() -> tuple[list[str], dict[str, datetime]]:
        async with HostileSmtp({"MAIL": [Act.reply("530 5.7.0 log in first")]}) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            outcomes = [d.outcome for d in await send(mailer, "a@x.example", "b@y.example")]
            holds = mailer.holds()
            await mailer.close()
            assert len(server.commands("MAIL")) == 1
            return outcomes, holds

    outcomes, holds = run(work())
    assert (outcomes, list(holds)) == (["deferred", "deferred"], [EVERYWHERE])


def test_a_domains_limit_sends_the_rest_away_one_behind_the_other() -> None:
    async def work() -> list[Delivery]:
        async with HostileSmtp() as server:
            mailer = SmtpMailer([to(server.port)], Paces(domains=Pace(ceiling=20)), patience=0)
            deliveries = await send(mailer, *(f"{n}@example.org" for n in range(6)))
            await mailer.close()
            assert len(server.stored) == 2, "six seconds' worth"
            return deliveries

    deliveries = run(work())
    assert [d.outcome for d in deliveries] == ["accepted"] * 2 + ["deferred"] * 4
    backs = [d.retry_at for d in deliveries[2:]]
    gaps = [(b - a).total_seconds() for a, b in pairwise(backs) if a and b]
    assert gaps == pytest.approx([3.0] * 3, abs=0.5)


def test_a_servers_limit_is_waited_for_where_that_is_short_and_sent_away_where_it_is_not() -> None:
    async def work() -> list[str]:
        async with HostileSmtp() as server:
            quick = SmtpMailer([to(server.port, per_minute=6000)], patience=30)
            outcomes = [d.outcome for d in await asyncio.gather(*(quick.deliver(message(f"{n}@example.org"), yes) for n in range(620)))]
            await quick.close()
            slow = SmtpMailer([to(server.port, per_minute=1)], patience=1)
            outcomes += [d.outcome for d in await send(slow, "a@example.org", "b@example.org")]
            await slow.close()
            return outcomes

    assert run(work()) == ["accepted"] * 620 + ["accepted", "deferred"]


def test_a_pause_ends() -> None:
    async def work() -> list[str]:
        short = Limits(busy=Pauses(first=0.05, longest=0.05), behind=0.01, guess=100_000)
        paces = Paces(servers=Pace(limits=short), domains=Pace(limits=short, ceiling=math.inf))
        async with HostileSmtp({"MAIL": [Act.reply("421 busy")], "RCPT": [Act.reply("451 slow down")]}, offers=()) as server:
            mailer = SmtpMailer([to(server.port)], paces)
            outcomes = []
            while "accepted" not in outcomes:
                outcomes += [d.outcome for d in await send(mailer, "a@example.org")]
                await asyncio.sleep(0.01)
            await mailer.close()
            return outcomes

    outcomes = run(work())
    assert outcomes[:2] == ["deferred", "deferred"]


def test_a_file_of_no_certificates_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(MailerError, match=r"ca\.pem: no certificates"):
        run(through(1, tls="starttls", ca_file=tmp_path / "ca.pem"))
