"""The replies of one SMTP conversation, read off a transport: every command is owed one reply, in
order, and nothing else may come.

aiosmtplib's own protocol keeps at most one reply and waits for each in several layers; here several
commands may be under way at once (RFC 2920), and a server that speaks out of turn is found out.
Knows lines and codes, not what commands mean.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import NamedTuple

#: a reply longer than this is no reply: EHLO, the longest, takes a few kilobytes
MAX_REPLY = 65536
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
#: what must not reach a terminal, a log line or a database: controls, and the halves of characters
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Reply(NamedTuple):
    """A reply code and its text, on one line."""

    code: int
    text: str


class WireError(ConnectionError):
    """The conversation is over: the connection was lost, a reply did not come in time, or what came
    is no reply.
    """


def printable(text: str) -> str:
    """What a server said, fit to be shown and stored: on one line, without controls."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


class Wire(asyncio.Protocol):
    """Takes over a connected transport. Use as: send (n commands), then n times reply.

    Raises WireError from `send` and `reply` once the conversation is over; replies that came in
    order before remain readable.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._lines: list[bytes] = []
        self._length = 0
        self._replies: deque[Reply] = deque()
        self._owed = 0
        self._waiter: asyncio.Future[None] | None = None
        #: why the conversation is over, or ""
        self.over = "connection lost" if transport.is_closing() else ""
        #: it is over because the server kept silent
        self.silent = False
        transport.set_protocol(self)

    def send(self, data: bytes, replies: int = 1) -> None:
        """Write; `replies` = how many the server owes for it."""
        if self.over:
            raise WireError(self.over)
        self._owed += replies
        self._transport.write(data)

    async def reply(self, timeout: float) -> Reply:
        """The next reply; seconds."""
        if not self._replies:
            if self.over:
                raise WireError(self.over)
            self._waiter = waiter = self._loop.create_future()
            alarm = self._loop.call_later(timeout, self._late, timeout)
            try:
                await waiter
            finally:
                alarm.cancel()
                self._waiter = None
            if not self._replies:
                raise WireError(self.over)
        return self._replies.popleft()

    @property
    def unsent(self) -> bool:
        """Whether bytes wait that the network has not taken yet."""
        return self._transport.get_write_buffer_size() > 0

    def close(self) -> None:
        """Part; what was written before still goes out."""
        self._over("closed")
        self._transport.close()

    def abort(self) -> None:
        """Part at once; what the network has not taken is dropped."""
        self._over("closed")
        self._transport.abort()

    # ------------------------------------------------------------------------------------------
    # called by the loop

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        self._received += data
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end]).removesuffix(b"\r")
            del self._received[: end + 1]
            if not self._line(line):
                return
        if self._length + len(self._received) > MAX_REPLY:
            self._end("a reply without end")
        elif self._received and not self._owed:
            self._end("the server spoke out of turn")
        elif self._replies:
            self._wake()

    def eof_received(self) -> bool:
        self._over("connection closed by the server")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._over(f"connection lost ({error})" if error else "connection lost")

    # ------------------------------------------------------------------------------------------
    # parsing

    def _line(self, line: bytes) -> bool:
        self._length += len(line)
        if self._length > MAX_REPLY:
            self._end("a reply without end")
            return False
        match = _LINE.match(line)
        if match is None or (self._lines and not line.startswith(self._lines[0][:3])):
            self._end(f"no reply but {printable(line[:80].decode('utf-8', 'replace'))!r}")
            return False
        if not self._owed:
            # Whatever this was meant for, replies and commands cannot be paired any more.
            self._end(
                f"the server spoke out of turn: {printable(line[:80].decode('utf-8', 'replace'))!r}"
            )
            return False
        self._lines.append(line)
        if match[2] == b"-":
            return True
        text = b" ".join([part[4:].strip() for part in self._lines]).decode("utf-8", "replace")
        self._replies.append(Reply(int(match[1]), printable(text)))
        self._owed -= 1
        self._lines.clear()
        self._length = 0
        return True

    def _late(self, timeout: float) -> None:
        self.silent = not self.over
        self._end(f"no reply within {timeout:g} s")

    def _end(self, why: str) -> None:
        self._over(why)
        self._transport.abort()

    def _over(self, why: str) -> None:
        self.over = self.over or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
