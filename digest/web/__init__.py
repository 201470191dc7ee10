"""Pages and API. They call the same functions as the commands.

Pages are rendered on the server: no script, no cookie, nothing loaded from other hosts. GET and
HEAD change nothing; only POST does. The token of a link says what the link may do, so no page needs
a login.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import BaseRoute

import digest
from digest.app import App
from digest.mail.messages.templates import render
from digest.services import CorpusCache
from digest.web import (
    address,
    api,
    delete,
    error_answers,
    examples,
    explanation,
    health,
    lists,
    paper,
    papers_api,
    privacy,
    rating,
    reader_data,
    reader_thumbs,
    search,
    settings,
    signup,
    thumbs,
    unsubscribe,
    visitor_preview,
)
from digest.web.client_addresses import Proxies
from digest.web.middleware import RequestGuard
from digest.web.pages import Pages
from digest.web.public_pages import PublicAnswers

Extra = APIRouter | BaseRoute


class _PeriodConvertor(StringConvertor):
    """The name of a day, week or month in a path."""

    regex = r"\d{4}-(?:\d\d-\d\d|\d\d|[Ww]\d\d)"


register_url_convertor("period", _PeriodConvertor())
_ABOUT = "Ask for a personal digest of new scientific papers by e-mail."


def create(app: App, *, extra: Iterable[Extra] = ()) -> FastAPI:
    """Create the web application of one service.

    Args:
        app: the service; pages use its clock, database and templates.
        extra: more routers or mounts to serve.

    Raises:
        StoreError: the database does not answer.
        TemplateError: a template is missing or broken.
    """
    app.keys()  # makes the first key now, so that no GET has to write
    pages, proxies = Pages(app=app), Proxies(app.config.web.trusted_proxies)
    corpora = CorpusCache()
    explanations = explanation.Explanations(app, corpora)
    web = FastAPI(
        title=app.mailing.name,
        description=_ABOUT,
        version=digest.__version__,
        # the documentation pages of FastAPI load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        # a redirect would contain the host name that the client sent
        redirect_slashes=False,
    )
    web.add_middleware(
        RequestGuard,
        root=pages.root,
        refuse=lambda scope, status: error_answers.answer_status(pages, Request(scope), status),
    )
    first_papers = reader_thumbs.FirstPapers(app, pages)
    public: list[APIRouter] = []
    if app.config.web.papers:
        answers = PublicAnswers(app)
        public = [
            lists.routes(app, pages, answers),
            paper.routes(app, pages, answers, corpora),
            search.routes(app, pages, answers, corpora),
            visitor_preview.routes(app, pages),
            papers_api.routes(app, answers, corpora),
            lists.period_routes(app, pages, answers),
        ]
    for router in (
        *public,
        thumbs.routes(app, pages),
        rating.routes(app, pages),
        unsubscribe.routes(app, pages),
        settings.routes(app, pages),
        explanation.routes(app, pages, explanations),
        examples.routes(app, pages),
        reader_data.routes(app, pages),
        address.routes(app, pages, proxies),
        delete.routes(app, pages),
        privacy.routes(app, pages),
        reader_thumbs.routes(app, pages, first_papers),
        signup.routes(app, pages, proxies, first_papers),
        api.routes(app, proxies),
        explanation.program_routes(app, explanations),
        delete.program_routes(app),
        health.routes(app),
        _static_routes(app, pages),
    ):
        web.include_router(router)
    for route in extra:
        if isinstance(route, APIRouter):
            web.include_router(route)
        else:
            web.router.routes.append(route)
    error_answers.add_handlers(web, pages)
    return web


def _static_routes(app: App, pages: Pages) -> APIRouter:
    """Serve style sheet, icon and robots.txt, rendered once."""
    router = APIRouter(include_in_schema=False)
    cached = {"Cache-Control": "public, max-age=600"}
    style = render("web/style.css", {}, app.templates)
    icon = render("web/icon.svg", {}, app.templates)
    script = render("web/timezone.js", {}, app.templates)
    rules = "User-agent: *\nDisallow: /\n"
    if app.config.web.papers:
        # pages of readers have addresses that nobody can guess, and say "noindex" themselves
        rules = f"User-agent: *\nDisallow:\nSitemap: {app.config.web.base_url}/sitemap.xml\n"
    pages.problem(404, "", "")  # finds a broken base template at the start

    @router.api_route("/style.css", methods=["GET", "HEAD"])
    def style_sheet() -> Response:
        return Response(style, media_type="text/css", headers=cached)

    @router.api_route("/timezone.js", methods=["GET", "HEAD"])
    def time_zone_script() -> Response:
        return Response(script, media_type="text/javascript", headers=cached)

    @router.api_route("/icon.svg", methods=["GET", "HEAD"])
    def icon_file() -> Response:
        return Response(icon, media_type="image/svg+xml", headers=cached)

    @router.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> Response:
        return PlainTextResponse(rules, headers=cached)

    return router
