"""Connections of the pages: a number of them at most, and a time for each step of a request.

uvicorn bounds neither the time for a request's head or body nor the number of connections (its
limit answers everybody with 503, which is what an attacker wants), so its protocol is extended.
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

if sys.platform != "win32":
    import resource

log = logging.getLogger("digest.web.connections")
#: the logger of what is refused to clients, who could fill the log with it
REFUSALS = "digest.web.refused"

#: connections at once, where descriptors allow as many; a proxy needs a fraction of it
_CONNECTIONS_MAX = 1000
#: descriptors that the process asks for
_DESCRIPTORS = 8192
#: parts of the descriptors that connections may have, that one turn of the event loop may accept,
#: and the most that one turn accepts. Up to four turns pass until a closed one is given back.
_SHARE, _BACKLOG_SHARE, _BACKLOG_MAX = 3, 16, 128
#: what no connection can be taken for: our descriptors, those of the machine, memory
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many connections there may be, and how long each may take."""

    connections: int = _CONNECTIONS_MAX
    #: connections accepted in one turn of the event loop
    backlog: int = _BACKLOG_MAX
    #: seconds for the head of a request, from its first octet or the opened connection
    head: float = 10
    #: seconds for its body
    body: float = 60
    #: seconds for an answer to be taken
    answer: float = 60


def raise_limits() -> Limits:
    """Let the process have the descriptors that its hard limit allows, and share them out.

    Two thirds stay for the work: the database, dumps, mail servers.
    """
    if sys.platform == "win32":  # which has no such limit
        return Limits()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _DESCRIPTORS if hard == unlimited else min(hard, _DESCRIPTORS)
    if soft != unlimited and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # some systems have a lower limit of their own
            log.info("the process may open %d files, and no more", soft)
    if soft == unlimited:
        return Limits()
    return Limits(
        connections=min(_CONNECTIONS_MAX, max(1, soft // _SHARE)),
        backlog=min(_BACKLOG_MAX, max(1, soft // _BACKLOG_SHARE)),
    )


class _Phase(Enum):
    HEAD = "the head of a request is awaited"
    BODY = "its body is awaited"
    ANSWER = "it is worked on"
    IDLE = "the next request may come"


class Connection(H11Protocol):
    """One connection, which is closed when a step takes too long or its place is needed."""

    def __init__(self, *given: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*given, **named)
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
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._settle()

    def send_400_response(self, msg: str) -> None:
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer to the same request is on its way
            self.transport.abort()

    def _should_upgrade(self) -> bool:
        """Say no without a word in the log; the request is answered as if nothing was offered."""
        return False

    def _settle(self) -> None:
        """Note which step of which request it is, and since when."""
        phase = _Phase.HEAD
        if self.cycle is not None and not self.cycle.response_complete:
            phase = _Phase.BODY if self.cycle.more_body else _Phase.ANSWER
        elif self.cycle is not None and not self.conn.trailing_data[0]:
            phase = _Phase.IDLE
        if phase is not self._phase or self.cycle is not self._answered:
            self._phase, self._answered, self._since = phase, self.cycle, self.loop.time()

    def _make_room(self) -> None:
        """Close what has waited longest for its client; refuse this one where all are at work."""
        waiting = [
            each
            for each in self.connections
            if isinstance(each, Connection) and each is not self and each.waits_for_client
        ]
        if waiting:
            min(waiting, key=lambda each: each._since).transport.abort()
        else:
            self._close(b"503 Service Unavailable")
        log.warning(
            "all %d connections are in use; the one that waited longest for its client is closed. "
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
        """Close with a status, where no answer has begun."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(
                b"HTTP/1.1 %s\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                % status
            )
        self.transport.close()


class OncePerMinute(logging.Filter):
    """Lets a message through once a minute, with the number of those that it stands for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        #: by logger and text: when it was let through, and how often it was held back since
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key, now = (record.name, str(record.msg)), self._clock()
        since, held = self._seen.get(key, (-60.0, 0))
        if now - since < 60:
            self._seen[key] = (since, held + 1)
            return False
        if len(self._seen) > 100:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if held:
            record.msg = f"{record.msg} (and {held} more times since the last such line)"
        return True


_once = OncePerMinute()


def quieten() -> None:
    """Bound what clients can make the server and the event loop write to the log."""
    for name in ("uvicorn.error", "asyncio", log.name, REFUSALS):
        logging.getLogger(name).addFilter(_once)


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell in one line that no connection could be taken; anything else as usual."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        log.error(
            "no connection can be taken: %s. Raise the limit of open files (LimitNOFILE)",
            error.strerror,
        )
    else:
        loop.default_exception_handler(context)
