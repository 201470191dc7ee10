"""One visit to a mail server, over the very way that mails take, without a mail: does it answer, is
the line secret, does it let us in?
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from digest.errors import MailerError
from digest.mail.mailer.pool import trusting
from digest.mail.mailer.session import ConnectError, Session, SmtpServer

_DATE = re.compile(r"\w{3}, +\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What a server showed of itself."""

    #: whether the line is under TLS
    secret: bool
    #: what it offers that mails make use of, such as "8BITMIME"
    offers: tuple[str, ...]
    #: its clock, where its greeting tells it
    clock: datetime | None


def visit(server: SmtpServer) -> Visit:
    """Connect, greet, secure, log in, and part.

    Raises:
        MailerError: it did not come to a login; the message says why.
    """
    return asyncio.run(_visit(server))


async def _visit(server: SmtpServer) -> Visit:
    try:
        session = await Session.open(server, None if server.tls == "none" else trusting(server))
    except ConnectError as error:
        raise MailerError(str(error)) from error
    secret, offers = session.secret, session.offers
    await session.close()
    named = {
        "8BITMIME": offers.eightbit,
        "SMTPUTF8": offers.smtputf8,
        "DSN": offers.dsn,
        "PIPELINING": offers.pipelining,
    }
    return Visit(
        secret=secret,
        offers=tuple(name for name, there in named.items() if there),
        clock=await _clock(server),
    )


async def _clock(server: SmtpServer) -> datetime | None:
    """The date in a greeting, which Exim and sendmail show; asked apart, since the way of the mails
    keeps no greeting.
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
        found = _DATE.search(line)
        return parsedate_to_datetime(found[0]).astimezone(UTC) if found else None
    except (OSError, TimeoutError, ValueError):
        return None
