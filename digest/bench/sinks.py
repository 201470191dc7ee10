"""Mail servers that accept everything, and the client that shows how fast they can be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digest.bench.commands import Usage, run_command
from digest.demo.servers import free_port
from digest.errors import MailerError

_OWN = Path(__file__).with_name("smtp_sink.py")
#: Debian keeps Postfix's programs out of the users' PATH
_SERVICE_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
#: seconds for a sink to start
_PATIENCE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Sink:
    """A running mail server on this machine."""

    #: "smtp-sink" of Postfix, or "own"
    name: str
    port: int


@contextmanager
def run_sink() -> Iterator[Sink]:
    """Run a sink in a process of its own: Postfix's smtp-sink, else the own one.

    Raises:
        MailerError: it does not start.
    """
    program = find_program("smtp-sink")
    if program is None:
        command, port = [sys.executable, "-I", "-S", str(_OWN)], 0
    else:
        port = free_port()
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
        command = [program, *as_user, f"127.0.0.1:{port}", "256"]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            if not port:
                assert process.stdout is not None  # noqa: S101
                port = int(process.stdout.readline() or 0)
            _wait_for(process, port)
            yield Sink(name="own" if program is None else "smtp-sink", port=port)
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise MailerError(
        "the bench's own mail server does not start within "
        f"{_PATIENCE} s. Try again when less is running on this machine"
    )


def find_program(name: str) -> str | None:
    """Find a program of Postfix."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *_SERVICE_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def run_smtp_source(sink: Sink, *, messages: int, octets: int, connections: int) -> Usage | None:
    """Send messages of one size by Postfix's smtp-source; None where it is not installed."""
    program = find_program("smtp-source")
    if program is None:
        return None
    options = {"-s": connections, "-m": messages, "-l": octets}
    words = [word for name, value in options.items() for word in (name, str(value))]
    addresses = ["-f", "bench@example.org", "-t", "reader@example.net"]
    usage, _ = run_command([program, "-d", *words, *addresses, f"127.0.0.1:{sink.port}"])
    return usage
