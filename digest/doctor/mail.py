"""Check the mail servers and the mailbox by connecting to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

from digest.config import Config
from digest.doctor.clocks import compare_clock
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.errors import ConfigError, DigestError, MailboxError, MailerError
from digest.locales import count_noun
from digest.mail import mailer
from digest.mail.imap import Mailbox
from digest.mail.mailer import SmtpMailer, SmtpServer
from digest.mail.messages import MessageContext, samples
from digest.mail_setup import imap_server, make_mailing, smtp_servers
from digest.model import Message


def check_mail_servers(config: Config, hello: str) -> Iterator[Finding]:
    """Check that each mail server answers, with TLS, and accepts the login."""
    try:
        servers = smtp_servers(config, hello)
    except ConfigError as error:
        yield bad("mail server", str(error), "Until this works nothing is sent, and messages wait")
        return
    for server in servers:
        try:
            info = mailer.check_server(server)
        except MailerError as error:
            yield bad("mail server", f"{server.name}: {error}", _remedy_of_failure(server))
            continue
        login = f", and logs in {server.username}" if server.username else ""
        encryption = "with TLS" if info.encrypted else "unencrypted"
        offers = f"; it offers {', '.join(info.extensions)}" if info.extensions else ""
        yield good("mail server", f"{server.name}: answers {encryption}{login}{offers}")
        if info.clock is not None:
            yield from compare_clock(f"the mail server {server.name}", info.clock)


def _remedy_of_failure(server: SmtpServer) -> str:
    if server.access_token is not None:
        return (
            "Correct what the error names. Where the login is refused: check [smtp] username, that "
            "the account may send by SMTP (Microsoft 365: SMTP AUTH), and log in anew: "
            f"`digest login {server.username}`"
        )
    return (
        "Check [smtp] host, port, tls, username and the password; many providers require an app "
        'password, and Microsoft takes only auth = "oauth2"'
    )


def send_test_mails(config: Config, hello: str, recipient: str) -> Iterator[Finding]:
    """Send a signed test mail over each mail server."""
    now = datetime.now(UTC)
    try:
        mailing = make_mailing(config)
        folders = (config.mail.templates,) if config.mail.templates else ()
        for number, server in enumerate(smtp_servers(config, hello)):
            context = MessageContext(
                mailing=mailing,
                message_id=f"<test.{now:%Y%m%d%H%M%S}.{number}@{mailing.domain}>",
                date=now,
                folders=folders,
            )
            yield _send_test_mail(server, samples.write_test(context, recipient))
    except DigestError as error:
        yield bad(
            "mail server", f"no test mail could be written: {error}", "Correct what the error names"
        )
    if not config.smtp.host:
        yield warning(
            "mail server", "no test mail was sent: mails are written to a folder", "Set [smtp] host"
        )


def _send_test_mail(server: SmtpServer, message: Message) -> Finding:
    async def deliver() -> tuple[str, str]:
        smtp_mailer = SmtpMailer([server])
        try:
            await smtp_mailer.open()
            delivery = await smtp_mailer.deliver(message, _always)
        finally:
            await smtp_mailer.close()
        return delivery.outcome, f"{delivery.code or ''} {delivery.text}".strip()

    try:
        outcome, reply = asyncio.run(deliver())
    except MailerError as error:
        return bad(
            "mail server",
            f"{server.name}: no test mail could be sent: {error}",
            "Correct what the error names",
        )
    if outcome != "accepted":
        return bad(
            "mail server",
            f"{server.name}: the test mail was {outcome}: {reply}",
            "The server's reply says what to correct",
        )
    return note(
        "mail server",
        f"{server.name}: accepted a test mail for {message.recipient}: {reply}",
        "Check that it arrived, and its Authentication-Results",
    )


async def _always() -> bool:
    return True


def check_mailbox(config: Config) -> Iterator[Finding]:
    """Check that the mailbox can be read."""
    try:
        server = imap_server(config)
        if server is None:
            return
        with Mailbox(server) as opened:
            unread = len(opened.find_uids(0, unread=True, limit=100_000))
    except (ConfigError, MailboxError) as error:
        yield bad(
            "mailbox", str(error), "Until this works bounces and requests by mail are not read"
        )
    else:
        yield good(
            "mailbox", f"{server.name}: can be read; {count_noun(unread, 'unread mail')} in it"
        )
