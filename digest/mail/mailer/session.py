"""One connection to one mail server: greeting, TLS and login through aiosmtplib, then message after
message over its transport.

The steps MAIL, RCPT, DATA and body are told apart: before the body nothing can have been taken,
after it only a reply tells. Knows nothing of other connections, of rates, or of the ledger.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Self, cast

from aiosmtplib import SMTP, SMTPConnectError, SMTPException, SMTPHeloError, SMTPResponseException

from digest.mail.mailer.base import Begin
from digest.mail.mailer.envelope import Envelope, Extensions, UnsendableError, commands, dotted
from digest.mail.mailer.replies import Verdict, classify
from digest.mail.mailer.wire import Reply, Wire, WireError, printable
from digest.model import Message, Phase

#: seconds for QUIT and for replies that nobody needs
_PARTING = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds to wait.

    RFC 5321, 4.5.3.2: whoever gives up on the final dot too early makes duplicates.
    """

    connect: float = 30.0
    #: the greeting, and each step until the login is done
    greeting: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    dot: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """Where a server is, how to log in, and how much it is given."""

    host: str
    port: int
    tls: Literal["auto", "none", "starttls", "tls"] = "auto"
    username: str = ""
    password: str = field(default="", repr=False)
    #: certificates (PEM) to trust instead of the system's
    ca_file: Path | None = None
    #: name to greet with
    hello: str = "localhost"
    #: connections at once, messages over each
    connections: int = 10
    per_connection: int = 100
    #: messages a minute; 0 = no limit
    per_minute: int = 0
    #: share of the messages, where servers share; 0 = it stands in when those before it cannot
    weight: int = 0
    timeouts: Timeouts = Timeouts()

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether TLS is demanded: a password must never cross a line that somebody stripped of
        STARTTLS.
        """
        return self.tls in ("starttls", "tls") or (
            self.tls == "auto" and bool(self.port == 465 or self.username or self.ca_file)
        )


class ConnectError(ConnectionError):
    """A server cannot be talked to. `busy` = it says that it will be able to later."""

    def __init__(self, text: str, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy


class StaleError(ConnectionError):
    """The server had ended a connection that was in use before, by its custom; this message is
    untouched and may go over another.
    """


class Result(NamedTuple):
    """How far a message got and what became of it."""

    phase: Phase
    verdict: Verdict
    code: int = 0
    text: str = ""


class Session:
    """One conversation. `deliver` one message after another; when `over`, it is of no more use."""

    def __init__(self, server: SmtpServer, wire: Wire, offers: Extensions, *, secret: bool) -> None:
        #: whether the line is under TLS
        self.secret = secret
        self._server = server
        self._wire = wire
        self._offers = offers
        #: a refused message left its envelope behind
        self.needs_rset = False
        self._used = 0

    @classmethod
    async def open(cls, server: SmtpServer, context: ssl.SSLContext | None) -> Self:
        """Connect, greet, secure and log in.

        Raises:
            ConnectError: it did not come to a login.
        """
        try:
            line = await _reach(server)
            client = _client(server, line)
            try:
                transport = await _secured(client, server, context)
            except BaseException:
                client.close()
                raise
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            raise _connect_error(error) from error
        secret = transport.get_extra_info("sslcontext") is not None
        return cls(server, Wire(transport), Extensions.of(client.esmtp_extensions), secret=secret)

    @property
    def offers(self) -> Extensions:
        return self._offers

    @property
    def over(self) -> bool:
        return bool(self._wire.over) or self._used >= self._server.per_connection

    async def deliver(self, envelope: Envelope, message: Message, begin: Begin) -> Result:
        """Try to hand over one message.

        Raises:
            StaleError: the connection, used before, turned out to be over; `begin` was not asked.
        """
        try:
            body = dotted(message.data)
            mail, rcpt = commands(envelope, message, body, self._offers)
        except UnsendableError as error:
            return Result(
                Phase.MAIL,
                Verdict(outcome="rejected", fault=error.fault, enhanced=error.enhanced),
                0,
                str(error),
            )
        self._used += 1
        try:
            phase, reply = await self._envelope(mail, rcpt)
            if phase is not Phase.DATA or reply.code != 354:
                return self._refused(phase, reply)
            if (lost := self._lost()) is not None:
                return lost
            if not await begin():
                self._wire.abort()  # the only way out of DATA that sends nothing
                return Result(Phase.DATA, Verdict(outcome="lost"))
            if (lost := self._lost()) is not None:  # while `begin` was at work
                return lost
            return await self._body(body)
        except BaseException:
            # cancelled, or `begin` failed: neither may the body be completed nor the connection be
            # used again
            self._wire.abort()
            raise

    def _lost(self) -> Result | None:
        """The end of a conversation that is over between 354 and the body, no byte of which has
        left.
        """
        return (
            None
            if not self._wire.over
            else Result(Phase.DATA, classify(Phase.DATA, 0, ""), 0, self._wire.over)
        )

    async def _envelope(self, mail: bytes, rcpt: bytes) -> tuple[Phase, Reply]:
        """Up to the reply to DATA, or to what was refused; code 0 = none came.

        Everything in one write where the server offers that.
        """
        wire, waits = self._wire, self._server.timeouts
        steps = [
            (Phase.MAIL, mail, waits.mail),
            (Phase.RCPT, rcpt, waits.rcpt),
            (Phase.DATA, b"DATA\r\n", waits.data),
        ]
        phase = Phase.MAIL
        try:
            if reset := self.needs_rset:
                wire.send(b"RSET\r\n")
            if self._offers.pipelining:
                wire.send(b"".join([command for _, command, _ in steps]), len(steps))
            if reset:
                # Where it is refused, so is MAIL.
                self.needs_rset = (await wire.reply(waits.mail)).code != 250
            for at, command, seconds in steps:
                phase = at
                if not self._offers.pipelining:
                    wire.send(command)
                reply = await wire.reply(seconds)
                if phase is Phase.DATA or not 200 <= reply.code <= 299:
                    break
        except WireError as error:
            if phase is Phase.MAIL and self._used > 1 and not wire.silent:
                raise StaleError(str(error)) from error
            return phase, Reply(0, str(error))
        if phase is not Phase.DATA and self._offers.pipelining:
            await self._drain(2 if phase is Phase.MAIL else 1)
        return phase, reply

    async def _drain(self, owed: int) -> None:
        """Read what is owed for commands that a refusal made void; a server that goes on to DATA
        nevertheless is left.
        """
        try:
            for _ in range(owed):
                reply = await self._wire.reply(self._server.timeouts.data)
                if reply.code in (354, 421):
                    self._wire.abort()
                    return
        except WireError:
            return  # the refusal stands

    def _refused(self, phase: Phase, reply: Reply) -> Result:
        if phase is Phase.MAIL and reply.code == 421 and self._used > 1:
            self._wire.abort()
            raise StaleError(reply.text)
        self.needs_rset = True
        if not 400 <= reply.code <= 599 or reply.code == 421:
            self._wire.abort()
        return Result(phase, classify(phase, reply.code, reply.text), reply.code, reply.text)

    async def _body(self, body: bytes) -> Result:
        try:
            self._wire.send(body + b".\r\n")
            reply = await self._wire.reply(self._server.timeouts.dot)
        except WireError as error:
            return Result(Phase.BODY, classify(Phase.BODY, 0, ""), 0, str(error))
        if self._wire.unsent:
            self._wire.abort()
            if (
                reply.code < 400
            ):  # the final dot has not even left: whatever this answers, it is not the message
                return Result(
                    Phase.BODY,
                    Verdict(outcome="unknown"),
                    reply.code,
                    f"answered before the message was sent: {reply.text}",
                )
        if not 200 <= reply.code <= 299:
            self.needs_rset = True
            if reply.code < 400 or reply.code == 421:
                self._wire.abort()
        return Result(
            Phase.BODY, classify(Phase.BODY, reply.code, reply.text), reply.code, reply.text
        )

    async def close(self) -> None:
        """QUIT, and wait a little for the answer; never raises."""
        try:
            self._wire.send(b"QUIT\r\n")
            await self._wire.reply(_PARTING)
        except WireError:
            pass
        finally:
            self._wire.close()


async def _reach(server: SmtpServer) -> socket.socket:
    """A connected socket, tried at each address of the host in order."""
    loop = asyncio.get_running_loop()
    problem: OSError = ConnectionError("no address")
    for family, kind, protocol, _, place in await loop.getaddrinfo(
        server.host, server.port, type=socket.SOCK_STREAM
    ):
        line = socket.socket(family, kind, protocol)
        try:
            line.setblocking(False)
            async with asyncio.timeout(server.timeouts.connect):
                await loop.sock_connect(line, place)
        except TimeoutError:
            line.close()
            problem = TimeoutError(f"no connection within {server.timeouts.connect:g} s")
        except OSError as error:
            line.close()
            problem = error
        except BaseException:
            line.close()
            raise
        else:
            return line
    raise problem


def _client(server: SmtpServer, line: socket.socket) -> SMTP:
    try:
        # TLS by STARTTLS and the login are asked for step by step below, where it can be seen what
        # comes before what.
        return SMTP(
            hostname=server.host,
            port=None,
            sock=line,
            local_hostname=server.hello,
            timeout=server.timeouts.greeting,
            use_tls=_implicit(server),
            start_tls=False,
        )
    except ValueError:
        line.close()
        raise


def _implicit(server: SmtpServer) -> bool:
    return server.tls == "tls" or (server.tls == "auto" and server.port == 465)


async def _secured(
    client: SMTP, server: SmtpServer, context: ssl.SSLContext | None
) -> asyncio.Transport:
    """Greeting, TLS, login; returns the transport over which messages may go.

    Raises:
        SMTPException, OSError, ValueError: one of them failed; where TLS is demanded, neither
        password nor message has left without.
    """
    client.tls_context = context
    await client.connect()
    await _greet(client)
    if (
        not _implicit(server)
        and server.tls != "none"
        and (server.secure or client.supports_extension("starttls"))
    ):
        await client.starttls()  # raises where it is not offered
        await _greet(client)
    transport = client.transport
    if server.secure and (transport is None or transport.get_extra_info("sslcontext") is None):
        raise ConnectionError("TLS is demanded and there is none")
    if server.username:
        await client.login(server.username, server.password)
    if client.transport is None:
        raise ConnectionResetError("connection lost")
    return cast(asyncio.Transport, client.transport)


async def _greet(client: SMTP) -> None:
    """EHLO, or HELO where the server knows no better."""
    try:
        await client.ehlo()
    except SMTPHeloError as error:
        if not 500 <= error.code <= 599:
            raise
        await client.helo()


def _connect_error(error: Exception) -> ConnectError:
    if isinstance(error, SMTPResponseException):
        return ConnectError(
            f"{error.code} {printable(error.message)}".strip(), busy=400 <= error.code <= 499
        )
    if isinstance(error, TimeoutError):
        return ConnectError(
            "no answer in time"
            if isinstance(error, SMTPException) or not str(error)
            else str(error)
        )
    if isinstance(error, SMTPConnectError) and error.__cause__ is not None:
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    return ConnectError(printable(str(error) or type(error).__name__))
