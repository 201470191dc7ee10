"""The long form of the attacks, on SQLite and PostgreSQL.

It prints a table of attempts and losses.

    python -m tests.attack [--database sqlite|postgres|both] [--only WORD] [--scale 1.0] [--json
    FILE]

PostgreSQL: at DIGEST_TEST_POSTGRES, else the local one. Exit code 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.attack.every import ATTACKS, Attack
from tests.attack.place import Result
from tests.conftest import POSTGRES, postgres_url


def main() -> int:
    parser = argparse.ArgumentParser(description="Attack the service as outsiders and bad days do.")
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--only", default="", help="attacks whose name holds this word")
    parser.add_argument("--scale", type=float, default=1.0, help="of the long form's counts")
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    arguments = parser.parse_args()
    databases = ["sqlite", "postgres"] if arguments.database == "both" else [arguments.database]
    rows = []
    broken = False
    print(f"{'attack':<42} {'database':<9} {'count':>7} {'lost':>5} {'s':>5}")
    for attack in ATTACKS:
        if arguments.only not in attack.name:
            continue
        for database in databases if attack.uses_database else databases[:1]:
            started = time.monotonic()
            result = run_attack(attack, database, max(1, round(attack.long * arguments.scale)))
            seconds = time.monotonic() - started
            broken = broken or bool(result.lost)
            rows.append(asdict(result) | {"database": database, "seconds": round(seconds, 1)})
            print(
                f"{attack.name:<42} {database:<9} {result.count:>7} {len(result.lost):>5} "
                f"{seconds:>5.0f}"
                f"  {result.remark}",
                flush=True,
            )
            for line in result.lost[:10]:
                print(f"    LOST: {line}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("something was lost" if broken else "nothing was lost")
    return 1 if broken else 0


def run_attack(attack: Attack, database: str, count: int) -> Result:
    """Run one attack on a database and in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="digest-attack-") as folder, _database(database) as url:
        return attack.run(Path(folder), url, count)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
    else:
        yield from postgres_url(os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES))


if __name__ == "__main__":
    sys.exit(main())
