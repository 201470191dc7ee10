"""Measure how well papers are ranked, by the shared benchmark.

Runs it on `digest.evaluate`, and on peers' recipes where asked.

    python tests/bench/relevance.py                              all three tracks
    python tests/bench/relevance.py --track abstracts --peers 'arxiv-sanity-lite|Rocchio'
    python tests/bench/relevance.py --encoded
            and what an encoder brings beside the own vectors (MiniLM's, stored there)
    python tests/bench/relevance.py --many
            readers with 50 and 100 likes, split in three ways, beside two peers

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
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
#: tracks and numbers of likes of `--many`, and the seeds that split the readers' likes
MANY_LIKES = (("titles", 50), ("titles", 100), ("explicit", 50))
SPLITS = (6, 7, 8)
#: names of the peers of `--many`, a regular expression
MANY_PEERS = r"arxiv-sanity-lite \(|LR tf-idf C=100 bal"


class Run(NamedTuple):
    """One run of the benchmark."""

    track: str
    #: how many likes readers have; 0 = the benchmark's own numbers
    likes: int = 0
    #: seed that splits each reader's likes; 0 = the benchmark's own
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.track}, {self.likes} likes, split {self.seed}" if self.likes else self.track


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
    parser.add_argument(
        "--many",
        action="store_true",
        help=f"in place of the tracks: {', '.join(f'{track} at {k}' for track, k in MANY_LIKES)} "
        f"likes, beside --peers (default: {MANY_PEERS!r})",
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
    if options.many:
        runs = [Run(track, likes, seed) for track, likes in MANY_LIKES for seed in SPLITS]
        options.peers = options.peers or MANY_PEERS
    else:
        runs = [Run(track) for track in options.track or ["abstracts", "explicit", "titles"]]
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for run in runs:
        print(f"\n{run}", flush=True)
        users = ["--users", str(options.users)] if run == Run("titles") else []
        ours += run_benchmark(
            folder, run, "external", "--module", "digest.evaluate:recommend", *users
        )
        if options.encoded:
            os.environ["DIGEST_BENCH_ENCODED"] = str(folder / "emb" / f"mini_{run.track}.npz")
            theirs += run_benchmark(
                folder, run, "external", "--module", "tests.bench.encoded:recommend", *users
            )
        if options.peers:
            theirs += run_benchmark(
                folder, run, "run", "--methods", options.peers, "--emb", "emb", *users
            )
    if options.many:
        print_means(ours + theirs)
    if theirs:
        compare(ours, theirs)
    return 0


def print_means(rows: list[dict[str, Any]]) -> None:
    """Print the mean nDCG@10 of each method, track, number of likes and split."""
    values: dict[tuple[str, str, int, int], list[float]] = {}
    for row in rows:
        key = (row["method"], row["track"], row["k"], row["seed"])
        values.setdefault(key, []).append(row["ndcg10"])
    for (method, track, k, seed), cell in sorted(values.items()):
        print(f"  {track:9} k={k:<3} split {seed}: {np.mean(cell):.3f} ({len(cell)}) {method}")


def compare(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Print nDCG@10 of ours less each peer's, paired over readers.

    With 95 % bootstrap intervals; the peer that comes nearest in the mean first.
    """
    own_values = {(row["track"], row["k"], row["task"], row["seed"]): row["ndcg10"] for row in ours}
    by_peer: dict[str, dict[tuple[str, int], dict[str, list[float]]]] = {}
    for row in theirs:
        key = (row["track"], row["k"], row["task"], row["seed"])
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
            print(f"  {track:9} k={k:<3} {readers.mean():+.3f} [{low:+.3f}, {high:+.3f}]{below}")


def run_benchmark(folder: Path, run: Run, *arguments: str) -> list[dict[str, Any]]:
    """Run the benchmark, and return its row for each task.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    program, split = ["bench.py"], []
    if run.likes:
        # The benchmark sets POOL likes of a reader aside for training.
        many = f"import sys; sys.path.insert(0, '.'); import bench; bench.POOL = {run.likes}"
        program, split = ["-c", f"{many}; bench.main()"], ["--k", str(run.likes)]
    if run.seed:
        split += ["--seed", str(run.seed)]
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "rows.jsonl"
        subprocess.run(
            [
                sys.executable,
                *program,
                *arguments,
                *("--data", "data_dev", "--track", run.track, "--out", str(out)),
                *split,
            ],
            cwd=folder,
            env=environment,
            check=True,
        )
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    return [row | {"seed": run.seed} for row in rows]


if __name__ == "__main__":
    sys.exit(main())
