"""Tell systemd how the service is: sd_notify(3) in a few lines.

Without NOTIFY_SOCKET in the environment nothing is sent. A datagram that cannot be sent is lost:
the service goes on without it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """The datagrams of one process to its service manager.

    Args:
        environ: has NOTIFY_SOCKET, and with a watchdog WATCHDOG_USEC and WATCHDOG_PID.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # An address that begins with @ is an abstract one, which the kernel writes with a NUL.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit = environ.get("WATCHDOG_USEC", "")
        #: seconds between two pings, half of what is allowed; 0 = no watchdog
        self.ping_seconds = int(limit) / 2_000_000 if for_us and limit.isdigit() else 0.0
        self._next_ping = 0.0

    def ready(self, status: str) -> None:
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1", "STATUS=stopping: what is on its way ends")

    def ping(self) -> None:
        """Tell the watchdog that all is well, if it is time to."""
        now = time.monotonic()
        if self.ping_seconds and now >= self._next_ping:
            self._next_ping = now + self.ping_seconds
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)
            sender.sendto("\n".join(lines).encode(), self._address)
