"""Config -> mail servers, mailbox, mailer and the settings of all mails."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from digest.config import Config, Server, SourceEntry, load_secret_files
from digest.config.secret_files import read_first_line
from digest.errors import (
    AddressError,
    ConfigError,
    InputError,
    KeyFileError,
    MailboxError,
    MailerError,
)
from digest.mail import messages
from digest.mail.imap import ImapServer, Mailbox
from digest.mail.mailer import (
    FolderMailer,
    Mailer,
    RateLimiter,
    RateLimiters,
    SmtpMailer,
    SmtpServer,
    Timeouts,
)
from digest.mail.messages import Mailing, Signer, dkim
from digest.mail_accounts import access_tokens
from digest.redaction import register_secrets

#: RFC 2606: under these names no mailbox exists
_NOWHERE = ("localhost", "example", "test", "invalid")


def make_rate_limiters(config: Config) -> RateLimiters:
    """Make the rate limiters, which outlive the mailer of a round."""
    return RateLimiters(domains=RateLimiter(max_rate=config.smtp.domain_per_minute or math.inf))


def make_mailing_or_unsigned(config: Config) -> tuple[Mailing, str]:
    """Make the settings of all mails; and why they cannot be signed, or "".

    Without a key nothing is sent, but everything else works.
    """
    try:
        return make_mailing(config), ""
    except KeyFileError as error:
        keys: dict[str, None] = {"dkim_key_file": None, "dkim_ed25519_key_file": None}
        unsigned = config.model_copy(update={"mail": config.mail.model_copy(update=keys)})
        return make_mailing(unsigned), f"{error}. Then start this again; until then nothing is sent"


def make_mailer(config: Config, hello: str, limiters: RateLimiters, unsigned: str) -> Mailer:
    """Make the mailer of one round.

    Raises:
        MailerError: a file that sending needs cannot be used; mails wait for it.
    """
    if unsigned:
        raise MailerError(unsigned)
    try:
        servers = smtp_servers(config, hello)
    except ConfigError as error:
        raise MailerError(str(error)) from error
    return SmtpMailer(servers, limiters) if servers else FolderMailer(config.smtp.outbox)


def smtp_servers(config: Config, hello: str, *, files: bool = True) -> list[SmtpServer]:
    """List the mail servers in order; none where mails go to a folder.

    Args:
        hello: the name to greet with where none is set.
        files: read the passwords anew; off where nobody logs in.

    Raises:
        ConfigError: a file with a password or certificates cannot be used.
    """
    smtp = config.smtp
    servers = []
    for number, section in enumerate((smtp, *smtp.more) if smtp.host else ()):
        server: Server = section
        if files:
            server = load_secret_files(server, "smtp" if number == 0 else f"smtp.more.{number - 1}")
        waits = float(server.timeout)
        timeouts = Timeouts()
        servers.append(
            SmtpServer(
                host=server.host,
                port=server.port,
                tls=server.tls,
                username=server.username,
                password=server.password.get_secret_value(),
                access_token=(
                    access_tokens(config, server.username)
                    if files and server.auth == "oauth2"
                    else None
                ),
                ca_file=server.ca_file,
                hello=server.hello or hello,
                connections=server.connections,
                per_connection=server.per_connection,
                per_minute=server.per_minute,
                weight=server.weight,
                timeouts=replace(
                    timeouts,
                    connect=min(timeouts.connect, waits),
                    greeting=waits,
                    mail=waits,
                    rcpt=waits,
                    data=min(timeouts.data, waits),
                ),
            )
        )
    return servers


def imap_server(config: Config, *, files: bool = True) -> ImapServer | None:
    """The mailbox for bounces and requests; None where none is configured.

    Raises:
        ConfigError: `files`, and server with the password or certificates cannot be used.
    """
    settings = config.mailbox
    if not settings.host:
        return None
    if files:
        settings = load_secret_files(settings, "mailbox")
    return ImapServer(
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        username=settings.username,
        password=settings.password.get_secret_value(),
        access_token=(
            access_tokens(config, settings.username)
            if files and settings.auth == "oauth2"
            else None
        ),
        ca_file=settings.ca_file,
        folder=settings.folder,
        processed=settings.processed,
        timeout=float(settings.timeout),
    )


def open_source_mailbox(config: Config, source: SourceEntry) -> Mailbox:
    """The folder of a source of kind mailbox, to be entered. Nothing in it is changed.

    Raises:
        MailboxError: the file with its password, or [oauth], cannot be used.
    """
    address = urlsplit(source.url)
    is_tls = address.scheme == "imaps"
    setting = f"[[sources]] {source.name}"
    username = unquote(address.username or "")
    password, tokens = "", None
    try:
        if source.auth == "oauth2":
            tokens = access_tokens(config, username)
        elif source.password_file:
            password = read_first_line(source.password_file, f"{setting} password_file")
            register_secrets(password)
    except ConfigError as error:
        raise MailboxError(str(error)) from error
    server = ImapServer(
        host=address.hostname or "",
        port=address.port or (993 if is_tls else 143),
        tls="tls" if is_tls else "starttls",
        username=username,
        password=password,
        access_token=tokens,
        ca_file=source.ca_file,
        folder=unquote(address.path.strip("/")) or "INBOX",
        setting=f"{setting}, its url with",
        read_only=True,
    )
    return Mailbox(server)


def make_mailing(config: Config) -> Mailing:
    """Make the settings of all mails.

    Raises:
        ConfigError: an address or domain is invalid.
        KeyFileError: a DKIM key cannot be used.
    """
    mail = config.mail
    for key, check in (
        ("reply_to", messages.ascii_address),
        ("bounce_domain", messages.ascii_domain),
    ):
        if getattr(mail, key):
            _check_value(key, getattr(mail, key), check)
    _check_value("sender", mail.sender, messages.ascii_address)
    own = _check_value("sender", mail.sender.rpartition("@")[2], messages.ascii_domain)
    answerable = own.rpartition(".")[2] not in _NOWHERE and not messages.is_public_url(
        config.web.base_url
    )
    return Mailing(
        from_address=mail.sender,
        name=mail.name.strip() or "Digest",
        domain=_check_value("domain", mail.domain, messages.ascii_domain) if mail.domain else own,
        base_url=config.web.base_url,
        reply_to=mail.reply_to,
        # Without a mailbox, mails offer answers by mail only where readers cannot reach our pages.
        mailbox=mail.reply_to or _mailbox_address(config) or (mail.sender if answerable else ""),
        postal_address=mail.postal_address,
        signers=tuple(
            Signer(domain=own, selector=selector, key=_read_dkim_key(name, path, kind))
            for name, path, selector, kind in (
                ("dkim_key_file", mail.dkim_key_file, mail.dkim_selector, "rsa"),
                (
                    "dkim_ed25519_key_file",
                    mail.dkim_ed25519_key_file,
                    mail.dkim_ed25519_selector,
                    "ed25519",
                ),
            )
            if path
        ),
    )


def _mailbox_address(config: Config) -> str:
    """The address of the mailbox, or "" where its login is no address."""
    try:
        return messages.ascii_address(config.mailbox.username) if config.mailbox.host else ""
    except AddressError:
        return ""


def _check_value(key: str, value: str, check: Callable[[str], str]) -> str:
    try:
        return check(value)
    except AddressError as error:
        raise ConfigError(f"mail.{key} = {value!r}: {error}") from None


def _read_dkim_key(name: str, path: Path, kind: str) -> dkim.Key:
    try:
        key = dkim.read_key(path.read_bytes())
    except OSError as error:
        raise KeyFileError(
            f"mail.{name} = '{path}': cannot be read ({error.strerror}). `digest dkim` makes the "
            "key"
        ) from error
    except InputError as error:
        raise KeyFileError(
            f"mail.{name} = '{path}': {error}. `digest dkim` makes server at a path where there is "
            "none"
        ) from None
    if key.kind != kind:
        raise KeyFileError(
            f"mail.{name} = '{path}': is a key of kind {key.kind}, and {kind} is needed here"
        )
    return key
