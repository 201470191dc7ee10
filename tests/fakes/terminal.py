"""A terminal (pty) in which a test types to a real process."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

#: makes the pty the terminal of the new session, then becomes the command
_LAUNCH = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """Context manager: a running command.

    `shown` is all that came, and `code` its exit code once the command has ended.
    """

    def __init__(self, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.shown = ""
        self.code: int | None = None
        self._read_to = 0
        self._primary, secondary = pty.openpty()
        clean = {name: value for name, value in os.environ.items() if "DIGEST_" not in name}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *command],
            cwd=cwd,
            env=clean | {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"} | dict(env or {}),
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            start_new_session=True,
        )
        os.close(secondary)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(20)
        os.close(self._primary)

    def expect(self, pattern: str, seconds: float = 60.0) -> str:
        """Wait until a text comes that was not waited for yet; return all up to its end."""
        deadline = time.monotonic() + seconds
        while (match := re.compile(pattern).search(self.shown, self._read_to)) is None:
            is_open = self._read(deadline - time.monotonic())
            if not is_open or time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not come; this did:\n{self.shown}")
        before, self._read_to = self._read_to, match.end()
        return self.shown[before : match.end()]

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._primary, f"{line}\n".encode())

    def type_hidden(self, line: str) -> None:
        """Type a line as soon as the terminal shows no keys: what came before is thrown away."""
        deadline = time.monotonic() + 30
        while termios.tcgetattr(self._primary)[3] & termios.ECHO:
            assert time.monotonic() < deadline, self.shown
            time.sleep(0.01)
        self.type(line)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._primary, b"\x03")

    def finish(self, seconds: float = 60.0) -> int:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            assert time.monotonic() < deadline, self.shown
        self.code = self._process.wait(max(1.0, deadline - time.monotonic()))
        return self.code

    def _read(self, seconds: float) -> bool:
        """Take what comes; return whether more can come."""
        if not select.select([self._primary], [], [], max(0.0, seconds))[0]:
            return True
        try:
            data = os.read(self._primary, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)
