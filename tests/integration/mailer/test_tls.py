"""TLS and logins: where they are required, nothing is sent without them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from digest.demo.mail_sink import Server
from digest.demo.servers import accept_connections
from digest.errors import MailerError
from digest.mail.mailer import SmtpMailer
from tests.fakes.certificates import Certificates
from tests.fakes.smtp_server import Act, HostileSmtp, Step
from tests.integration.mailer.conftest import GUARD, TIMEOUTS, run, send, to


class Keeper:
    """A handler of aiosmtpd that keeps each message.

    It also records whether the session was encrypted and logged in.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[str, bool, bool]] = []

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        self.kept.append(
            (
                envelope.rcpt_tos[0],
                server.transport.get_extra_info("sslcontext") is not None,
                bool(session.authenticated),
            )
        )
        return "250 2.0.0 kept"


def check(
    server: Server, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"swordfish")
    return AuthResult(success=good, handled=good)


@asynccontextmanager
async def real(keeper: Keeper, *, ssl: SSLContext | None = None, **how: Any) -> AsyncIterator[int]:
    """Run aiosmtpd in this event loop; yields its port."""

    async def talk(connection: socket.socket) -> None:
        await Server(
            keeper, hostname="real.example", authenticator=check, auth_required=True, **how
        ).talk(connection, ssl=ssl)

    listening = socket.create_server(("127.0.0.1", 0))
    async with accept_connections(listening, talk):
        yield listening.getsockname()[1]


async def through(port: int, **more: Any) -> list[str]:
    mailer = SmtpMailer([to(port, **more)], patience=0)
    try:
        await mailer.open()
        return [
            delivery.outcome for delivery in await send(mailer, "a@example.org", "b@example.org")
        ]
    finally:
        await mailer.close()


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS:UserWarning"
)  # aiosmtpd does not count implicit TLS
@pytest.mark.parametrize("tls", ["auto", "starttls", "tls"])
def test_a_real_server_accepts_mail_under_tls_and_login(
    tls: str, trusted_certificates: Certificates
) -> None:
    keeper = Keeper()
    under = (
        {"ssl": trusted_certificates.server, "auth_require_tls": False}
        if tls == "tls"
        else {"tls_context": trusted_certificates.server, "require_starttls": True}
    )

    async def work() -> list[str]:
        async with real(keeper, **under) as port:
            return await through(
                port,
                tls=tls,
                username="me",
                password="swordfish",
                ca_file=trusted_certificates.ca_file,
            )

    assert run(work()) == ["accepted", "accepted"]
    assert keeper.kept == [("a@example.org", True, True), ("b@example.org", True, True)]


def test_a_wrong_password_is_an_error_that_says_so(trusted_certificates: Certificates) -> None:
    async def work() -> None:
        async with real(Keeper(), tls_context=trusted_certificates.server) as port:
            with pytest.raises(MailerError, match=r"535.*the login"):
                await through(
                    port,
                    tls="starttls",
                    username="me",
                    password="trout",
                    ca_file=trusted_certificates.ca_file,
                )

    run(work())


@pytest.mark.parametrize("tls", ["auto", "starttls", "tls"])
@pytest.mark.parametrize("who", ["foreign_certificates", "misnamed_certificates", "nobody"])
def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    who: str, tls: str, request: pytest.FixtureRequest, trusted_certificates: Certificates
) -> None:
    shown: Certificates = request.getfixturevalue(
        "trusted_certificates" if who == "nobody" else who
    )
    trust = (
        None
        if who == "nobody"
        else shown.ca_file
        if who == "misnamed_certificates"
        else trusted_certificates.ca_file
    )

    async def work() -> HostileSmtp:
        async with HostileSmtp(
            offers=("STARTTLS", "AUTH PLAIN"), tls=shown.server, implicit=tls == "tls"
        ) as server:
            with pytest.raises(MailerError, match="certificate"):
                await through(server.port, tls=tls, ca_file=trust)
            return server

    assert_nothing_leaked(run(work()))


def assert_nothing_leaked(server: HostileSmtp) -> None:
    plain = [line for _, encrypted, line in server.received if not encrypted]
    assert not [
        line for line in plain if line.upper().startswith((b"AUTH", b"MAIL", b"RCPT", b"DATA"))
    ], "in clear"
    assert server.bodies == b""
    assert server.got == []


@pytest.mark.parametrize("tls", ["auto", "starttls"])
def test_where_tls_was_stripped_neither_password_nor_message_leaves(
    tls: str, trusted_certificates: Certificates
) -> None:
    async def work() -> HostileSmtp:
        async with HostileSmtp(offers=("AUTH PLAIN LOGIN", "PIPELINING")) as server:
            with pytest.raises(MailerError, match="STARTTLS"):
                await through(
                    server.port,
                    tls=tls,
                    username="me",
                    password="swordfish",
                    ca_file=trusted_certificates.ca_file,
                )
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
    b"220 go\r\n250-hostile.example\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 "
    b"go\r\n250 kept\r\n",
    b"220 go\r\n2",
]


@pytest.mark.parametrize("injected", INJECTED, ids=["one reply", "a conversation", "a piece"])
def test_replies_injected_before_tls_are_not_believed_under_it(
    injected: bytes, trusted_certificates: Certificates
) -> None:
    async def work() -> tuple[list[str], HostileSmtp]:
        offers = ("STARTTLS", "AUTH PLAIN", "PIPELINING")
        async with HostileSmtp(
            {"STARTTLS": [Act(say=injected)]}, offers=offers, tls=trusted_certificates.server
        ) as server:
            outcomes = await through(
                server.port,
                tls="starttls",
                username="me",
                password="swordfish",
                ca_file=trusted_certificates.ca_file,
            )
            return outcomes, server

    outcomes, server = run(work())
    assert outcomes == ["accepted"] * 2 == ["accepted"] * len(server.accepted_recipients)
    assert all(
        encrypted for _, encrypted, line in server.received if line.startswith((b"AUTH", b"MAIL"))
    )


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
def test_every_answer_to_starttls_and_login_ends_without_a_leak(
    step: Step, method: str, trusted_certificates: Certificates
) -> None:
    if step == "STARTTLS" and method != "PLAIN":
        method = f"{method} PLAIN"

    async def log_in(act: Act) -> tuple[str, HostileSmtp]:
        offers = ("STARTTLS", f"AUTH {method}", "PIPELINING")
        async with HostileSmtp(
            {step: [act] * 20}, offers=offers, tls=trusted_certificates.server
        ) as server:
            short = replace(
                TIMEOUTS, greeting=0.5 if act.then in ("keep silent", "babble") else GUARD
            )
            try:
                (outcome, _) = await through(
                    server.port,
                    tls="starttls",
                    username="me",
                    password="swordfish",
                    ca_file=trusted_certificates.ca_file,
                    timeouts=short,
                )
            except MailerError:
                return "error", server
            return outcome, server

    async def walk() -> dict[str, str]:
        outcomes = {}
        for name, (outcome, server) in zip(
            ANSWERS, await asyncio.gather(*map(log_in, ANSWERS.values())), strict=True
        ):
            assert_nothing_leaked(server)
            outcomes[name] = outcome
        return outcomes

    outcomes = run(walk())
    assert outcomes.pop("454") == "deferred", "it will be able to later"
    if step == "STARTTLS" or method == "PLAIN":
        assert outcomes.pop("421") == "deferred"
    assert set(outcomes.values()) <= {"error", "deferred"}
    assert outcomes["535"] == outcomes["nothing"] == outcomes["silence"] == "error"


def test_a_file_without_certificates_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(MailerError, match=r"ca\.pem: no certificates"):
        run(through(1, tls="starttls", ca_file=tmp_path / "ca.pem"))
