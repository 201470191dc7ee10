"""Servers of this machine that end in order: once over, no connection, task or thread of theirs is
left.

asyncio's own server loses whom it is just letting in when it closes, and aiosmtpd's controller
closes its loop over tasks that still run.
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


@asynccontextmanager
async def letting_in(
    listening: socket.socket, talk: Callable[[socket.socket], Coroutine[None, None, None]]
) -> AsyncIterator[None]:
    """Have a talk with everybody who connects, each in a task of this loop; at the end the socket
    is closed and the talks are cancelled.

    Args:
        talk: gets a connection that does not block, and aborts the transport it makes of it in
        every case.
    """
    loop = asyncio.get_running_loop()
    standing: dict[asyncio.Task[None], socket.socket] = {}

    def let_in() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # gone again before it was let in
            return
        connection.setblocking(False)
        task = loop.create_task(talk(connection))
        standing[task] = connection
        task.add_done_callback(standing.pop)

    listening.setblocking(False)
    loop.add_reader(listening, let_in)
    try:
        yield
    finally:
        loop.remove_reader(listening)
        listening.close()
        tasks = dict(standing)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # An aborted transport closes in the next round of the loop; one that never began, not by
        # itself.
        await asyncio.sleep(0)
        for connection in tasks.values():
            connection.close()


@contextmanager
def in_a_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """A server in a thread and loop of its own; what its entering raises is raised here."""
    begun: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, T] | BaseException] = (
        queue.SimpleQueue()
    )

    async def stay() -> None:
        try:
            async with server as entered:
                over = asyncio.Event()
                begun.put((asyncio.get_running_loop(), over, entered))
                await over.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            begun.put(error)

    thread = threading.Thread(target=lambda: asyncio.run(stay()), daemon=True)
    thread.start()
    stands = begun.get()
    if isinstance(stands, BaseException):
        thread.join()
        raise stands
    loop, over, entered = stands
    try:
        yield entered
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
