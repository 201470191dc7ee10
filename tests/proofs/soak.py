"""One `digest serve` that lives through many days in minutes, and what it takes and keeps.

A day passes when the day before is done: its papers read, its digests sent, its pages asked.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
from sqlalchemy import func, select

from digest.demo.mail_sink import MailSink
from digest.store import tables
from tests.attack.place import Place
from tests.conftest import invent_papers
from tests.proofs.faked_clocks import FakedClock

READERS = 12
#: tables that gain rows each day: what was read, sent and answered
HISTORY = {
    "deliveries",
    "digest_items",
    "digests",
    "dumps",
    "feedback",
    "identities",
    "messages",
    "papers",
    "presses",
    "records",
    "rounds",
    "vectors",
}
#: tables of one row for each recipe, written when there are enough thumbs
_ONE_ROW = {"calibrations"}
#: seconds after which a day is not done any more; a busy machine is slow
_PATIENCE = 600
_THUMB = re.compile(r"https?://[^/\s]+(/t/\w+)")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What the process takes at the end of a day."""

    #: kilobytes of memory in its hands
    memory: int
    handles: int
    threads: int


@dataclass(kw_only=True)
class Report:
    """What it took, day by day."""

    days: list[Taken] = field(default_factory=list)
    #: rows that each table gained between the first days and the last
    grown: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    thumbs: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Return what it took after a tenth of the days, and at the end."""
        early, late = self.days[len(self.days) // 10], self.days[-1]
        return (
            f"memory {early.memory / 1000:.1f} -> {late.memory / 1000:.1f} MB, "
            f"handles {early.handles} -> {late.handles}, threads {early.threads} -> {late.threads}"
        )


class Soak:
    """A service and its days.

    Args:
        folder: for all that it keeps.
        days: how many.
        warm: days after which nothing may grow; at least a week's window of papers.
        memory: kilobytes by which memory may grow from then on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        days: int,
        warm: int,
        memory: int,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self.days, self.warm, self.memory = folder, days, warm, memory
        self.report = Report()
        self.report_progress = report_progress
        self._clock = FakedClock(folder / "clock")
        self._first = datetime.now(UTC).date() + _DAY
        self._pid = 0

    def run(self) -> Report:
        began = time.monotonic()
        with MailSink(self.folder / "taken") as self._sink:
            place = Place(
                self.folder,
                smtp=f'host = "127.0.0.1"\nport = {self._sink.port}\ntls = "none"',
                ingest=f'inbox = "{self.folder / "inbox"}"',
            )
            for number in range(READERS):
                place.subscribe(f"reader{number}", keywords=("robot",), size=5, hour=6)
            (self.folder / "inbox").mkdir()
            self._set_clock(0)
            with place.serving(**self._clock.environment()) as process:
                self._pid = process.pid
                all_done = all(self._live(place, number) for number in range(self.days))
                if process.poll() is not None:
                    self.report.wrong.append(f"it ended by itself with {process.poll()}")
            place.close()
        if "Traceback" in (text := place.log.read_text(errors="replace")):
            self.report.wrong.append(f"in its log: {text[text.index('Traceback') :][:3000]}")
        if all_done:
            self._check()
        self.report.mails = len(self._sink.mails)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _live(self, place: Place, number: int) -> bool:
        """Let a day pass; return whether it was done in time."""
        day = self._first + number * _DAY
        self._publish(day)
        self._set_clock(number)
        until = time.monotonic() + _PATIENCE
        wanted = (number + 1) * READERS
        while len(self._sink.mails) < wanted:
            if time.monotonic() > until:
                self.report.wrong.append(
                    f"{day}: {len(self._sink.mails)} of {wanted} mails within {_PATIENCE} s"
                )
                return False
            time.sleep(0.05)
        self._use_pages(place)
        if number == self.warm:
            self._rows = self._count_rows(place)
        elif number == self.days - 1:
            rows = self._count_rows(place)
            self.report.grown = {
                name: n - self._rows[name] for name, n in rows.items() if n != self._rows[name]
            }
        self.report.days.append(self._measure())
        self.report_progress(f"{day} {self.report.days[-1]}")
        return True

    def _publish(self, day: date) -> None:
        path = self.folder / "inbox" / f"{day}.jsonl"
        part = path.with_suffix(".part")
        rows = invent_papers(day, 3)
        part.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        part.replace(path)

    def _set_clock(self, number: int) -> None:
        """Set the clock to half past six of a day."""
        day = self._first + number * _DAY
        shown = datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC)
        self._clock.set(shown - datetime.now(UTC))

    def _use_pages(self, place: Place) -> None:
        """Press thumbs of the newest mails, and look at pages."""
        for mail in self._sink.mails[-2:]:
            paths = _THUMB.findall(mail.part("plain"))
            for path in ("/", "/healthz", "/readyz", *paths[:1]):
                answer = httpx.get(place.base_url + path, timeout=60)
                if answer.status_code != 200:
                    self.report.wrong.append(f"GET {path}: {answer.status_code}")
            if paths and httpx.post(place.base_url + paths[0], timeout=60).status_code == 200:
                self.report.thumbs += 1

    def _measure(self) -> Taken:
        own = Path(f"/proc/{self._pid}")
        status = dict(
            line.split(":", 1) for line in (own / "status").read_text().splitlines() if ":" in line
        )
        return Taken(
            memory=int(status["VmRSS"].split()[0]),
            handles=len(list((own / "fd").iterdir())),
            threads=int(status["Threads"]),
        )

    def _count_rows(self, place: Place) -> Mapping[str, int]:
        with place.app.store.reading() as tx:
            return {
                table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables.metadata.sorted_tables
            }

    def _check(self) -> None:
        """Compare the days after the warm ones: their first third with their last."""
        days = self.report.days[self.warm :]
        third = max(1, len(days) // 3)
        for name, allowed in (("memory", self.memory), ("handles", 1), ("threads", 1)):
            early = statistics.median(getattr(day, name) for day in days[:third])
            late = statistics.median(getattr(day, name) for day in days[-third:])
            if late > early + allowed:
                self.report.wrong.append(f"{name} grew from {early:.0f} to {late:.0f}")
        for name, rows in self.report.grown.items():
            if name not in HISTORY and not (name in _ONE_ROW and rows == 1):
                self.report.wrong.append(f"table {name} grew by {rows} rows")
