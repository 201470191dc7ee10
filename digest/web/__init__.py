"""Pages and API. They call the same functions as the commands.

Pages are rendered on the server: no script, nothing loaded from other hosts. GET and HEAD change
nothing; only POST does. The token of a link says what the link may do, so no page of readers needs
a login or a cookie; those of the operator do (`operator`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    archive,
    catch_up,
    delete,
    digests_api,
    docs,
    dumps_api,
    error_answers,
    examples,
    explanation,
    feedback_api,
    health,
    inbound_api,
    interests_api,
    less,
    lists,
    operations_api,
    operator,
    own_paper,
    paper,
    papers_api,
    personal_feed,
    picks_api,
    privacy,
    rating,
    reader_data,
    reader_keys,
    reader_thumbs,
    recommendations_api,
    saved,
    search,
    settings,
    signup,
    subscribers_api,
    thumbs,
    unsubscribe,
    visitor_preview,
    voting,
    webhooks_api,
)
from digest.web.access import ApiContext
from digest.web.client_addresses import Proxies
from digest.web.middleware import RequestGuard
from digest.web.openapi import describe_api
from digest.web.pages import Pages
from digest.web.public_pages import PublicAnswers
from digest.web.requests import make_observer

Extra = APIRouter | BaseRoute


class _PeriodConvertor(StringConvertor):
    """The name of a day, week or month in a path."""

    regex = r"\d{4}-(?:\d\d-\d\d|\d\d|[Ww]\d\d)"


register_url_convertor("period", _PeriodConvertor())
_ABOUT = """A personal digest of new scientific papers by e-mail.

Anybody may ask for one with `POST /api/v1/subscribers`, and read papers. All else needs a key as
`Authorization: Bearer KEY`: of the operator, with scopes, or of a reader, for `/api/v1/me` alone.
Lists have pages: `next` is the `cursor` of the next one, and the header `Link` its address. Answers
with an `ETag` are read anew by `If-None-Match`, and changed by `If-Match` only if nobody else has
changed them. Writes take an `Idempotency-Key`."""


def create(
    app: App,
    *,
    extra: Iterable[Extra] = (),
    condition: Callable[[], health.Condition] = health.Condition,
) -> FastAPI:
    """Create the web application of one service.

    Args:
        app: the service; pages use its clock, database and templates.
        extra: more routers or mounts to serve.
        condition: what the process knows of its own parts, for the health checks.

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
        version=digest.__version__,
        # the documentation pages of FastAPI load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        # a redirect would contain the host name that the client sent
        redirect_slashes=False,
    )
    web.state.api = ApiContext(app=app, proxies=proxies)
    describe_api(web, _ABOUT)
    web.add_middleware(
        RequestGuard,
        root=pages.root,
        refuse=lambda scope, status: error_answers.answer_status(pages, Request(scope), status),
        body_limits={
            dumps_api.PATH: app.config.ingest.upload_mb * 1_000_000,
            "/api/v1/inbound/": inbound_api.REQUEST_MAX,
        },
        observe=make_observer(logs_requests=app.config.log.requests),
    )
    first_papers = reader_thumbs.FirstPapers(app, pages)
    public: list[APIRouter] = []
    answers = PublicAnswers(app)
    if app.config.web.papers:
        public = [
            lists.routes(app, pages, answers),
            paper.routes(app, pages, answers, corpora),
            search.routes(app, pages, answers, corpora),
            visitor_preview.routes(app, pages),
            picks_api.routes(app),
            voting.routes(app, pages, corpora),
            own_paper.routes(app, pages, corpora),
            lists.period_routes(app, pages, answers),
        ]
    for router in (
        thumbs.routes(app, pages),  # first, since it is asked for most: routes are tried in turn
        operator.routes(app, pages, proxies),
        *public,
        rating.routes(app, pages),
        less.routes(app, pages),
        archive.routes(app, pages),
        saved.routes(app, pages),
        personal_feed.routes(app, pages),
        catch_up.routes(app, pages),
        unsubscribe.routes(app, pages),
        settings.routes(app, pages),
        explanation.routes(app, pages, explanations),
        examples.routes(app, pages),
        reader_data.routes(app, pages),
        reader_keys.routes(app, pages),
        address.routes(app, pages, proxies),
        delete.routes(app, pages),
        privacy.routes(app, pages),
        reader_thumbs.routes(app, pages, first_papers),
        signup.routes(app, pages, proxies, first_papers),
        api.routes(app),
        papers_api.routes(app, answers, corpora),
        subscribers_api.routes(app),
        interests_api.routes(app),
        feedback_api.routes(app),
        digests_api.routes(app),
        explanation.program_routes(app, explanations),
        delete.program_routes(app),
        dumps_api.routes(app),
        operations_api.delivery_routes(app),
        operations_api.suppression_routes(app),
        webhooks_api.routes(app),
        recommendations_api.routes(app),
        inbound_api.routes(app),
        docs.routes(pages, web, _ABOUT),
        health.routes(app, condition),
        _static_routes(app, pages),
    ):
        web.include_router(router)
    for route in extra:
        if isinstance(route, APIRouter):
            web.include_router(route)
        else:
            web.router.routes.append(route)
    error_answers.add_handlers(web, pages)
    operator.add_handlers(web, pages)
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
