"""How well are papers ranked? Runs the shared benchmark on `digest.evaluate`, and on peers' recipes beside it where asked.

    python tests/bench/relevance.py                              all three tracks
    python tests/bench/relevance.py --track abstracts --peers 'arxiv-sanity-lite|Rocchio'

Needs the folder with the benchmark: DIGEST_TEST_SHARED, else `shared` beside the repository. Takes minutes; prints tables.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: readers on the track of titles, where all of them would take an hour and say no more
USERS = {"titles": ["--users", "250"]}


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the shared benchmark on digest.evaluate.")
    parser.add_argument("--track", choices=["abstracts", "explicit", "titles"], action="append", help="default: all three")
    parser.add_argument("--peers", metavar="REGEX", help="also run the benchmark's own recipes whose names match")
    asked = parser.parse_args()
    folder = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "eval"
    if not (folder / "bench.py").is_file():
        print(f"no benchmark at {folder}; set DIGEST_TEST_SHARED to the folder that holds eval/bench.py", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        for track in asked.track or ["abstracts", "explicit", "titles"]:
            common = ["--data", "data_dev", "--track", track, *USERS.get(track, [])]
            print(f"\n{track}", flush=True)
            if _bench(folder, "external", *common, "--module", "digest.evaluate:recommend"):
                return 1
            if asked.peers and _bench(folder, "run", *common, "--methods", asked.peers, "--out", str(Path(scratch) / f"{track}.jsonl")):
                return 1
    return 0


def _bench(folder: Path, *arguments: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "bench.py", *arguments], cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
