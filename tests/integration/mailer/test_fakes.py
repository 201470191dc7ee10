"""The test mail servers shut down cleanly.

An object left open would fail another test when it is collected.
"""

from __future__ import annotations

import gc
import logging
import socket
import sys
from pathlib import Path

import pytest

from digest.demo.mail_sink import MailSink
from tests.fakes import certificates
from tests.fakes.smtp_server import HostileSmtp, serving


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect warnings about unclosed objects and tasks that never ended."""
    gc.collect()
    leftovers: list[object] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda unraisable: leftovers.append(unraisable.exc_value)
    )
    monkeypatch.setattr(
        logging.getLogger("asyncio"), "error", lambda *arguments: leftovers.append(arguments)
    )
    return leftovers


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_ends_leaves_no_connection_open(
    tls: bool, tmp_path: Path, leftovers: list[object]
) -> None:
    trusted = certificates.make(tmp_path)
    for _ in range(20):
        with serving(HostileSmtp(tls=trusted.server, implicit=tls)) as server:
            visitors = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for visitor in visitors:
            visitor.close()
    gc.collect()
    assert leftovers == []


def test_a_mail_sink_that_ends_leaves_no_connection_and_no_task(
    tmp_path: Path, leftovers: list[object]
) -> None:
    for _ in range(100):
        with MailSink(tmp_path) as mail_sink:
            visitors = [
                socket.create_connection((mail_sink.host, mail_sink.port)) for _ in range(3)
            ]
        for visitor in visitors:
            visitor.close()
    gc.collect()
    assert leftovers == []
