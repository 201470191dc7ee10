"""Measure what compose reads of its readers' past, by years of daily digests.

    python tests/bench/past.py [--readers 100] [--years 3] [--database sqlite|postgres] [--all]

One digest in thirty ended as rejected or unknown. `--all` asks for all of the past, as if every
paper that was ever listed could compete.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest import store
from digest.model import Subscriber
from digest.store import Store, schema
from digest.store.tables import digest_items, digests, messages
from tests.conftest import POSTGRES, postgres_url
from tests.integration.arrivals import entry, ingest_entries

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
PAPERS = 200


def fill(opened: Store, readers: int, days: int) -> list[int]:
    ingest_entries(
        opened, *(entry(f"Paper number {n}", arxiv=f"2606.{n:05}") for n in range(1, PAPERS + 1))
    )
    with opened.writing() as tx:
        reader_ids = [
            store.subscribers.add(
                tx, Subscriber(id=0, email=f"r{n}@example.org", created=NOW), origin="file", now=NOW
            ).id
            for n in range(readers)
        ]
    number = 0
    for back in range(days, 0, -1):
        at = NOW - timedelta(days=back)
        rows: list[dict[str, object]] = []
        items: list[dict[str, object]] = []
        sent: list[dict[str, object]] = []
        for ident in reader_ids:
            number += 1
            state = (
                "rejected" if number % 60 == 0 else "unknown" if number % 60 == 30 else "accepted"
            )
            rows.append(
                {
                    "id": number,
                    "subscriber_id": ident,
                    "local_date": at.date(),
                    "state": "planned",
                    "reason": "",
                    "max_paper_id": 1,
                    "provenance": {},
                    "created_at": at,
                }
            )
            item = {
                "score": 1.0,
                "match": 90,
                "standard": 0.0,
                "seen_before": False,
                "slot": "normal",
                "probability": 1.0,
                "team": "",
                "explanation": {},
            }
            items += [
                {
                    "digest_id": number,
                    "position": place,
                    "paper_id": (number + place * 7) % PAPERS + 1,
                }
                | item
                for place in range(1, 11)
            ]
            sent.append(
                {
                    "kind": "digest",
                    "subscriber_id": ident,
                    "key": at.date().isoformat(),
                    "digest_id": number,
                    "message_id": f"<{number}@x>",
                    "state": state,
                    "owner": "",
                    "lease_until": None,
                    "not_before": at,
                    "expires_at": at + timedelta(hours=8),
                    "attempts": 1,
                    "evidence": "",
                    "changed_at": at,
                }
            )
        with opened.writing() as tx:
            tx.execute(digests.insert(), rows)
            tx.execute(digest_items.insert(), items)
            tx.execute(messages.insert(), sent)
    return reader_ids


@contextmanager
def open_database(kind: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        urls = (
            iter([f"sqlite:///{folder}/digest.sqlite"])
            if kind == "sqlite"
            else postgres_url(os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES))
        )
        opened = Store(next(urls))
        try:
            schema.require(opened)
            yield opened
        finally:
            opened.close()
            next(urls, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--years", type=float, default=3.0)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    with open_database(options.database) as opened:
        reader_ids = fill(opened, options.readers, round(options.years * 365))
        if options.database == "postgres":
            with opened.writing() as tx:
                tx.exec_driver_sql("ANALYZE")
        since = date.min if options.all else NOW.date() - timedelta(days=38)
        for _ in range(3):
            began, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
            with opened.reading() as tx:
                cutoffs = store.history.load_last_cutoffs(tx, reader_ids, NOW.date())
                histories = store.history.load(tx, cutoffs, NOW.date(), since=since)
            seconds, cpu = (
                time.monotonic() - began,
                resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu,
            )
            listed = sum(len(past.listed) for past in histories.values())
            summary = (
                f"{1000 * seconds / len(reader_ids):.2f} ms a reader "
                f"({1000 * cpu / len(reader_ids):.2f} of CPU)"
            )
            print(
                f"{summary}, {listed / len(reader_ids):.0f} papers listed; "
                f"load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
