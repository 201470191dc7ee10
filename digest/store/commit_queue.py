"""Group commit for small writes of many threads, as the pages make them.

Whatever is asked for while another transaction runs goes into the next one. The first of those who
wait commits for all of them; nobody is answered before that commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Work = Callable[[Connection], T]


@dataclass(eq=False, slots=True)
class _Request:
    """A write that is asked for, and what became of it."""

    work: Work[Any]
    result: Any = None
    error: Exception | None = None
    done: bool = False


class CommitQueue:
    """Writes of many threads to a SQLite file, in as few transactions as possible.

    Args:
        writing: opens a transaction that commits at its end, and undoes all when something is
            raised.
    """

    def __init__(self, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._writing = writing
        self._lock = threading.Lock()
        self._requests: list[_Request] = []
        #: held by whoever commits
        self._committing = threading.Lock()

    def commit(self, work: Work[T]) -> T:
        """Run `work` in a transaction that others may share; return its result once committed.

        What it raises undoes its own writes alone. It may run twice, so it must change nothing but
        the database.

        Raises:
            StoreError: the database did not take the transaction.
        """
        request = _Request(work)
        with self._lock:
            self._requests.append(request)
        try:
            with self._committing:
                if not request.done:
                    self._commit_all()
        finally:
            with self._lock:
                self._requests.remove(request)
        if request.error is not None:
            raise request.error
        result: T = request.result
        return result

    def _list_open(self) -> list[_Request]:
        with self._lock:
            return [request for request in self._requests if not request.done]

    def _commit_all(self) -> None:
        """Commit what is asked for until the transaction begins."""
        group, begun = self._list_open(), False
        try:
            with self._writing() as tx:
                group, begun = self._list_open(), True
                for request in group:
                    request.result = request.work(tx)
        except Exception as error:  # noqa: BLE001
            if begun and len(group) > 1:
                self._commit_each(group)
            else:
                for request in group:
                    request.error = error
        for request in group:
            request.done = True

    def _commit_each(self, group: Sequence[_Request]) -> None:
        """Commit each write by itself, so that one at fault does not take the others with it."""
        for request in group:
            try:
                with self._writing() as tx:
                    request.result = request.work(tx)
            except Exception as error:  # noqa: BLE001
                request.error = error
