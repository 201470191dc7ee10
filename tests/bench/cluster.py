"""Compare one local worker of a Dask cluster with two, for as many readers as you say.

    python tests/bench/cluster.py --readers 50000 --folder DIR

Makes a store of invented readers once (kept in DIR, so later runs begin at once), starts a
scheduler and workers of one thread each, and measures in turn with one worker and with more:

1. learn + score + choose: batches that were read before are handed to the workers. The rate is that
   of the readers whose results came back.
2. the whole compose: from the store to the store, into a copy of it.

Prints rates on the clock, their ratio, and the CPU of the composing process, of the scheduler and
of the workers. Rates want a quiet machine with a core for each worker. Where others work beside
it, read the CPU: the ratio that it allows is printed, too. Ends with 1 where a ratio is below its
goal (--goal-work, --goal-compose).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil

from digest import config, pipeline
from digest.app import App
from digest.bench import fill
from digest.pipeline.steps.reader_batches import BatchRules, choose_or_fail
from digest.workers import Cluster
from tests.fakes.dask_cluster import DaskCluster, run_dask_cluster

#: batches in memory at a time while their workers are measured; some 10 MB each
_IN_MEMORY = 24


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Seconds that some readers took, on the clock and of CPU."""

    readers: int
    wall: float
    own_cpu: float
    scheduler_cpu: float
    worker_cpu: float

    @property
    def rate(self) -> float:
        return self.readers / self.wall

    def __str__(self) -> str:
        each = 1000 / self.readers
        return (
            f"{self.readers:,} readers in {self.wall:.1f} s, {self.rate:,.0f} a second; CPU a "
            f"reader: composing process {self.own_cpu * each:.2f} ms, scheduler "
            f"{self.scheduler_cpu * each:.2f} ms, workers {self.worker_cpu * each:.2f} ms"
        )


class Taking:
    """Workers that take batches and give nothing back."""

    def __init__(self, most: int) -> None:
        self.batches: list[Any] = []
        self._most = most

    def map(self, function: Any, work: Any) -> Iterator[Any]:
        self.batches += islice(work, self._most)
        yield from ()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--readers", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2, help="to compare with one")
    parser.add_argument("--batch", type=int, default=1000, help="readers worked on together")
    parser.add_argument("--folder", type=Path, required=True, help="for the store; kept")
    parser.add_argument("--dumps", type=Path, nargs="*", help="files of papers of several days")
    parser.add_argument("--goal-work", type=float, default=1.6)
    parser.add_argument("--goal-compose", type=float, default=1.3)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(name) != "1":  # read when numpy is imported
            os.environ[name] = "1"
            os.execv(sys.executable, [sys.executable, *sys.argv])
    store = options.folder / f"{options.readers}.sqlite"
    options.folder.mkdir(parents=True, exist_ok=True)
    if not store.exists():
        make_store(store, options.readers, options.dumps or find_dumps())
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    work, whole = {}, {}
    for count in (1, options.workers):
        folder = options.folder / f"cluster-{count}"
        shutil.rmtree(folder, ignore_errors=True)
        with run_dask_cluster(folder, workers=count) as cluster:
            wait_for(cluster, count)
            warm_up(cluster, store, options.batch)
            work[count] = measure_work(cluster, store, options.batch)
            print(f"{count} worker(s), learn + score + choose: {work[count]}", flush=True)
            whole[count] = measure_compose(cluster, store, options.batch)
            print(f"{count} worker(s), whole compose: {whole[count]}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")
    met = True
    for name, figures, goal in (
        ("learn + score + choose", work, options.goal_work),
        ("whole compose", whole, options.goal_compose),
    ):
        one, more = figures[1], figures[options.workers]
        ratio = more.rate / one.rate
        print(
            f"{name}: {options.workers} workers over one {ratio:.2f} on the clock (goal {goal}); "
            f"by the CPU of one worker {allowed_ratio(one, options.workers):.2f} on "
            f"{options.workers} cores"
        )
        met = met and ratio >= goal
    return 0 if met else 1


def allowed_ratio(one: Figures, workers: int) -> float:
    """Return the ratio that the CPU allows where composing shares the workers' cores.

    With one worker, reading and storing run beside it on another core.
    """
    beside = one.own_cpu + one.scheduler_cpu
    alone = max(one.worker_cpu, beside)
    return alone / max((one.worker_cpu + beside) / workers, beside)


def find_dumps() -> list[Path]:
    """Find real dumps of 22 days up to 9 June 2026."""
    shared = os.environ.get("DIGEST_TEST_SHARED") or Path(__file__).resolve().parents[3] / "shared"
    names = sorted(Path(shared).glob("dumps/arxiv/*.jsonl.gz"))
    found = [path for path in names if path.name[:10] <= "2026-06-09"][-22:]
    if not found:
        sys.exit("no real dumps; name files of several days: --dumps FILE...")
    return found


def open_app(store: Path, batch: int, day: date | None = None) -> App:
    settings = config.Config.model_validate(
        {
            "store": {"url": f"sqlite:///{store}"},
            "mail": {"sender": "digest@example.org"},
            "workers": {"batch": batch},
        }
    )
    app = App.open(settings, migrate=True)
    day = day or fill.find_newest_day(app.store)
    return app.at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def make_store(path: Path, readers: int, dumps: Sequence[Path]) -> None:
    """Make a store of papers and invented readers, half of whom have thumbs."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    app = open_app(part, 1000, date(2026, 1, 1))
    pipeline.ingest(app, list(dumps), seen="name")
    filled = fill.add_readers(app.store, readers, day=fill.find_newest_day(app.store), seed=1)
    print(f"made {path}: {filled}", flush=True)
    with app.store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    app.close()
    part.rename(path)


def wait_for(cluster: DaskCluster, count: int) -> None:
    while cluster.log.count("Registered to") < count:
        time.sleep(0.1)


def warm_up(cluster: DaskCluster, store: Path, batch: int) -> None:
    """Let every worker import what it needs."""
    app = open_app(store, batch)
    taking = Taking(4)
    pipeline.compose(replace(app, workers=taking), dry_run=True)  # type: ignore[arg-type]
    run(cluster, app, taking.batches)
    app.close()


def run(cluster: DaskCluster, app: App, batches: Sequence[Any]) -> None:
    choose = partial(choose_or_fail, BatchRules.from_config(app.config))
    for outcomes in Cluster(cluster.address).map(choose, iter(batches)):
        assert isinstance(outcomes, list), outcomes


def measure_work(cluster: DaskCluster, store: Path, batch: int) -> Figures:
    """Measure learn + score + choose, over batches that are in memory."""
    app = open_app(store, batch)
    taking = Taking(_IN_MEMORY)
    pipeline.compose(replace(app, workers=taking), dry_run=True)  # type: ignore[arg-type]
    watch = Watch(cluster)
    run(cluster, app, taking.batches)
    readers = sum(len(item.readers) for _, item in taking.batches)
    app.close()
    return watch.stop(readers)


def measure_compose(cluster: DaskCluster, store: Path, batch: int) -> Figures:
    copy = store.with_suffix(".copy")
    shutil.copy(store, copy)
    app = open_app(copy, batch)
    watch = Watch(cluster)
    report = pipeline.compose(replace(app, workers=Cluster(cluster.address)))
    figures = watch.stop(len(report.planned) + len(report.quiet))
    app.close()
    for path in copy.parent.glob(f"{copy.name}*"):
        path.unlink()
    return figures


class Watch:
    """Takes the time, and the CPU of all processes, from now on."""

    def __init__(self, cluster: DaskCluster) -> None:
        self._cluster = cluster
        self._before, self._began = self._cpu(), time.perf_counter()

    def stop(self, readers: int) -> Figures:
        wall = time.perf_counter() - self._began
        own, scheduler, workers = (
            after - before for before, after in zip(self._before, self._cpu(), strict=True)
        )
        return Figures(
            readers=readers,
            wall=wall,
            own_cpu=own,
            scheduler_cpu=scheduler,
            worker_cpu=workers,
        )

    def _cpu(self) -> tuple[float, float, float]:
        scheduler, *workers = [
            sum(psutil.Process(process.pid).cpu_times()[:2]) for process in self._cluster.processes
        ]
        return time.process_time(), scheduler, sum(workers)


if __name__ == "__main__":
    sys.exit(main())
