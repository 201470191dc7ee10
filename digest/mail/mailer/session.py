"""One connection to one mail server: message after message over its transport.

The phases MAIL, RCPT, DATA and body are kept apart: before the body nothing can have been taken,
after it only a reply tells. Commands are pipelined (RFC 2920) where the server offers it. Knows
nothing of other connections, rates or the ledger.
"""

from __future__ import annotations

import ssl
from typing import NamedTuple, Self

from digest.mail.mailer.base import Begin
from digest.mail.mailer.envelope import (
    Envelope,
    Extensions,
    UnsendableError,
    dot_stuff,
    envelope_commands,
)
from digest.mail.mailer.handshake import connect
from digest.mail.mailer.replies import Verdict, classify
from digest.mail.mailer.server import SmtpServer, StaleError
from digest.mail.mailer.wire import Reply, Wire, WireError
from digest.model import Message, Phase

#: seconds to wait for the reply to QUIT
_QUIT_TIMEOUT = 5.0


class Result(NamedTuple):
    """How far a message got and what became of it."""

    phase: Phase
    verdict: Verdict
    code: int = 0
    text: str = ""


class Session:
    """One conversation: call `deliver` for one message after another, until `over`."""

    def __init__(
        self, server: SmtpServer, wire: Wire, extensions: Extensions, *, encrypted: bool
    ) -> None:
        #: whether the connection is under TLS
        self.encrypted = encrypted
        #: what the server offers
        self.extensions = extensions
        self._server = server
        self._wire = wire
        #: a refused message left its envelope behind
        self.needs_rset = False
        self._used = 0

    @classmethod
    async def open(cls, server: SmtpServer, context: ssl.SSLContext | None) -> Self:
        """Connect, greet, secure and log in.

        Raises:
            ConnectError: it did not come to a login.
        """
        transport, extensions = await connect(server, context)
        encrypted = transport.get_extra_info("sslcontext") is not None
        return cls(server, Wire(transport), extensions, encrypted=encrypted)

    @property
    def over(self) -> bool:
        """Whether this session can take no further message."""
        return bool(self._wire.closed_because) or self._used >= self._server.per_connection

    async def deliver(self, envelope: Envelope, message: Message, begin: Begin) -> Result:
        """Try to hand over one message.

        Raises:
            StaleError: the server had closed the connection; `begin` was not called.
        """
        try:
            body = message.signed if message.has_plain_lines else dot_stuff(message.signed)
            mail, rcpt = envelope_commands(envelope, message, body, self.extensions)
        except UnsendableError as error:
            verdict = Verdict(outcome="rejected", fault=error.fault, enhanced=error.enhanced)
            return Result(Phase.MAIL, verdict, 0, str(error))
        self._used += 1
        try:
            phase, reply = await self._send_envelope(mail, rcpt)
            if phase is not Phase.DATA or reply.code != 354:
                return self._refusal(phase, reply)
            if (lost := self._lost_connection()) is not None:
                return lost
            if not await begin():
                self._wire.abort()  # the only way out of DATA that sends nothing
                return Result(Phase.DATA, Verdict(outcome="lost"))
            # the connection may have been lost while `begin` was at work
            if (lost := self._lost_connection()) is not None:
                return lost
            return await self._send_body(body)
        except BaseException:
            # Cancelled, or `begin` failed: the body must not be completed, nor the connection used.
            self._wire.abort()
            raise

    def _lost_connection(self) -> Result | None:
        """The result if the connection was lost after 354 and before the body."""
        if not self._wire.closed_because:
            return None
        return Result(Phase.DATA, classify(Phase.DATA, 0, ""), 0, self._wire.closed_because)

    async def _send_envelope(self, mail: bytes, rcpt: bytes) -> tuple[Phase, Reply]:
        """Send MAIL, RCPT and DATA, pipelined if offered.

        Returns:
            The reply to DATA, or to the first command that was refused; code 0 = no reply came.
        """
        wire, timeouts = self._wire, self._server.timeouts
        steps = [
            (Phase.MAIL, mail, timeouts.mail),
            (Phase.RCPT, rcpt, timeouts.rcpt),
            (Phase.DATA, b"DATA\r\n", timeouts.data),
        ]
        phase = Phase.MAIL
        try:
            if reset := self.needs_rset:
                wire.send(b"RSET\r\n")
            if self.extensions.pipelining:
                wire.send(b"".join([command for _, command, _ in steps]), len(steps))
            if reset:
                # A server that refuses RSET refuses MAIL as well.
                self.needs_rset = (await wire.reply(timeouts.mail)).code != 250
            for phase, command, timeout in steps:
                if not self.extensions.pipelining:
                    wire.send(command)
                reply = await wire.reply(timeout)
                if phase is Phase.DATA or not 200 <= reply.code <= 299:
                    break
        except WireError as error:
            if phase is Phase.MAIL and self._used > 1 and not wire.timed_out:
                raise StaleError(str(error)) from error
            return phase, Reply(0, str(error))
        if phase is not Phase.DATA and self.extensions.pipelining:
            await self._drain(2 if phase is Phase.MAIL else 1)
        return phase, reply

    async def _drain(self, owed: int) -> None:
        """Read the replies to pipelined commands that followed a refusal.

        A server that goes on to DATA nevertheless is left.
        """
        try:
            for _ in range(owed):
                reply = await self._wire.reply(self._server.timeouts.data)
                if reply.code in (354, 421):
                    self._wire.abort()
                    return
        except WireError:
            return  # the refusal stands

    def _refusal(self, phase: Phase, reply: Reply) -> Result:
        if phase is Phase.MAIL and reply.code == 421 and self._used > 1:
            self._wire.abort()
            raise StaleError(reply.text)
        self.needs_rset = True
        if not 400 <= reply.code <= 599 or reply.code == 421:
            self._wire.abort()
        return Result(phase, classify(phase, reply.code, reply.text), reply.code, reply.text)

    async def _send_body(self, body: bytes) -> Result:
        try:
            self._wire.send(body + b".\r\n")
            reply = await self._wire.reply(self._server.timeouts.dot)
        except WireError as error:
            return Result(Phase.BODY, classify(Phase.BODY, 0, ""), 0, str(error))
        if self._wire.has_unsent_bytes:
            self._wire.abort()
            if reply.code < 400:
                # The final dot has not even left: whatever this answers, it is not the message.
                text = f"answered before the message was sent: {reply.text}"
                return Result(Phase.BODY, Verdict(outcome="unknown"), reply.code, text)
        if not 200 <= reply.code <= 299:
            self.needs_rset = True
            if reply.code < 400 or reply.code == 421:
                self._wire.abort()
        verdict = classify(Phase.BODY, reply.code, reply.text)
        return Result(Phase.BODY, verdict, reply.code, reply.text)

    async def close(self) -> None:
        """Send QUIT and wait briefly for the reply; never raises."""
        try:
            self._wire.send(b"QUIT\r\n")
            await self._wire.reply(_QUIT_TIMEOUT)
        except WireError:
            pass
        finally:
            self._wire.close()
