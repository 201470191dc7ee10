"""Pages and API over the same verbs as every other door.

Server-rendered, no script, no cookie, nothing loaded from elsewhere.

GET and HEAD change nothing, whoever opens them; only POST does. What a link may do is in its token,
so no page needs a login.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match

import digest
from digest.app import App
from digest.errors import BusyError, LinkError, NotFoundError, RevokedKeyError, StoreError
from digest.mail.messages.templates import render
from digest.web import api, deleting, health, joining, learned, leaving, settings, thumbs
from digest.web.clients import Proxies
from digest.web.guard import BODY_MAX, Guard
from digest.web.pages import Pages

log = logging.getLogger("digest.web")

Extra = APIRouter | BaseRoute
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_ABOUT = "Ask for a personal digest of new scientific papers by e-mail."


def create(app: App, *, extra: Iterable[Extra] = ()) -> FastAPI:
    """The web application of one service.

    Args:
        app: what the verbs work with; its clock, database and templates are the pages' too.
        extra: routers or mounts of another door, served beside ours.

    Raises:
        StoreError: the database does not answer.
        TemplateError: a template is missing or broken.
    """
    app.keys()  # made here at the latest, so that no GET ever writes
    pages, proxies = Pages(app=app), Proxies(app.config.web.trusted_proxies)
    heavy = learned.Heavy()
    web = FastAPI(
        title=app.config.mail.name,
        description=_ABOUT,
        version=digest.__version__,
        # their pages load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        # a redirect names the host that the client said it asks for
        redirect_slashes=False,
    )
    web.add_middleware(
        Guard,
        root=pages.root,
        refuse=lambda scope, status: _refuse(pages, Request(scope), status),
    )
    for part in (
        thumbs.routes(app, pages),
        leaving.routes(app, pages),
        settings.routes(app, pages),
        learned.routes(app, pages, heavy),
        deleting.routes(app, pages),
        joining.routes(app, pages, proxies),
    ):
        web.include_router(part)
    web.include_router(api.routes(app, proxies))
    web.include_router(learned.program_routes(app, heavy))
    web.include_router(deleting.program_routes(app))
    web.include_router(health.routes(app))
    web.include_router(_files(app, pages))
    for more in extra:
        if isinstance(more, APIRouter):
            web.include_router(more)
        else:
            web.router.routes.append(more)
    _explain(web, pages)
    return web


def _files(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    kept = {"Cache-Control": "public, max-age=600"}
    style = render("web/style.css", {}, app.templates)
    icon = render("web/icon.svg", {}, app.templates)
    pages.problem(404, "", "")  # a broken base template is found now, not by the first reader

    @router.api_route("/style.css", methods=["GET", "HEAD"])
    def style_sheet() -> Response:
        return Response(style, media_type="text/css", headers=kept)

    @router.api_route("/icon.svg", methods=["GET", "HEAD"])
    def icon_file() -> Response:
        return Response(icon, media_type="image/svg+xml", headers=kept)

    @router.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n", headers=kept)

    return router


# ----------------------------------------------------------------------------------------------
# errors


def _for_programs(request: Request) -> bool:
    # not request.url, which is built with a name that the client made up
    path, root = str(request.scope["path"]), str(request.scope.get("root_path", ""))
    return path.removeprefix(root).startswith("/api/")


def _tell(
    pages: Pages,
    request: Request,
    status: int,
    code: str,
    heading: str,
    text: str,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    if _for_programs(request):
        problem = api.Problem(code=code, field=None, message=heading, remedy=text)
        return api.failure(status, problem, dict(headers))
    response = pages.problem(status, heading, text)
    response.headers.update(headers)
    return response


def _refuse(
    pages: Pages, request: Request, status: int, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    """The answer that a status alone says enough for."""
    other = ("invalid", "This could not be understood", "Go back and try again.")
    code, heading, text = _STATUS.get(status, other)
    return _tell(pages, request, status, code, heading, text, headers)


def _explain(web: FastAPI, pages: Pages) -> None:
    """Every error as a page for people, and as JSON under /api."""

    tell = partial(_tell, pages)

    def on_link(request: Request, error: Exception) -> Response:
        return tell(
            request,
            404,
            "not_found",
            "This link does not work",
            "It may have been cut off or changed on its way. Open it again from the mail, or copy "
            "it whole, from https to its last letter. "
            "If it still does not work, any newer mail has links of its own.",
        )

    def on_revoked(request: Request, error: Exception) -> Response:
        return tell(
            request,
            410,
            "not_found",
            "This link is no longer valid",
            "For your safety the links of older mails were switched off, and nothing was changed. "
            "Any newer mail has links that work. The link that unsubscribes still works, in "
            "every mail.",
        )

    def on_absent(request: Request, error: Exception) -> Response:
        return tell(
            request,
            404,
            "not_found",
            "This is no longer here",
            "The paper or the subscription of this link is not stored any more. Nothing was "
            "changed, and you need not do anything.",
        )

    def on_store(request: Request, error: Exception) -> Response:
        log.error("%s %s: %s", request.method, _route(request), error)
        return tell(
            request,
            503,
            "unavailable",
            "Not just now",
            "The service cannot reach its data at the moment, so nothing was changed. Please try "
            "again in a few minutes.",
            {"Retry-After": "60"},
        )

    def on_status(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
        if status == 405:
            headers["Allow"] = ", ".join(_methods(web, request))
        return _refuse(pages, request, status, headers)

    def on_busy(request: Request, error: Exception) -> Response:
        wait = error.retry_after if isinstance(error, BusyError) else 1
        return _refuse(pages, request, 503, {"Retry-After": str(wait)})

    def on_hang_up(request: Request, error: Exception) -> Response:
        """Nobody is there any more to be told; without this it would count as a mistake of ours."""
        return Response(status_code=400)

    def on_bug(request: Request, error: Exception) -> Response:
        return tell(
            request,
            500,
            "internal",
            "Something went wrong here",
            "This is our mistake, not yours; the operator finds it in the log. Please try again "
            "later.",
        )

    handlers: dict[type[Exception], Callable[[Request, Exception], Response]] = {
        RevokedKeyError: on_revoked,
        LinkError: on_link,
        NotFoundError: on_absent,
        StoreError: on_store,
        HTTPException: on_status,
        BusyError: on_busy,
        ClientDisconnect: on_hang_up,
        RequestValidationError: api.refused,
        Exception: on_bug,
    }
    for kind, handler in handlers.items():
        web.add_exception_handler(kind, handler)


def _methods(web: FastAPI, request: Request) -> list[str]:
    """What a path can be asked for; the router knows only its first route of that path."""
    scope = request.scope
    tried = [{**scope, "method": method} for method in ("GET", "HEAD", "POST")]
    return [
        each["method"]
        for each in tried
        if any(route.matches(each)[0] is Match.FULL for route in web.router.routes)
    ]


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
        f"At most {BODY_MAX // 1024} KiB can be sent. Shorten the lists and try again.",
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


def _route(request: Request) -> str:
    """The pattern of the path: the path itself holds a token, which is a secret."""
    return str(getattr(request.scope.get("route"), "path", "?"))
