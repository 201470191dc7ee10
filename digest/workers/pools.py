"""Workers on this machine: threads, and processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any

from digest.errors import WorkersError
from digest.workers.base import Item, Pool, Result, Shared, hand_out_ahead

#: shared values that a process keeps: the papers of two or three dates, and what readers rated
_SHARED_KEPT = 100


class Threads(Pool):
    """Runs in a pool of threads.

    This helps since numpy and scipy release the interpreter lock.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count or os.cpu_count() or 1

    def _map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        pool = ThreadPoolExecutor(self.count, thread_name_prefix="digest-worker")

        def submit(shared: Shared, item: Item) -> Future[Result]:
            return pool.submit(function, shared, item)

        yield from _run_in(pool, submit, work, self.count)


class Processes(Pool):
    """Runs in processes of this machine, which live as long as the work."""

    def __init__(self, count: int = 0) -> None:
        self.count = count or os.cpu_count() or 1

    def _map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        # started anew: a fork of a process with threads may hang
        pool = ProcessPoolExecutor(
            self.count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_ignore_interrupts,
        )
        with tempfile.TemporaryDirectory(prefix="digest-workers-") as folder:
            values = _SharedFiles(Path(folder))

            def submit(shared: Shared, item: Item) -> Future[Result]:
                paths = [values.write(value) for value in shared]
                return pool.submit(_apply, function, paths, item)

            try:
                yield from _run_in(pool, submit, work, self.count)
            except BrokenProcessPool as error:
                raise WorkersError(
                    "a worker process ended before its batch was done, mostly because memory ran "
                    "out. Set [workers] count or batch lower. Readers who have no digest yet get "
                    "theirs with the next compose"
                ) from error


class _SharedFiles:
    """Shared values in files, each written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[int, tuple[object, Path]] = {}

    def write(self, value: object) -> Path:
        kept = self._paths.get(id(value))
        if kept is None:
            path = self._folder / str(len(self._paths))
            path.write_bytes(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
            # The value is kept too, or another one could get its id.
            kept = self._paths[id(value)] = value, path
        return kept[1]


def _run_in(
    pool: Executor,
    submit: Callable[[Shared, Item], Future[Result]],
    work: Iterable[tuple[Shared, Item]],
    count: int,
) -> Generator[Result, None, None]:
    """Yield the results in order; whatever ends it, nobody waits for what still runs."""
    try:
        # one more than there are workers, so that none waits while a result is stored
        for future in hand_out_ahead(work, submit, lambda: count + 1):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _apply(function: Callable[[Any, Item], Result], paths: Sequence[Path], item: Item) -> Result:
    return function(tuple(_load_shared(path) for path in paths), item)


@lru_cache(maxsize=_SHARED_KEPT)
def _load_shared(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # noqa: S301 - of a private folder that this run made


def _ignore_interrupts() -> None:
    """Let the caller alone act on Ctrl-C, which the terminal sends to every process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
