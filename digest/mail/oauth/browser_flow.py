"""The authorization code flow of a program (RFC 8252) with PKCE (RFC 7636).

The owner opens a page of the provider, which sends the browser on to an address of this machine. If
the browser runs on another machine, the owner copies that address from it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from digest.errors import InputError, OAuthError
from digest.mail.oauth.requests import Grant, RefusedError, request_grant
from digest.mail.oauth.values import Account

_DONE = b"<!doctype html><title>digest</title><p>Thank you. You can close this page."


class BrowserFlow:
    """Context manager: while it is open, the address of this machine answers."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._state = secrets.token_urlsafe(24)
        self._verifier = secrets.token_urlsafe(48)
        self._arrived = threading.Event()
        self._address = ""
        flow = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                is_answer = flow._take(self.path)
                self.send_response(200 if is_answer else 404)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(_DONE if is_answer else b"")

            def log_message(self, *_: object) -> None:
                """Log nothing: the address holds a secret."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def redirect_url(self) -> str:
        # Microsoft takes any port of this name, and of 127.0.0.1 only what was registered.
        return f"http://localhost:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The page that the owner opens."""
        account = self.account
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = {
            "client_id": account.client.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_url,
            "scope": " ".join(account.scopes),
            "state": self._state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "login_hint": account.username,
            # Google gives a refresh token only for these two
            "access_type": "offline",
            "prompt": "consent",
        }
        return f"{account.client.authorize_url}?{urlencode(query)}"

    def wait(self, seconds: float) -> bool:
        """Wait for the browser to come; return whether it came."""
        return self._arrived.wait(seconds)

    def finish(self, address: str = "") -> Grant:
        """Exchange the code for tokens.

        Args:
            address: As the owner copied it; "" = the one the browser came to.

        Raises:
            InputError: it is not the address of this login.
            OAuthError: the owner or the provider refused.
        """
        query = parse_qs(urlsplit(address.strip() or self._address).query)
        state, code = query.get("state", [""])[0], query.get("code", [""])[0]
        if not hmac.compare_digest(state.encode(), self._state.encode()):
            raise InputError(
                f"this is not the address of this login; it begins with {self.redirect_url} and "
                "holds state and code. Copy it whole from the browser's address bar"
            )
        if "error" in query:
            raise OAuthError(f"the request was declined ({query['error'][0][:100]!r})")
        try:
            return request_grant(
                self.account.client,
                grant_type="authorization_code",
                code=code,
                redirect_uri=self.redirect_url,
                code_verifier=self._verifier,
            )
        except RefusedError as error:
            raise OAuthError(
                f"the provider refused ({error}). Check [oauth] client_id and client_secret; for "
                'Google the app is of the type "Desktop app"'
            ) from error

    def _take(self, path: str) -> bool:
        """Keep the address that the browser came to, if it is an answer to this login."""
        state = parse_qs(urlsplit(path).query).get("state", [""])[0]
        if not hmac.compare_digest(state.encode(), self._state.encode()):
            return False  # a favicon, or a stranger
        self._address = path
        self._arrived.set()
        return True
