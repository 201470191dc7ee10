"""Check the settings: what mail, bounces and replies lack."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from digest.config import Config
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.errors import ConfigError
from digest.mail import messages
from digest.mail_setup import make_mailing
from digest.ranking import encoders
from digest.webhooks import RefusedAddressError, check_url

#: domains that no mail can come from, besides names without a dot
_NOWHERE = ("localhost", "example", "invalid", "test", "local")


def sending_domain(config: Config) -> str:
    """Return the domain in From; "" if receivers cannot look it up."""
    domain = config.mail.sender.rpartition("@")[2].lower()
    return domain if "." in domain and domain.rpartition(".")[2] not in _NOWHERE else ""


def check_settings(config: Config) -> Iterator[Finding]:
    """Check what mails need to arrive, to be unsubscribed from, and to report bounces."""
    mail, smtp = config.mail, config.smtp
    domain = sending_domain(config)
    if not smtp.host:
        yield note(
            "config",
            f"mails are written to {smtp.outbox} and not sent",
            "Set [smtp] host to send them",
        )
    elif not domain:
        yield bad(
            "config",
            f"mail.sender = {mail.sender!r} is not an address on the internet",
            "Set it to your own address",
        )
    else:
        yield good("config", f"mails come from {mail.sender}")
    yield from _check_pages(config)
    yield from _check_incoming(config)
    if not config.alerts.to:
        yield warning("config", "nobody gets a mail when something is wrong", "Set [alerts] to")
    yield from _check_alarm_webhook(config)
    if smtp.host and not mail.dkim_key_file:
        yield note(
            "config",
            "mails are not signed here: the mail server has to sign (DKIM)",
            "If it does not: `digest dkim`, then [mail] dkim_key_file",
        )
    if (
        not mail.postal_address
        and config.web.signup
        and messages.is_public_url(config.web.base_url)
    ):
        yield note(
            "config",
            "there is no postal address at the end of the mails",
            "The law of many countries requires one in mail to the public: [mail] postal_address",
        )
    for name, server in (
        ("smtp", smtp),
        *((f"smtp.more.{number}", server) for number, server in enumerate(smtp.more)),
    ):
        if server.host and server.tls == "none" and not _loopback(server.host):
            yield warning(
                "config",
                f'{name}.tls = "none": mails and the password cross the network unencrypted',
                'Set it to "auto"',
            )
    yield from _check_encoder(config)
    if config.mailbox.host and config.mailbox.tls == "none" and not _loopback(config.mailbox.host):
        yield warning(
            "config",
            'mailbox.tls = "none": mails and the password cross the network unencrypted',
            'Set it to "tls"',
        )


def _check_encoder(config: Config) -> Iterator[Finding]:
    name = config.features.encoder
    if not name:
        return
    try:
        encoder = encoders.load(name)
    except ConfigError as error:
        yield bad("config", str(error), "Until it can be opened, digests are ranked by words only")
    else:
        yield good(
            "config",
            f"papers are encoded with {encoder.version}, {encoder.dimensions} numbers each",
        )


def _check_pages(config: Config) -> Iterator[Finding]:
    url = config.web.base_url
    if url.startswith("https://") and messages.is_public_url(url):
        yield good("config", f"mails have one-click unsubscribe (RFC 8058): web.base_url = {url}")
    elif messages.is_public_url(url):
        yield warning(
            "config",
            f"web.base_url = {url} is not https: mails have no one-click unsubscribe",
            "Put a proxy with a certificate in front of the pages",
        )
    else:
        remedy = (
            "Set it to a public https address. Until then readers elsewhere can vote and leave "
            "only by mail, where [mail] reply_to names a mailbox"
        )
        level = warning if config.smtp.host else note
        yield level(
            "config",
            f"web.base_url = {url}: the links in mails work only on this machine or network",
            remedy,
        )


def _reply_address(config: Config) -> str:
    """Return the address for replies, "" if there is none.

    It is also "" if the settings have an error.
    """
    try:
        return make_mailing(config).mailbox
    except ConfigError:
        return ""


def _check_incoming(config: Config) -> Iterator[Finding]:
    mail = config.mail
    if not config.smtp.host:
        return
    reads_mailbox = bool(config.mailbox.host)
    if not reads_mailbox and (reply_address := _reply_address(config)):
        level = (
            note if mail.bounce_domain else warning
        )  # where bounces come through a pipe, so may answers
        remedy = (
            "Set [mailbox], or let the mail server pipe that address into `digest bounce`: a "
            "request to unsubscribe must arrive"
        )
        yield level(
            "config",
            f"mails offer to unsubscribe by mail to {reply_address}, but no mailbox is read",
            remedy,
        )
    if mail.bounce_domain and not reads_mailbox:
        remedy = "Set [mailbox], or let the mail server pipe that domain into `digest bounce`"
        yield note(
            "config",
            f"each mail has its own bounce address at {mail.bounce_domain}, but no mailbox is read",
            remedy,
        )
    elif not mail.bounce_domain and not reads_mailbox:
        yield warning(
            "config",
            "bounces are lost: they go to the sender, but no mailbox is read",
            "Set [mailbox], and better also [mail] bounce_domain",
        )
    elif not mail.bounce_domain:
        what = "bounces are recognised by the headers that they return; some return none"
        yield note("config", what, "[mail] bounce_domain gives each mail its own bounce address")
    else:
        yield good(
            "config",
            f"bounces come to {mail.bounce_domain} and are read from {config.mailbox.host}",
        )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_alarm_webhook(config: Config) -> Iterator[Finding]:
    alerts = config.alerts
    if not alerts.webhook:
        return
    if not alerts.webhook_secret.get_secret_value():
        yield bad(
            "config",
            f"alerts.webhook_secret_file = '{alerts.webhook_secret_file}': no secret can be read "
            "from it, so no alarm is posted",
            "Put the output of `openssl rand -base64 32` on its first line",
        )
    try:
        check_url(alerts.webhook, config.webhooks.allowed_networks)
    except RefusedAddressError as error:
        yield bad("config", f"alerts.webhook is not posted to: {error}", "Set another address")
