"""Measure how well papers are ranked, by the shared benchmark.

Runs it on `digest.evaluate`, and on peers' recipes where asked.

    python tests/bench/relevance.py                              all three tracks
    python tests/bench/relevance.py --track abstracts --peers 'arxiv-sanity-lite|Rocchio'
    python tests/bench/relevance.py --encoded
            and what an encoder brings beside the own vectors (MiniLM's, stored there)

Needs the folder with the benchmark: DIGEST_TEST_SHARED, else `shared` beside the repository. Takes
minutes; prints tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the shared benchmark on digest.evaluate.")
    parser.add_argument(
        "--track",
        choices=["abstracts", "explicit", "titles"],
        action="append",
        help="default: all three",
    )
    parser.add_argument(
        "--peers",
        metavar="REGEX",
        help="also run the benchmark's own recipes whose names match, and compare reader by reader",
    )
    parser.add_argument(
        "--encoded",
        action="store_true",
        help="also run with the benchmark's stored MiniLM vectors beside words and own vectors",
    )
    parser.add_argument(
        "--users",
        type=int,
        default=250,
        help="readers on the track of titles, where all of them would take an hour and say no more",
    )
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "eval"
    if not (folder / "bench.py").is_file():
        print(
            f"no benchmark at {folder}; set DIGEST_TEST_SHARED to the folder that holds "
            f"eval/bench.py",
            file=sys.stderr,
        )
        return 1
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for track in options.track or ["abstracts", "explicit", "titles"]:
            common = [
                "--data",
                "data_dev",
                "--track",
                track,
                *(["--users", str(options.users)] if track == "titles" else []),
            ]
            own_file, peers_file = (
                Path(scratch) / f"{track}-ours.jsonl",
                Path(scratch) / f"{track}-peers.jsonl",
            )
            print(f"\n{track}", flush=True)
            if run_benchmark(
                folder,
                "external",
                *common,
                "--module",
                "digest.evaluate:recommend",
                "--out",
                str(own_file),
            ):
                return 1
            ours += read_rows(own_file)
            if options.encoded:
                beside = Path(scratch) / f"{track}-encoded.jsonl"
                os.environ["DIGEST_BENCH_ENCODED"] = str(folder / "emb" / f"mini_{track}.npz")
                if run_benchmark(
                    folder,
                    "external",
                    *common,
                    "--module",
                    "tests.bench.encoded:recommend",
                    "--out",
                    str(beside),
                ):
                    return 1
                theirs += read_rows(beside)
            if options.peers:
                if run_benchmark(
                    folder,
                    "run",
                    *common,
                    "--methods",
                    options.peers,
                    "--emb",
                    "emb",
                    "--out",
                    str(peers_file),
                ):
                    return 1
                theirs += read_rows(peers_file)
    if theirs:
        compare(ours, theirs)
    return 0


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def compare(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Print nDCG@10 of ours less each peer's, paired over readers.

    With 95 % bootstrap intervals; the peer that comes nearest in the mean first.
    """
    own_values = {(row["track"], row["k"], row["task"]): row["ndcg10"] for row in ours}
    by_peer: dict[str, dict[tuple[str, int], dict[str, list[float]]]] = {}
    for row in theirs:
        key = (row["track"], row["k"], row["task"])
        if key in own_values:
            cell = by_peer.setdefault(row["method"], {}).setdefault(key[:2], {})
            cell.setdefault(row["user"], []).append(own_values[key] - row["ndcg10"])
    rng = np.random.default_rng(0)
    means = {
        peer: float(
            np.mean(
                [np.mean([x for user in cell.values() for x in user]) for cell in cells.values()]
            )
        )
        for peer, cells in by_peer.items()
    }
    for peer in sorted(means, key=lambda name: means[name]):
        print(f"\nours less {peer}: {means[peer]:+.4f} in the mean of {len(by_peer[peer])} cells")
        for (track, k), cell in sorted(by_peer[peer].items()):
            readers = np.array([np.mean(differences) for differences in cell.values()])
            drawn = readers[rng.integers(0, len(readers), (2000, len(readers)))].mean(axis=1)
            low, high = np.percentile(drawn, [2.5, 97.5])
            below = "   BELOW" if high < 0 else ""
            print(f"  {track:9} k={k:<2} {readers.mean():+.3f} [{low:+.3f}, {high:+.3f}]{below}")


def run_benchmark(folder: Path, *arguments: str) -> int:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "bench.py", *arguments], cwd=folder, env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
