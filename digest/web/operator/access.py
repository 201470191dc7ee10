"""Who may see the operator's pages: cookie, CSRF token and origin of a request."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from digest import services
from digest.app import App
from digest.errors import ForgedRequestError, LimitError, LoginNeededError
from digest.services.operator_login import PATH, SESSION_LIFETIME
from digest.store.operator_sessions import OperatorSession
from digest.web.pages import FormBody

#: hidden field of every form
CSRF = "csrf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A request of the operator."""

    session: OperatorSession
    #: proves that a form was on a page of this session
    csrf: str = field(repr=False)


class Access:
    """Lets requests with an open session through.

    Args:
        app: the service.
        root: path under which readers reach it.
    """

    def __init__(self, app: App, root: str) -> None:
        self._app = app
        base_url = urlsplit(app.config.web.base_url)
        self._origin = f"{base_url.scheme}://{base_url.netloc}".lower()
        self._secure = base_url.scheme == "https"
        # `__Host-` would demand the path "/", and so send the cookie to every page
        self.cookie = "__Secure-digest-operator" if self._secure else "digest-operator"
        self._path = root + PATH

    async def require(self, request: Request, form: FormBody) -> None:
        """Let a request through, or raise; `visit_of` then returns its session.

        Raises:
            LoginNeededError: it has no open session.
            ForgedRequestError: it is a form of another site, page or session.
        """
        secret = self.secret_of(request)
        session = (
            await run_in_threadpool(services.find_operator_session, self._app, secret)
            if secret
            else None
        )
        if session is None:
            raise LoginNeededError("the session is over, or there was none")
        visit = Visit(session=session, csrf=make_csrf_token(secret))
        if request.method not in ("GET", "HEAD"):
            self.check_origin(request)
            if not hmac.compare_digest(form.one(CSRF).encode(), visit.csrf.encode()):
                raise ForgedRequestError("the form has no token of this session")
        request.state.visit = visit

    def check_origin(self, request: Request) -> None:
        """Refuse a form that another site has sent.

        Raises:
            ForgedRequestError: another site has sent it.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            if site != "same-origin":
                raise ForgedRequestError("another site has sent the form")
            return
        # Browsers leave it out over plain HTTP. Ours say "null", since no page tells its address.
        origin = request.headers.get("origin", "null").lower()
        if origin not in ("null", self._origin):
            raise ForgedRequestError("another site has sent the form")

    def secret_of(self, request: Request) -> str:
        """Return the secret of the request's cookie, or ""."""
        return request.cookies.get(self.cookie, "")

    def set_cookie(self, response: Response, secret: str) -> None:
        response.set_cookie(
            self.cookie,
            secret,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def delete_cookie(self, response: Response) -> None:
        response.delete_cookie(
            self.cookie, path=self._path, secure=self._secure, httponly=True, samesite="strict"
        )


def visit_of(request: Request) -> Visit:
    """Return the visit that `Access.require` let through."""
    visit: Visit = request.state.visit
    return visit


def make_csrf_token(secret: str) -> str:
    """Derive the CSRF token of a session from the secret of its cookie."""
    return hmac.new(secret.encode(), b"operator csrf", hashlib.sha256).hexdigest()


class AttemptLimiter:
    """Limits failed attempts of each client by a sliding window, in this process.

    Args:
        now: the clock.
        most: failed attempts of a client within the window.
        window: its length.
        clients: clients that are remembered; the one that failed longest ago is dropped first.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        most: int = 10,
        window: timedelta = timedelta(minutes=10),
        clients: int = 10_000,
    ) -> None:
        self._now, self._most, self._window, self._clients = now, most, window, clients
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()

    def check(self, client: str) -> None:
        """Raise LimitError if the client has failed too often."""
        failures = self._failures.get(client)
        if failures is None or len(failures) < self._most:
            return
        wait = failures[0] + self._window - self._now()
        if wait > timedelta():
            raise LimitError(
                "too many links that do not work",
                retry_after=max(1, min(wait, self._window) // timedelta(seconds=1)),
            )

    def record(self, client: str) -> None:
        """Record a failed attempt."""
        with self._lock:
            failures = self._failures.setdefault(client, deque(maxlen=self._most))
            failures.append(self._now())
            self._failures.move_to_end(client)
            while len(self._failures) > self._clients:
                self._failures.popitem(last=False)
