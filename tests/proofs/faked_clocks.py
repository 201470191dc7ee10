"""A wall clock that is set by hand, for real processes (libfaketime).

Only what the clock on the wall says is faked: monotonic time and times of files are right, as after
an operator or an NTP daemon has set the clock.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.attack.delivery import find_faketime

_SITE = Path(__file__).parent / "compressed_time"


class FakedClock:
    """The clock of one machine: ahead of the real one by a time that can be changed."""

    def __init__(self, path: Path, ahead: timedelta = timedelta()) -> None:
        self.path = path
        self.set(ahead)

    def set(self, ahead: timedelta) -> None:
        self.ahead = ahead
        part = self.path.with_suffix(".part")
        part.write_text(f"{ahead.total_seconds():+.0f}\n")
        part.replace(self.path)  # no process may see half of it

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def environment(self) -> dict[str, str]:
        """Return variables under which a Python process has this clock.

        Raises:
            FileNotFoundError: libfaketime is not installed.
        """
        library = find_faketime()
        if library is None:
            raise FileNotFoundError("libfaketime: install Debian's package faketime")
        threaded = Path(library).with_name("libfaketimeMT.so.1")
        paths = [str(_SITE), os.environ.get("PYTHONPATH", "")]
        return {
            "LD_PRELOAD": str(threaded),
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            # The fix is for other systems. Here it makes each wait for the interpreter's lock end
            # at once, and the threads spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
