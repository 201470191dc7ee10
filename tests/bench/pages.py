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
import asyncio
import http.client
import json
import os
import random
import shutil
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import digest.demo
from digest import config, pipeline, store
from digest.app import App
from digest.model import (
    Digest,
    Interest,
    Item,
    MessageKind,
    Part,
    Provenance,
    Purpose,
    Score,
    Subscriber,
)
from digest.store.digests import Window
from tests.bench.ledger import run_ledger
from tests.conftest import POSTGRES, postgres_url

ROOT = Path(__file__).resolve().parents[2]
#: readers who press thumbs, on the papers of a digest that was sent to them yesterday
PRESSING, PAPERS = 400, 10
#: first pairs of each connection, which are not counted: statements and templates are compiled
WARM = 3
#: pause of the round after each transaction
PLAN_SECONDS = 2.0
WORDS = ("language models", "graph neural network", "protein", "robot", "diffusion", "survey")


def settings(folder: Path, url: str) -> dict[str, str]:
    return {
        "DIGEST_STORE__URL": url,
        "DIGEST_WEB__BIND": "127.0.0.1:0",
        "DIGEST_WEB__SIGNUPS_PER_HOUR": "0",
        "DIGEST_WEB__SIGNUPS_PER_CLIENT": "0",
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_SCHEDULE__TICK_SECONDS": "5",
        "DIGEST_INGEST__INBOX": str(folder / "inbox"),
        "DIGEST_DIGEST__WINDOW_HOURS": "24",
    }


# ----------------------------------------------------------------------------------------------
# the database


def fill(app: App, readers: int, *, papers: bool) -> None:
    """Add readers whose hour has come, and a sent digest for some of them.

    Args:
        papers: they are of today, so all readers get a digest now; False: of yesterday.
    """
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    files = sorted((Path(digest.demo.__file__).parent / "papers").glob("*.jsonl"))
    pipeline.ingest(app, files, seen=(yesterday - timedelta(days=20)).date())
    dice = random.Random(1)
    with app.store.writing() as tx:
        newest = store.papers.find_max_id(tx)
        for number in range(readers):
            reader = Subscriber(
                id=0,
                email=f"reader.{number}@example.net",
                created=yesterday - timedelta(days=9),
                hour=0,
                interests=(Interest(name="", keywords=(WORDS[number % len(WORDS)],)),),
            )
            reader = store.subscribers.add(
                tx, reader, origin="file", now=now, created=reader.created
            )
            chosen = dice.sample(range(1, newest + 1), PAPERS)
            plan(app, tx, reader.id, chosen, yesterday, newest)
        tx.exec_driver_sql("UPDATE messages SET state = 'accepted'")
    app.keys()
    if papers:
        with app.store.writing() as tx:
            tx.exec_driver_sql("UPDATE digests SET max_paper_id = 0")
            tx.exec_driver_sql(f"UPDATE papers SET first_seen = '{now.date()}'")


def make_store(
    values: dict[str, str], folder: Path, options: argparse.Namespace, *, papers: bool
) -> None:
    """Fill the database, or copy what an earlier run of this day filled."""
    kept = (
        options.keep and options.keep / f"{options.readers}-{papers:d}-{datetime.now(UTC).date()}"
    )
    if kept and kept.exists():
        shutil.copy(kept, folder / "digest.sqlite")
        return
    app = App.open(config.load(None, values))
    fill(app, options.readers, papers=papers)
    app.close()
    if kept:
        options.keep.mkdir(exist_ok=True)
        shutil.copy(folder / "digest.sqlite", kept)


def plan(
    app: App, tx: store.Connection, reader: int, papers: list[int], at: datetime, newest: int
) -> None:
    """Plan a digest of these papers."""
    parts = tuple(Part(kind="word", name=word, value=0.5) for word in WORDS)
    items = tuple(
        Item(position=place, score=Score(paper_id=paper, value=1.0, chance=0.8, parts=parts))
        for place, paper in enumerate(papers, 1)
    )
    day = at.date()
    window = Window(
        message_id=app.message_id(MessageKind.DIGEST, day.isoformat(), reader),
        not_before=at,
        expires_at=at + timedelta(days=2),
    )
    outcome = Digest(
        subscriber_id=reader,
        local_date=day,
        items=items,
        provenance=Provenance(model="keywords", features="words1", at=at),
    )
    store.digests.plan(tx, outcome, max_paper_id=newest, window=window, now=at)


# ----------------------------------------------------------------------------------------------
# a round beside the pages


def write_like_a_round(values: dict[str, str], seconds: float, batch: int) -> None:
    """Plan digests and settle messages until the time is over; print how often."""
    app = App.open(config.load(None, values))
    ends, stopped = time.monotonic() + seconds, threading.Event()
    held: list[float] = []

    def is_over() -> bool:
        return stopped.is_set() or time.monotonic() > ends

    def watch() -> None:
        sys.stdin.read()  # until whoever started this closes it
        stopped.set()

    def compose() -> None:
        with app.store.reading() as tx:
            readers = [reader.id for reader in store.subscribers.list_by_status(tx)]
        day = datetime.now(UTC) - timedelta(days=2)
        while not is_over():
            day -= timedelta(days=1)
            rows = rows_of_batch(app, readers[:batch], day)
            with app.store.writing() as tx:
                began = time.perf_counter()
                for table, values in rows:
                    tx.execute(table.insert(), values)
            held.append(time.perf_counter() - began)
            stopped.wait(PLAN_SECONDS)

    planning = threading.Thread(target=compose)
    planning.start()
    settled = 0
    threading.Thread(target=watch, daemon=True).start()
    while not is_over():
        settled += asyncio.run(run_ledger(app, 10, datetime.now(UTC)))
        time.sleep(0.05)
    planning.join()
    app.close()
    print(
        f"the round planned {len(held)} x {batch} digests, each in "
        f"{1000 * statistics.median(held):.0f} ms, and settled {settled} messages"
    )


def rows_of_batch(app: App, readers: list[int], day: datetime) -> list[tuple[object, list]]:
    """The rows of a batch, as one transaction with three statements stores them."""
    from digest.store.tables import digest_items, digests, messages

    explanation = {"parts": [{"kind": "word", "name": word, "value": 0.5} for word in WORDS]}
    base = int(day.timestamp()) % 10**7 * 1000
    digest_rows, item_rows, message_rows = [], [], []
    for number, reader in enumerate(readers):
        ident = base + number
        digest_rows.append(
            {
                "id": ident,
                "subscriber_id": reader,
                "local_date": day.date(),
                "state": "planned",
                "reason": "",
                "max_paper_id": 1,
                "provenance": {},
                "created_at": day,
            }
        )
        item_rows += [
            {
                "digest_id": ident,
                "position": place,
                "paper_id": place,
                "score": 1.0,
                "match": 80,
                "standard": 0.0,
                "seen_before": False,
                "slot": "normal",
                "probability": 1.0,
                "team": "",
                "explanation": explanation,
            }
            for place in range(1, PAPERS + 1)
        ]
        message_rows.append(
            {
                "kind": "digest",
                "subscriber_id": reader,
                "key": day.date().isoformat(),
                "digest_id": ident,
                "message_id": f"<{ident}@bench.example.org>",
                "state": "planned",
                "owner": "",
                "not_before": day,
                "expires_at": datetime.now(UTC) + timedelta(days=1),
                "attempts": 0,
                "evidence": "",
                "changed_at": day,
            }
        )
    return [(digests, digest_rows), (digest_items, item_rows), (messages, message_rows)]


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
    parse.add_argument("--batch", type=int, default=500, help="digests in one transaction")
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
