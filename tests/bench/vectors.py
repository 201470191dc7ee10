"""Measure word vectors: training on the stored papers, and features at ingest.

    python tests/bench/vectors.py   all of arXiv's papers in the shared dumps, about 75,000
    python tests/bench/vectors.py --papers 20000 --write table.bin

Needs the folder with the dumps: DIGEST_TEST_SHARED, else `shared` beside the repository. Takes
minutes; prints seconds, CPU and peak memory of each command, which runs as a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import msgspec

from digest import dumps, papers
from digest.model import Entry, Record
from digest.ranking import features

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measure training of word vectors, and features at ingest."
    )
    parser.add_argument("--papers", type=int, default=75_000, help="records read at most")
    parser.add_argument(
        "--write", type=Path, help="keep the table that was trained from nothing in this file"
    )
    options = parser.parse_args()
    shared = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "dumps"
    if not shared.is_dir():
        print(
            f"no dumps at {shared}; set DIGEST_TEST_SHARED to the folder that holds dumps/",
            file=sys.stderr,
        )
        return 1
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        dump = Path(scratch) / "papers.jsonl"
        write_dump(shared, dump, options.papers)
        run_command(scratch, "ingest", "--backfill", str(dump), "--json")
        table = options.write.resolve() if options.write else Path(scratch) / "table.bin"
        run_command(scratch, "vectors", "train", "--from-nothing", "--write", str(table), "--json")
        run_command(scratch, "vectors", "train", "--json")
        print(f"table: {table.stat().st_size / 1e6:.1f} MB")
    return 0


def write_dump(shared: Path, dump: Path, most: int) -> None:
    """Write papers as a dump, and print the cost of their features.

    In portions: a process inherits its parent's peak of memory.
    """
    entries, number, octets, counting, weighing = islice(read_entries(shared), most), 0, 0, 0.0, 0.0
    space = None
    with dump.open("wb") as file:
        while portion := list(islice(entries, 2000)):
            texts = [features.text_of(entry.title, entry.abstract) for entry in portion]
            began = time.process_time()
            packed = features.pack(features.vectorize(texts))
            counting += time.process_time() - began
            octets += sum(map(len, packed))
            if space is None:
                counts = features.unpack(packed)
                space = features.fit_space(
                    features.load_base_table(), features.Frequencies().add(counts), counts
                )
            began = time.process_time()
            space.rows(features.unpack(packed))
            weighing += time.process_time() - began
            for entry in portion:
                row = {"arxiv": make_id(number), "title": entry.title, "abstract": entry.abstract}
                file.write(msgspec.json.encode(row) + b"\n")
                number += 1
    print(
        f"{number:,} papers; features at ingest: {1000 * counting / number:.3f} ms of CPU a paper, "
        f"counted and packed into {octets / number:.0f} bytes; "
        f"unpacked and made rows: {1000 * weighing / number:.3f} ms",
        flush=True,
    )


def read_entries(folder: Path) -> Iterator[Entry]:
    """Yield stored papers, one of each title."""
    seen: set[str] = set()
    for path in (folder / "arxiv-corpus.jsonl.gz", *sorted((folder / "arxiv").iterdir())):
        dump = dumps.open_dump(path, today=date.today())
        for record in dump.records():
            entry = papers.clean(record, dump.format) if isinstance(record, Record) else None
            if isinstance(entry, Entry) and entry.title not in seen:
                seen.add(entry.title)
                yield entry


def make_id(place: int) -> str:
    """Make an arXiv number: months of 2020, 99,999 papers in each."""
    return f"{2001 + place // 99_999}.{1 + place % 99_999:05}"


def run_command(folder: str, *command: str) -> None:
    """Run one command as a process, with its own peak of memory."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    report = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    words = " ".join(word for word in command if not word.startswith("/") and word != "--json")
    summary = (
        f"{report['words']:,} words, {report['version']}"
        if "words" in report
        else f"{report['new']:,} papers"
    )
    print(
        f"{words}: {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of CPU, peak "
        f"{used.ru_maxrss / 1024:.0f} MB ({summary})",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
