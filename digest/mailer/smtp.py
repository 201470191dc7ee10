"""SMTP through aiosmtplib, with the steps MAIL, RCPT, DATA and body told apart: after the body has begun, whatever is no reply means unknown."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPResponse
from aiosmtplib.protocol import SMTPProtocol

from digest.errors import MailerError
from digest.mailer.base import Begin
from digest.mailer.replies import Verdict, classify
from digest.model import Delivery, Message, Phase

#: RFC 5321, 4.5.3.2.6: giving up earlier on the reply to the final dot is what makes duplicates
DOT_TIMEOUT = 600.0
#: messages handed over in one connection; many servers close it after 100
PER_CONNECTION = 100
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """Where and how to log in."""

    host: str
    port: int
    tls: Literal["auto", "none", "starttls", "tls"] = "auto"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 60.0
    dot_timeout: float = DOT_TIMEOUT

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpMailer:
    """One connection, used for many messages and opened again when the server closes it."""

    connections = 1

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._client: SMTP | None = None
        self._used = 0
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        await self._connected()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=5)
        except (SMTPException, OSError, TimeoutError):
            client.close()

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected and self._used < PER_CONNECTION:
            return self._client
        await self.close()
        server = self.server
        implicit = server.tls == "tls" or (server.tls == "auto" and server.port == 465)
        # A password must never cross a line that somebody stripped of STARTTLS.
        demanded = server.tls == "starttls" or (server.tls == "auto" and bool(server.username))
        client = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout,
            use_tls=implicit,
            start_tls=False if implicit or server.tls == "none" else True if demanded else None,
            username=server.username or None,
            password=server.password or None,
        )
        try:
            await client.connect()
            await _greet(client)
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            client.close()
            raise MailerError(
                f"mail server {server.name}: {_brief(error)}. Nothing was sent; check [smtp] host, port, tls and the login"
            ) from error
        self._client, self._used = client, 0
        return client

    def holds(self) -> dict[str, datetime]:
        return {}

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        async with self._one_at_a_time:
            return await self._deliver(message, begin)

    async def _deliver(self, message: Message, begin: Begin) -> Delivery:
        client = await self._connected()
        self._used += 1
        started = datetime.now(UTC)
        phase = Phase.MAIL

        def ended(verdict: Verdict, code: int = 0, text: str = "") -> Delivery:
            return Delivery(
                outcome=verdict.outcome, server=self.server.name, phase=phase, code=code, text=text,
                enhanced=verdict.enhanced, fault=verdict.fault, started=started, ended=datetime.now(UTC),
            )  # fmt: skip

        try:
            sender, recipient, options = _envelope(message, client)
        except ValueError as error:
            return ended(Verdict(outcome="rejected", fault="reader"), text=str(error))
        try:
            reply = await client.execute_command(b"MAIL", b"FROM:<" + sender + b">", *options)
            if reply.code == 250:
                phase = Phase.RCPT
                reply = await client.execute_command(b"RCPT", b"TO:<" + recipient + b">")
            if reply.code in (250, 251):
                phase = Phase.DATA
                reply = await client.execute_command(b"DATA")
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()  # no byte of the body has left: the message may go again
            return ended(classify(phase, 0, ""), text=_brief(error))
        if phase is not Phase.DATA or reply.code != 354:
            await self._reset(client, reply)
            return ended(classify(phase, reply.code, reply.message), reply.code, reply.message)
        if not await begin():
            client.close()  # the only way out of DATA that sends nothing
            return ended(Verdict(outcome="lost"))
        phase = Phase.BODY
        try:
            reply = await self._send_body(client, message.data)
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            return ended(classify(phase, 0, ""), text=_brief(error))
        if reply.code == 421:
            client.close()
        return ended(classify(phase, reply.code, reply.message), reply.code, reply.message)

    async def _send_body(self, client: SMTP, data: bytes) -> SMTPResponse:
        """Body and final dot, then their one reply. aiosmtplib offers only DATA and body in one step, which leaves no place for `begin`."""
        protocol = client.protocol
        if not isinstance(protocol, SMTPProtocol):
            raise ConnectionResetError("connection lost before the body")
        body = _LEADING_DOT.sub(b"..", data)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        protocol._response_pending = True  # what execute_command does before it writes, lest the reply count as unsolicited
        protocol.write(body + b".\r\n")
        return await protocol.read_response(timeout=self.server.dot_timeout)

    async def _reset(self, client: SMTP, reply: SMTPResponse) -> None:
        """After a refusal the next message starts clean."""
        try:
            if reply.code == 421:
                client.close()
            else:
                await client.execute_command(b"RSET")
        except (SMTPException, OSError, TimeoutError, asyncio.CancelledError):
            client.close()


async def _greet(client: SMTP) -> None:
    """EHLO, or HELO where the server knows no better; `connect` greets only when TLS or a login need it."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


def _envelope(message: Message, client: SMTP) -> tuple[bytes, bytes, list[bytes]]:
    """Addresses in wire form and the options of MAIL; domains as A-labels, SMTPUTF8 only where a local part needs it.

    Raises:
        ValueError: an address cannot be written, or needs SMTPUTF8 and the server does not offer it.
    """
    sender, recipient = _wire(message.sender), _wire(message.recipient)
    options = [b"BODY=8BITMIME"] if client.supports_extension("8bitmime") and not message.data.isascii() else []
    if not (sender.isascii() and recipient.isascii()):
        if not client.supports_extension("smtputf8"):
            raise ValueError("the address has letters beyond ASCII before the @, and the mail server does not offer SMTPUTF8")
        options.append(b"SMTPUTF8")
    return sender, recipient, options


def _wire(address: str) -> bytes:
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or re.search(r"[\x00-\x20\x7f<>]", address):
        raise ValueError(f"{address!r} is no address that can be written in an envelope")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{domain!r} is no domain") from None
    return f"{local}@{ascii_domain}".encode()


def _brief(error: BaseException) -> str:
    return str(error) or type(error).__name__
