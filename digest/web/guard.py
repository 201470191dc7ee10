"""What holds for every request, whoever answers it: bodies have a limit, links stay private, pages stay on their own."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: octets of a request's body; the longest honest one is a settings form with full lists
BODY_MAX = 64 * 1024

#: A page's address is the right to change something: it must not be kept, indexed or told to other sites. Nothing is
#: loaded from elsewhere, nothing runs, and nobody can lay the page invisibly over a button of their own.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


def add_headers(headers: MutableHeaders) -> None:
    """Add what is missing; a route that sets one of them itself knows why."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


class Guard:
    """ASGI middleware around all routes.

    Args:
        root: path under which readers reach the service, "" or "/digest"; requests may come with it or without, as the proxy likes.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app, self.root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read = 0

        async def receive_some() -> Message:
            """Raised while a handler reads, so that the answer is a page or JSON like every other error."""
            nonlocal read
            if _declared(scope) > BODY_MAX:
                raise HTTPException(413)
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_MAX:
                raise HTTPException(413)
            return message

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        await self.app({**scope, "root_path": self.root}, receive_some, send_guarded)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0
