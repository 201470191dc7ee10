"""A web application at an address of this machine, served in a thread until it is told to stop."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from digest.errors import DigestError

#: seconds that open requests get to end; one waits for the database that long at most
_GRACE = 20


class Listener:
    """Pages in a thread: `with Listener(...) as address: ...` yields their base address and stops them at the end.

    Args:
        make: gives the application, once the address is bound.
        bind: host:port; port 0 means any free one.
        key: what the operator set `bind` by, for the message when it cannot be used.
        stopped: called when the pages end, asked for or not.

    Raises:
        DigestError: on entering, when the address cannot be bound: which, why, and the remedy.
    """

    def __init__(self, make: Callable[[], FastAPI], bind: str, *, key: str, stopped: Callable[[], None] | None = None) -> None:
        self._make, self._bind, self._key, self._stopped = make, bind, key, stopped
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Bind, answer, and return the base address, such as http://127.0.0.1:8025."""
        listener = listen(self._bind, self._key)
        address = _address(listener)
        try:
            config = uvicorn.Config(
                self._make(),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="warning",
                # a path holds a token, and a token is the right to act for a reader: none may reach a log
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE,
            )
        except BaseException:
            listener.close()
            raise
        self._server = server = _Server(config)
        self._thread = threading.Thread(target=self._serve, args=(server, listener), name="digest-web", daemon=True)
        self._thread.start()
        server.up.wait()
        if not server.started:
            self.stop()
            raise DigestError(f"the pages could not be served at {address}; the log says why")
        return address

    def stop(self) -> None:
        """Take no more requests, let the open ones end, and wait for that. Does nothing where nothing was started."""
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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def listen(bind: str, key: str) -> socket.socket:
    """A socket that takes connections at host:port.

    Raises:
        DigestError: the address cannot be bound; see `Listener`.
    """
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    # Without the protocol by name asyncio leaves Nagle's delay on: 40 ms for every page.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            why = "another program listens there already (another `digest serve`?). Stop it, or set another port"
        elif error.errno in (errno.EACCES, errno.EPERM):
            why = "this user may not listen there. Set a port from 1024 on, and put a proxy before it"
        else:
            why = f"{error.strerror or error}. Set an address of this machine, or 0.0.0.0 for all of them"
        raise DigestError(f"{key} = {bind!r}: {why}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
