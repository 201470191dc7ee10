"""A web application at an address of this machine, served in a thread until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import FastAPI

from digest.errors import DigestError
from digest.web.connections import Connection, Limits, on_loop_error, quieten, raise_limits
from digest.web.guard import HEADERS_MAX, TARGET_MAX

#: seconds that open requests get to end; one waits for the database that long at most
_GRACE = 20
#: seconds that a connection is kept open for the next request
_KEEP_ALIVE = 5
#: connections that wait in the system until they are accepted
_QUEUE = 512
#: octets of a request's head that comes in pieces
_HEAD_MAX = TARGET_MAX + HEADERS_MAX


class Listener:
    """Pages in a thread: `with Listener(...) as address: ...` yields their base address and stops
    them at the end.

    Args:
        make: gives the application, once the address is bound.
        bind: host:port; port 0 means any free one.
        key: what the operator set `bind` by, for the message when it cannot be used.
        stopped: called when the pages end, asked for or not.
        limits: on connections; by default what the process' descriptors allow.

    Raises:
        DigestError: on entering, when the address cannot be bound: which, why, and the remedy.
    """

    def __init__(
        self,
        make: Callable[[], FastAPI],
        bind: str,
        *,
        key: str,
        stopped: Callable[[], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits
        self._make, self._bind, self._key, self._stopped = make, bind, key, stopped
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Bind, answer, and return the base address, such as http://127.0.0.1:8025."""
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
                # a path holds a token, and a token is the right to act for a reader: none may reach
                # a log
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE,
            )
        except BaseException:
            listener.close()
            raise
        self._server = server = _Server(config)
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
        """Take no more requests, let the open ones end, and wait for that.

        Does nothing where nothing was started.
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
    """Tells when it answers, and looks after its connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(on_loop_error)
        await super().startup(sockets)
        for each in sockets or ():
            # asyncio has one number for what it accepts in a turn, which has to be small, and for
            # the queue of the system, where connections wait without a descriptor of ours.
            each.listen(_QUEUE)
        self.up.set()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # about every second
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.close_overdue()
        return await super().on_tick(counter)


def listen(bind: str, key: str) -> socket.socket:
    """A socket that takes connections at host:port.

    Raises:
        DigestError: the address cannot be bound; see `Listener`.
    """
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    # Without the protocol by name asyncio leaves Nagle's delay on: 40 ms for every page.
    listener = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(_QUEUE)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            why = (
                "another program listens there already (another `digest serve`?). Stop it, or set "
                "another port"
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            why = (
                "this user may not listen there. Set a port from 1024 on, and put a proxy before it"
            )
        else:
            why = (
                f"{error.strerror or error}. Set an address of this machine, or 0.0.0.0 for all of "
                f"them"
            )
        raise DigestError(f"{key} = {bind!r}: {why}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
