"""The long forms of the proofs.

    python -m tests.proofs chaos [--seconds 600] [--between 4] [--seed 1] [--keep FOLDER]
    python -m tests.proofs soak [--days 60] [--keep FOLDER]
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

from tests.proofs.chaos.chaos import Chaos
from tests.proofs.soak import Soak
from tests.proofs.year import Year, invent_outages, invent_schedules

#: a year with a leap day, a skipped date, and clocks that change in every way
_YEAR_STARTS = datetime(2011, 3, 1, 10, tzinfo=UTC)
#: broken promises that are shown; the first ones tell most
_SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove the promises in their long form.")
    proofs = parser.add_subparsers(required=True)
    chaos = proofs.add_parser("chaos", help="kill the processes of a service while days pass")
    chaos.add_argument("--seconds", type=float, default=600)
    chaos.add_argument("--between", type=float, default=4, help="seconds between acts, at most")
    chaos.add_argument("--seed", type=int, default=1)
    chaos.set_defaults(prove=_prove_chaos)
    soak = proofs.add_parser("soak", help="one process, many days: what it takes and keeps")
    soak.add_argument("--days", type=int, default=60)
    soak.set_defaults(prove=_prove_soak)
    year = proofs.add_parser("year", help="readers in 30 zones, a year of days")
    year.add_argument("--readers", type=int, default=500)
    year.add_argument("--days", type=int, default=366)
    year.add_argument("--tick-hours", type=float, default=3.0)
    year.add_argument("--seed", type=int, default=1)
    year.set_defaults(prove=_prove_year)
    for proof in (chaos, soak, year):
        proof.add_argument("--keep", type=Path, help="an empty folder for all that is written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="digest-proof-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        wrong: Sequence[str] = arguments.prove(arguments, folder)
    for line in wrong[:_SHOWN]:
        print(f"BROKEN: {line}")
    print(f"{len(wrong)} promises were broken" if wrong else "every promise was kept")
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _prove_chaos(arguments: argparse.Namespace, folder: Path) -> Sequence[str]:
    chaos = Chaos(
        folder,
        seconds=arguments.seconds,
        days=3,
        acts=24,
        between=arguments.between,
        kills=3,
        processes={"scheduler": 2, "sender": 3, "web": 2},
        seed=arguments.seed,
        report_progress=_say,
    )
    report = chaos.run()
    acts = ", ".join(f"{n} {name}" for name, n in report.acts.items())
    states = ", ".join(f"{n} {name}" for name, n in report.states.items())
    _say(
        f"{report.days:.1f} days in {report.seconds:.0f} s: {acts}; {report.papers} papers, "
        f"{report.mails} mails taken; digests: {states}; {report.thumbs} thumbs answered, "
        f"{report.unanswered} not"
    )
    return report.wrong


def _prove_soak(arguments: argparse.Namespace, folder: Path) -> Sequence[str]:
    # Papers compete for up to 31 days; from then on each day is like the one before.
    warm = min(32, arguments.days // 2)
    soak = Soak(folder, days=arguments.days, warm=warm, memory=10_000, report_progress=_say)
    report = soak.run()
    grown = ", ".join(f"{name} {n}" for name, n in sorted(report.grown.items()))
    _say(
        f"{len(report.days)} days in {report.seconds:.0f} s, {report.mails} mails, "
        f"{report.thumbs} thumbs: {report.describe()}; rows since day {warm}: {grown}"
    )
    return report.wrong


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
