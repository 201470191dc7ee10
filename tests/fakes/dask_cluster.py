"""A Dask cluster of real processes: a scheduler, and workers that know nothing of the service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: a busy machine starts slowly
_SECONDS = 90


class DaskCluster:
    """A scheduler, and workers that can be started and killed.

    Args:
        folder: for its files.
        allowed_failures: workers that an item may end before it is given up, but one.
        protocol: "tcp" or "tls".
        options: of the scheduler and of each worker, such as their certificates.
    """

    def __init__(
        self,
        folder: Path,
        *,
        allowed_failures: int = 3,
        protocol: str = "tcp",
        options: Sequence[str] = (),
    ) -> None:
        self._folder, self._options = folder, options
        self.processes: list[subprocess.Popen[bytes]] = []
        found = folder / "scheduler.json"
        self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", protocol),
            *("--no-dashboard", "--scheduler-file", str(found), *options),
            environment={"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)},
        )
        self.address = str(_wait_for_file(found)["address"])

    def add_worker(
        self, *, environment: dict[str, str] | None = None, memory: str = "0"
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, in an empty folder; it may take seconds to be there."""
        return self._start(
            *("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
            *("--local-directory", str(self._folder), "--memory-limit", memory),
            *self._options,
            environment=environment,
        )

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    @property
    def log(self) -> str:
        return (self._folder / "dask.log").read_text(encoding="utf-8")

    def _start(
        self, *words: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        with (self._folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=self._folder,
                env={
                    **own,
                    "PYTHONPATH": str(ROOT),
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process


@contextmanager
def run_dask_cluster(folder: Path, workers: int = 0, **options: Any) -> Iterator[DaskCluster]:
    """Run a scheduler and some workers as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, **options)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()


def _wait_for_file(path: Path) -> dict[str, object]:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return dict(json.loads(text))
        time.sleep(0.05)
    raise TimeoutError(f"no {path.name} after {_SECONDS} seconds")
