"""Local servers that shut down cleanly: no connection, task or thread is left.

asyncio's own server loses connections that it is just accepting when it closes, and aiosmtpd's
controller closes its loop while tasks still run.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

T = TypeVar("T")
#: of a loop, in which the transports of ended conversations close
_LAST_ITERATIONS = 5


@asynccontextmanager
async def accept_connections(
    listening: socket.socket, talk: Callable[[socket.socket], Coroutine[None, None, None]]
) -> AsyncIterator[None]:
    """Run `talk` for each connection, as a task of this loop.

    At the end the socket is closed and the tasks are cancelled.

    Args:
        talk: gets a non-blocking connection; it must abort the transport that it makes of it.
    """
    loop = asyncio.get_running_loop()
    connections: dict[asyncio.Task[None], socket.socket] = {}

    def accept() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # closed again before it was accepted
            return
        connection.setblocking(False)
        task = loop.create_task(talk(connection))
        connections[task] = connection
        task.add_done_callback(connections.pop)

    listening.setblocking(False)
    loop.add_reader(listening, accept)
    try:
        yield
    finally:
        loop.remove_reader(listening)
        listening.close()
        tasks = dict(connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # An aborted transport closes in the next iterations of the loop, also that of a task that
        # has just ended. A connection whose task never began must be closed here.
        for _ in range(_LAST_ITERATIONS):
            await asyncio.sleep(0)
        for connection in tasks.values():
            connection.close()


@contextmanager
def run_in_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Run a server in a thread with its own loop; start-up errors raise here."""
    started: queue.SimpleQueue[
        tuple[asyncio.AbstractEventLoop, asyncio.Event, T] | BaseException
    ] = queue.SimpleQueue()

    async def stay() -> None:
        try:
            async with server as entered:
                over = asyncio.Event()
                started.put((asyncio.get_running_loop(), over, entered))
                await over.wait()
        except BaseException as error:  # noqa: BLE001 - raised again by the waiting thread
            started.put(error)

    thread = threading.Thread(target=lambda: asyncio.run(stay()), daemon=True)
    thread.start()
    outcome = started.get()
    if isinstance(outcome, BaseException):
        thread.join()
        raise outcome
    loop, over, entered = outcome
    try:
        yield entered
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def free_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
