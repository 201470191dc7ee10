"""The long forms of the proofs.

    python -m tests.proofs year [--readers 500] [--days 366] [--tick-hours 3] [--seed 1]

Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.proofs.year import Year, invent_outages, invent_schedules

#: a year with a leap day, a skipped date, and clocks that change in every way
_YEAR_STARTS = datetime(2011, 3, 1, 10, tzinfo=UTC)
#: broken promises that are shown; the first ones tell most
_SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove the promises in their long form.")
    proofs = parser.add_subparsers(required=True)
    year = proofs.add_parser("year", help="readers in 30 zones, a year of days")
    year.add_argument("--readers", type=int, default=500)
    year.add_argument("--days", type=int, default=366)
    year.add_argument("--tick-hours", type=float, default=3.0)
    year.add_argument("--seed", type=int, default=1)
    year.set_defaults(prove=_prove_year)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="digest-proof-") as folder:
        wrong: Sequence[str] = arguments.prove(arguments, Path(folder))
    for line in wrong[:_SHOWN]:
        print(f"BROKEN: {line}")
    print(f"{len(wrong)} promises were broken" if wrong else "every promise was kept")
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _prove_year(arguments: argparse.Namespace, folder: Path) -> Sequence[str]:
    rng = random.Random(arguments.seed)
    start, end = _YEAR_STARTS, _YEAR_STARTS + timedelta(days=arguments.days)
    outages = invent_outages(start, end, rng)
    schedules = invent_schedules(arguments.readers, start, end, rng)
    tick = timedelta(hours=arguments.tick_hours)
    report = Year(folder, schedules, outages, start, end, tick=tick, report_progress=_say).run()
    pauses = sum(len(schedule.pauses) for schedule in schedules)
    _say(
        f"{report.readers} readers, {report.days} days, {len(outages)} outages, {pauses} pauses, "
        f"{report.papers} papers, {report.ticks} ticks, {report.seconds:.0f} s: "
        f"{report.expected} digests had to come, {report.late} of them after an outage; "
        f"{report.missed} dates were closed by outages"
    )
    return report.wrong


if __name__ == "__main__":
    sys.exit(main())
