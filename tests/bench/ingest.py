"""Measure ingest, as a ratio to the bare driver.

The bare driver writes the same rows into the same tables, without cleaning or look-ups: the floor.
On SQLite it fills the index of words by the same statement, as that is a table of ours too.

    python tests/bench/ingest.py   20,000 records into SQLite, and into PostgreSQL where one answers
    python tests/bench/ingest.py --records 100000
    python tests/bench/ingest.py --repeat 3
            three times, and the medians: on a machine that others use, too
    python tests/bench/ingest.py --memory              peak memory at 40,000 and 400,000 records

Records are the real arXiv days with changed ids and titles where DIGEST_TEST_SHARED (default
../shared) has them, else invented ones. Features are left out on both sides. Times are CPU plus
waiting of one process; the floor is own in the same run. In brackets for SQLite the CPU alone,
which other processes disturb less; PostgreSQL's is its server's.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("dumps", "papers", "identities", "records", "vectors", "rounds", "frequencies")


def make_rows(count: int) -> Iterator[dict[str, Any]]:
    """Make records of a daily crawl with ids of their own and different titles."""
    folder = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared")) / "dumps" / "arxiv"
    files = sorted(folder.glob("*.jsonl.gz"))

    def read_real_rows() -> Iterator[dict[str, Any]]:
        for path in files:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from map(json.loads, file)

    text = (
        "We look at a number of things and find that some of them are larger than the others. " * 12
    )
    invented = (
        {
            "title": "A title",
            "summary": text,
            "authors": ["Jane Doe"] * 5,
            "categories": ["cs.LG"],
            "comment": None,
        }
        for _ in itertools.count()
    )
    source = itertools.cycle(read_real_rows()) if files else invented
    for number, row in zip(range(count), source, strict=False):
        ident = (
            f"{15 + number // 1_188_000:02d}{1 + number // 99_000 % 12:02d}"
            f".{1 + number % 99_000:05d}"
        )
        yield row | {
            "id": ident,
            "title": f"{row['title']} {number}",
            "abs": f"https://arxiv.org/abs/{ident}",
        }


def write_dump(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in make_rows(count))


class Clock:
    """A sum of the seconds that its blocks take, on the clock and of CPU."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._began[0]
        self.cpu += time.process_time() - self._began[1]


def time_ingest(url: str, dump: Path, folder: Path) -> Clock:
    """Time the verb ingest, without features."""
    import scipy.sparse as sp

    from digest import config, pipeline
    from digest.app import App
    from digest.ranking import features

    app = App.open(
        config.load(None, {"DIGEST_STORE__URL": url, "DIGEST_INGEST__INBOX": str(folder / "inbox")})
    )
    features.vectorize = lambda texts: sp.csr_matrix((len(texts), features.COLUMNS), dtype="int32")  # type: ignore[assignment]
    features.pack = lambda records: [b""] * records.shape[0]  # type: ignore[assignment]
    took = Clock()
    with took:
        report = pipeline.ingest(app, [dump])
    assert report.count("new") == report.count("read"), report.json
    app.close()
    return took


def time_bare_sqlite(filled: Path, folder: Path) -> Clock:
    """Time executemany alone over the rows that ours wrote.

    In transactions of 2,000, into an empty copy of the schema.
    """
    import sqlite3

    from digest.store import Store, schema

    target = folder / "floor.sqlite"
    store = Store(f"sqlite:///{target}")
    schema.require(store)
    store.close()
    source, sink = sqlite3.connect(filled), sqlite3.connect(target, isolation_level=None)
    sink.execute("PRAGMA journal_mode = WAL")
    sink.execute("PRAGMA synchronous = FULL")
    took = Clock()
    for table in TABLES:
        records = source.execute(f"SELECT * FROM {table}").fetchall()
        if not records:
            continue
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(records[0]))})"
        with took:
            for start in range(0, len(records), 2000):
                sink.execute("BEGIN IMMEDIATE")
                sink.executemany(statement, records[start : start + 2000])
                if table == "papers":
                    sink.execute(
                        "INSERT INTO paper_words (rowid, title, abstract, authors, categories) "
                        "SELECT id, title, abstract, authors, categories FROM papers WHERE id > ?",
                        (records[start][0] - 1,),
                    )
                sink.execute("COMMIT")
    source.close()
    sink.close()
    return took


def time_bare_postgres(filled: str, target: str) -> tuple[float, float]:
    """Time executemany and COPY over the rows that ours wrote, in seconds."""
    import psycopg

    from digest.store import Store, schema

    took = {"executemany": 0.0, "copy": 0.0}
    for method in took:
        store = Store(target)
        schema.require(store)
        store.close()
        with psycopg.connect(filled) as source, psycopg.connect(target) as sink:
            for table in TABLES:
                records = source.execute(f"SELECT * FROM {table}".encode()).fetchall()
                if not records:
                    continue
                records = [
                    tuple(
                        json.dumps(value) if isinstance(value, dict | list) else value
                        for value in row
                    )
                    for row in records
                ]
                started = time.perf_counter()
                for start in range(0, len(records), 2000):
                    batch = records[start : start + 2000]
                    with sink.cursor() as cursor:
                        if method == "copy":
                            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                                for row in batch:
                                    copy.write_row(row)
                        else:
                            cursor.executemany(
                                f"INSERT INTO {table} VALUES "
                                f"({', '.join(['%s'] * len(batch[0]))})".encode(),
                                batch,
                            )
                    sink.commit()
                took[method] += time.perf_counter() - started
            sink.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            sink.commit()
    return took["executemany"], took["copy"]


def compare(count: int) -> dict[str, float]:
    """Print one run on each database; return the ratios."""
    ratios = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dump = folder / "dump.jsonl"
        write_dump(dump, count)
        size = dump.stat().st_size
        print(f"{count:,} records, {size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}")
        own = time_ingest(f"sqlite:///{folder / 'ours.sqlite'}", dump, folder)
        bare = time_bare_sqlite(folder / "ours.sqlite", folder)
        ratios["SQLite"], ratios["SQLite, CPU"] = own.wall / bare.wall, own.cpu / bare.cpu
        print(
            f"SQLite      ours {own.wall:6.1f} s ({1e6 * own.wall / count:4.0f} us a record)   "
            f"floor {bare.wall:5.1f} s   "
            f"ratio {ratios['SQLite']:.1f}   (CPU {own.cpu:.1f} s to {bare.cpu:.1f} s, "
            f"{ratios['SQLite, CPU']:.1f})"
        )
        admin = os.environ.get(
            "DIGEST_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"
        )
        try:
            import psycopg
        except ImportError as error:
            print(f"PostgreSQL  left out: {error}")
            return ratios
        try:
            connection = psycopg.connect(admin, autocommit=True, connect_timeout=3)
        except psycopg.OperationalError as error:
            print(f"PostgreSQL  left out: {error}")
            return ratios
        names = [f"digest_bench_{os.getpid()}_{part}" for part in ("ours", "floor")]
        try:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}".encode())
            urls = [admin.rsplit("/", 1)[0] + "/" + name for name in names]
            own = time_ingest(urls[0], dump, folder)
            many, copy = time_bare_postgres(urls[0], urls[1])
            ratios["PostgreSQL"] = own.wall / many
            print(
                f"PostgreSQL  ours {own.wall:6.1f} s ({1e6 * own.wall / count:4.0f} us a record) "
                f"  floor {many:5.1f} s   "
                f"ratio {ratios['PostgreSQL']:.1f}   (COPY {copy:.1f} s)"
            )
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.close()
    return ratios


def measure_memory() -> None:
    peaks = {}
    for count in (40_000, 400_000):
        done = subprocess.run(
            [sys.executable, __file__, "--peak", str(count)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ,
        )
        peaks[count] = float(done.stdout)
        print(f"{count:>7,} records: peak {peaks[count]:.0f} MB", flush=True)
    print(f"ratio {peaks[400_000] / peaks[40_000]:.2f}")


def print_peak(count: int) -> None:
    """Ingest with features, as the command does, and print the peak memory in MB."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_dump(folder / "dump.jsonl", count)
        from digest import config, pipeline
        from digest.app import App

        app = App.open(
            config.load(
                None,
                {
                    "DIGEST_STORE__URL": f"sqlite:///{folder / 'x.sqlite'}",
                    "DIGEST_INGEST__INBOX": str(folder / "inbox"),
                },
            )
        )
        pipeline.ingest(app, [folder / "dump.jsonl"])
        app.close()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak)
    elif options.memory:
        measure_memory()
    else:
        runs = [compare(options.records) for _ in range(options.repeat)]
        if len(runs) > 1:
            print(
                "medians: "
                + ", ".join(
                    f"{name} {statistics.median(run[name] for run in runs):.1f}" for name in runs[0]
                )
            )


if __name__ == "__main__":
    main()
