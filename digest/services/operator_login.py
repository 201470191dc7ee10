"""The operator's way in: a link that works once, and the session that it begins."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.errors import LinkError, NotFoundError
from digest.store.operator_sessions import OperatorSession

#: path of the pages, below [web] base_url
PATH = "/operator"
#: how long a printed link may wait
LINK_LIFETIME = timedelta(minutes=10)
#: how long a session lasts at most, and how long without a request
SESSION_LIFETIME, IDLE_LIFETIME = timedelta(hours=12), timedelta(hours=1)
#: a request within this time after another one is not recorded
_RECORDED_EVERY = timedelta(minutes=1)
#: octets of a secret: 55 letters in Base32, which `redaction` covers wherever they are written
_SECRET_OCTETS = 34
_BROWSER_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A session that just began, with the secret of its cookie."""

    session_id: int
    secret: str = field(repr=False)


def make_operator_link(app: App, lifetime: timedelta = LINK_LIFETIME) -> str:
    """Make a link that logs in once; return its URL."""
    secret, now = _make_secret(), app.now()
    with app.store.writing() as tx:
        store.operator_sessions.delete_old(tx, now=now, used_since=now - IDLE_LIFETIME)
        store.operator_sessions.add_link(tx, _hash("link", secret), now=now, until=now + lifetime)
    return f"{app.config.web.base_url}{PATH}/login/{secret}"


def log_in(app: App, link_secret: str, *, browser: str = "", previous: str = "") -> Login:
    """Use up a link and begin its session, with a secret that nobody has seen before.

    Args:
        link_secret: the end of the link.
        browser: what the browser calls itself.
        previous: secret of a session that the browser has; it ends.

    Raises:
        LinkError: no such link, used already, or too old.
    """
    secret, now = _make_secret(), app.now()

    def begin(tx: store.Connection) -> int | None:
        ident = store.operator_sessions.log_in(
            tx,
            _hash("link", link_secret),
            _hash("session", secret),
            browser=browser[:_BROWSER_MAX],
            now=now,
            until=now + SESSION_LIFETIME,
        )
        former = store.operator_sessions.find(tx, _hash("session", previous))
        if ident is not None and former is not None:
            store.operator_sessions.end(tx, former.id)
        return ident

    ident = app.store.commit_together(begin)
    if ident is None:
        raise LinkError("the link was used before, is too old, or was never made")
    return Login(session_id=ident, secret=secret)


def find_operator_session(app: App, secret: str) -> OperatorSession | None:
    """Find the session of a cookie and record its use; None where it is over or unknown."""
    now = app.now()
    with app.store.reading() as tx:
        session = store.operator_sessions.find(tx, _hash("session", secret))
    if session is None or not _is_open(session, now):
        return None
    if now - session.seen_at >= _RECORDED_EVERY:
        ident = session.id
        app.store.commit_together(lambda tx: store.operator_sessions.touch(tx, ident, now=now))
    return session


def list_operator_sessions(app: App) -> list[OperatorSession]:
    """List the open sessions, newest first."""
    now = app.now()
    with app.store.reading() as tx:
        return store.operator_sessions.list_open(tx, now=now, used_since=now - IDLE_LIFETIME)


def end_operator_session(app: App, ident: int) -> None:
    """End a session at once.

    Raises:
        NotFoundError: there is none of that id.
    """
    with app.store.writing() as tx:
        if not store.operator_sessions.end(tx, ident):
            raise NotFoundError(
                f"there is no operator session {ident}. `digest operator sessions` lists them"
            )


def end_all_operator_sessions(app: App) -> int:
    """End all sessions and take back all unused links; return how many there were."""
    with app.store.writing() as tx:
        return store.operator_sessions.end_all(tx)


def _is_open(session: OperatorSession, now: datetime) -> bool:
    return now < session.expires_at and now - session.seen_at < IDLE_LIFETIME


def _make_secret() -> str:
    return base64.b32encode(secrets.token_bytes(_SECRET_OCTETS)).decode().rstrip("=").lower()


def _hash(purpose: str, secret: str) -> bytes:
    """Hash a secret of 272 random bits: no salt or slow hash makes it harder to guess."""
    return hashlib.sha256(f"operator {purpose}\0{secret}".encode()).digest()
