"""A connection pool for one server, bounded by the server's limit.

Knows nothing of messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections import deque
from time import monotonic

from digest.mail.mailer.server import ConnectError, SmtpServer, tls_context
from digest.mail.mailer.session import Session

#: seconds for which a limit that the server showed is respected
_LIMIT_VALID = 60.0


class ConnectionPool:
    """Use as: acquire, deliver one message, release.

    A waiter is woken when a connection is free, or when waiting has become pointless.
    """

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._idle: list[Session] = []
        #: open connections, idle or in use
        self._open_count = 0
        #: connections being opened
        self._opening = 0
        #: how many connections the server was seen to allow, and until when to believe that
        self._limit = server.connections
        self._limit_until = -math.inf
        self._context: ssl.SSLContext | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()

    async def acquire(self) -> Session | None:
        """Return a connection, or None if the caller must choose a server again.

        None means that something changed while waiting, or that the server showed its limit.

        Raises:
            ConnectError: there is none and none can be opened.
        """
        while self._idle:
            session = self._idle.pop()  # last used first: the server may close the older ones
            if not session.over:
                return session
            self._close(session)
        allowed = self._limit if monotonic() < self._limit_until else self.server.connections
        if self._open_count + self._opening < allowed:
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
        """Give a connection back, and wake the next waiter."""
        if session.over:
            self._close(session)
        else:
            self._idle.append(session)
        self.wake()

    def wake(self, *, everybody: bool = False) -> None:
        """Wake the next waiter.

        A waiter that was woken and does not come to `release` must call this, too.
        """
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                if not everybody:
                    return

    async def close(self) -> None:
        """Close all idle connections; never raises."""
        for session in self._idle:
            self._close(session)
        self._idle.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _open(self) -> Session | None:
        """Open a connection; None tells the caller to choose a server again.

        A failed attempt is taken as the server's limit: the number of the other connections. If the
        server is down, the attempts fail one by one, until the last has no others and raises.

        Raises:
            ConnectError: the attempt failed, and there are no other connections.
        """
        self._opening += 1
        try:
            if self._context is None and self.server.tls != "none":
                self._context = tls_context(self.server)
            session = await Session.open(self.server, self._context)
        except ConnectError as error:
            # No further connection may ever come, so all waiters choose a server again.
            self.wake(everybody=True)
            if others := self._open_count + self._opening - 1:
                self._limit, self._limit_until = others, monotonic() + _LIMIT_VALID
                return None
            self._limit_until = -math.inf
            if error.busy and self._closing:
                # the server may still count connections that are being closed
                await asyncio.wait(self._closing, return_when=asyncio.FIRST_COMPLETED)
                return None
            raise
        finally:
            self._opening -= 1
            self.wake()  # the end of an attempt may leave room for the next waiter to open one
        self._open_count += 1
        return session

    def _close(self, session: Session) -> None:
        self._open_count -= 1
        task = asyncio.get_running_loop().create_task(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
