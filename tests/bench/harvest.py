"""Check that a harvest keeps every record once when every tenth request fails.

A server on this machine hands out 10,000 OAI records.

    python tests/bench/harvest.py [--records N] [--page N] [--spread 0.1] [--seed N]

Faults: 503 and 429 with Retry-After, bodies cut off with and without a wrong length, bad tokens,
damaged gzip, error pages, hang-ups. Waits are not waited but counted. Where the format of the pages
is known, they are ingested too and papers are counted. Exit code 1 on a loss or a double.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from digest import config, store
from digest.app import App
from digest.pipeline import ingest
from digest.services.fetch import FetchOptions, fetch
from tests.fakes.source_server import SourceServer

FAULTS = ("503", "429", "cut", "cut-quietly", "bad-token", "bad-gzip", "html", "hang-up")


def main() -> int:
    parser = argparse.ArgumentParser(description="Harvest from a server that fails.")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--page", type=int, default=100)
    parser.add_argument("--spread", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    with (
        SourceServer(
            records=options.records,
            page=options.page,
            spread=options.spread,
            faults=FAULTS,
            seed=options.seed,
        ) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = Path(folder) / "config.toml"
        settings.write_text(
            f'[[sources]]\nname = "all"\nkind = "oai"\nprefix = "arXiv"\nurl = '
            f'"{server.url("/oai")}"\n',
            encoding="utf-8",
        )
        app = App.open(config.load(settings, {}), now=lambda: datetime(2026, 6, 9, 12, tzinfo=UTC))
        waited: list[float] = []
        started = time.perf_counter()
        options = FetchOptions(
            sleep=waited.append, clock=lambda: 1_800_000_000.0 + sum(waited), reading=False
        )
        result = fetch(app, options=options).sources[0]
        took = time.perf_counter() - started
        bodies = [path.read_text(encoding="utf-8") for path in result.files]
        seen = Counter(re.findall(r"<id>(.*?)</id>", "".join(bodies)))
        print(f"outcome      {result.outcome} {result.error}")
        print(
            f"requests     {result.requests:,} for {len(result.files):,} pages; "
            f"{len(server.failures)} failed: {dict(Counter(server.failures))}"
        )
        print(f"again        {result.retries} requests, {result.restarts} windows")
        print(
            f"took         {took:.1f} s, and {sum(waited):,.0f} s of politeness that were not "
            f"waited"
        )
        print(
            f"in the inbox {len(seen):,} of {options.records:,} records; "
            f"{sum(n - 1 for n in seen.values()):,} of them more than once"
        )
        good = result.outcome == "fetched" and len(seen) == options.records
        started = time.perf_counter()
        report = ingest(app, result.files)
        refused = [file.refused for file in report.files if file.refused]
        if refused:
            print(f"not ingested: {refused[0][:120]}")
        else:
            with app.store.reading() as tx:
                papers = store.papers.count_totals(tx)["papers"]
            counts = {
                kind: report.count(kind) for kind in ("new", "updated", "duplicate", "rejected")
            }
            print(
                f"stored       {papers:,} papers, {counts}, in {time.perf_counter() - started:.1f} "
                f"s"
            )
            good = good and papers == options.records
        app.close()
    print("no record lost or doubled" if good else "RECORDS WERE LOST OR DOUBLED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
