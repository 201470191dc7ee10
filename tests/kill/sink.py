"""Postfix's smtp-sink on a local port; it writes each message to a file."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]*>)", re.MULTILINE)
_SERVICE = ("/usr/sbin/smtp-sink", "/usr/local/sbin/smtp-sink")


def program() -> str | None:
    """Return the path of smtp-sink; Debian keeps it out of the users' PATH."""
    return shutil.which("smtp-sink") or next(
        (path for path in _SERVICE if Path(path).exists()), None
    )


class Sink:
    """A mail server that behaves as its options say.

    It keeps no message without a final dot.

    Args:
        folder: For the messages, one a file.
        words: Options of smtp-sink, such as "-q", ".".
        keep: Whether to write the messages to files.
    """

    def __init__(self, port: int, folder: Path, *words: str, keep: bool = True) -> None:
        self.port, self.folder = port, folder
        command = program()
        if command is None:
            raise FileNotFoundError(
                "smtp-sink: install Debian's package postfix (its service need not run)"
            )
        folder.mkdir(parents=True, exist_ok=True)
        options = ["-d", str(folder / "m.")] if keep else []
        self._process = subprocess.Popen(
            [command, *_as_user(), *options, *words, f"127.0.0.1:{port}", "256"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.01)
            else:
                return

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def taken(self) -> int:
        """Number of messages it has accepted so far, with those under way."""
        return sum(1 for _ in self.folder.iterdir())


def copies_in(folder: Path) -> Counter[str]:
    """Count the copies of each Message-ID in a folder."""
    counts: Counter[str] = Counter()
    for path in folder.iterdir():
        match = _MESSAGE_ID.search(path.read_bytes())
        if match:
            counts[match.group(1).decode()] += 1
    return counts


def _as_user() -> list[str]:
    """Return the option for a user, since smtp-sink refuses to run as root."""
    return ["-u", "root"] if os.geteuid() == 0 else []
