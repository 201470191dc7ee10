"""Work of seconds that a page asks for: a bounded amount at once, and nothing computed twice.

Such work has threads of its own. The pages that answer at once never wait for it: those that need
it hold no thread of theirs while it runs, and are refused where too much waits already.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from digest.errors import BusyError

T = TypeVar("T")


class HeavyWork(Generic[T]):
    """Results of expensive functions, kept while nothing that they depend on changes.

    Args:
        at_once: jobs that run together; by default one for each two cores.
        waiting: jobs that may wait for their turn.
        kept: results that are kept, the last used ones.
        retry_after: seconds that a request is told to come back after.
    """

    def __init__(
        self, *, at_once: int = 0, waiting: int = 8, kept: int = 50, retry_after: int = 10
    ) -> None:
        at_once = at_once or max(1, (os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="digest-heavy")
        self._most, self._kept, self._retry_after = at_once + waiting, kept, retry_after
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._jobs: dict[tuple[Hashable, Hashable], Future[T]] = {}

    async def get(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute` for a key, as it is for this version of all it depends on.

        Requests for the same key and version share one job; a job that fails is not kept.

        Raises:
            BusyError: as many jobs as are allowed run and wait already.
        """
        with self._lock:
            known = self._results.get(key)
            if known is not None and known[0] == version:
                self._results.move_to_end(key)
                return known[1]
            job = self._jobs.get((key, version))
            if job is None:
                if len(self._jobs) >= self._most:
                    raise BusyError(self._retry_after)
                job = self._threads.submit(self._run, key, version, compute)
                self._jobs[key, version] = job
        # A request that is given up must not take the job from the others that wait for it.
        return await asyncio.shield(asyncio.wrap_future(job))

    def _run(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        try:
            result = compute()
            with self._lock:
                self._results[key] = (version, result)
                self._results.move_to_end(key)
                while len(self._results) > self._kept:
                    self._results.popitem(last=False)
            return result
        finally:
            with self._lock:
                del self._jobs[key, version]
