"""Measure sending: digests a second from the database to a mail server.

Postfix's own `smtp-source` is the reference, both into `smtp-sink`. Also the cost of each part.

    python tests/bench/send.py
            2,000 digests of 10 papers, signed, over 10 connections; three rounds of each in turn
    python tests/bench/send.py --queued 1000,100000
            memory and rate of the first 1,000 digests of queues so long
    python tests/bench/send.py --processes 2   the same with two senders at once, each a process
    python tests/bench/send.py --postfix
            the same into a private Postfix that throws them away, beside a bare client that
            pipelines
    python tests/bench/send.py --profile             where the time goes, function by function

The papers are those of the demonstration, each reader's ten are drawn, with reasons of their own.
Needs smtp-sink and smtp-source (Debian package postfix; its service need not run). The figures that
mean something are the ratio to `smtp-source`, which sends one ready text of the same mean size, and
CPU a digest; and the ratio to the bare client, which has the same messages ready-made. Each part's
CPU in a quiet moment is best seen in the round with the least in all.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest import pipeline, store
from digest.demo.servers import free_port
from digest.mail.messages import assemble, dkim
from digest.model import (
    MessageState,
)
from digest.pipeline.steps import sender
from digest.pipeline.steps.group_commit import GroupCommit
from tests.bench.mailer import send_bare
from tests.bench.send_queue import DRAWN, PAPERS, fill, open_app
from tests.fakes.postfix import Postfix
from tests.kill.sink import Sink, program

# ----------------------------------------------------------------------------------------------
# the cost of each part


class Parts:
    """CPU seconds of parts, measured by wrappers around their functions.

    The time of a part inside another is subtracted from the outer one.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        #: the messages, as the connections got them
        self.written: list[bytes] = []

    @property
    def mean(self) -> int:
        """Mean octets of a message."""
        return round(statistics.mean(map(len, self.written)))

    @contextmanager
    def measuring(self) -> Iterator[None]:
        places: list[tuple[Any, str, str]] = [
            (sender, "load_sources", "read"),
            (sender, "write_message", "render"),
            (assemble, "assemble_message", "assemble"),
            (dkim, "sign_message", "sign"),
            (GroupCommit, "_write_group", "ledger"),
            (store.ledger, "claim", "ledger"),
        ]
        originals = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
        for owner, name, part in places:
            setattr(owner, name, self._time(getattr(owner, name), part))
        try:
            yield
        finally:
            for owner, name, function in originals:
                setattr(owner, name, function)

    def _time(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            started = time.thread_time()
            result = function(*values, **named)
            took = time.thread_time() - started
            self.seconds[part] += took
            if part == "assemble":
                self.seconds["render"] -= took
                self.written.append(result.data)
            return result

        return call


def send_queue(
    folder: Path, port: int, connections: int, count: int, parts: Parts
) -> tuple[float, float]:
    """Return seconds on the clock and of CPU for a queue of digests."""
    app = open_app(folder, port, connections)
    fill(app, count)
    with parts.measuring():
        wall, cpu = time.perf_counter(), time.process_time()
        report = pipeline.send(app)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    app.close()
    if report.error or report.troubles:
        sys.exit(f"not all were sent: {report.error} {report.troubles[:3]}")
    return wall, cpu


def send_by_processes(
    folder: Path, port: int, connections: int, count: int, processes: int
) -> tuple[float, float]:
    """Send by so many processes, which share the queue and the connections.

    They begin together, once all of them are up.
    """
    app = open_app(folder, port, connections)
    fill(app, count)
    app.close()
    words = [
        sys.executable,
        __file__,
        "--sender",
        str(folder),
        "--port",
        str(port),
        "--connections",
        str(connections // processes),
    ]
    senders = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in senders:
        assert process.stdout is not None
        process.stdout.readline()
    wall = time.perf_counter()
    reports = [process.communicate("go\n")[0].split() for process in senders]
    wall = time.perf_counter() - wall
    if sum(int(accepted) for accepted, _ in reports) != count:
        sys.exit(f"not all were sent: {reports}")
    return wall, sum(float(cpu) for _, cpu in reports)


def run_sender(folder: Path, port: int, connections: int) -> None:
    """Send, and print the number of accepted messages and seconds of CPU."""
    app = open_app(folder, port, connections)
    app.keys()
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    report = pipeline.send(app)
    cpu = time.process_time() - cpu
    app.close()
    if report.error or report.troubles:
        sys.exit(f"not all were sent: {report.error} {report.troubles[:3]}")
    print(report.states[MessageState.ACCEPTED], cpu)


def run_smtp_source(port: int, octets: int, messages: int, sessions: int) -> float:
    words = [
        find_program("smtp-source"),
        "-d",
        "-s",
        str(sessions),
        "-m",
        str(messages),
        "-l",
        str(octets),
        "-f",
        "b@example.org",
        "-t",
        "r@example.net",
        f"127.0.0.1:{port}",
    ]
    started = time.perf_counter()
    subprocess.run(words, check=True)
    return time.perf_counter() - started


def find_program(name: str) -> str:
    path = program()
    if not path:
        sys.exit("smtp-sink is not installed: apt-get install postfix")
    return str(Path(path).with_name(name))


# ---------------------------------------------------------------------------------------------- the
# questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Digests of ours and messages of `smtp-source` a second.

    Also microseconds of CPU a digest.
    """

    ours: float
    theirs: float
    cpu: float
    parts: Parts


def run_round(count: int, connections: int, processes: int) -> Round:
    parts = Parts()
    with (
        tempfile.TemporaryDirectory() as temporary,
        Sink(free_port(), Path(temporary) / "sink", keep=False) as sink,
    ):
        if processes == 1:
            wall, spent = send_queue(Path(temporary), sink.port, connections, count, parts)
        else:
            (folder := Path(temporary) / "one").mkdir()
            send_queue(folder, sink.port, connections, 100, parts)  # tells the mean size
            wall, spent = send_by_processes(
                Path(temporary), sink.port, connections, count, processes
            )
        theirs = count / run_smtp_source(sink.port, parts.mean, count, connections)
    return Round(ours=count / wall, theirs=theirs, cpu=spent / count * 1e6, parts=parts)


def compare(count: int, connections: int, rounds: int, processes: int) -> None:
    """Compare with `smtp-source`; with one process print the cost of each part."""
    results = [run_round(count, connections, processes) for _ in range(rounds)]
    cheapest = min(results, key=lambda run: run.cpu)
    ours, ratios = (
        [run.ours for run in results],
        [run.ours / run.theirs for run in results],
    )
    print(
        f"{count:,} digests of {PAPERS} papers, {cheapest.parts.mean:,} bytes on average, "
        f"{connections} connections, {processes} processes, "
        f"{rounds} rounds, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"  ours         {statistics.median(ours):8,.0f} a second, {max(ours):,.0f} at best; "
        f"{statistics.median(run.cpu for run in results):.0f} us CPU each, "
        f"{cheapest.cpu:.0f} at least"
    )
    print(
        f"  smtp-source  {statistics.median(run.theirs for run in results):8,.0f} a second; "
        f"ratio of a round {statistics.median(ratios):.2f}, {max(ratios):.2f} at best"
    )
    if processes > 1:
        return
    part_costs = {part: seconds / count * 1e6 for part, seconds in cheapest.parts.seconds.items()}
    print("  of the CPU of the round with the least:")
    for part in ("read", "render", "assemble", "sign", "ledger"):
        print(f"    {part:10} {part_costs[part]:6.0f} us")
    print(f"    {'transmit':10} {cheapest.cpu - sum(part_costs.values()):6.0f} us   (all the rest)")


def compare_through_postfix(count: int, connections: int, rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    with Postfix(discards=True) as postfix:
        for _ in range(rounds):
            parts = Parts()
            with tempfile.TemporaryDirectory() as temporary:
                ours.append(
                    count / send_queue(Path(temporary), postfix.port, connections, count, parts)[0]
                )
            postfix.wait_until_empty()
            started = time.perf_counter()
            asyncio.run(send_bare(postfix.port, parts.written, connections))
            theirs.append(count / (time.perf_counter() - started))
            postfix.wait_until_empty()
    ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
    print(
        f"{count:,} digests of {PAPERS} papers through Postfix, {connections} connections, "
        f"{rounds} rounds, load {os.getloadavg()[0]:.1f}"
    )
    print(f"  ours         {statistics.median(ours):8,.0f} a second")
    print(
        f"  bare client  {statistics.median(theirs):8,.0f} a second; ratio of a round "
        f"{statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
    )


def measure_queues(lengths: list[int], connections: int) -> None:
    """Measure each queue in a process of its own, since memory is a peak."""
    results = []
    for length in lengths:
        words = [sys.executable, __file__, "--one", str(length), "--connections", str(connections)]
        wall, peak = map(
            float,
            subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-2:],
        )
        results.append((length, wall, peak))
        print(f"{length:>8,} queued: the first 1,000 in {wall:6.2f} s, peak memory {peak:6.1f} MB")
    print(
        f"ratio of memory {results[-1][2] / results[0][2]:.2f}, of time "
        f"{results[-1][1] / results[0][1]:.2f}; load {os.getloadavg()[0]:.1f}"
    )


def measure_queue(length: int, connections: int) -> None:
    """Print seconds and MB of sending.

    A child makes the queue, so that its memory does not count.
    """
    with (
        tempfile.TemporaryDirectory() as temporary,
        Sink(free_port(), Path(temporary) / "sink", keep=False) as sink,
    ):
        folder = Path(temporary)
        if not os.fork():
            app = open_app(folder, sink.port, connections)
            fill(app, length)
            app.close()
            os._exit(0)
        os.wait()
        app = open_app(folder, sink.port, connections)
        count = 0
        settle = GroupCommit.settle

        def count_and_settle(self: GroupCommit, *values: Any) -> Any:
            nonlocal count
            count += 1
            return settle(self, *values)

        GroupCommit.settle = count_and_settle  # type: ignore[method-assign]
        started = time.perf_counter()
        pipeline.send(app, stop=lambda: count >= 1000)
        wall = time.perf_counter() - started
        app.close()
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(wall, peak / 1024)


def print_profile(count: int, connections: int) -> None:
    with (
        tempfile.TemporaryDirectory() as temporary,
        Sink(free_port(), Path(temporary) / "sink", keep=False) as sink,
    ):
        app = open_app(Path(temporary), sink.port, connections)
        fill(app, count)
        looked = cProfile.Profile()
        looked.enable()
        pipeline.send(app)
        looked.disable()
        app.close()
    pstats.Stats(looked).sort_stats("tottime").print_stats(45)


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--messages", type=int, default=DRAWN, help=f"at most {DRAWN}")
    parse.add_argument("--connections", type=int, default=10)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--queued", help="lengths of queues, separated by commas")
    parse.add_argument("--postfix", action="store_true")
    parse.add_argument("--profile", action="store_true")
    parse.add_argument("--processes", type=int, default=1)
    parse.add_argument("--sender", type=Path, help=argparse.SUPPRESS)
    parse.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parse.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parse.parse_args()
    if options.sender:
        run_sender(options.sender, options.port, options.connections)
    elif options.one:
        measure_queue(options.one, options.connections)
    elif options.queued:
        measure_queues([int(length) for length in options.queued.split(",")], options.connections)
    elif options.postfix:
        compare_through_postfix(options.messages, options.connections, options.rounds)
    elif options.profile:
        print_profile(options.messages, options.connections)
    else:
        compare(options.messages, options.connections, options.rounds, options.processes)


if __name__ == "__main__":
    main()
