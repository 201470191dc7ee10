"""Log in to a mail server with an access token: XOAUTH2, or OAUTHBEARER (RFC 7628)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

from digest.mail.mailer.server import SmtpServer


async def log_in_by_token(
    client: SMTP, server: SmtpServer, access_token: Callable[[str], str]
) -> None:
    """Log in; if the server does not accept the token, once more with a renewed one.

    A token can end early: it was revoked, or the clock of this machine is wrong.

    Raises:
        OAuthError: there is no token.
        SMTPException: the server does not let in.
    """
    token = await asyncio.to_thread(access_token, "")
    try:
        await _authenticate(client, server, token)
    except SMTPAuthenticationError as error:
        if error.code < 500:
            raise
        renewed = await asyncio.to_thread(access_token, token)
        if renewed == token:
            raise
        await _authenticate(client, server, renewed)


async def _authenticate(client: SMTP, server: SmtpServer, token: str) -> None:
    if "xoauth2" in client.server_auth_methods:
        await client.auth_xoauth2(server.username, token)
        return
    if "oauthbearer" not in client.server_auth_methods:
        raise SMTPException(
            'the server offers no login by access token (XOAUTH2, OAUTHBEARER); auth = "oauth2" '
            "is not for it"
        )
    name = server.username.replace("=", "=3D").replace(",", "=2C")
    fields = (
        f"n,a={name},",
        f"host={server.host}",
        f"port={server.port}",
        f"auth=Bearer {token}",
        "",
        "",
    )
    first = base64.b64encode("\x01".join(fields).encode())
    response = await client.execute_command(b"AUTH", b"OAUTHBEARER", first)
    if response.code == 334:  # it says what is wrong, and waits for an answer
        response = await client.execute_command(base64.b64encode(b"\x01"))
    if response.code != 235:
        raise SMTPAuthenticationError(response.code, response.message)
