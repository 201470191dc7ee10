"""Limits on connections: their number, and the time for each step of a request.

uvicorn has no timeout for the head or body of a request. Its limit of connections answers everybody
with 503, which is what an attacker wants. So its protocol is extended.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.locales import count_noun

if sys.platform != "win32":
    import resource

log = logging.getLogger("digest.web.connections")
#: logger of refused requests, which clients could use to fill the log
REFUSALS = "digest.web.refused"

#: connections at once, if there are enough file descriptors; a proxy needs far fewer
_CONNECTIONS_MAX = 1000
#: file descriptors that the process asks for
_DESCRIPTORS = 8192
#: connections may use 1/3 of the descriptors; one turn of the event loop accepts 1/16 of them, at
#: most 128. A closed connection frees its descriptor up to four turns later.
_SHARE, _BACKLOG_SHARE, _BACKLOG_MAX = 3, 16, 128
#: errors of accept: no descriptors left for the process, for the machine, or no memory
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many connections are allowed, and how long each step may take."""

    connections: int = _CONNECTIONS_MAX
    #: connections accepted in one turn of the event loop
    backlog: int = _BACKLOG_MAX
    #: seconds for the head of a request, counted from its first octet or the open connection
    head: float = 10
    #: seconds for its body
    body: float = 60
    #: seconds for the client to take an answer
    answer: float = 60


def raise_limits() -> Limits:
    """Raise the process's limit of file descriptors, and return limits that fit it.

    Two thirds of the descriptors stay free for database, dumps and mail servers.
    """
    if sys.platform == "win32":  # has no such limit
        return Limits()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    desired = _DESCRIPTORS if hard == unlimited else min(hard, _DESCRIPTORS)
    if soft != unlimited and soft < desired:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (desired, hard))
            soft = desired
        except (OSError, ValueError):  # some systems have a lower limit
            log.info("open files limited limit=%d", soft)
    if soft == unlimited:
        return Limits()
    return Limits(
        connections=min(_CONNECTIONS_MAX, max(1, soft // _SHARE)),
        backlog=min(_BACKLOG_MAX, max(1, soft // _BACKLOG_SHARE)),
    )


class _Phase(Enum):
    HEAD = "waiting for the head of a request"
    BODY = "waiting for its body"
    ANSWER = "working on it"
    IDLE = "waiting for the next request"


class Connection(H11Protocol):
    """A connection that is closed when a step takes too long or its place is needed."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._phase = _Phase.HEAD
        self._since = self.loop.time()
        self._answered: object = None
        self._stuck_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_phase()

    def send_400_response(self, msg: str) -> None:
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer to the same request is on its way
            self.transport.abort()

    def _should_upgrade(self) -> bool:
        """Refuse quietly; the request is answered without the upgrade."""
        return False

    def _note_phase(self) -> None:
        """Note the current step and when it began."""
        phase = _Phase.HEAD
        if self.cycle is not None and not self.cycle.response_complete:
            phase = _Phase.BODY if self.cycle.more_body else _Phase.ANSWER
        elif self.cycle is not None and not self.conn.trailing_data[0]:
            phase = _Phase.IDLE
        if phase is not self._phase or self.cycle is not self._answered:
            self._phase, self._answered, self._since = phase, self.cycle, self.loop.time()

    def _make_room(self) -> None:
        """Close the connection that waited longest for its client.

        If none waits, close this one.
        """
        waiting = [
            connection
            for connection in self.connections
            if isinstance(connection, Connection)
            and connection is not self
            and connection.waits_for_client
        ]
        if waiting:
            min(waiting, key=lambda connection: connection._since).transport.abort()
        else:
            self._close(b"503 Service Unavailable")
        log.warning(
            "connections full limit=%d: the one that waited longest for its client is closed. "
            "Limit connections for each client in the proxy",
            self._limits.connections,
        )

    @property
    def waits_for_client(self) -> bool:
        return self._phase is not _Phase.ANSWER and not self.transport.is_closing()

    def close_overdue(self) -> None:
        """Close the connection if its client is too slow; called about every second."""
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > self._limits.answer:
            self.transport.abort()
            return
        allowed = {_Phase.HEAD: self._limits.head, _Phase.BODY: self._limits.body}.get(self._phase)
        if allowed is not None and now - self._since > allowed and not self.transport.is_closing():
            self._close(b"408 Request Timeout")

    def _close(self, status: bytes) -> None:
        """Close; send the status if no answer has begun."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(
                b"HTTP/1.1 %s\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                % status
            )
        self.transport.close()


class OncePerMinute(logging.Filter):
    """Log filter: passes a message once a minute, with the number of suppressed ones."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        #: (logger, text) -> time of the last passed message, number suppressed since
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key, now = (record.name, str(record.msg)), self._clock()
        since, suppressed = self._seen.get(key, (-60.0, 0))
        if now - since < 60:
            self._seen[key] = (since, suppressed + 1)
            return False
        if len(self._seen) > 100:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if suppressed:
            times = count_noun(suppressed, "more time")
            record.msg = f"{record.msg} (and {times} since the last such line)"
        return True


_once = OncePerMinute()


def quieten() -> None:
    """Limit how much clients can make the server write to the log."""
    for name in ("uvicorn.error", "asyncio", log.name, REFUSALS):
        logging.getLogger(name).addFilter(_once)


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line that no connection can be accepted.

    Handle other errors as usual.
    """
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        log.error(
            "connection not accepted: %s. Raise the limit of open files (LimitNOFILE)",
            error.strerror,
        )
    else:
        loop.default_exception_handler(context)
