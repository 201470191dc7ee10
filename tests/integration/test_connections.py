"""Idle, slow and many connections: pages and other work go on."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from digest.web import connections
from digest.web.connections import Limits, OncePerMinute
from digest.web.listener import Listener
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

#: longer than anything takes here; a test that waits for it has failed
LONG = 60.0
SOON = Limits(head=0.3, body=0.3, answer=0.3)
HALF = b"GET / HTTP/1.1\r\nHost: digest.test\r\nX-Half: "
WHOLE = b"GET / HTTP/1.1\r\nHost: digest.test\r\n\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: digest.test\r\nContent-Length: 100\r\n\r\nab"


class Served:
    """A few pages behind limits, and events that they wait for."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.listener: Listener | None = None

    def pages(self) -> FastAPI:
        pages = FastAPI()
        pages.add_api_route("/", self.front, methods=["GET"])
        pages.add_api_route("/", self.take, methods=["POST"])
        pages.add_api_route("/work", self.work, methods=["GET"])
        pages.add_api_route("/much", self.much, methods=["GET"])
        return pages

    def front(self) -> PlainTextResponse:
        return PlainTextResponse("front")

    async def take(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    def work(self) -> PlainTextResponse:
        self.begun.release()
        assert self.go_on.wait(LONG)
        return PlainTextResponse("done")

    def much(self) -> PlainTextResponse:
        return PlainTextResponse("a" * 30_000_000)

    @property
    def open(self) -> int:
        assert self.listener is not None
        assert self.listener._server is not None
        return len(self.listener._server.server_state.connections)


Serve = Callable[[Limits], tuple[Served, Callable[[bytes], socket.socket]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start pages with limits; yields them and a function that connects and sends."""
    with ExitStack() as stack:

        def go(limits: Limits) -> tuple[Served, Callable[[bytes], socket.socket]]:
            served = Served()
            served.listener = Listener(served.pages, "127.0.0.1:0", key="bind", limits=limits)
            port = int(stack.enter_context(served.listener).rpartition(":")[2])
            stack.callback(served.go_on.set)

            def connect(sent: bytes) -> socket.socket:
                client = stack.enter_context(
                    closing(socket.create_connection(("127.0.0.1", port), LONG))
                )
                client.sendall(sent)
                return client

            return served, connect

        yield go


def read(client: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def answer(client: socket.socket, body: bytes = b"front") -> bytes:
    """Read the next answer, up to its end in this body."""
    received = b""
    while not received.endswith(body):
        piece = client.recv(1000)
        assert piece, received
        received += piece
    return received


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


# ----------------------------------------------------------------------------------------- timeouts


@pytest.mark.parametrize("sent", [b"", b"G", HALF, BODY, WHOLE + HALF, BODY[:-2]])
def test_a_request_that_does_not_end_is_given_up(serve: Serve, sent: bytes) -> None:
    _, connect = serve(SOON)
    assert b"HTTP/1.1 408 Request Timeout\r\n" in read(connect(sent))


@pytest.mark.parametrize("sent", [HALF, BODY])
def test_one_octet_at_a_time_does_not_extend_the_timeout(serve: Serve, sent: bytes) -> None:
    _, connect = serve(SOON)
    client = connect(sent)
    client.settimeout(0.02)
    until = time.monotonic() + LONG
    received = b""
    while time.monotonic() < until:
        try:
            client.sendall(b"a")
            received = client.recv(1000)
            break
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            break
    else:
        pytest.fail("it was never closed")
    assert b"200" not in received


def test_work_may_take_longer_than_a_request_may(serve: Serve) -> None:
    served, connect = serve(SOON)
    client = connect(WHOLE.replace(b"/ ", b"/work "))
    assert served.begun.acquire(timeout=LONG)
    time.sleep(1.5)  # the time is checked every second
    served.go_on.set()
    assert answer(client, b"done").startswith(b"HTTP/1.1 200")


def test_an_answer_that_no_client_reads_is_abandoned(serve: Serve) -> None:
    served, connect = serve(SOON)
    connect(WHOLE.replace(b"/ ", b"/much "))
    wait_until(lambda: served.open == 1)
    wait_until(lambda: served.open == 0)


def test_a_connection_serves_many_requests(serve: Serve) -> None:
    served, connect = serve(Limits())
    client = connect(WHOLE)
    for _ in range(3):
        assert answer(client).startswith(b"HTTP/1.1 200")
        client.sendall(WHOLE)
    assert served.open == 1


# ---------------------------------------------------------------------------- number of connections


def test_the_connection_that_waited_longest_gives_its_place(serve: Serve) -> None:
    served, connect = serve(Limits(connections=4, head=LONG))
    working = connect(WHOLE.replace(b"/ ", b"/work "))
    assert served.begun.acquire(timeout=LONG)
    idle = []
    for number in range(3):
        idle.append(connect(HALF))
        wait_until(lambda number=number: served.open == 2 + number)  # type: ignore[misc]
    for _ in range(2):
        assert answer(connect(WHOLE)).startswith(b"HTTP/1.1 200")
    assert read(idle[0]) == read(idle[1]) == b""
    idle[2].sendall(b"\r\n\r\n")
    assert answer(idle[2]).startswith(b"HTTP/1.1 200")
    served.go_on.set()
    assert answer(working, b"done").startswith(b"HTTP/1.1 200")


def test_a_request_is_asked_to_retry_when_all_workers_are_busy(serve: Serve) -> None:
    served, connect = serve(Limits(connections=2, head=LONG))
    working = [connect(WHOLE.replace(b"/ ", b"/work ")) for _ in range(2)]
    for _ in working:
        assert served.begun.acquire(timeout=LONG)
    refused = read(connect(b""))
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: ")
    served.go_on.set()
    assert all(answer(client, b"done").startswith(b"HTTP/1.1 200") for client in working)


PROGRAM = """
import logging, os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from pathlib import Path
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from digest import config, serve
from digest.app import App

def files(request):
    opened = [open(os.devnull) for _ in range(40)]
    for file in opened:
        file.close()
    return PlainTextResponse(f"{len(opened)} files")

logging.basicConfig(level="INFO", stream=sys.stderr)
app = App.open(config.load(Path(sys.argv[1]), {}))
ready = lambda address: print(address, flush=True)
serve.run(app, only=["web"], ready=ready, extra=[Route("/files", files)])
"""


@pytest.mark.slow
def test_a_flood_of_idle_connections_stops_neither_pages_nor_work(tmp_path: Path) -> None:
    settings, log = tmp_path / "config.toml", tmp_path / "log.txt"
    settings.write_text('[web]\nbind = "127.0.0.1:0"\n', encoding="utf-8")
    with log.open("w") as errors, ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(settings)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, log.read_text(encoding="utf-8")
        port = int(address.rpartition(":")[2])
        for _ in range(400):
            client = socket.create_connection(("127.0.0.1", port), LONG)
            stack.enter_context(closing(client)).sendall(HALF)
        with httpx.Client(base_url=address, trust_env=False, timeout=LONG) as client:
            for path in ("/", "/files", "/healthz"):
                assert client.get(path).status_code == 200, path
            assert client.get("/files").text == "40 files"
    log_text = log.read_text(encoding="utf-8")
    assert len(log_text) < 4000
    assert "connections full limit=85" in log_text
    assert "Traceback" not in log_text


# -------------------------------------------------------------------------- descriptors and the log


@pytest.mark.parametrize(
    ("soft", "hard", "expected", "limits"),
    [
        (1024, 524288, 8192, (1000, 128)),
        (1024, 1024, 1024, (341, 64)),
        (256, 2048, 2048, (682, 128)),
        (256, resource.RLIM_INFINITY, 8192, (1000, 128)),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, (1000, 128)),
        (20000, 20000, 20000, (1000, 128)),
        (10, 10, 10, (3, 1)),
    ],
)
def test_descriptors_are_requested_and_shared(
    soft: int, hard: int, expected: int, limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force = [(soft, hard)]
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _kind: in_force[-1])
    monkeypatch.setattr(
        connections.resource, "setrlimit", lambda _kind, pair: in_force.append(pair)
    )
    allowed = connections.raise_limits()
    assert in_force[-1] == (expected, hard)
    assert (allowed.connections, allowed.backlog) == limits


def test_fewer_connections_are_served_where_descriptors_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_kind: int, _pair: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(connections.resource, "getrlimit", lambda _kind: (256, 1024))
    monkeypatch.setattr(connections.resource, "setrlimit", refuse)
    assert connections.raise_limits().connections == 85


def test_a_repeated_log_line_appears_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = logging.getLogger("digest.test.once")
    once = OncePerMinute(lambda: now)
    log.addFilter(once)
    for now in (0.0, 1.0, 59.0, 60.0, 61.0, 200.0):  # noqa: B007
        log.warning("open files: %d", 7)
        log.warning("another thing")
    log.removeFilter(once)
    lines = [record.getMessage() for record in caplog.records if record.msg != "another thing"]
    assert [line for line in lines if line.startswith("open")] == [
        "open files: 7",
        "open files: 7 (and 2 more times since the last such line)",
        "open files: 7 (and 1 more time since the last such line)",
    ]


def test_no_descriptor_for_a_connection_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    class Loop:
        def default_exception_handler(self, context: dict[str, Any]) -> None:
            logging.getLogger("asyncio").error("as usual")

    loop: Any = Loop()
    context = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
    }
    connections.on_loop_error(loop, context)
    connections.on_loop_error(loop, {"exception": KeyError("a mistake")})
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "connection not accepted: Too many open files. Raise the limit of open files (LimitNOFILE)",
        "as usual",
    ]


@pytest.mark.parametrize("offer", [b"websocket", b"h2c"])
def test_an_offered_protocol_upgrade_is_ignored_silently(
    serve: Serve, offer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    _, connect = serve(Limits())
    asked = WHOLE.replace(
        b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: " + offer + b"\r\n\r\n"
    )
    assert answer(connect(asked)).startswith(b"HTTP/1.1 200")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
