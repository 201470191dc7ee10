"""Measure how long thumbs and sign-ups take while a round writes to the same database.

    python tests/bench/pages.py [--round beside|inside|none] [--connections 8] [--requests 400]
    [--seconds 60] [--pause 0] [--readers 10000] [--database sqlite|postgres] [--keep FOLDER]
    python tests/bench/pages.py --idle 30      CPU of an idle `serve`, whose readers wait for papers
    python tests/bench/pages.py --stop 8       seconds until SIGTERM has ended a `serve` that
                                               composes since so many seconds

A real `digest serve` answers at 127.0.0.1. Each connection presses thumbs and signs up by the API
in turn, each as soon as the last one was answered. Meanwhile a round writes:

beside: another process plans --batch digests in one transaction, every two seconds, and
        settles messages as fast as the ledger lets it, as `digest compose` and `digest send` do.
inside: the same `digest serve` composes for all readers and sends to a folder.
none:   nothing writes beside the pages.

All of it stops by itself. Each answer is checked, and at the end, each vote in the database.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest import config
from digest.app import App
from digest.model import Purpose
from tests.bench.round_beside import make_store, settings, write_like_a_round
from tests.conftest import POSTGRES, postgres_url

ROOT = Path(__file__).resolve().parents[2]
#: readers who press thumbs, on the papers of a digest that was sent to them yesterday
PRESSING = 400
#: first pairs of each connection, which are not counted: statements and templates are compiled
WARM = 3


# ----------------------------------------------------------------------------------------------
# the pages


@contextmanager
def serving(folder: Path, values: dict[str, str], *roles: str) -> Iterator[tuple[int, str]]:
    """Run `digest serve`; yield its process id and address."""
    program = (
        "import os, sys, logging; from digest import config, serve; from digest.app import App\n"
        "app = App.open(config.load(None, dict(os.environ)))\n"
        "ended = serve.run(app, only=sys.argv[1:], ready=lambda at: print(at, flush=True))\n"
        "os._exit(0) if not ended else app.close()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *roles],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **values, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().strip()
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Latencies:
    """Seconds of each answer, by what was asked."""

    thumb: list[float] = field(default_factory=list)
    signup: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    #: (reader, paper) -> the last vote that was answered
    votes: dict[tuple[int, int], int] = field(default_factory=dict)

    def show(self) -> None:
        for name, seconds in (("thumb", self.thumb), ("sign-up", self.signup)):
            if len(seconds) < 2:
                continue
            cuts = statistics.quantiles(seconds, n=100)
            print(
                f"  {name:8} {len(seconds):5} answers   p50 {1000 * cuts[49]:6.0f} ms   "
                f"p95 {1000 * cuts[94]:6.0f} ms   p99 {1000 * cuts[98]:6.0f} ms   "
                f"most {1000 * max(seconds):6.0f} ms"
            )
        if self.failed:
            print(f"  failed {len(self.failed)}: {self.failed[:3]}")


def press_and_sign_up(
    address: str, app: App, *, connections: int, requests: int, seconds: float, pause: float
) -> Latencies:
    """Press thumbs and sign up over so many connections, in turn."""
    results, lock = Latencies(), threading.Lock()
    ends = time.monotonic() + seconds
    with app.store.reading() as tx:
        sent = tx.exec_driver_sql(
            "SELECT m.id, d.subscriber_id, i.paper_id FROM messages m JOIN digests d ON "
            "d.id = m.digest_id JOIN digest_items i ON i.digest_id = d.id WHERE "
            f"m.id <= {PRESSING}"
        ).all()
    random.Random(2).shuffle(sent)
    each = requests // connections

    def connection(number: int) -> None:
        try:
            go_on(number)
        except (OSError, http.client.HTTPException) as error:
            results.failed.append(f"connection {number}: {error!r}")

    def go_on(number: int) -> None:
        client = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        # a reader's presses come one after the other
        mine = [row for row in sent if row[1] % connections == number]
        for turn in range(each + WARM):
            if time.monotonic() > ends:
                return
            message, reader, paper = mine[turn % len(mine)]
            purpose = Purpose.UP if turn % 3 else Purpose.DOWN
            path = urlsplit(app.url(purpose, reader, paper_id=paper, message_id=message)).path
            took, status = ask(client, path, urlencode({"confirm": "1"}), "x-www-form-urlencoded")
            body = json.dumps({"email": f"n{number}.{turn}@example.com", "keywords": ["robot"]})
            more, code = ask(client, "/api/v1/subscribers", body, "json")
            if turn < WARM:
                continue
            with lock:
                results.thumb.append(took)
                results.signup.append(more)
                results.votes[reader, paper] = 1 if purpose is Purpose.UP else -1
                results.failed += [f"{path[:3]} {status}"] * (status != 200)
                results.failed += [f"sign-up {code}"] * (code != 202)
            time.sleep(pause)

    threads = [threading.Thread(target=connection, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.store.reading() as tx:
        stored = {
            (row[0], row[1]): row[2]
            for row in tx.exec_driver_sql("SELECT subscriber_id, paper_id, vote FROM feedback")
        }
    lost = [key for key in results.votes if key not in stored]
    results.failed += [f"vote lost: {key}" for key in lost]
    return results


def ask(client: http.client.HTTPConnection, path: str, body: str, kind: str) -> tuple[float, int]:
    """Return seconds until the whole answer was read, and its status."""
    started = time.perf_counter()
    client.request("POST", path, body, {"Content-Type": f"application/{kind}"})
    answer = client.getresponse()
    answer.read()
    return time.perf_counter() - started, answer.status


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ----------------------------------------------------------------------------------------------
# what is measured


def measure_doors(folder: Path, values: dict[str, str], options: argparse.Namespace) -> None:
    roles = [] if options.round == "inside" else ["web"]
    beside = None
    with serving(folder, values, *roles) as (pid, address):
        app = App.open(config.load(None, values))
        if options.round == "beside":
            beside = subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    "--write",
                    str(options.seconds),
                    "--batch",
                    str(options.batch),
                ],
                env={**os.environ, **values},
                stdin=subprocess.PIPE,
            )
        if options.round != "none":
            time.sleep(4)  # until it writes
        cpu, wall = cpu_of(pid), time.perf_counter()
        results = press_and_sign_up(
            address,
            app,
            connections=options.connections,
            requests=options.requests,
            seconds=options.seconds,
            pause=options.pause,
        )
        cpu, wall = cpu_of(pid) - cpu, time.perf_counter() - wall
        app.close()
        if beside is not None:
            beside.communicate(b"", timeout=60)
    print(
        f"round {options.round}, {options.database}, {options.connections} connections, "
        f"{options.readers:,} readers, load {os.getloadavg()[0]:.1f}: {wall:.1f} s, "
        f"CPU of serve {cpu:.1f} s"
    )
    results.show()


def measure_idle(folder: Path, values: dict[str, str], seconds: float) -> None:
    with serving(folder, values) as (pid, _):
        time.sleep(30)  # the first ticks look at everybody
        cpu = cpu_of(pid)
        time.sleep(seconds)
        print(f"idle for {seconds:.0f} s: {cpu_of(pid) - cpu:.2f} s of CPU")


def measure_stop(folder: Path, values: dict[str, str], after: float) -> None:
    with serving(folder, values) as (pid, _):
        time.sleep(after)
        started = time.perf_counter()
        os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.02)
        print(f"SIGTERM after {after:.0f} s: ended in {time.perf_counter() - started:.1f} s")
    app = App.open(config.load(None, values))
    with app.store.reading() as tx:
        planned = tx.exec_driver_sql(
            "SELECT count(*) FROM messages WHERE kind = 'digest' AND key = "
            f"'{datetime.now(UTC).date()}'"
        ).scalar_one()
    app.close()
    print(f"  digests stored by then: {planned:,}")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'digest.sqlite'}"
        return
    yield from postgres_url(os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES))


def main() -> None:
    parse = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parse.add_argument("--round", choices=["beside", "inside", "none"], default="beside")
    parse.add_argument("--connections", type=int, default=8)
    parse.add_argument("--requests", type=int, default=400, help="pairs of thumb and sign-up")
    parse.add_argument("--seconds", type=float, default=60.0, help="at most")
    parse.add_argument("--pause", type=float, default=0.0, help="seconds between two pairs")
    parse.add_argument("--readers", type=int, default=10_000)
    parse.add_argument("--batch", type=int, default=100, help="digests in one transaction")
    parse.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parse.add_argument("--idle", type=float, metavar="SECONDS")
    parse.add_argument("--stop", type=float, metavar="SECONDS")
    parse.add_argument(
        "--keep", type=Path, help="folder for SQLite files that further runs of this day copy"
    )
    parse.add_argument("--write", type=float, help=argparse.SUPPRESS)
    options = parse.parse_args()
    if options.write is not None:
        write_like_a_round(dict(os.environ), options.write, options.batch)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with database(options.database, folder) as url:
            values = settings(folder, url)
            busy = options.stop is not None or options.round == "inside"
            make_store(values, folder, options, papers=busy and options.idle is None)
            if options.idle is not None:
                measure_idle(folder, values, options.idle)
            elif options.stop is not None:
                measure_stop(folder, values, options.stop)
            else:
                measure_doors(folder, values, options)


if __name__ == "__main__":
    main()
