"""`serve` as a process: answers, ticks, errors of its address, and a stop."""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from digest import scheduler, serve, subscriptions
from digest.app import App
from digest.config import SubscriberEntry
from digest.errors import DigestError, InputError, StoreError
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from digest.web.listener import listen
from digest.web.middleware import BODY_MAX, HEADERS
from digest.workers import Inline
from tests.conftest import ROOT, TODAY, make_app
from tests.unit.web.conftest import hidden
from tests.webclient import Write, contents, fill

Cast = Callable[[App], dict[str, Subscriber]]
#: longer than anything takes here; a test that waits for it has failed
LONG = 60.0

PROGRAM = """
import logging, sys
from pathlib import Path
from digest import config, serve
from digest.app import App

logging.basicConfig(level="INFO", stream=sys.stderr, format="%(name)s %(message)s")
app = App.open(config.load(Path(sys.argv[1]), {}))
try:
    serve.run(app, only=sys.argv[2:], ready=lambda address: print("ready", address, flush=True))
finally:
    app.close()
    print("closed", flush=True)
"""


@pytest.fixture
def anywhere(tmp_path: Path) -> Iterator[App]:
    """An app whose pages may use any free port."""
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    yield app
    app.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Start `serve` as a process; returns it and its address once it answers."""
    running: list[subprocess.Popen[str]] = []
    settings = tmp_path / "config.toml"
    settings.write_text(
        '[web]\nbind = "127.0.0.1:0"\n[schedule]\ntick_seconds = 1\n[mail]\nsender = '
        '"digest@example.org"\n'
        '[[subscribers]]\nemail = "frank@example.org"\nkeywords = ["robot"]\nhour = 0\n',
        encoding="utf-8",
    )

    def go(*only: str) -> tuple[subprocess.Popen[str], str]:
        with (tmp_path / "log.txt").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", PROGRAM, str(settings), *only],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        running.append(process)
        assert process.stdout is not None
        word, _, address = process.stdout.readline().rstrip("\n").partition(" ")
        assert word == "ready", (tmp_path / "log.txt").read_text(encoding="utf-8")
        return process, address

    yield go
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LONG)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_a_signal_stops_it_in_order(
    start: Callable[..., tuple[subprocess.Popen[str], str]], number: int, tmp_path: Path
) -> None:
    process, address = start()
    response = httpx.get(address + "/healthz", trust_env=False)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    process.send_signal(number)
    out, _ = process.communicate(timeout=LONG)
    assert (process.returncode, out) == (0, "closed\n")
    log = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert any(
        line.startswith("digest.serve serve roles=scheduler,sender,web address=http://127.0.0.1:")
        for line in log
    )
    assert log[-1].startswith("digest.serve stopped")
    # A round under way at the signal ends first and logs its result.
    steps = [line for line in log if not line.startswith("digest.serve compose ")]
    assert steps[-2:] == [f"digest.serve stop by={signal.Signals(number).name}", log[-1]]
    assert not any("Traceback" in line for line in log)


def test_the_log_holds_no_token_and_no_address(
    start: Callable[..., tuple[subprocess.Popen[str], str]], tmp_path: Path
) -> None:
    process, address = start("web")
    token = "aeaqc" + "a" * 50
    for path in (f"/t/{token}", f"/u/{token}"):
        assert httpx.get(address + path, trust_env=False).status_code == 404
    sent = hidden(httpx.get(address + "/subscribe", trust_env=False).text) | {
        "email": "grace@example.org"
    }
    until = time.monotonic() + LONG
    while "Check your mail" not in httpx.post(address + "/", data=sent, trust_env=False).text:
        assert time.monotonic() < until  # at first, retries are as fast as a program can send
        time.sleep(0.3)
    process.terminate()
    process.communicate(timeout=LONG)
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "subscribe via=page" in log
    assert token not in log
    assert "grace" not in log
    assert "frank" not in log


@pytest.mark.parametrize("role", ["scheduler", "sender"])
def test_one_role_alone_opens_no_port(
    start: Callable[..., tuple[subprocess.Popen[str], str]], role: str
) -> None:
    process, address = start(role)
    assert address == ""
    process.terminate()
    assert process.wait(timeout=LONG) == 0


def test_an_unknown_role_is_refused(anywhere: App) -> None:
    with pytest.raises(InputError, match=r"unknown role barber. Known are web, scheduler, sender"):
        serve.run(anywhere, only={"barber"})


def test_a_tick_reads_the_inbox_composes_and_sends(
    anywhere: App, cast: Cast, dump: Write, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(anywhere, dump)
    readers = cast(anywhere)
    service = serve.Service(anywhere)
    (reading, *_), (sending,) = serve.scheduling(service), serve.sending(service)
    inbox = anywhere.config.ingest.inbox
    inbox.mkdir(exist_ok=True)
    late = dump(TODAY.replace(day=8)).rename(inbox / "2026-06-08.jsonl")
    os.utime(late, (1, 1))
    for clock in (reading, sending, reading, sending):
        clock.tick()
    lines = [record.getMessage() for record in caplog.records if record.name == "digest.serve"]
    assert len(lines) == 3, lines
    assert lines[0].startswith("ingest dump=2026-06-08.jsonl ")
    assert lines[1:] == [f"compose planned={len(readers)} quiet=0", f"send accepted={len(readers)}"]
    assert len(list((inbox.parent / "outbox").glob("*.eml"))) == len(readers)


@pytest.mark.slow
@pytest.mark.slow
def test_a_scheduler_and_two_senders_beside_each_other_send_each_digest_once(
    start: Callable[..., tuple[subprocess.Popen[str], str]],
    tmp_path: Path,
    store_url: str,
    dump: Write,
) -> None:
    settings = tmp_path / "config.toml"
    readers = [f"r{number}@example.org" for number in range(40)]
    settings.write_text(
        f'[store]\nurl = "{store_url}"\n[schedule]\ntick_seconds = 1\n[mail]\nsender = '
        f'"digest@example.org"\n'
        + "".join(
            f'[[subscribers]]\nemail = "{email}"\nkeywords = ["robot"]\nhour = 0\n'
            for email in readers
        ),
        encoding="utf-8",
    )
    (tmp_path / "inbox").mkdir()
    os.utime(dump().rename(tmp_path / "inbox" / "today.jsonl"), (1, 1))
    running = [start(role)[0] for role in ("scheduler", "sender", "sender")]
    outbox = tmp_path / "outbox"
    until = time.monotonic() + LONG
    while len(list(outbox.glob("*.eml"))) < len(readers) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1.5)  # one more tick of each clock
    for process in running:
        process.terminate()
    assert [process.wait(timeout=LONG) for process in running] == [0, 0, 0]
    sent = [
        BytesParser(policy=policy.default)
        .parsebytes(path.read_bytes())["To"]
        .addresses[0]
        .addr_spec
        for path in outbox.glob("*.eml")
    ]
    assert sorted(sent) == sorted(readers)
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert f"compose planned={len(readers)} quiet=0" in log
    assert "Traceback" not in log


class Waiting(Inline):
    """Workers that wait for an event before they work."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def map(
        self, function: Callable[[Any, Any], Any], work: Iterable[tuple[Any, Any]]
    ) -> Generator[Any, None, None]:
        self.asked.set()
        self.go_on.wait(LONG)
        return super().map(function, work)


def test_a_compose_that_takes_long_keeps_no_letter_waiting(
    anywhere: App, cast: Cast, dump: Write
) -> None:
    fill(anywhere, dump)
    cast(anywhere)
    workers = Waiting()
    slow = replace(anywhere, workers=workers)
    service = serve.Service(slow)
    clocks = [*serve.scheduling(service), *serve.sending(service)]
    clocks[0].start()
    try:
        assert workers.asked.wait(LONG)
        subscriptions.sign_up(
            slow, SubscriptionRequest(email="grace@example.org", keywords=("robot",)), origin="page"
        )
        clocks[-1].tick()
        assert len(list((slow.config.ingest.inbox.parent / "outbox").glob("*.eml"))) == 1
    finally:
        workers.go_on.set()
        clocks[0].stop()


# ---------------------------------------------------------------------------- the pages in a thread


def test_the_pages_run_in_a_thread_and_end_with_the_block(
    anywhere: App, cast: Cast, dump: Write
) -> None:
    fill(anywhere, dump)
    alice = cast(anywhere)["alice"]
    path = anywhere.url(Purpose.UP, alice.id, paper_id=1).removeprefix(anywhere.config.web.base_url)
    with (
        serve.Background(anywhere) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        before = contents(anywhere)
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert contents(anywhere) == before
        assert {name: head.headers[name] for name in HEADERS} == HEADERS
        assert "server" not in head.headers
        assert client.post(path).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)
    assert not any(thread.name == "digest-web" for thread in threading.enumerate())


def test_extra_routers_add_their_pages(anywhere: App) -> None:
    inbox = APIRouter()
    inbox.add_api_route("/inbox", lambda: {"mails": 3})
    with serve.Background(anywhere, extra=[inbox]) as address:
        assert httpx.get(address + "/inbox", trust_env=False).json() == {"mails": 3}
        assert httpx.get(address + "/", trust_env=False).status_code == 200


def test_a_large_upload_is_refused_by_the_real_server(anywhere: App) -> None:
    with serve.Background(anywhere) as address:
        answer = httpx.post(address + "/", data={"email": "b" * 2 * BODY_MAX}, trust_env=False)
        assert answer.status_code == 413


def test_a_port_in_use_is_reported_with_the_remedy(anywhere: App, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        web = anywhere.config.web.model_copy(update={"bind": f"127.0.0.1:{port}"})
        app = replace(anywhere, config=anywhere.config.model_copy(update={"web": web}))
        with pytest.raises(
            DigestError,
            match=rf"web\.bind = '127\.0\.0\.1:{port}': another program listens there already"
            ".*set another port",
        ):
            serve.run(app, only={"web"})
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_address_of_another_machine_is_reported_with_the_remedy(anywhere: App) -> None:
    web = anywhere.config.web.model_copy(update={"bind": "192.0.2.1:0"})
    app = replace(anywhere, config=anywhere.config.model_copy(update={"web": web}))
    with pytest.raises(
        DigestError, match=r"web\.bind = '192\.0\.2\.1:0': .*Set an address of this machine"
    ):
        serve.Background(app).start()


def test_answers_are_not_held_back_by_the_kernel(anywhere: App) -> None:
    """asyncio sets TCP_NODELAY only on sockets that name their protocol."""
    with listen(anywhere.config.web.bind, "web.bind") as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_stopping_what_never_started_does_nothing(anywhere: App) -> None:
    serve.Background(anywhere).stop()


def test_ready_that_fails_still_stops_everything(anywhere: App) -> None:
    def broken(_address: str) -> None:
        raise InputError("no")

    with pytest.raises(InputError):
        serve.run(anywhere, ready=broken)
    assert not any(thread.name in ("digest-web", "APScheduler") for thread in threading.enumerate())


def test_the_readers_of_the_config_are_subscribed(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    app = replace(
        app,
        config=app.config.model_copy(
            update={"subscribers": (SubscriberEntry(email="frank@example.org"),)}
        ),
    )
    serve.run(app, only={"web"}, ready=lambda _address: signal.raise_signal(signal.SIGTERM))
    assert subscriptions.find(app, "frank@example.org").status is SubscriberStatus.ACTIVE
    app.close()


# ----------------------------------------------------------------------------------------- the tick


def test_a_failing_verb_stops_neither_the_others_nor_the_next_tick(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    def locked() -> None:
        seen.put("locked")
        raise StoreError("the database is locked")

    def mistaken() -> None:
        raise KeyError("mistake")

    def fine() -> None:
        seen.put("fine")

    ticking = scheduler.Scheduler([locked, mistaken, fine], seconds=1)
    ticking.start()
    try:
        assert [seen.get(timeout=LONG) for _ in range(4)] == ["locked", "fine"] * 2
    finally:
        ticking.stop()
    messages = [record.getMessage() for record in caplog.records]
    assert "locked failed: the database is locked" in messages
    assert "mistaken failed by a mistake of ours" in messages


def test_stopping_waits_for_the_verb_that_runs_and_begins_no_other() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def long() -> None:
        begun.set()
        go_on.wait(LONG)
        done.append("long")

    ticking = scheduler.Scheduler([long, lambda: done.append("second")], seconds=1)
    ticking.start()
    assert begun.wait(LONG)
    ticking.hold()
    assert done == []
    go_on.set()
    ticking.stop()
    assert done == ["long"]


def test_stopping_a_scheduler_that_never_started_does_nothing() -> None:
    scheduler.Scheduler([], seconds=1).stop()
