"""Check a mail server without sending a mail: connection, TLS, login.

Uses the same connection code as real mails.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from digest.errors import MailerError
from digest.mail.mailer.server import ConnectError, SmtpServer, tls_context
from digest.mail.mailer.session import Session

_DATE = re.compile(r"\w{3}, +\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerInfo:
    """What a server showed of itself."""

    #: whether the connection is under TLS
    encrypted: bool
    #: extensions that mails make use of, such as "8BITMIME"
    extensions: tuple[str, ...]
    #: its clock, if its greeting shows one
    clock: datetime | None


def check_server(server: SmtpServer) -> ServerInfo:
    """Connect, greet, secure, log in, and quit.

    Raises:
        MailerError: it did not come to a login; the message says why.
    """
    return asyncio.run(_check(server))


async def _check(server: SmtpServer) -> ServerInfo:
    try:
        session = await Session.open(server, None if server.tls == "none" else tls_context(server))
    except ConnectError as error:
        raise MailerError(str(error)) from error
    await session.close()
    offered = {
        "8BITMIME": session.extensions.eightbit,
        "SMTPUTF8": session.extensions.smtputf8,
        "DSN": session.extensions.dsn,
        "PIPELINING": session.extensions.pipelining,
    }
    return ServerInfo(
        encrypted=session.encrypted,
        extensions=tuple(name for name, is_offered in offered.items() if is_offered),
        clock=await _read_clock(server),
    )


async def _read_clock(server: SmtpServer) -> datetime | None:
    """The date in the greeting, which Exim and sendmail show; None if there is none.

    Connects once more, since sessions do not keep the greeting.
    """
    context = (
        ssl.create_default_context(cafile=server.ca_file)
        if server.tls == "tls" or server.port == 465
        else None
    )
    try:
        async with asyncio.timeout(min(10.0, server.timeouts.greeting)):
            reader, writer = await asyncio.open_connection(
                server.host, server.port, ssl=context, limit=2048
            )
            try:
                line = (await reader.readline()).decode("ascii", "replace")
                writer.write(b"QUIT\r\n")
            finally:
                writer.close()
        match = _DATE.search(line)
        return parsedate_to_datetime(match[0]).astimezone(UTC) if match else None
    except (OSError, TimeoutError, ValueError):
        return None
