"""Read the replies of one SMTP conversation from a transport.

Every command gets one reply, in order. aiosmtplib's own protocol keeps at most one reply; this one
supports pipelining (RFC 2920), and ends the conversation when a reply comes that no command asked
for. It knows lines and codes, not what commands mean.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import NamedTuple

#: bytes of a reply; the longest, to EHLO, takes a few kilobytes
MAX_REPLY = 65536
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
#: must not reach a terminal, log or database: control characters and lone surrogates
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Reply(NamedTuple):
    """A reply code and its text, on one line."""

    code: int
    text: str


class WireError(ConnectionError):
    """The conversation is over: connection lost, reply timed out, or no valid reply."""


def printable(text: str) -> str:
    """A server's text made safe to show and store: on one line, no control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


class Wire(asyncio.Protocol):
    """Takes over a connected transport.

    Call `send` with n commands, then n times `reply`.

    Both raise WireError once the conversation is over; replies that came before remain readable.
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
        #: why the conversation is over; "" = it is not
        self.closed_because = "connection lost" if transport.is_closing() else ""
        #: it is over because no reply came in time
        self.timed_out = False
        transport.set_protocol(self)

    def send(self, data: bytes, replies: int = 1) -> None:
        """Write commands; `replies` = how many replies the server owes for them."""
        if self.closed_because:
            raise WireError(self.closed_because)
        self._owed += replies
        self._transport.write(data)

    async def reply(self, timeout: float) -> Reply:
        """The next reply; `timeout` in seconds."""
        if not self._replies:
            if self.closed_because:
                raise WireError(self.closed_because)
            self._waiter = waiter = self._loop.create_future()
            timer = self._loop.call_later(timeout, self._on_timeout, timeout)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
            if not self._replies:
                raise WireError(self.closed_because)
        return self._replies.popleft()

    @property
    def has_unsent_bytes(self) -> bool:
        """Whether the network has not taken all that was written."""
        return self._transport.get_write_buffer_size() > 0

    def close(self) -> None:
        """Close; what was written before still goes out."""
        self._close_with("closed")
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what the network has not taken is dropped."""
        self._close_with("closed")
        self._transport.abort()

    # ------------------------------------------------------------------------------------------
    # called by the loop

    def data_received(self, data: bytes) -> None:
        if self.closed_because:
            return
        self._received += data
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end]).removesuffix(b"\r")
            del self._received[: end + 1]
            if not self._parse_line(line):
                return
        if self._length + len(self._received) > MAX_REPLY:
            self._fail("a reply without end")
        elif self._received and not self._owed:
            self._fail("the server spoke out of turn")
        elif self._replies:
            self._wake()

    def eof_received(self) -> bool:
        self._close_with("connection closed by the server")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._close_with(f"connection lost ({error})" if error else "connection lost")

    # ------------------------------------------------------------------------------------------
    # parsing

    def _parse_line(self, line: bytes) -> bool:
        self._length += len(line)
        if self._length > MAX_REPLY:
            self._fail("a reply without end")
            return False
        match = _LINE.match(line)
        if match is None or (self._lines and not line.startswith(self._lines[0][:3])):
            self._fail(f"no reply but {printable(line[:80].decode('utf-8', 'replace'))!r}")
            return False
        if not self._owed:
            # Replies and commands cannot be matched any more.
            self._fail(
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

    def _on_timeout(self, timeout: float) -> None:
        self.timed_out = not self.closed_because
        self._fail(f"no reply within {timeout:g} s")

    def _fail(self, why: str) -> None:
        self._close_with(why)
        self._transport.abort()

    def _close_with(self, why: str) -> None:
        self.closed_because = self.closed_because or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
