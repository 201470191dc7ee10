"""The operator's pages, behind a login by a link that the command line prints.

`access` decides who gets in, `login` is the way in and out, `desk` renders; each other module is a
group of pages.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException

from digest.app import App
from digest.services.operator_login import PATH
from digest.web.client_addresses import Proxies
from digest.web.operator import (
    addresses,
    deliveries,
    dumps,
    login,
    moderation,
    overview,
    quality,
    readers,
)
from digest.web.operator.access import Access
from digest.web.operator.desk import Desk
from digest.web.operator.login import add_handlers
from digest.web.pages import Pages

__all__ = ["add_handlers", "routes"]


def routes(app: App, pages: Pages, proxies: Proxies) -> APIRouter:
    """Build the routes of all pages of the operator."""
    access = Access(app, pages.root)
    desk = Desk(app=app, pages=pages)
    router = APIRouter(include_in_schema=False)
    router.include_router(login.open_routes(app, pages, access, proxies))
    guarded = APIRouter(dependencies=[Depends(access.require)])
    for group in (
        login.routes(app, desk, access),
        overview.routes(app, desk),
        deliveries.routes(app, desk),
        addresses.routes(app, desk),
        dumps.routes(app, desk),
        readers.routes(app, desk),
        quality.routes(app, desk),
        moderation.routes(app, desk),
    ):
        guarded.include_router(group, prefix=PATH)

    # without a session every address below answers alike, so none tells what there is
    @guarded.api_route(f"{PATH}/{{rest:path}}", methods=["GET", "HEAD", "POST"])
    def show_nothing(rest: str) -> None:
        raise HTTPException(404)

    router.include_router(guarded)
    return router
