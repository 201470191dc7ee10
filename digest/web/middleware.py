"""Middleware for every request.

Size limits, and headers for privacy and against framing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.web.requests import Observe

#: octets of a request's body. The longest real one is a settings form: 3 x LISTS_OCTETS_MAX for
#: lists and two names per interest, at twelve octets a character; a test builds it
BODY_MAX = 256 * 1024
#: octets of a library that a page takes, and the paths (below the root) of pages that take one
UPLOAD_MAX = 1024 * 1024
_UPLOADS = re.compile(r"/(?:subscribe|preview|m/[^/]+/library)")
#: octets of a request's target, and of all its headers; if they come in several packets, the
#: parser has its own limit
TARGET_MAX, HEADERS_MAX = 8 * 1024, 32 * 1024

#: The address of a page is the right to change something, so it must not be cached, indexed or
#: sent to other sites. Pages load nothing from other hosts, run no script and refuse frames
#: (clickjacking).
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
    """Add the headers that the route has not set itself."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


class RequestGuard:
    """ASGI middleware around all routes.

    It refuses requests that are too large before they are read. It removes the Host header: no
    answer may depend on a name that the client made up.

    Args:
        app: the application.
        root: path under which readers reach the service, "" or "/digest"; a proxy may remove it
            from requests or not.
        refuse: makes the answer to a refused request from its scope and a status.
        body_limits: octets of a body at paths where it may be larger than BODY_MAX; a path that
            ends in "/" stands for all below it.
        observe: called after each answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        root: str,
        refuse: Callable[[Scope, int], Response],
        body_limits: Mapping[str, int] | None = None,
        observe: Observe | None = None,
    ) -> None:
        self.app, self.root, self.refuse = app, root, refuse
        self.body_limits = body_limits or {}
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "root_path": self.root, "path": _target_path(scope)}
        inner["headers"] = [pair for pair in scope["headers"] if pair[0] != b"host"]
        began, answered = time.monotonic(), 500  # the answer to an error that passes by here
        read, complete, body_max = 0, not _has_body(scope), self._find_limit(inner)

        async def receive_limited() -> Message:
            """Raise 413 in the handler that reads, so that the answer becomes a page or JSON."""
            nonlocal read, complete
            message = await receive()
            read += len(message.get("body", b""))
            if read > body_max:
                raise HTTPException(413)
            complete = not message.get("more_body", False)
            return message

        async def send_guarded(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                headers = MutableHeaders(scope=message)
                add_headers(headers)
                if not complete:
                    # otherwise the rest of the body would have to be read
                    headers["Connection"] = "close"
            await send(message)

        status = _status_if_too_large(scope, body_max)
        try:
            if status is None:
                await self.app(inner, receive_limited, send_guarded)
            else:
                await self.refuse(inner, status)(inner, receive_limited, send_guarded)
        finally:
            if self.observe:
                self.observe(inner, answered, time.monotonic() - began)

    def _find_limit(self, scope: Scope) -> int:
        """Return how many octets the body of a request may have."""
        if scope["method"] != "POST":
            return BODY_MAX
        path = str(scope["path"]).removeprefix(self.root)
        if _UPLOADS.fullmatch(path):
            return BODY_MAX + UPLOAD_MAX
        for name, limit in self.body_limits.items():
            if path == name or (name.endswith("/") and path.startswith(name)):
                return limit
        return BODY_MAX


def _target_path(scope: Scope) -> str:
    """Return the path, also of a target with scheme and host (RFC 9112, 3.2.2)."""
    path = str(scope["path"])
    if path.startswith("/") or "://" not in path:
        return path
    try:
        return urlsplit(path).path or "/"
    except ValueError:
        return path


def _status_if_too_large(scope: Scope, body_max: int) -> int | None:
    """Return the status for a request that is too large; None if it is not."""
    if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > TARGET_MAX:
        return 414
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_MAX:
        return 431
    return 413 if _declared_length(scope) > body_max else None


def _has_body(scope: Scope) -> bool:
    return _declared_length(scope) > 0 or "transfer-encoding" in Headers(scope=scope)


def _declared_length(scope: Scope) -> int:
    """Return the Content-Length; 0 if there is none."""
    length = Headers(scope=scope).get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        return 0
    return int(length[:20])
