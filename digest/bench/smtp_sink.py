"""A mail server that accepts every message and keeps none, as a program of its own.

It stands in where Postfix's smtp-sink is missing. It listens on a free local port, prints its
number, and serves until its standard input ends.

    python -I -S smtp_sink.py
"""

import asyncio
import sys

_GREETING = b"220 localhost ESMTP\r\n"
_HELLO = b"250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
_END = b"\r\n.\r\n"


class Conversation(asyncio.Protocol):
    """One connection, in which lines of commands and messages alternate."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport
        self._received = bytearray()
        self._in_message = False
        transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._answer():
            pass

    def _answer(self) -> bool:
        """Answer a command or message; return False when it is not complete yet."""
        end = _END if self._in_message else b"\r\n"
        # An end can lie across two pieces. What comes before is dropped, except for its last bytes.
        place = self._received.find(end)
        if place < 0:
            if self._in_message:
                del self._received[: -len(_END)]
            return False
        line = bytes(self._received[:place])
        del self._received[: place + len(end)]
        if self._in_message:
            self._in_message = False
            self._transport.write(b"250 2.0.0 Ok\r\n")
            return True
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_message = True
            # so that the end of an empty message is found as well
            self._received[:0] = b"\r\n"
            self._transport.write(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        elif verb in (b"EHLO", b"HELO"):
            self._transport.write(_HELLO)
        elif verb == b"QUIT":
            self._transport.write(b"221 2.0.0 Bye\r\n")
            self._transport.close()
            return False
        else:
            self._transport.write(b"250 2.0.0 Ok\r\n")
        return True


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Conversation, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
