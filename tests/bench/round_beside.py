"""A service of invented readers, and a round that writes beside its pages: see `pages`."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
    Score,
    Subscriber,
)
from digest.store.digests import Plan, Window
from tests.bench.ledger import run_ledger

#: papers of each digest
PAPERS = 10
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
    add_readers(app, readers)
    app.keys()
    if papers:
        with app.store.writing() as tx:
            tx.exec_driver_sql("UPDATE digests SET max_paper_id = 0")
            tx.exec_driver_sql(f"UPDATE papers SET first_seen = '{now.date()}'")


def add_readers(app: App, readers: int) -> None:
    """Add readers whose hour has come, and a digest that was sent to them yesterday."""
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
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
            plan = make_plan(app, reader.id, chosen, yesterday, newest)
            store.digests.plan_all(tx, [plan], now=yesterday)
        tx.exec_driver_sql("UPDATE messages SET state = 'accepted'")


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


def make_plan(app: App, reader: int, papers: list[int], at: datetime, newest: int) -> Plan:
    """Make a digest of these papers, to be planned."""
    parts = tuple(Part(kind="word", name=word, value=0.5) for word in WORDS)
    items = tuple(
        Item(position=place, score=Score(paper_id=paper, value=1.0, chance=0.8, parts=parts))
        for place, paper in enumerate(papers, 1)
    )
    day = at.date()
    return Plan(
        outcome=Digest(
            subscriber_id=reader,
            local_date=day,
            items=items,
            provenance=Provenance(model="keywords", features="words1", at=at),
        ),
        max_paper_id=newest,
        window=Window(
            message_id=app.message_id(MessageKind.DIGEST, day.isoformat(), reader),
            not_before=at,
            expires_at=datetime.now(UTC) + timedelta(days=1),
        ),
    )


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
            readers = [reader.id for reader in store.subscribers.list_by_status(tx)][:batch]
            newest = store.papers.find_max_id(tx)
        at = datetime.now(UTC) - timedelta(days=2)
        chosen = list(range(1, PAPERS + 1))
        while not is_over():
            at -= timedelta(days=1)
            plans = [make_plan(app, reader, chosen, at, newest) for reader in readers]
            with app.store.writing() as tx:
                began = time.perf_counter()
                store.digests.plan_all(tx, plans, now=at)
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
