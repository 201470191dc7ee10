"""The mail server of the tests ends as cleanly as ours is asked to: what it left open would fail some other test, whenever it is collected."""

from __future__ import annotations

import gc
import socket
import sys
from pathlib import Path

import pytest

from tests.fakes import certificates
from tests.fakes.smtp_server import HostileSmtp, serving


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_ends_leaves_no_connection_open(tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = certificates.make(tmp_path)
    gc.collect()
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: left.append(found.exc_value))
    for _ in range(20):
        with serving(HostileSmtp(tls=trusted.server, implicit=tls)) as server:
            visitors = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for visitor in visitors:
            visitor.close()
    gc.collect()
    assert left == []
