"""The long form of the kill tests.

    python -m tests.kill [--readers 2000] [--kills 50] [--database sqlite|postgres] [--senders N]
    [--processes N] [--connections N] [--seed N] [--keep FOLDER]

PostgreSQL: at DIGEST_TEST_POSTGRES, else the local one. Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import POSTGRES, postgres_url
from tests.kill.proof import Proof


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Kill senders at random moments, and count what their mail server got."
    )
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument(
        "--senders", type=int, default=0, help="at once; default 1 on SQLite, 3 on PostgreSQL"
    )
    parser.add_argument("--processes", type=int, default=1, help="of each sender")
    parser.add_argument("--connections", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder for the database and all that was taken; default a temporary one",
    )
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        _database(arguments.database, arguments.keep or Path(temporary)) as url,
    ):
        folder = arguments.keep or Path(temporary)
        proof = Proof(
            url,
            folder,
            readers=arguments.readers,
            kills=arguments.kills,
            senders=arguments.senders or (1 if arguments.database == "sqlite" else 3),
            processes=arguments.processes,
            connections=arguments.connections,
            seed=arguments.seed,
            report_progress=lambda line: print(line, flush=True),
        )
        report = proof.run()
    states = ", ".join(f"{n} {state.value}" for state, n in sorted(report.states.items()))
    print(
        f"{report.kills} kills, {len(report.acts)} acts, {report.seconds:.0f} s; {states}; "
        f"{report.copies} copies taken"
    )
    for line in report.wrong:
        print(f"BROKEN: {line}")
    print(
        "a promise was broken"
        if report.wrong
        else "no message twice, none lost, every reader accounted for"
    )
    return 1 if report.wrong else 0


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'digest.sqlite'}"
    else:
        yield from postgres_url(os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES))


if __name__ == "__main__":
    sys.exit(main())
