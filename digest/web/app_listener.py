"""A listener whose app another one may replace between two requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from digest.app import App
from digest.web.listener import Application, Listener


class AppListener(Listener, ABC):
    """Serves a web application that is made from an app.

    Args:
        app: the first one.
        bind: as for `Listener`, like all that follows.
    """

    def __init__(
        self,
        app: App,
        bind: str,
        *,
        key: str,
        stopped: Callable[[], None] | None = None,
        advance: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._replaceable: _Replaceable | None = None
        super().__init__(lambda: self._begin(app), bind, key=key, stopped=stopped, advance=advance)

    @abstractmethod
    def prepare(self, app: App) -> Application:
        """Make the web application of an app.

        Raises:
            DigestError: it cannot be made, such as with a broken template.
        """

    def replace(self, application: Application) -> None:
        """Answer the next requests by this application."""
        if self._replaceable:
            self._replaceable.current = application

    def _begin(self, app: App) -> Application:
        self._replaceable = _Replaceable(self.prepare(app))
        return self._replaceable


class _Replaceable:
    """A web application that passes on each request.

    Args:
        current: answers the next requests; those that have begun end with the one before.
    """

    def __init__(self, current: Application) -> None:
        self.current = current

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.current(scope, receive, send)
