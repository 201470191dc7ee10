"""doctor: check everything, and say for each problem what to do.

Changes nothing, and sends nothing unless it is given an address.

Reading order: `findings` (the results), `settings`, `files`, `logins`, `database` and `templates`
(without the network), `workers`, `mail`, `dns_records` and `pages`. `records` and `spf` judge DNS
records, and `resolver` asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from digest.config import Config
from digest.doctor.database import check_database
from digest.doctor.dns_records import check_dns
from digest.doctor.files import check_files
from digest.doctor.findings import Finding, has_failures
from digest.doctor.logins import check_logins
from digest.doctor.mail import check_mail_servers, check_mailbox, send_test_mails
from digest.doctor.pages import check_pages
from digest.doctor.settings import check_settings, sending_domain
from digest.doctor.spf import Resolver
from digest.doctor.templates import check_templates
from digest.doctor.workers import check_workers

__all__ = ["Finding", "examine", "has_failures"]


def examine(
    config: Config,
    *,
    path: Path | None = None,
    resolver: Resolver | None = None,
    offline: bool = False,
    send: str = "",
    ip: str = "",
) -> Iterator[Finding]:
    """Check everything, the quick checks first.

    Args:
        config: the settings.
        path: of the config file, if there is one.
        resolver: asks the DNS; None skips those checks.
        offline: contact no other machine except the database's.
        send: address for a test mail; "" sends none.
        ip: public address that mails leave from; "" means that of the mail server.
    """
    yield from check_settings(config)
    yield from check_files(config, path)
    yield from check_logins(config)
    yield from check_database(config)
    yield from check_templates(config)
    if offline:
        return
    yield from check_workers(config)
    hello = config.mail.domain or sending_domain(config) or "localhost"
    yield from check_mail_servers(config, hello)
    yield from check_mailbox(config)
    if resolver is not None:
        yield from check_dns(config, resolver, ip=ip)
    yield from check_pages(config)
    if send:
        yield from send_test_mails(config, hello, send)
