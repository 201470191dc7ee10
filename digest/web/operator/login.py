"""The way in by a link that works once, the list of sessions, and the way out.

Opening the link only shows a button, since scanners of mails and chats open every link; pressing it
uses the link up.
"""

from __future__ import annotations

import logging
import re

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from digest import services
from digest.app import App
from digest.errors import (
    ForgedRequestError,
    LimitError,
    LinkError,
    LoginNeededError,
    NotFoundError,
)
from digest.mail.messages.templates import render
from digest.services.operator_login import PATH
from digest.web.client_addresses import Proxies
from digest.web.connections import REFUSALS
from digest.web.operator.access import Access, AttemptLimiter, visit_of
from digest.web.operator.desk import Desk, parse_id
from digest.web.pages import FormBody, Pages, clean, in_minutes

log = logging.getLogger("digest.web.operator")
refusal_log = logging.getLogger(REFUSALS)

_SECRET = re.compile("[a-z2-7]{55}")
_LOGIN_NEEDED = (
    "These pages are the operator’s",
    "To get in, run digest operator link where the service runs, and open the link that it "
    "prints. If you were logged in a moment ago, open this page once more: browsers hide the "
    "login from links on other sites. A session ends after an hour without a request, and after "
    "twelve hours in any case.",
)
_FORGED = (
    "This form did not come from its page",
    "Nothing was changed. Open the page again and press its button there; if you have logged in "
    "anew since, the old page no longer counts.",
)


def add_handlers(web: FastAPI, pages: Pages) -> None:
    """Let the application answer requests that may not pass."""

    def on_login_needed(request: Request, error: Exception) -> Response:
        return pages.problem(403, *_LOGIN_NEEDED)

    def on_forged(request: Request, error: Exception) -> Response:
        refusal_log.warning("operator refused=forged: %s", error)
        return pages.problem(403, *_FORGED)

    web.add_exception_handler(LoginNeededError, on_login_needed)
    web.add_exception_handler(ForgedRequestError, on_forged)


def open_routes(app: App, pages: Pages, access: Access, proxies: Proxies) -> APIRouter:
    """Build the routes that need no session."""
    router = APIRouter()
    attempts = AttemptLimiter(app.now)
    style = render("web/operator/style.css", {}, app.templates)

    @router.api_route(f"{PATH}.css", methods=["GET", "HEAD"])
    def style_sheet() -> Response:
        return Response(
            style, media_type="text/css", headers={"Cache-Control": "public, max-age=600"}
        )

    @router.api_route(f"{PATH}/login/{{secret}}", methods=["GET", "HEAD"])
    def show_page(secret: str) -> HTMLResponse:
        """Show the button, whatever the link is worth: nothing is looked up."""
        if not _SECRET.fullmatch(secret):
            raise LoginNeededError("this is no link of ours")
        return pages.render("operator/login")

    @router.post(f"{PATH}/login/{{secret}}")
    def log_in(request: Request, secret: str) -> Response:
        access.check_origin(request)
        client = proxies.client(request.scope)
        try:
            attempts.check(client)
        except LimitError as error:
            refusal_log.warning("operator refused=limit")
            text = (
                "Too many links that do not work were tried from your network. Try again "
                f"{in_minutes(error.retry_after)}."
            )
            response = pages.problem(429, "Not just now", text)
            response.headers["Retry-After"] = str(error.retry_after)
            return response
        try:
            begun = services.log_in(
                app,
                secret,
                browser=clean(request.headers.get("user-agent", "")).replace("\n", " "),
                previous=access.secret_of(request),
            )
        except LinkError:
            attempts.record(client)
            refusal_log.warning("operator refused=link")
            return pages.problem(
                403,
                "This link does not work any more",
                "It works once, and only for some minutes. If it was not you who used it, run "
                "digest operator end --all at once. digest operator link prints a new one.",
            )
        log.info("operator act=login session=%d", begun.session_id)
        entered = RedirectResponse(pages.root + PATH, status_code=303)
        access.set_cookie(entered, begun.secret)
        return entered

    return router


def routes(app: App, desk: Desk, access: Access) -> APIRouter:
    """Build the page of sessions and the way out."""
    router = APIRouter()

    @router.api_route("/sessions", methods=["GET", "HEAD"])
    def show_sessions(request: Request) -> HTMLResponse:
        return desk.show(
            request,
            "sessions",
            sessions=services.list_operator_sessions(app),
            own=visit_of(request).session.id,
        )

    @router.post("/sessions")
    def end_sessions(request: Request, form: FormBody) -> Response:
        if form.one("session") == "all":
            question = desk.ask(
                request,
                form,
                question="End all sessions?",
                detail="Everybody is logged out, you too, and links that nobody used yet no "
                "longer work.",
                button="End all sessions",
                back=desk.path("/sessions"),
            )
            if question is not None:
                return question
            services.end_all_operator_sessions(app)
            desk.record(request, "end", ended="all")
            return _say_goodbye()
        ident = parse_id(form.one("session"))
        if ident is None:
            raise HTTPException(422)
        if ident == visit_of(request).session.id:
            return log_out(request)
        try:
            services.end_operator_session(app, ident)
        except NotFoundError:
            return desk.go("/sessions")
        desk.record(request, "end", ended=ident)
        return desk.go("/sessions", done="ended")

    @router.post("/logout")
    def log_out(request: Request) -> Response:
        services.end_operator_session(app, visit_of(request).session.id)
        desk.record(request, "logout")
        return _say_goodbye()

    def _say_goodbye() -> HTMLResponse:
        response = desk.pages.problem(
            200, "You are logged out", "digest operator link prints a new link to come back."
        )
        access.delete_cookie(response)
        return response

    return router
