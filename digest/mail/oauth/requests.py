"""Requests to a token server: forms in, JSON out.

One of the importers of httpx. No redirects and no proxies of the environment: the requests carry
secrets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from digest.errors import OAuthError
from digest.escaping import escape_to_one_line
from digest.mail.oauth.values import Client
from digest.redaction import register_secrets

#: seconds for a request
TIMEOUT = 30.0
#: bytes of an answer; tokens take a few thousand
_ANSWER_MAX = 256 * 1024
#: seconds that an access token is valid where the server does not say
_DEFAULT_LIFETIME = 300.0


class TokenServerError(OAuthError):
    """The token server cannot be reached or is out of order; a later request may succeed."""


class RefusedError(OAuthError):
    """The token server refused; `code` is the error code of RFC 6749 or RFC 8628."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(": ".join(filter(None, (code, description))))
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Tokens that a server gave."""

    access_token: str = field(repr=False)
    #: "" = the one in use stays
    refresh_token: str = field(repr=False)
    #: seconds since the epoch
    expires_at: float


def request_grant(client: Client, **form: str) -> Grant:
    """Ask for tokens.

    Args:
        client: The app; it is named in the form.
        form: Fields of the request, such as `grant_type`.

    Raises:
        TokenServerError: no answer of use came.
        RefusedError: the server said no.
    """
    asked_at = time.time()
    answer = post_form(client, client.token_url, form)
    access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access_token, str) or not _is_printable(access_token):
        raise TokenServerError(f"{_host(client.token_url)} answered without an access token")
    grant = Grant(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
        expires_at=asked_at + _read_seconds(answer.get("expires_in"), _DEFAULT_LIFETIME),
    )
    register_secrets(grant.access_token, grant.refresh_token)
    return grant


def post_form(client: Client, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Post a form with the app's name to a server.

    Raises:
        TokenServerError, RefusedError: as `request_grant`.
    """
    fields = {"client_id": client.client_id, **form}
    if client.client_secret:
        fields["client_secret"] = client.client_secret
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http,
            http.stream(
                "POST", url, data=fields, headers={"Accept": "application/json"}
            ) as response,
        ):
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _ANSWER_MAX:
                    raise TokenServerError(f"{_host(url)} sends an answer without end")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = escape_to_one_line(str(error)) or type(error).__name__
        raise TokenServerError(f"{_host(url)} cannot be reached ({reason})") from error
    return _read_answer(url, response.status_code, bytes(body))


def _read_answer(url: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    is_temporary = status >= 500 or status in (408, 429)
    if is_temporary or not isinstance(answer, dict) or not (status < 300 or "error" in answer):
        raise TokenServerError(f"{_host(url)} answered with status {status}")
    if "error" in answer:
        code = escape_to_one_line(str(answer["error"]))[:100]
        text = " ".join(str(answer.get("error_description") or "").split())
        # Microsoft adds lines for its support after the first sentence.
        description = escape_to_one_line(text.partition(" Trace ID:")[0])[:300]
        if code in ("temporarily_unavailable", "server_error"):
            raise TokenServerError(f"{_host(url)} says {code} {description}".strip())
        raise RefusedError(code, description)
    return answer


def _read_seconds(value: object, default: float) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default
    return seconds if 0 <= seconds < 1e8 else default


def _is_printable(token: str) -> bool:
    """Return whether a token can stand in a command: no spaces, no control characters."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _host(url: str) -> str:
    return f"the token server {urlsplit(url).netloc.rpartition('@')[2]}"
