"""A single-flight cache for work of seconds.

Requests for the same result share one job.

The jobs run in their own small pool, so fast pages never wait for them. A request holds no thread
while its job runs. When too many jobs wait, further requests are refused.
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


class SingleFlightCache(Generic[T]):
    """Results of expensive functions, by key and version.

    Args:
        workers: jobs that run at the same time; 0 means one per two cores.
        queue_size: jobs that may wait.
        capacity: results that are kept; the least recently used one is dropped first.
        retry_after: seconds after which a refused request may come again.
    """

    def __init__(
        self, *, workers: int = 0, queue_size: int = 8, capacity: int = 50, retry_after: int = 10
    ) -> None:
        workers = workers or max(1, (os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="digest-heavy")
        self._jobs_max, self._capacity = workers + queue_size, capacity
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._jobs: dict[tuple[Hashable, Hashable], Future[T]] = {}

    async def get(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        """Return the result of `compute` for a key, at most once for each version.

        Args:
            key: what the result is about.
            version: changes whenever the result would change.
            compute: the function. If it fails, nothing is kept.

        Raises:
            BusyError: too many jobs are running and waiting.
        """
        with self._lock:
            cached = self._results.get(key)
            if cached is not None and cached[0] == version:
                self._results.move_to_end(key)
                return cached[1]
            job = self._jobs.get((key, version))
            if job is None:
                if len(self._jobs) >= self._jobs_max:
                    raise BusyError(self._retry_after)
                job = self._threads.submit(self._run, key, version, compute)
                self._jobs[key, version] = job
        # a cancelled request must not cancel the job that others wait for
        return await asyncio.shield(asyncio.wrap_future(job))

    def _run(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        try:
            result = compute()
            with self._lock:
                self._results[key] = (version, result)
                self._results.move_to_end(key)
                while len(self._results) > self._capacity:
                    self._results.popitem(last=False)
            return result
        finally:
            with self._lock:
                del self._jobs[key, version]
