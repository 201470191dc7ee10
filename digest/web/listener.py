"""Serve a web application at a local address, in a thread, until stopped."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any

import uvicorn

from digest.errors import DigestError
from digest.web.connections import Connection, Limits, on_loop_error, quieten, raise_limits
from digest.web.middleware import HEADERS_MAX, TARGET_MAX

#: seconds for open requests to end; a request waits for the database at most that long
_GRACE = 20
#: seconds that a connection is kept open for the next request
_KEEP_ALIVE = 5
#: connections that the system holds until they are accepted
_QUEUE = 512
#: seconds after which a loop that answers nobody counts as stalled
STALLED_AFTER = 60.0
#: octets of a request's head that comes in several packets
_HEAD_MAX = TARGET_MAX + HEADERS_MAX


#: a web application, as uvicorn takes it
Application = Callable[..., Awaitable[None]]


class Listener:
    """A web server in a thread.

    `with Listener(...) as address: ...` yields the base address and stops the server at the end.

    Args:
        make: makes the application, after the address is bound.
        bind: host:port; port 0 means any free port.
        key: the setting or option that holds `bind`, for error messages.
        stopped: called when the server ends for any reason.
        limits: on connections; by default what the file descriptors allow.
        advance: called about every second with the seconds within which the next call comes.

    Raises:
        DigestError: on entering, if the address cannot be bound.
    """

    def __init__(
        self,
        make: Callable[[], Application],
        bind: str,
        *,
        key: str,
        stopped: Callable[[], None] | None = None,
        limits: Limits | None = None,
        advance: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._limits, self._advance = limits, advance
        self._make, self._bind, self._key, self._stopped = make, bind, key, stopped
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Start the server and return its base address, such as http://127.0.0.1:8025."""
        listener = listen(self._bind, self._key)
        address = _address(listener)
        limits = self._limits or raise_limits()
        quieten()
        protocol: Any = partial(Connection, limits=limits)
        try:
            config = uvicorn.Config(
                self._make(),
                http=protocol,
                backlog=limits.backlog,
                timeout_keep_alive=_KEEP_ALIVE,
                h11_max_incomplete_event_size=_HEAD_MAX,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="warning",
                # a path contains a token, which is a secret
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE,
            )
        except BaseException:
            listener.close()
            raise
        self._server = server = _Server(config, self._advance)
        self._thread = threading.Thread(
            target=self._serve, args=(server, listener), name="digest-web", daemon=True
        )
        self._thread.start()
        server.up.wait()
        if not server.started:
            self.stop()
            raise DigestError(f"the pages could not be served at {address}; the log says why")
        return address

    def stop(self) -> None:
        """Accept no more requests and wait until the open ones have ended.

        Does nothing if the server was not started.
        """
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def _serve(self, server: _Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        finally:
            listener.close()
            server.up.set()
            if self._stopped:
                self._stopped()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Signals when it is ready, and closes overdue connections."""

    def __init__(self, config: uvicorn.Config, advance: Callable[[float], None]) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._advance = advance

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(on_loop_error)
        await super().startup(sockets)
        for listening in sockets or ():
            # asyncio uses one number for connections accepted per turn, which must be small, and
            # for the system's queue, where waiting connections need no descriptor of ours
            listening.listen(_QUEUE)
        self.up.set()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # about every second
            self._advance(STALLED_AFTER)
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.close_overdue()
        return await super().on_tick(counter)


def listen(bind: str, key: str) -> socket.socket:
    """Open a socket that accepts connections at host:port.

    Raises:
        DigestError: the address cannot be bound.
    """
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    # asyncio turns off Nagle's delay of 40 ms only if the protocol is given
    listener = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        if os.name == "posix":  # on Windows it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(_QUEUE)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            reason = (
                "another program listens there already (another `digest serve`?). Stop it, or set "
                "another port"
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            reason = (
                "this user may not listen there. Set a port from 1024 on, with a proxy in front"
            )
        else:
            reason = (
                f"{error.strerror or error}. Set an address of this machine, or 0.0.0.0 for all of "
                f"them"
            )
        raise DigestError(f"{key} = {bind!r}: {reason}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
