"""A send by several processes: each message once, one report, one end."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import pipeline
from digest.app import App
from digest.demo.servers import free_port
from digest.model import MessageState
from digest.pipeline.steps import sender_processes
from tests.conftest import make_app, skip_or_fail
from tests.integration.send.conftest import counts
from tests.kill.sink import Sink, copies_in, program

S = MessageState


@pytest.fixture
def two(many: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Thirty digests, and two processes to send them."""
    if program() is None:
        skip_or_fail("no smtp-sink is installed (Debian's package postfix)")
    monkeypatch.setattr(sender_processes, "MESSAGES_PER_PROCESS", 1)
    url = many.store.url.render_as_string(hide_password=False)
    settings = {"host": "127.0.0.1", "port": str(free_port()), "tls": "none", "processes": "2"}
    opened = make_app(tmp_path, url, **{f"smtp__{name}": value for name, value in settings.items()})
    yield opened
    opened.close()


def test_two_processes_send_each_message_once(two: App, tmp_path: Path) -> None:
    with Sink(two.config.smtp.port, tmp_path / "taken"):
        report = pipeline.send(two)
    assert (report.states, report.error, report.waiting) == (Counter({S.ACCEPTED: 30}), "", 0)
    copies = copies_in(tmp_path / "taken")
    assert (len(copies), max(copies.values())) == (30, 1)


def test_processes_report_that_no_server_can_be_reached(two: App) -> None:
    report = pipeline.send(two)
    assert "Nothing was sent" in report.error
    assert counts(two) == {S.PLANNED: 30}


def test_processes_stop_when_they_are_told(two: App, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    with Sink(two.config.smtp.port, folder, "-w", "1") as sink:
        report = pipeline.send(two, stop=lambda: sink.taken() > 0)
    assert report.stopped
    assert counts(two)[S.PLANNED] == report.waiting > 0
    assert counts(two).keys() == {S.PLANNED, S.ACCEPTED}
    assert len(copies_in(folder)) == counts(two)[S.ACCEPTED]


def test_a_process_that_is_killed_takes_no_other_with_it(two: App, tmp_path: Path) -> None:
    with Sink(two.config.smtp.port, tmp_path / "taken", "-w", "1") as sink:

        def kill_one() -> None:
            while not sink.taken():
                time.sleep(0.01)
            multiprocessing.active_children()[0].kill()

        killer = threading.Thread(target=kill_one)
        killer.start()
        report = pipeline.send(two)
        killer.join()
        again = pipeline.send(two)
    assert "exit code -9" in report.error
    assert again.error == ""
    states = Counter(counts(two))
    assert states[S.ACCEPTED] + states[S.UNKNOWN] == 30
    assert max(copies_in(tmp_path / "taken").values()) == 1
