"""The connections to one server: made when needed, kept while they stand, never more than the
server allows. Knows nothing of messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections import deque
from time import monotonic

from digest.mail.mailer.session import ConnectError, Session, SmtpServer

#: seconds for which a server that refused one more connection is not asked for more
_LIMIT_BELIEVED = 60.0


class Pool:
    """Use as: acquire, one message, release.

    Who waits for a connection is woken when one is free, or when waiting has become senseless.
    """

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._idle: list[Session] = []
        #: connections that stand, idle or in use, and those being made
        self._live = 0
        self._opening = 0
        #: what the server was found to allow, and until when that is believed
        self._limit = server.connections
        self._limit_until = -math.inf
        self._context: ssl.SSLContext | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._parting: set[asyncio.Task[None]] = set()

    async def acquire(self) -> Session | None:
        """A connection.

        None: there was none to be had, and something has changed since; think again.

        Raises:
            ConnectError: there is none and none can be made.
        """
        while self._idle:
            session = self._idle.pop()  # the one used last: the others may end by their own custom
            if not session.over:
                return session
            self._end(session)
        allowed = self._limit if monotonic() < self._limit_until else self.server.connections
        if self._live + self._opening < allowed:
            return await self._open()
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
        return None

    def release(self, session: Session) -> None:
        if session.over:
            self._end(session)
        else:
            self._idle.append(session)
        self.wake()

    def wake(self, *, everybody: bool = False) -> None:
        """The turn of the next who waits.

        Whoever was woken and does not come to `release` calls this, too.
        """
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                if not everybody:
                    return

    async def close(self) -> None:
        """Part from all that are idle; never raises."""
        for session in self._idle:
            self._end(session)
        self._idle.clear()
        await asyncio.gather(*self._parting, return_exceptions=True)

    async def _open(self) -> Session | None:
        self._opening += 1
        try:
            if self._context is None and self.server.tls != "none":
                self._context = trusting(self.server)
            session = await Session.open(self.server, self._context)
        except ConnectError as error:
            self.wake(everybody=True)
            if others := self._live + self._opening - 1:
                # The server allows no more than those that stand or are being let in; where it lets
                # nobody in, the last of them says so.
                self._limit, self._limit_until = others, monotonic() + _LIMIT_BELIEVED
                return None
            self._limit_until = -math.inf
            if error.busy and self._parting:  # which it may count still
                await asyncio.wait(self._parting, return_when=asyncio.FIRST_COMPLETED)
                return None
            raise
        finally:
            self._opening -= 1
            self.wake()
        self._live += 1
        return session

    def _end(self, session: Session) -> None:
        self._live -= 1
        task = asyncio.get_running_loop().create_task(session.close())
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


def trusting(server: SmtpServer) -> ssl.SSLContext:
    """Whom to believe that they are that server.

    Raises:
        ConnectError: its certificates cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise ConnectError(
            f"ca_file {server.ca_file}: no certificates can be read from it ({error})"
        ) from error
