"""The pages of the service, and the health checks alone, each behind a listener."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI

from digest import web
from digest.app import App
from digest.web import health
from digest.web.health import Condition
from digest.web.listener import Application, Listener


class Replaceable:
    """A web application that another one may replace between two requests.

    Args:
        current: answers the next requests; those that have begun end with the one before.
    """

    def __init__(self, current: Application) -> None:
        self.current = current

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.current(scope, receive, send)


class Background(Listener):
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
        self._replaceable: Replaceable | None = None
        super().__init__(
            lambda: self._begin(app),
            app.config.web.bind,
            key="web.bind",
            stopped=stopped,
            advance=advance,
        )

    def prepare(self, app: App) -> Application:
        """Make the pages of another app.

        Raises:
            DigestError: a template is missing or broken.
        """
        return web.create(app, extra=self._extra, condition=self._condition)

    def replace(self, pages: Application) -> None:
        """Answer the next requests by these pages."""
        if self._replaceable:
            self._replaceable.current = pages

    def _begin(self, app: App) -> Application:
        self._replaceable = Replaceable(self.prepare(app))
        return self._replaceable


class HealthChecks(Listener):
    """`/healthz` and `/readyz` alone, at `serve.health_bind`."""

    def __init__(
        self, app: App, condition: Callable[[], Condition], advance: Callable[[float], None]
    ) -> None:
        super().__init__(
            lambda: _make_health_pages(app, condition),
            app.config.serve.health_bind,
            key="serve.health_bind",
            advance=advance,
        )


def _make_health_pages(app: App, condition: Callable[[], Condition]) -> FastAPI:
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    pages.include_router(health.routes(app, condition))
    return pages
