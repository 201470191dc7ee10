"""A local server of the sources' protocols, with the faults of real servers.

    with SourceServer() as server:
        server.fail("/oai", "503", "cut")      faults of the next requests for that path, in order
        server.url("/oai")                     the address
        server.requests                        path, query and headers of all requests

All papers are invented.
"""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from tests.fakes.source_answers import ReceivedRequest, SourceAnswers, oai_error

PAGE = "<!DOCTYPE html><html><body>Something went wrong. Please try again.</body></html>"
HUGE = b"<x>" + b" " * 3_000_000
#: the faults of fail(); a number is a status
FAULTS = (
    "429",
    "503",
    "503-date",
    "503-long",
    "500",
    "404",
    "unknown",
    "cut",
    "cut-quietly",
    "html",
    "garbage",
    "empty",
    "slow",
    "loop",
    "elsewhere",
    "file",
    "huge",
    "bomb",
    "bad-token",
    "bad-gzip",
    "hang-up",
    "moved",
    "parrot",
)


class _Quiet(ThreadingHTTPServer):
    source: SourceServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up in the middle of an answer, as some tests do."""


class SourceServer(SourceAnswers):
    """A context manager; runs the server in a thread.

    Args:
        records: Number of records to harvest.
        page: Records of a page.
        spread: Share of requests that fail at random with one of `faults`.
        faults: See `FAULTS`.
        seed: Of the random faults.
    """

    def __init__(
        self,
        *,
        records: int = 25,
        page: int = 10,
        spread: float = 0.0,
        faults: Iterable[str] = (),
        seed: int = 1,
    ) -> None:
        super().__init__(records, page)
        self.spread, self.faults = spread, tuple(faults)
        self.requests: list[ReceivedRequest] = []
        self.failures: list[str] = []
        #: set to end slow answers at once
        self.slow = threading.Event()
        #: where the fault "moved" redirects to
        self.moved = ""
        self._next: dict[str, deque[str]] = defaultdict(deque)
        self._random = random.Random(seed)
        self._server = _Quiet(("127.0.0.1", 0), _Handler)
        self._server.source = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> SourceServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def fail(self, path: str, *faults: str) -> None:
        """Set the faults of the next requests for a path; "ok" means none."""
        unknown = [fault for fault in faults if fault not in (*FAULTS, "ok")]
        assert not unknown, unknown
        self._next[path].extend(faults)

    def wait_for(self, requests: int) -> None:
        """Wait up to a minute for so many requests."""
        deadline = time.monotonic() + 60
        while len(self.requests) < requests:
            assert time.monotonic() < deadline, f"only {len(self.requests)} requests came"
            time.sleep(0.01)

    def requests_for(self, path: str) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.path.startswith(path)]

    def fault_of(self, path: str) -> str:
        for start, faults in self._next.items():
            if path.startswith(start) and faults:
                return faults.popleft()
        if self.faults and self._random.random() < self.spread:
            fault = self._random.choice(self.faults)
            self.failures.append(fault)
            return fault
        return "ok"


@cache
def bomb() -> bytes:
    """Return fifty megabytes packed into fifty kilobytes."""
    return gzip.compress(b"<x>" + b" " * 50_000_000)


def _faulty_answer(fault: str, body: bytes, path: str) -> tuple[int, bytes, dict[str, str]] | None:
    """Return status, body and headers of a fault that is a complete answer."""
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
        "429": (429, b"", {"Retry-After": "7"}),
        "503": (503, b"", {"Retry-After": "11"}),
        "503-date": (503, b"", {"Retry-After": "Tue, 09 Jun 2026 12:01:00 GMT"}),
        "503-long": (503, b"", {"Retry-After": "86400"}),
        "500": (500, b"", {}),
        "404": (404, PAGE.encode(), {}),
        "unknown": (404, b'{"error": "Paper with id X not found"}', {}),
        "cut-quietly": (200, body[: len(body) * 2 // 3], {}),
        "html": (200, PAGE.encode(), {"Content-Type": "text/html"}),
        "garbage": (200, bytes(range(256)) * 4, {}),
        "empty": (200, b"", {}),
        "loop": (302, b"", {"Location": path}),
        "elsewhere": (302, b"", {"Location": "http://elsewhere.example/"}),
        "file": (302, b"", {"Location": "file:///etc/passwd"}),
        "bad-token": (200, oai_error("badResumptionToken", "it expired"), {}),
        "bad-gzip": (200, gzip.compress(body)[:-9], {"Content-Encoding": "gzip"}),
        "huge": (200, HUGE, {}),
        "bomb": (200, bomb() if fault == "bomb" else b"", {"Content-Encoding": "gzip"}),
    }
    return answers.get(fault)


class _Handler(BaseHTTPRequestHandler):
    server: _Quiet
    protocol_version = "HTTP/1.1"
    # head and body in one packet; in two, each answer waits 40 ms for the client's acknowledgement
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {
            key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        request = ReceivedRequest(parts.path, query, dict(self.headers.items()))
        self.server.source.requests.append(request)
        fault = self.server.source.fault_of(parts.path)
        if fault == "bad-token" and "resumptionToken" not in query:
            fault = "ok"
        if fault == "ok":
            self._answer_well(request)
        else:
            self._answer_badly(fault, request)

    def _answer_well(self, request: ReceivedRequest) -> None:
        kind, body = self.server.source.answer(request)
        tag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        if request.headers.get("If-None-Match") == tag:
            self._send(304, b"", ETag=tag)
        elif "gzip" in request.headers.get("Accept-Encoding", ""):
            self._send(
                200,
                gzip.compress(body, 1),
                **{"Content-Type": kind, "ETag": tag, "Content-Encoding": "gzip"},
            )
        else:
            self._send(200, body, **{"Content-Type": kind, "ETag": tag})

    def _answer_badly(self, fault: str, request: ReceivedRequest) -> None:
        _, body = self.server.source.answer(request)
        moved = (302, b"", {"Location": self.server.source.moved})
        parrot = (200, json.dumps({"error": f"bad key: {self.path}"}).encode(), {})
        special = {"moved": moved, "parrot": parrot}
        answer = special[fault] if fault in special else _faulty_answer(fault, body, self.path)
        if answer is not None:
            status, content, headers = answer
            self._send(status, content, **headers)
            return
        self.close_connection = True
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
        elif fault == "slow":
            self.server.source.slow.wait(2.0)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
