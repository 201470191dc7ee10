"""Every error as an answer: a page for people, JSON for programs under /api."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from digest.errors import BusyError, LinkError, NotFoundError, RevokedKeyError, StoreError
from digest.web import api
from digest.web.api_models import Problem
from digest.web.middleware import BODY_MAX, UPLOAD_MAX
from digest.web.pages import Pages

log = logging.getLogger("digest.web")


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorAnswer:
    """What an error answer says."""

    status: int
    #: one word for programs
    code: str
    heading: str
    #: what to do
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


_BROKEN_LINK = ErrorAnswer(
    status=404,
    code="not_found",
    heading="This link does not work",
    text="It may have been cut off or changed on its way. Open it again from the mail, or copy "
    "it whole, from https to its last letter. "
    "If it still does not work, any newer mail has links of its own.",
)
_REVOKED_LINK = ErrorAnswer(
    status=410,
    code="not_found",
    heading="This link is no longer valid",
    text="For your safety the links of older mails were switched off, and nothing was changed. "
    "Any newer mail has links that work. The link that unsubscribes still works, in "
    "every mail.",
)
_NOT_STORED = ErrorAnswer(
    status=404,
    code="not_found",
    heading="This is no longer here",
    text="The paper or the subscription of this link is not stored any more. Nothing was "
    "changed, and you need not do anything.",
)
_NO_DATABASE = ErrorAnswer(
    status=503,
    code="unavailable",
    heading="Not just now",
    text="The service cannot reach its data at the moment, so nothing was changed. Please try "
    "again in a few minutes.",
    headers={"Retry-After": "60"},
)
_BUG = ErrorAnswer(
    status=500,
    code="internal",
    heading="Something went wrong here",
    text="This is our mistake, not yours; the operator finds it in the log. Please try again "
    "later.",
)
#: status -> code, heading and text
_STATUS = {
    404: (
        "not_found",
        "There is no such page",
        "Check the address, or open the link again from the mail.",
    ),
    405: (
        "method",
        "This page is not for that",
        "Open the link again from the mail and use the button on the page.",
    ),
    413: (
        "too_large",
        "This is too much at once",
        f"At most {BODY_MAX // 1024} KiB can be sent, and {UPLOAD_MAX // 1024} KiB of a library. "
        "Shorten the lists, or export a part of the library, and try again.",
    ),
    414: (
        "too_large",
        "This address is too long",
        "Open the link again from the mail, and copy it whole.",
    ),
    431: (
        "too_large",
        "Your browser sends too much",
        "Delete what it has stored for this site, and try again.",
    ),
    503: (
        "unavailable",
        "Much is asked for just now",
        "Nothing was changed. Please try again in a few seconds.",
    ),
}
_OTHER_STATUS = ("invalid", "This could not be understood", "Go back and try again.")


def answer_status(
    pages: Pages, request: Request, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer for an error of which only the HTTP status is known."""
    code, heading, text = _STATUS.get(status, _OTHER_STATUS)
    error_answer = ErrorAnswer(
        status=status, code=code, heading=heading, text=text, headers=headers or {}
    )
    return _answer(pages, request, error_answer)


def add_handlers(web: FastAPI, pages: Pages) -> None:
    """Let the application answer every kind of error."""

    def always(error_answer: ErrorAnswer) -> Callable[[Request, Exception], Response]:
        return lambda request, error: _answer(pages, request, error_answer)

    def on_store_error(request: Request, error: Exception) -> Response:
        log.error("%s %s: %s", request.method, _route_pattern(request), error)
        return _answer(pages, request, _NO_DATABASE)

    def on_status(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
        if status == 405:
            headers["Allow"] = ", ".join(_allowed_methods(web, request))
        return answer_status(pages, request, status, headers)

    def on_busy(request: Request, error: Exception) -> Response:
        seconds = error.retry_after if isinstance(error, BusyError) else 1
        return answer_status(pages, request, 503, {"Retry-After": str(seconds)})

    def on_disconnect(request: Request, error: Exception) -> Response:
        """Return anything: nobody reads it, and without it the error would count as a bug."""
        return Response(status_code=400)

    handlers: dict[type[Exception], Callable[[Request, Exception], Response]] = {
        RevokedKeyError: always(_REVOKED_LINK),
        LinkError: always(_BROKEN_LINK),
        NotFoundError: always(_NOT_STORED),
        StoreError: on_store_error,
        HTTPException: on_status,
        BusyError: on_busy,
        ClientDisconnect: on_disconnect,
        RequestValidationError: api.answer_invalid_body,
        Exception: always(_BUG),
    }
    for kind, handler in handlers.items():
        web.add_exception_handler(kind, handler)


def _answer(pages: Pages, request: Request, error_answer: ErrorAnswer) -> Response:
    """Return it as JSON under /api, else as a page."""
    if _is_api(request):
        body = Problem(
            code=error_answer.code,
            field=None,
            message=error_answer.heading,
            remedy=error_answer.text,
        )
        return api.failure(error_answer.status, body, dict(error_answer.headers))
    response = pages.problem(error_answer.status, error_answer.heading, error_answer.text)
    response.headers.update(error_answer.headers)
    return response


def _is_api(request: Request) -> bool:
    # request.url is not used: it contains the host name that the client sent
    path, root = str(request.scope["path"]), str(request.scope.get("root_path", ""))
    return path.removeprefix(root).startswith("/api/")


def _allowed_methods(web: FastAPI, request: Request) -> list[str]:
    """Return the methods of a path.

    The router itself knows only those of its first match.
    """
    return [
        method
        for method in ("GET", "HEAD", "POST")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in web.router.routes
        )
    ]


def _route_pattern(request: Request) -> str:
    """Return the pattern of the path.

    The path itself contains a token, which is a secret.
    """
    return str(getattr(request.scope.get("route"), "path", "?"))
