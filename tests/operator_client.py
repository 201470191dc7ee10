"""A browser of the operator, without sockets: it keeps the one cookie and finds CSRF tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx

from digest import services
from digest.app import App
from tests.webclient import Client


class OperatorClient(Client):
    """A client that sends back the cookie it was given, as a browser does."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.cookie = ""

    def request(self, method: str, path: str, **sent: object) -> httpx.Response:
        headers = dict(sent.pop("headers", None) or {})  # type: ignore[call-overload]
        if self.cookie:
            headers.setdefault("cookie", self.cookie)
        answer = super().request(method, path, headers=headers, **sent)
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookie = "" if morsel["max-age"] == "0" else f"{name}={morsel.value}"
        return answer

    def link(self, lifetime: timedelta = services.operator_login.LINK_LIFETIME) -> str:
        """Make a link as the command does; return its path."""
        url = services.make_operator_link(self.app, lifetime)
        return url.removeprefix(self.app.config.web.base_url)

    def log_in(self) -> httpx.Response:
        return self.post(self.link())

    def act(
        self, path: str, fields: Mapping[str, str] | None = None, *, sure: bool = True
    ) -> httpx.Response:
        """Post a form with the token of the session."""
        answered = {"sure": "yes"} if sure else {}
        return self.post(path, data={"csrf": self.csrf(), **answered, **(fields or {})})

    def csrf(self) -> str:
        """Read the token of the session from a page."""
        match = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get("/operator/sessions").text)
        assert match is not None, "not logged in"
        return match[1]
