"""A token server (OAuth 2.0) on this machine: device flow, authorization code with PKCE, refresh.

with TokenServer() as server:
    server.consent = "granted"             what the account's owner does: pending, denied ...
    server.revoke()                        all refresh tokens are dead from now on
    server.is_valid(token)                 what a mail server asks
    server.requests                        path and fields of each request
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal
from urllib.parse import parse_qs, urlsplit

CLIENT_ID = "an-app"


class TokenServer:
    """Gives access tokens to the app CLIENT_ID."""

    def __init__(
        self, *, rotate: bool = False, lifetime: int = 3600, client_secret: str = ""
    ) -> None:
        #: each refresh token works once, and brings the next one
        self.rotate, self.lifetime, self.client_secret = rotate, lifetime, client_secret
        self.consent: Literal["granted", "pending", "denied"] = "granted"
        #: seconds between two questions about a device code
        self.interval = 0
        #: statuses of the next answers, instead of what they should be
        self.outages: list[int] = []
        #: status and body of the next answers, as a broken or hostile server gives them
        self.raw: list[tuple[int, bytes]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.refresh_tokens: set[str] = set()
        #: access token -> until when it is valid
        self.access_tokens: dict[str, float] = {}
        #: seconds that each answer takes
        self.delay = 0.0
        self._codes: dict[str, str] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                path = urlsplit(self.path).path
                time.sleep(outer.delay)
                with outer._lock:
                    status, answer = outer.answer(path, form)
                data = json.dumps(answer).encode() if status < 500 else b"<html>out of order"
                if outer.raw:
                    status, data = outer.raw.pop(0)
                self.send_response(status)
                self.send_header("Location", outer.url("/elsewhere"))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    @property
    def settings(self) -> str:
        """The section [oauth] of a config for this server."""
        return (
            f'[oauth]\nclient_id = "{CLIENT_ID}"\ntoken_url = "{self.url("/token")}"\n'
            f'device_url = "{self.url("/device")}"\nauthorize_url = "{self.url("/authorize")}"\n'
            'scopes = ["mail", "offline"]\n'
        )

    def __enter__(self) -> TokenServer:
        self.thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    # ------------------------------------------------------------------ what a test does and asks

    def revoke(self) -> None:
        """The owner takes back the consent."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def expire(self) -> None:
        """No access token is valid any more; refresh tokens are."""
        self.access_tokens.clear()

    def is_valid(self, token: str) -> bool:
        return self.access_tokens.get(token, 0.0) > time.time()

    def count(self, grant_type: str) -> int:
        return sum(form.get("grant_type") == grant_type for _, form in self.requests)

    def agree_in_browser(self, url: str) -> str:
        """Do what a browser does at the page `authorize`; return where it is sent to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["client_id"] == CLIENT_ID
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        state = query["state"]
        if self.consent == "denied":
            return f"{query['redirect_uri']}?error=access_denied&state={state}"
        code = secrets.token_urlsafe(8)
        self._codes[code] = query["code_challenge"] + query["redirect_uri"]
        return f"{query['redirect_uri']}?code={code}&state={state}"

    # ------------------------------------------------------------------------------------ answers

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.requests.append((path, form))
        if path == "/introspect":  # Dovecot asks
            token = form.get("token", "")
            return 200, {"active": self.is_valid(token), "username": "jane@example.org"}
        if self.outages:
            return self.outages.pop(0), {"error": "temporarily_unavailable"}
        if (
            form.get("client_id") != CLIENT_ID
            or form.get("client_secret", "") != self.client_secret
        ):
            return 401, {"error": "invalid_client", "error_description": "no such app"}
        if path == "/device":
            code = secrets.token_urlsafe(8)
            self._codes[code] = "device"
            return 200, {
                "device_code": code,
                "user_code": "WDJB-MJHT",
                "verification_uri": "https://login.example.org/device",
                "expires_in": 600,
                "interval": self.interval,
            }
        return self._answer_token(form)

    def _answer_token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        kind = form.get("grant_type", "")
        if kind == "refresh_token":
            token = form.get("refresh_token", "")
            if token not in self.refresh_tokens:
                return 400, {
                    "error": "invalid_grant",
                    "error_description": "Token has been expired or revoked.",
                }
            if self.rotate:
                self.refresh_tokens.discard(token)
            return 200, self._tokens(refresh=self.rotate)
        if kind == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if self._codes.pop(form["code"], "") != challenge + form["redirect_uri"]:
                return 400, {"error": "invalid_grant", "error_description": "no such code"}
            return 200, self._tokens(refresh=True)
        if self._codes.get(form.get("device_code", "")) != "device":
            return 400, {"error": "expired_token"}
        if self.consent == "pending":
            return 400, {"error": "authorization_pending"}
        if self.consent == "denied":
            return 400, {"error": "access_denied"}
        del self._codes[form["device_code"]]
        return 200, self._tokens(refresh=True)

    def _tokens(self, *, refresh: bool) -> dict[str, object]:
        access = f"access-{secrets.token_urlsafe(24)}"
        self.access_tokens[access] = time.time() + self.lifetime
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": self.lifetime,
        }
        if refresh:
            token = f"refresh-{secrets.token_urlsafe(24)}"
            self.refresh_tokens.add(token)
            answer["refresh_token"] = token
        return answer
