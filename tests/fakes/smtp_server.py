"""A local mail server that follows a script of faults.

It records what it received and accepted.

    async with HostileSmtp({"RCPT": [Act(b"450 later\r\n"), Act.hang_up()]}) as server: ...

Each phase takes its acts in order. After the last act, the server behaves well. It runs in the
caller's event loop, or with `serving` in its own.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal, Self, cast

from digest.demo.servers import accept_connections, run_in_thread

Step = Literal[
    "BANNER", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "DOT", "RSET", "QUIT"
]
STEPS: tuple[Step, ...] = (
    "BANNER",
    "EHLO",
    "HELO",
    "STARTTLS",
    "AUTH",
    "MAIL",
    "RCPT",
    "DATA",
    "DOT",
    "RSET",
    "QUIT",
)


@dataclass(frozen=True, kw_only=True)
class Act:
    """An answer of the server instead of a proper reply."""

    say: bytes = b""
    #: "babble" = say it again and again; "be deaf" = read nothing more, and say `at_last` to that
    then: Literal["go on", "hang up", "keep silent", "babble", "be deaf"] = "go on"
    at_last: bytes = b""
    #: sends every byte on its own, and lets the event loop run in between
    bytewise: bool = False
    delay: float = 0.0

    @classmethod
    def reply(cls, text: str, **how: object) -> Self:
        return cls(say=text.encode().replace(b"\n", b"\r\n") + b"\r\n", **how)  # type: ignore[arg-type]

    @property
    def promises(self) -> bool:
        """Whether its first complete reply is a 2xx."""
        return (
            re.match(
                rb"(?:[0-9]{3}-[^\n]*\n)*2[0-9]{2}(?: [^\n]*)?\n", self.say.replace(b"\r", b"")
            )
            is not None
        )

    @classmethod
    def hang_up(cls) -> Self:
        return cls(then="hang up")

    @classmethod
    def silence(cls) -> Self:
        return cls(then="keep silent")


@dataclass
class Got:
    """A message that reached its final dot, and whether the server accepted it."""

    sender: str
    recipient: str
    data: bytes
    promised: bool
    #: parameters of MAIL and RCPT
    parameters: tuple[str, str] = ("", "")


@dataclass
class HostileSmtp:
    """One listening server; `port` once entered."""

    script: Mapping[Step, Sequence[Act]] = field(default_factory=dict)
    offers: Sequence[str] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    #: server side, for STARTTLS; `implicit` = from the first byte
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    #: for each message, bytes of its body after which to hang up; None = never
    drop_body_at: Sequence[int | None] = ()
    #: connections at once; more are rejected with 421
    most: int = 1000
    #: messages after which the server closes the connection, with a reply
    per_connection: int = 10**9
    #: bytes of the receive buffer; 0 = the system's default
    receive_buffer: int = 0

    port: int = 0
    got: list[Got] = field(default_factory=list)
    #: every command line, with the number of its connection and whether it was encrypted
    received: list[tuple[int, bool, bytes]] = field(default_factory=list)
    #: the bytes of all bodies, complete or not
    bodies: bytes = b""
    connections: int = 0
    open_connections: int = 0

    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._left = {step: list(acts) for step, acts in self.script.items()}
        self._drops = list(self.drop_body_at)
        listening = socket.create_server(("127.0.0.1", 0))
        if self.receive_buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.port = listening.getsockname()[1]
        await self._stack.enter_async_context(accept_connections(listening, self._serve_connection))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def leave(self) -> None:
        """Abort every conversation at once."""
        for talk in self._talks:
            talk.cancel()

    @property
    def accepted_recipients(self) -> list[str]:
        """Recipients of the messages that the server accepted."""
        return [message.recipient for message in self.got if message.promised]

    def commands(self, verb: str) -> list[str]:
        return [
            line.decode("utf-8", "replace").strip()
            for _, _, line in self.received
            if line.upper().startswith(verb.encode())
        ]

    async def _serve_connection(self, connection: socket.socket) -> None:
        writers: list[asyncio.StreamWriter] = []
        reader = asyncio.StreamReader(limit=2**20)
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: writers.append(writer))
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, connection, ssl=self.tls if self.implicit else None
            )
        except OSError:
            return
        (writer,) = writers
        self.connections += 1
        self.open_connections += 1
        talk = cast("asyncio.Task[None]", asyncio.current_task())
        self._talks.add(talk)
        try:
            await _Talk(self, reader, writer, self.connections, self.implicit).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, _Gone):
            pass
        finally:
            self.open_connections -= 1
            self._talks.discard(talk)
            writer.transport.abort()

    def act(self, step: Step) -> Act | None:
        left = self._left.get(step)
        return left.pop(0) if left else None

    def drop(self) -> int | None:
        return self._drops.pop(0) if self._drops else None


def serving(server: HostileSmtp) -> AbstractContextManager[HostileSmtp]:
    """Run the server in a thread and event loop of its own."""
    return run_in_thread(server)


class _Gone(Exception):
    """The script ends the connection here."""


class _Talk:
    def __init__(
        self,
        server: HostileSmtp,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
        encrypted: bool,
    ) -> None:
        self.server, self.reader, self.writer, self.number, self.encrypted = (
            server,
            reader,
            writer,
            number,
            encrypted,
        )
        self.sender: str | None = None
        self.recipient: str | None = None
        self.parameters = ["", ""]
        self.taken = 0

    async def run(self) -> None:
        server = self.server
        if server.open_connections > server.most:
            await self._write(b"421 4.7.0 too many connections\r\n")
            return
        await self.answer("BANNER", "220 hostile.example ESMTP")
        while line := await self._line():
            server.received.append((self.number, self.encrypted, line))
            verb = line[:4].upper().strip()
            if verb == b"QUIT":
                await self.answer("QUIT", "221 2.0.0 bye")
                return
            if not await self._session(verb) and not await self._transaction(verb, line):
                await self._write(b"500 5.5.2 what?\r\n")

    async def _session(self, verb: bytes) -> bool:
        """Handle a command about the connection; returns False for other commands."""
        if verb == b"EHLO":
            lines = [
                "hostile.example",
                *(
                    offer
                    for offer in self.server.offers
                    if offer != "STARTTLS" or not self.encrypted
                ),
            ]
            await self.answer(
                "EHLO", "\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines)
            )
        elif verb == b"HELO":
            await self.answer("HELO", "250 hostile.example")
        elif verb == b"STAR":
            await self._secure()
        elif verb == b"AUTH":
            await self.answer("AUTH", "235 2.7.0 welcome")
        elif verb == b"RSET":
            self.sender = self.recipient = None
            await self.answer("RSET", "250 2.0.0 ok")
        else:
            return False
        return True

    async def _transaction(self, verb: bytes, line: bytes) -> bool:
        """Handle a command about a message; returns False for other commands."""
        if verb == b"MAIL":
            if (await self.answer("MAIL", "250 2.1.0 ok")).startswith(b"2"):
                self.sender, self.parameters[0] = _address(line)
        elif verb == b"RCPT":
            said = await self.answer(
                "RCPT", "250 2.1.5 ok" if self.sender is not None else "503 5.5.1 MAIL first"
            )
            if said.startswith(b"2"):
                self.recipient, self.parameters[1] = _address(line)
        elif verb == b"DATA":
            said = await self.answer(
                "DATA",
                "354 go on" if self.recipient is not None else "554 5.5.1 no valid recipients",
            )
            if said.startswith(b"354"):
                await self._body()
        else:
            return False
        return True

    async def answer(self, step: Step, proper: str, got: Got | None = None) -> bytes:
        """Do what the script has for this step, or answer properly.

        Returns what was sent.
        """
        act = self.server.act(step) or Act.reply(proper)
        if got is not None:
            got.promised = act.promises
        if act.delay:
            await asyncio.sleep(act.delay)
        if act.bytewise:
            for at in range(len(act.say)):
                await self._write(act.say[at : at + 1])
                await asyncio.sleep(0)
        else:
            await self._write(act.say)
        if act.then == "hang up":
            self.writer.close()
            raise _Gone
        if act.then == "be deaf":
            self.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
            await self._write(act.at_last)
            await asyncio.sleep(3600)
        if act.then == "keep silent":
            while await self.reader.read(65536):
                pass
            raise _Gone
        while act.then == "babble":
            await self._write(act.say)
            await asyncio.sleep(0.001)
        return act.say

    async def _secure(self) -> None:
        if not self.server.tls:
            await self._write(b"502 5.5.1 no\r\n")
            return
        if (await self.answer("STARTTLS", "220 2.0.0 go ahead")).startswith(b"220"):
            await self.writer.start_tls(self.server.tls)
            self.encrypted = True

    async def _body(self) -> None:
        drop = self.server.drop()
        data = b""
        while not (data.endswith(b"\r\n.\r\n") or data == b".\r\n"):
            part = await (
                self.reader.readuntil(b"\n")
                if drop is None
                else self.reader.read(max(0, drop - len(data)))
            )
            self.server.bodies += part
            data += part
            if not part or (drop is not None and len(data) >= drop):
                self.writer.close()
                raise _Gone
        sender, recipient = self.sender or "", self.recipient or ""
        self.sender = self.recipient = None
        got = Got(
            sender,
            recipient,
            data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."),
            False,
            (self.parameters[0], self.parameters[1]),
        )
        self.server.got.append(got)
        self.taken += 1
        await self.answer("DOT", "250 2.0.0 queued", got)
        if self.taken >= self.server.per_connection:
            await self._write(b"421 4.4.2 enough for one connection\r\n")
            raise _Gone

    async def _line(self) -> bytes:
        return await self.reader.readline()

    async def _write(self, data: bytes) -> None:
        if data:
            self.writer.write(data)
            await self.writer.drain()


def _address(line: bytes) -> tuple[str, str]:
    """Return the address between angle brackets, and the parameters after it."""
    inside, _, behind = line.decode("utf-8", "replace").partition("<")[2].partition(">")
    return inside, behind.strip()
