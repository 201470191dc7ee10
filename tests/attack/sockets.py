"""Attacks on the listening socket of a real `digest serve`.

Floods, slow and broken connections, huge bodies, and heavy pages.
"""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from digest.model import MessageKind, Purpose
from tests.attack.place import PATIENCE, Place, Result

_FRONT_PAGES = 10
#: octets of log that one attack may cause, however long it lasts
_LOG_MAX = 200_000


def flood_signups(place: Place, count: int) -> Result:
    """Sign up many new addresses, by page and by API.

    Some requests forge the client address.
    """
    limit = place.app.config.web.signups_per_client
    refused = 0
    lost = []
    with place.serving("web"):
        for number in range(count):
            address = f"victim{number}@example.org"
            forged = {"X-Forwarded-For": f"192.0.2.{number % 250}"} if number % 3 == 2 else {}
            if number % 2:
                answer = place.post("/api/v1/subscribers", json={"email": address}, headers=forged)
            else:
                answer = place.post("/", data={"email": address}, headers=forged)
            if answer.status_code == 429:
                refused += 1
                if "retry-after" not in answer.headers:
                    lost.append("429 without Retry-After")
            elif answer.status_code >= 500:
                lost.append(f"{answer.status_code} for {address}")
    planned = place.count_messages(MessageKind.CONFIRM.value)
    if planned > limit:
        lost.append(f"{planned} confirmations were planned, {limit} are allowed")
    return Result(
        name="sign-ups from one client",
        count=count,
        lost=tuple(lost),
        remark=f"{planned} confirmations, {refused} refused",
    )


def hold_sockets(place: Place, count: int) -> Result:
    """Hold many connections with half a header or a slow body while people read."""
    with place.serving("web"):
        sockets = []
        lost = []
        start = place.log.stat().st_size
        for number in range(count):
            with contextlib.suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", place.port), timeout=2)
                slow_body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nemail="
                connection.sendall(
                    b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b" if number % 4 else slow_body
                )
                sockets.append(connection)
        for _ in range(_FRONT_PAGES):
            for connection in sockets[::7]:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
            if (problem := _ask_front(place)) is not None:
                lost.append(problem)
        for connection in sockets:
            connection.close()
        grown = place.log.stat().st_size - start
        if grown > _LOG_MAX:
            lost.append(f"{grown} octets of log")
    return Result(
        name="connections that stay half open",
        count=count,
        lost=tuple(lost),
        remark=(
            f"{len(sockets)} were held, {_FRONT_PAGES - len(lost)} of {_FRONT_PAGES} pages served"
        ),
    )


def _ask_front(place: Place) -> str | None:
    """Return why the front page cannot be read, or None.

    It tries again when a connection is refused, as a browser does.
    """
    problem = None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(f"{place.base_url}/", timeout=30)
        except httpx.TransportError as error:
            problem = f"the front page: {error!r}"
        else:
            if answer.status_code == 200:
                return None
            problem = f"the front page: {answer.status_code}"
        time.sleep(0.2)
    return problem


def break_connections(place: Place, count: int) -> Result:
    """Hang up within headers and bodies, and send other protocols.

    Each may cause at most one line of log, and no traceback.
    """
    requests = (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nemail=",
        b"GET / HTTP/1.1\r\nHost",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    )
    lost = []
    with place.serving("web"):
        start = place.log.stat().st_size
        for number in range(count):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", place.port), timeout=5) as connection,
            ):
                connection.sendall(requests[number % len(requests)])
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        if (problem := _ask_front(place)) is not None:
            lost.append(problem)
    log = place.log.read_bytes()[start:].decode(errors="replace")
    if "Traceback" in log:
        lost.append("a traceback in the log")
    if "pip install" in log:
        lost.append("the log advises to install something")
    if log.count("\n") > count + 20:
        lost.append(f"{log.count(chr(10))} lines of log for {count} connections")
    return Result(
        name="connections that break",
        count=count,
        lost=tuple(lost),
        remark=f"{log.count(chr(10))} lines of log",
    )


def send_huge_bodies(place: Place, count: int) -> Result:
    """Declare 100 MB, or send without an end, at every address.

    The server must refuse before it reads the body.
    """
    reader = place.subscribe("alice", keywords=("robot",))
    paths = (
        "/",
        "/api/v1/subscribers",
        "/nothing/at/all",
        "/healthz",
        place.path(Purpose.MANAGE, reader),
        place.path(Purpose.UP, reader, 1),
        place.path(Purpose.UNSUBSCRIBE, reader),
    )
    lost = []
    with place.serving("web"):
        for number in range(count):
            path, declared = paths[number % len(paths)], number % 2 == 0
            sent, status = _send_until_refused(place, path, declared=declared)
            if not 400 <= status < 500 or sent > 8 * 1024**2:
                lost.append(f"{path}: answered {status} after {sent} octets")
    return Result(name="huge bodies", count=count, lost=tuple(lost))


def _send_until_refused(place: Place, path: str, *, declared: bool) -> tuple[int, int]:
    """Send a body until an answer comes.

    Returns the octets sent and the status of the answer (0 = none).
    """
    length = b"Content-Length: 100000000" if declared else b"Transfer-Encoding: chunked"
    head = (
        b"POST %b HTTP/1.1\r\nHost: x\r\n%b\r\nContent-Type: "
        b"application/x-www-form-urlencoded\r\n\r\n"
        % (
            path.encode(),
            length,
        )
    )
    block = b"a" * 65536
    sent = 0
    with socket.create_connection(("127.0.0.1", place.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        try:
            connection.settimeout(0.05)
            for _ in range(1600):
                with contextlib.suppress(TimeoutError):
                    connection.sendall(block if declared else b"10000\r\n%b\r\n" % block)
                    sent += len(block)
                with contextlib.suppress(TimeoutError):
                    if answer := connection.recv(4096):
                        return sent, int(answer.split(b" ", 2)[1])
        except OSError:
            pass
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            answer = connection.recv(4096)
            return sent, int(answer.split(b" ", 2)[1]) if answer else 0
    return sent, 0


def ask_heavy_pages(place: Place, count: int) -> Result:
    """Ask many times at once for the page that trains.

    Meanwhile others read the front page and leave.
    """
    place.add_papers(per_format=4)
    readers = [
        place.subscribe(f"reader{number}", keywords=("robot", "galaxy")) for number in range(count)
    ]
    leaving = place.subscribe("leaving", keywords=("robot",))
    statuses: list[int] = []
    lost = []
    with place.serving("web"), ThreadPoolExecutor(max_workers=30) as pool:
        heavy = [
            pool.submit(place.get, f"{place.path(Purpose.MANAGE, readers[number])}/learned")
            for number in range(count)
        ]
        for _ in range(_FRONT_PAGES):
            if (problem := _ask_front(place)) is not None:
                lost.append(problem)
        if place.post(place.path(Purpose.UNSUBSCRIBE, leaving)).status_code != 200:
            lost.append("leaving did not work meanwhile")
        for future in heavy:
            answer = future.result()
            statuses.append(answer.status_code)
            if answer.status_code == 503 and "retry-after" not in answer.headers:
                lost.append("503 without Retry-After")
            elif answer.status_code not in (200, 503):
                lost.append(f"{answer.status_code} for a heavy page")
    if 200 not in statuses:
        lost.append("no heavy page was served at all")
    return Result(
        name="heavy pages at once",
        count=count,
        lost=tuple(lost),
        remark=f"{statuses.count(503)} told to come again",
    )


def ask_odd_addresses(place: Place, count: int) -> Result:
    """Ask for odd addresses and hosts.

    No redirect, no echo of the host, and no server error may follow.
    """
    paths = (
        "//",
        "/style.css/",
        "/healthz/",
        "/api/v1/subscribers/",
        "/t/../m/",
        "/%2e%2e/",
        "/" + "a" * 20_000,
        "/?%00",
        "/t/%0d%0aX:1",
    )
    lost = []
    with place.serving("web"):
        for number in range(count):
            path = paths[number % len(paths)]
            for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "TRACE"):
                head = (
                    f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: "
                    "close\r\nContent-Length: 0\r\n\r\n"
                )
                answer = _exchange(place, head.encode())
                status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
                if not 200 <= status < 300 and not 400 <= status < 500:
                    lost.append(f"{method} {path[:40]}: {status}")
                if b"evil.example" in answer:
                    lost.append(f"{method} {path[:40]}: the host is echoed")
    return Result(name="odd addresses", count=count * 6, lost=tuple(lost))


def _exchange(place: Place, request: bytes) -> bytes:
    answer = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", place.port), timeout=PATIENCE) as connection,
    ):
        connection.sendall(request)
        while part := connection.recv(65536):
            answer += part
    return answer
