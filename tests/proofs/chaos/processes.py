"""Processes of a service that are started again whenever they end, as by an init system."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

#: seconds that a process gets to stop in order
_STOPS_WITHIN = 300


@dataclass(kw_only=True)
class Supervised:
    """One process with its role."""

    name: str
    role: str
    config: Path
    environment: Mapping[str, str]
    folder: Path
    #: kills and stops by the proof, and ends that were nobody's wish
    kills: int = 0
    stops: int = 0
    failures: int = 0
    wrong: list[str] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _stopping_since: float | None = None
    _starts_at: float = 0.0
    _log_began: int = 0

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("DIGEST_")}
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        words = ("--only", self.role, "--config", str(self.config))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "digest", "serve", *words],
                cwd=ROOT,
                env=clean | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._stopping_since = None

    def is_up(self) -> bool:
        """Return whether it serves, as its log says."""
        if self._process is None or self._process.poll() is not None or self._stopping_since:
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            return b" serve roles=" in log.read(100_000)

    def kill(self) -> None:
        """Kill it as a crash does; it starts again after a moment."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            self.kills += 1
            self._rest()

    def stop(self) -> None:
        """Ask it to stop, as an init system does."""
        if self._process is not None and self._process.poll() is None and not self._stopping_since:
            self._process.send_signal(signal.SIGTERM)
            self._stopping_since = time.monotonic()
            self.stops += 1

    def tend(self) -> None:
        """Start it again if it has ended, and note an end that it should not have had."""
        if self._process is None:
            if time.monotonic() >= self._starts_at:
                self.start()
            return
        code = self._process.poll()
        if code is None:
            since = self._stopping_since
            if since is not None and time.monotonic() - since > _STOPS_WITHIN:
                self.wrong.append(f"{self.name} did not stop within {_STOPS_WITHIN} s of SIGTERM")
                self.kill()
            return
        self._note_end(code)
        self._rest()

    def end(self) -> None:
        """Stop it in order, and wait."""
        self.stop()
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._note_end(self._process.wait(_STOPS_WITHIN))
            self._process = None
            return
        self.wrong.append(f"{self.name} did not stop within {_STOPS_WITHIN} s of SIGTERM")
        self._process.kill()
        self._process.wait()
        self._process = None

    def _note_end(self, code: int) -> None:
        # Before its handlers are there, SIGTERM ends it as it ends any program.
        if self._stopping_since is None:
            self.failures += 1  # its database was away when it started; the log says so
            if code != 1:
                self.wrong.append(f"{self.name} ended by itself with {code}")
        elif code not in (0, 1, -signal.SIGTERM, 128 + signal.SIGTERM):
            self.wrong.append(f"{self.name} ended with {code} after SIGTERM")

    def _rest(self) -> None:
        self._process = None
        self._starts_at = time.monotonic() + random.uniform(0, 1)

    def check_log(self) -> None:
        """Note what no log of a service may hold."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        for sign in ("Traceback", "by a mistake of ours"):
            if sign in text:
                place = text.index(sign)
                self.wrong.append(
                    f"{self.name}: in its log: {text[max(0, place - 300) : place + 3000]}"
                )
                return
