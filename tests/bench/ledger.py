"""Measure the ledger: deliveries settled a second.

The bare driver, which writes the same rows in the same groups, is the reference. SQLite has FULL
sync.

    python tests/bench/ledger.py [--messages 20000] [--connections 10] [--database sqlite|postgres]
    [--rounds 3]

Nothing is rendered and nothing goes to a network: each connection begins and settles one message
after the other, as fast as the ledger lets it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest import config, store
from digest.app import App
from digest.model import Delivery, MessageKind, Phase, Queued, Subscriber
from digest.pipeline.steps.group_commit import GroupCommit
from tests.conftest import POSTGRES, postgres_url

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)


def fill(app: App, count: int) -> None:
    with app.store.writing() as tx:
        for number in range(count):
            subscriber = store.subscribers.add(
                tx,
                Subscriber(id=0, email=f"r{number}@example.org", created=NOW),
                origin="file",
                now=NOW,
            )
            store.ledger.plan(
                tx,
                kind=MessageKind.WELCOME,
                subscriber_id=subscriber.id,
                key="2026-06-09",
                message_id=f"<welcome.{number}@example.org>",
                not_before=NOW,
                expires_at=NOW + timedelta(days=1),
            )


async def run_ledger(app: App, connections: int, now: datetime = NOW) -> int:
    """Settle all messages that wait; return how many."""
    done = 0
    async with GroupCommit(app, "bench", connections=connections) as ledger:
        ready: asyncio.Queue[Queued | None] = asyncio.Queue(connections)

        def claim(tx: store.Connection) -> list[Queued]:
            return store.ledger.claim(tx, owner="bench", now=now, clock=datetime.now(UTC))

        async def feed() -> None:
            while claimed := await ledger.write(claim):
                for queued in claimed:
                    await ready.put(queued)
            for _ in range(connections):
                await ready.put(None)

        async def connection() -> None:
            nonlocal done
            while queued := await ready.get():
                started = datetime.now(UTC)
                assert await ledger.begin(queued)
                ended = Delivery(
                    outcome="accepted",
                    server="127.0.0.1:25",
                    phase=Phase.BODY,
                    code=250,
                    text="2.0.0 Ok",
                    started=started,
                    ended=datetime.now(UTC),
                )
                await ledger.settle(queued, ended)
                done += 1

        await asyncio.gather(feed(), *(connection() for _ in range(connections)))
    return done


def run_bare_driver(path: Path, group: int) -> int:
    """Write the same states of the same rows by the driver alone.

    A claim of 50, then groups as large as there are connections.
    """
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    done = 0
    now = "2026-06-09 12:00:00.000000"
    while True:
        db.execute("BEGIN IMMEDIATE")
        claimed = [
            ident
            for (ident,) in db.execute(
                "UPDATE messages SET state = 'claimed', owner = 'bench', lease_until = ?, "
                "changed_at = ? WHERE id IN "
                "(SELECT id FROM messages WHERE state = 'planned' AND not_before <= ? ORDER BY "
                "not_before, id LIMIT 50) RETURNING id",
                (now, now, now),
            )
        ]
        db.execute("COMMIT")
        if not claimed:
            return done
        for start in range(0, len(claimed), group):
            batch = claimed[start : start + group]
            db.execute("BEGIN IMMEDIATE")
            for ident in batch:
                db.execute(
                    "UPDATE messages SET state = 'sending', changed_at = ? WHERE id = ? AND owner "
                    "= 'bench'",
                    (now, ident),
                )
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
            for ident in batch:
                db.execute(
                    "INSERT INTO deliveries (message_id, outcome, server, phase, code, enhanced, "
                    "fault, text, started_at, ended_at) "
                    "VALUES (?, 'accepted', '127.0.0.1:25', 'body', 250, '', '', '2.0.0 Ok', ?, ?)",
                    (ident, now, now),
                )
                db.execute(
                    "UPDATE messages SET state = 'accepted', owner = '', lease_until = NULL, "
                    "attempts = 1, changed_at = ? WHERE id = ?",
                    (now, ident),
                )
            db.execute("COMMIT")
            done += len(batch)


@contextmanager
def open_app(kind: str, folder: Path) -> Iterator[App]:
    if kind == "sqlite":
        app = App.open(
            config.load(None, {"DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}"}),
            now=lambda: NOW,
        )
        yield app
        app.close()
        return
    for url in postgres_url(os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES)):
        app = App.open(config.load(None, {"DIGEST_STORE__URL": url}), now=lambda: NOW)
        yield app
        app.close()


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--messages", type=int, default=20_000)
    parse.add_argument("--connections", type=int, default=10)
    parse.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parse.add_argument("--rounds", type=int, default=3)
    options = parse.parse_args()
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    spent: list[float] = []
    for _ in range(options.rounds):
        with (
            tempfile.TemporaryDirectory() as temporary,
            open_app(options.database, Path(temporary)) as app,
        ):
            fill(app, options.messages)
            if options.database == "sqlite":
                with app.store.reading() as tx:
                    tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                copy = Path(temporary) / "bare.sqlite"
                shutil.copy(Path(temporary) / "digest.sqlite", copy)
                started = time.perf_counter()
                assert run_bare_driver(copy, options.connections) == options.messages
                rates["bare"].append(options.messages / (time.perf_counter() - started))
            started, cpu = time.perf_counter(), time.process_time()
            assert asyncio.run(run_ledger(app, options.connections)) == options.messages
            rates["ours"].append(options.messages / (time.perf_counter() - started))
            spent.append((time.process_time() - cpu) / options.messages * 1e6)
    print(
        f"{options.messages:,} messages, {options.connections} connections, {options.database}, "
        f"{options.rounds} rounds, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"  ours   {statistics.median(rates['ours']):8,.0f} settled a second   "
        f"{statistics.median(spent):6.0f} us CPU a message"
    )
    if rates["bare"]:
        print(f"  bare   {statistics.median(rates['bare']):8,.0f} settled a second")
        print(
            f"  ratio  {statistics.median(rates['ours']) / statistics.median(rates['bare']):8.2f}"
        )


if __name__ == "__main__":
    main()
