"""`digest serve` as a real process, and the socket of a service manager."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT

#: longer than anything takes here; a test that waits for it has failed
LONG = 90.0

#: the command as the script `digest` runs it
_COMMAND = "import sys; sys.argv[0] = 'digest'; from digest.__main__ import main; main()"


class Serving:
    """One `digest serve` in a folder with a config.toml; its log is read from a file."""

    def __init__(self, folder: Path, *words: str, name: str = "serve", **environ: str) -> None:
        self._path = folder / f"{name}.log"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("DIGEST_")}
        with self._path.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, "serve", *words],
                cwd=folder,
                env=clean | {"PYTHONPATH": str(ROOT)} | environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._path.read_text(encoding="utf-8")

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until the log holds a text so many times."""
        wait_until(
            lambda: self.log.count(text) >= times or self.process.poll() is not None,
            what=f"{text!r} in {self._path}",
        )
        assert self.log.count(text) >= times, self.log

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=LONG)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=LONG)


class Manager:
    """The socket of a service manager, which keeps the datagrams that come to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.datagrams: list[dict[str, str]] = []

    def receive(self, seconds: float) -> None:
        """Receive what comes within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                lines = self._socket.recv(4096).decode().split("\n")
            except TimeoutError:
                return
            self.datagrams.append(dict(line.split("=", 1) for line in lines))

    def wait_for(self, key: str, *, times: int = 1) -> None:
        wait_until(lambda: self.count(key) >= times, what=key, wait=self.receive)

    def count(self, key: str) -> int:
        return sum(key in datagram for datagram in self.datagrams)

    def close(self) -> None:
        self._socket.close()


def wait_until(
    holds: Callable[[], bool], *, what: str, wait: Callable[[float], object] = time.sleep
) -> None:
    """Wait until something holds, and fail after a time that nothing takes."""
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        wait(0.05)


def find_free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
