"""Turns: the writers of one process wait in line for a SQLite file.

SQLite itself keeps no line. Who finds the file locked sleeps ever longer and asks again, so that a
writer who comes back at once, as a round does, is nearly always faster.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

#: seconds between two questions whether another process has unlocked the file
_POLL_SECONDS = 0.002


class Turns:
    """A fair lock: first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._line: deque[threading.Event] = deque()

    @contextmanager
    def wait(self, until: float) -> Iterator[None]:
        """Hold the turn during the block, which runs without it when the time is over.

        The block then finds the file still locked, and reports it as when another process locks it.

        Args:
            until: by `time.monotonic`.
        """
        mine = threading.Event()
        with self._lock:
            if self._taken:
                self._line.append(mine)
            else:
                self._taken = True
                mine.set()
        try:
            mine.wait(max(0.0, until - time.monotonic()))
            yield
        finally:
            self._leave(mine)

    def _leave(self, mine: threading.Event) -> None:
        """Give the turn to the next in line, or leave the line."""
        with self._lock:
            if not mine.is_set():
                self._line.remove(mine)
            elif self._line:
                self._line.popleft().set()
            else:
                self._taken = False


def begin_immediate(connection: sqlite3.Connection, until: float, busy_ms: int) -> None:
    """Begin to write, as soon as no other process does.

    Args:
        until: how long to wait, by `time.monotonic`.
        busy_ms: how long the connection's other statements wait.

    Raises:
        sqlite3.OperationalError: the file is locked for longer, or cannot be written.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _try_to_begin(connection, last=time.monotonic() >= until):
            time.sleep(_POLL_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(busy_ms)}")


def _try_to_begin(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
