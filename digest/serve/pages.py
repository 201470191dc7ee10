"""The pages of the service, and the health checks alone, each behind a listener."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import FastAPI

from digest import web
from digest.app import App
from digest.web import health
from digest.web.app_listener import AppListener
from digest.web.health import Condition
from digest.web.listener import Application


class Background(AppListener):
    """The service's pages alone.

    Args:
        app: what the pages work with; its `web.bind` may name port 0 for any free one.
        extra: routers or mounts served beside the pages.
        stopped: called when the pages end, asked for or not.
        condition: what the process knows of its own parts, for the health checks.
        advance: as for `Listener`.
    """

    def __init__(
        self,
        app: App,
        *,
        extra: Iterable[web.Extra] = (),
        stopped: Callable[[], None] | None = None,
        condition: Callable[[], Condition] = Condition,
        advance: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._extra, self._condition = tuple(extra), condition
        super().__init__(app, app.config.web.bind, key="web.bind", stopped=stopped, advance=advance)

    def prepare(self, app: App) -> Application:
        return web.create(app, extra=self._extra, condition=self._condition)


class HealthChecks(AppListener):
    """`/healthz` and `/readyz` alone, at `serve.health_bind`."""

    def __init__(
        self, app: App, condition: Callable[[], Condition], advance: Callable[[float], None]
    ) -> None:
        self._condition = condition
        super().__init__(
            app, app.config.serve.health_bind, key="serve.health_bind", advance=advance
        )

    def prepare(self, app: App) -> Application:
        pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        pages.include_router(health.routes(app, self._condition))
        return pages
