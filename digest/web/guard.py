"""What holds for every request, whoever answers it: bodies have a limit, links stay private, pages
stay on their own.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: octets of a request's body. The longest honest one is a settings form: 3 x LISTS_OCTETS_MAX of
#: lists, and two names of each interest, twelve octets a character; a test builds it
BODY_MAX = 256 * 1024
#: octets of a request's target, and of all its headers; the parser alone bounds those that come
#: in several pieces
TARGET_MAX, HEADERS_MAX = 8 * 1024, 32 * 1024

#: A page's address is the right to change something: it must not be kept, indexed or told to other
#: sites. Nothing is loaded from elsewhere, nothing runs, and nobody can lay the page invisibly over
#: a button of their own.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri "
        "'none'; frame-ancestors 'none'"
    ),
}


def add_headers(headers: MutableHeaders) -> None:
    """Add what is missing; a route that sets one of them itself knows why."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


class Guard:
    """ASGI middleware around all routes.

    What is too large is refused before it is read, whatever the route and the method. The Host
    header goes no further: no answer may depend on a name that the client made up.

    Args:
        root: path under which readers reach the service, "" or "/digest"; requests may come with
            it or without, as the proxy likes.
        refuse: gives the answer to a request of this scope that is refused with this status.
    """

    def __init__(self, app: ASGIApp, root: str, refuse: Callable[[Scope, int], Response]) -> None:
        self.app, self.root, self.refuse = app, root, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "root_path": self.root, "path": _path(scope)}
        inner["headers"] = [pair for pair in scope["headers"] if pair[0] != b"host"]
        read, complete = 0, not _has_body(scope)

        async def receive_limited() -> Message:
            """Raise 413 to the handler that reads, which makes the answer a page or JSON."""
            nonlocal read, complete
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_MAX:
                raise HTTPException(413)
            complete = not message.get("more_body", False)
            return message

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                add_headers(headers)
                if not complete:
                    # The rest of the body would have to be read to find the next request.
                    headers["Connection"] = "close"
            await send(message)

        status = _refusal(scope)
        if status is None:
            await self.app(inner, receive_limited, send_guarded)
        else:
            await self.refuse(inner, status)(inner, receive_limited, send_guarded)


def _path(scope: Scope) -> str:
    """The path alone, where a request names its target with scheme and host (RFC 9112, 3.2.2)."""
    path = str(scope["path"])
    if path.startswith("/") or "://" not in path:
        return path
    try:
        return urlsplit(path).path or "/"
    except ValueError:
        return path


def _refusal(scope: Scope) -> int | None:
    """The status of a request that is too large to be read; None where it is not."""
    if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > TARGET_MAX:
        return 414
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_MAX:
        return 431
    return 413 if _declared_length(scope) > BODY_MAX else None


def _has_body(scope: Scope) -> bool:
    return _declared_length(scope) > 0 or "transfer-encoding" in Headers(scope=scope)


def _declared_length(scope: Scope) -> int:
    """Octets of the body as its header says; 0 where it does not."""
    length = Headers(scope=scope).get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        return 0
    return int(length[:20])
