"""Days that pass no faster than the service keeps up, with a paper every few hours."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tests.proofs.chaos.lag import Lag
from tests.proofs.faked_clocks import FakedClock

#: seconds after which what has not come does not come; a busy machine is slow
PATIENCE = 600
#: the clocks go on by so much ...
_STEP = timedelta(hours=2)
#: ... at every so many seconds, and by no more than the service keeps up with
_STEP_SECONDS = 1.0
_PAPERS_EVERY = timedelta(hours=6)


class Days:
    """The clocks of two machines, "a" and "b", and the papers of their days.

    Args:
        folder: for the clocks' files; papers go into its folder `inbox`.
        lag: of the service, for which the clocks wait.
    """

    def __init__(self, folder: Path, lag: Lag) -> None:
        self._inbox, self._lag = folder / "inbox", lag
        self._clocks = {name: FakedClock(folder / f"clock-{name}") for name in "ab"}
        self._ahead = timedelta()
        self._skew: Mapping[str, timedelta] = {}
        self._next_paper = timedelta()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.papers = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Days:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def passed(self) -> float:
        """Return the days that have passed."""
        return self._ahead / timedelta(days=1)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def environment(self, clock: str) -> dict[str, str]:
        """Return variables under which a process has a clock."""
        return self._clocks[clock].environment()

    def skew(self, clocks: str, by: timedelta) -> None:
        """Set some clocks wrong, and all others right."""
        self._skew = dict.fromkeys(clocks, by)
        self._set_clocks()

    def step(self) -> None:
        """Let two hours pass at once."""
        self._ahead += _STEP
        self._set_clocks()
        if self._ahead >= self._next_paper:
            self._next_paper = self._ahead + _PAPERS_EVERY
            self._publish()

    def go_to_next_try(self) -> bool:
        """Let the time pass until the first mail is tried, if all that wait are tried later."""
        next_try = self._lag.find_next_try()
        if next_try is None or next_try <= (now := self.now()):
            return False
        self._ahead += next_try - now + timedelta(seconds=1)
        self._set_clocks()
        return True

    def is_running(self) -> bool:
        """Return whether days pass by themselves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        waiting_since: float | None = None
        while not self._over.wait(_STEP_SECONDS):
            if self._lag.is_behind(self.now()):
                if self._lag.only_mails_wait and self.go_to_next_try():
                    continue
                waiting_since = waiting_since or time.monotonic()
                if time.monotonic() - waiting_since < PATIENCE:
                    continue
                self.wrong.append(f"nothing went on for {PATIENCE} s: {self._lag.why}")
            waiting_since = None
            self.step()

    def _set_clocks(self) -> None:
        with self._lock:
            for name, clock in self._clocks.items():
                clock.set(self._ahead + self._skew.get(name, timedelta()))

    def _publish(self) -> None:
        self.papers += 1
        number = self.papers
        row = {
            "arxiv": f"2612.{number:05}",
            "title": f"Paper {number} of p{number}p{number * 7919}",
            "abstract": f"About p{number * 104729} and q{number * 15485863}.",
            "categories": ["cs.RO"],
        }
        path = self._inbox / f"{number:05}.jsonl"
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(row) + b"\n")
        part.replace(path)
