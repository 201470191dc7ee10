"""Every error as an answer: a page for people, problem details for programs under /api."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from digest.errors import (
    AddressError,
    BusyError,
    InputError,
    LimitError,
    LinkError,
    NotFoundError,
    RevokedKeyError,
    StoreError,
)
from digest.locales import gettext, gettext_later, use_language
from digest.web.access import limit_headers
from digest.web.api_models import Problem
from digest.web.field_errors import (
    describe_input_error,
    describe_invalid_request,
    describe_unreadable_body,
)
from digest.web.middleware import BODY_MAX, UPLOAD_MAX
from digest.web.pages import Pages, Refusal
from digest.web.problems import ApiError, write_problem

log = logging.getLogger("digest.web")
Handler = Callable[[Request, Exception], Response]


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
    heading=gettext_later("This link does not work"),
    text=gettext_later(
        "It may have been cut off or changed on its way. Open it again from the mail, or copy "
        "it whole, from https to its last letter. "
        "If it still does not work, any newer mail has links of its own."
    ),
)
_REVOKED_LINK = ErrorAnswer(
    status=410,
    code="not_found",
    heading=gettext_later("This link is no longer valid"),
    text=gettext_later(
        "For your safety the links of older mails were switched off, and nothing was changed. "
        "Any newer mail has links that work. The link that unsubscribes still works, in "
        "every mail."
    ),
)
_NOT_STORED = ErrorAnswer(
    status=404,
    code="not_found",
    heading=gettext_later("This is no longer here"),
    text=gettext_later(
        "The paper or the subscription of this link is not stored any more. Nothing was "
        "changed, and you need not do anything."
    ),
)
_NO_DATABASE = ErrorAnswer(
    status=503,
    code="unavailable",
    heading=gettext_later("Not just now"),
    text=gettext_later(
        "The service cannot reach its data at the moment, so nothing was changed. Please try "
        "again in a few minutes."
    ),
    headers={"Retry-After": "60"},
)
_BUG = ErrorAnswer(
    status=500,
    code="internal",
    heading=gettext_later("Something went wrong here"),
    text=gettext_later(
        "This is our mistake, not yours; the operator finds it in the log. Please try again later."
    ),
)
#: status -> code, heading and text
_STATUS = {
    404: (
        "not_found",
        gettext_later("There is no such page"),
        gettext_later("Check the address, or open the link again from the mail."),
    ),
    405: (
        "method",
        gettext_later("This page is not for that"),
        gettext_later("Open the link again from the mail and use the button on the page."),
    ),
    413: (
        "too_large",
        gettext_later("This is too much at once"),
        gettext_later(
            "At most %(limit)s KiB can be sent, and %(upload)s KiB of a library. Shorten the "
            "lists, or export a part of the library, and try again."
        ),
    ),
    414: (
        "too_large",
        gettext_later("This address is too long"),
        gettext_later("Open the link again from the mail, and copy it whole."),
    ),
    431: (
        "too_large",
        gettext_later("Your browser sends too much"),
        gettext_later("Delete what it has stored for this site, and try again."),
    ),
    503: (
        "unavailable",
        gettext_later("Much is asked for just now"),
        gettext_later("Nothing was changed. Please try again in a few seconds."),
    ),
}
#: the same for programs: what is wrong, and what to do
_API_STATUS = {
    404: ("there is nothing at this address", "see /openapi.json for what there is"),
    405: ("this address does not take the method", "use one that the header Allow names"),
    413: (
        f"the body is larger than {BODY_MAX // 1024} KiB",
        "send less at once, such as shorter lists",
    ),
    414: ("the address is too long", "shorten its query"),
    431: ("the headers are too large", "send fewer or shorter ones"),
    503: ("much is asked for just now", "send it again after the seconds of Retry-After"),
}
_OTHER_STATUS = (
    "invalid",
    gettext_later("This could not be understood"),
    gettext_later("Go back and try again."),
)


def answer_status(
    pages: Pages, request: Request, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer for an error of which only the HTTP status is known."""
    code, heading, text = _STATUS.get(status, _OTHER_STATUS)
    if _is_api(request):
        heading, text = _API_STATUS.get(status, (heading, text))
    error_answer = ErrorAnswer(
        status=status, code=code, heading=heading, text=text, headers=headers or {}
    )
    return _answer(pages, request, error_answer)


def add_handlers(web: FastAPI, pages: Pages) -> None:
    """Let the application answer every kind of error."""

    def always(error_answer: ErrorAnswer) -> Handler:
        return lambda request, error: _answer(pages, request, error_answer)

    def on_store_error(request: Request, error: Exception) -> Response:
        log.error(
            "request failed method=%s route=%s: %s", request.method, _route_pattern(request), error
        )
        return _answer(pages, request, _NO_DATABASE)

    def on_status(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 400 and _is_api(request):  # FastAPI's word for a body that is not UTF-8
            return _write(pages, request, 422, describe_unreadable_body())
        headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
        if status == 405:
            headers["Allow"] = ", ".join(_allowed_methods(web, request))
        return answer_status(pages, request, status, headers)

    def on_busy(request: Request, error: Exception) -> Response:
        seconds = error.retry_after if isinstance(error, BusyError) else 1
        return answer_status(pages, request, 503, {"Retry-After": str(seconds)})

    def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)  # noqa: S101  (registered for it alone)
        return pages.problem(error.status, error.heading, error.text)

    def on_limit(request: Request, error: Exception) -> Response:
        seconds = error.retry_after if isinstance(error, LimitError) else 1
        text = str(error)
        limit = ErrorAnswer(
            status=429,
            code="too_many",
            heading=gettext_later("Enough for now"),
            text=f"{text[:1].upper()}{text[1:]}.",
            headers={"Retry-After": str(seconds)},
        )
        return _answer(pages, request, limit)

    def on_disconnect(request: Request, error: Exception) -> Response:
        """Return anything: nobody reads it, and without it the error would count as a bug."""
        return Response(status_code=400)

    handlers: dict[type[Exception], Handler] = {
        RevokedKeyError: always(_REVOKED_LINK),
        LinkError: always(_BROKEN_LINK),
        NotFoundError: always(_NOT_STORED),
        StoreError: on_store_error,
        HTTPException: on_status,
        BusyError: on_busy,
        LimitError: on_limit,
        Refusal: on_refusal,
        ClientDisconnect: on_disconnect,
        Exception: always(_BUG),
    }
    handlers |= _make_value_handlers(pages)
    for kind, handler in handlers.items():
        web.add_exception_handler(kind, handler)


def _make_value_handlers(pages: Pages) -> dict[type[Exception], Handler]:
    """Make the handlers of errors about a value of a request, by kind of error."""

    def on_api_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, ApiError):
            raise TypeError("the handler is registered for ApiError")
        return _write(pages, request, error.status, error.problem, error.headers)

    def on_invalid_request(request: Request, error: Exception) -> Response:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        problem = describe_invalid_request(request.scope.get("route"), first)
        return _write(pages, request, 422, problem)

    def on_input_error(request: Request, error: Exception) -> Response:
        if _is_api(request) and isinstance(error, InputError | AddressError):
            problem = describe_input_error(request.scope.get("route"), error)
            return _write(pages, request, 422, problem)
        # a page names the error beside its field; one that does not is wrong
        log.error(
            "request failed method=%s route=%s: %r", request.method, _route_pattern(request), error
        )
        return _answer(pages, request, _BUG)

    return {
        ApiError: on_api_error,
        RequestValidationError: on_invalid_request,
        InputError: on_input_error,
        AddressError: on_input_error,
    }


def _answer(pages: Pages, request: Request, error_answer: ErrorAnswer) -> Response:
    """Return it as problem details under /api, else as a page."""
    # one text names them
    limits = {"limit": BODY_MAX // 1024, "upload": UPLOAD_MAX // 1024}
    if _is_api(request):
        body = Problem(
            code=error_answer.code,
            field=None,
            message=error_answer.heading,
            remedy=gettext(error_answer.text, **limits),
        )
        return _write(pages, request, error_answer.status, body, error_answer.headers)
    language = pages.browser_language(request, pages.app.config.digest.language)
    with use_language(language):
        heading = gettext(error_answer.heading)
        text = gettext(error_answer.text, **limits)
        response = pages.problem(error_answer.status, heading, text)
    response.headers.update(error_answer.headers)
    return response


def _write(
    pages: Pages,
    request: Request,
    status: int,
    problem: Problem,
    headers: Mapping[str, str] | None = None,
) -> Response:
    all_headers = {**limit_headers(request), **(headers or {})}
    return write_problem(pages.app.config.web.base_url, status, problem, all_headers)


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
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
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
