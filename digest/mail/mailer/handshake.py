"""Connect to a mail server with aiosmtplib: TCP, greeting, TLS, login."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

from aiosmtplib import SMTP, SMTPConnectError, SMTPException, SMTPHeloError, SMTPResponseException

from digest.errors import OAuthError
from digest.mail.mailer.bearer import log_in_by_token
from digest.mail.mailer.envelope import Extensions
from digest.mail.mailer.server import ConnectError, SmtpServer
from digest.mail.mailer.wire import printable


async def connect(
    server: SmtpServer, context: ssl.SSLContext | None
) -> tuple[asyncio.Transport, Extensions]:
    """A logged-in connection, and what the server offers.

    Args:
        context: for TLS; None = no TLS.

    Raises:
        ConnectError: any step failed.
    """
    try:
        sock = await _open_socket(server)
        client = _make_client(server, sock)
        try:
            transport = await _secure_and_log_in(client, server, context)
        except BaseException:
            _abort(client)
            raise
    except OAuthError as error:
        raise ConnectError(str(error)) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        raise _connect_error(error) from error
    return transport, Extensions.of(client.esmtp_extensions)


async def _open_socket(server: SmtpServer) -> socket.socket:
    """A connected socket; tries each address of the host in order."""
    loop = asyncio.get_running_loop()
    last_error: OSError = ConnectionError("no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        server.host, server.port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(server.timeouts.connect):
                await loop.sock_connect(sock, address)
        except TimeoutError:
            sock.close()
            last_error = TimeoutError(f"no connection within {server.timeouts.connect:g} s")
        except OSError as error:
            sock.close()
            last_error = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise last_error


def _make_client(server: SmtpServer, sock: socket.socket) -> SMTP:
    try:
        # STARTTLS and the login follow step by step below, so that their order is certain.
        return SMTP(
            hostname=server.host,
            port=None,
            sock=sock,
            local_hostname=server.hello,
            timeout=server.timeouts.greeting,
            use_tls=server.implicit_tls,
            start_tls=False,
        )
    except ValueError:
        sock.close()
        raise


async def _secure_and_log_in(
    client: SMTP, server: SmtpServer, context: ssl.SSLContext | None
) -> asyncio.Transport:
    """Greeting, TLS, login; returns the transport for messages.

    Raises:
        SMTPException, OSError, ValueError: a step failed. Where TLS is required, neither password
            nor message has left without it.
    """
    client.tls_context = context
    await client.connect()
    await _greet(client)
    if (
        not server.implicit_tls
        and server.tls != "none"
        and (server.requires_tls or client.supports_extension("starttls"))
    ):
        await client.starttls()  # raises if the server does not offer it
        await _greet(client)
    transport = cast(asyncio.Transport | None, client.transport)
    if server.requires_tls and (
        transport is None or transport.get_extra_info("sslcontext") is None
    ):
        raise ConnectionError("TLS is demanded and there is none")
    if server.access_token is not None:
        await log_in_by_token(client, server, server.access_token)
    elif server.username:
        await client.login(server.username, server.password)
    if client.transport is None:
        raise ConnectionResetError("connection lost")
    return cast(asyncio.Transport, client.transport)


def _abort(client: SMTP) -> None:
    """Close at once: under TLS a plain close waits for the server, and the loop may end before."""
    transport = cast(asyncio.Transport | None, client.transport)
    client.close()
    if transport is not None:
        transport.abort()


async def _greet(client: SMTP) -> None:
    """EHLO, or HELO for a server that does not know EHLO."""
    try:
        await client.ehlo()
    except SMTPHeloError as error:
        if not 500 <= error.code <= 599:
            raise
        await client.helo()


def _connect_error(error: Exception) -> ConnectError:
    if isinstance(error, SMTPResponseException):
        return ConnectError(
            f"{error.code} {printable(error.message)}".strip(), busy=400 <= error.code <= 499
        )
    if isinstance(error, TimeoutError):
        return ConnectError(
            "no answer in time"
            if isinstance(error, SMTPException) or not str(error)
            else str(error)
        )
    if isinstance(error, SMTPConnectError) and error.__cause__ is not None:
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    return ConnectError(printable(str(error) or type(error).__name__))
