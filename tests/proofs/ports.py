"""Ports for servers that go away and come back."""

from __future__ import annotations

import random
import socket

#: below the ports that a connection gets, so that none takes the port while its server is away
_PORTS = range(15_000, 30_000)


def find_lasting_port() -> int:
    """Find a port of this machine that is free now, and that no connection will be given."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
