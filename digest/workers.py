"""Parallel work behind one function: `map(function, shared, items)`.

Workers get values and return values; they hold no database and no password.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

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
