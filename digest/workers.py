"""Parallel work behind one function: `map(function, shared, items)`.

Workers get values and return values; they hold no database and no password.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from digest.errors import StoppedError

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """Applies a pure function to items; the results are in the order of the items."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]: ...


class Inline:
    """One after the other, in the caller."""

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        return (function(shared, item) for item in items)


class Threads:
    """Runs in a pool of threads.

    This helps since numpy and scipy release the interpreter lock.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count or os.cpu_count() or 1

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        with ThreadPoolExecutor(self.count, thread_name_prefix="digest-worker") as pool:
            yield from pool.map(lambda item: function(shared, item), items)


class Stoppable:
    """Other workers, which begin no further item once they are asked to stop.

    Args:
        workers: do the work.
        stop: asked before each item, by any thread.
    """

    def __init__(self, workers: Workers, stop: Callable[[], bool]) -> None:
        self._workers, self._stop = workers, stop

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Apply the function.

        Raises:
            StoppedError: `stop` said so; items that were begun have ended.
        """

        def work(shared: Shared, item: Item) -> Result:
            if self._stop():
                raise StoppedError("stopped between two batches; what was stored before stays")
            return function(shared, item)

        return self._workers.map(work, shared, items)
