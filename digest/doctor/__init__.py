"""doctor: what is wrong or missing, each with its remedy.

Changes nothing, and sends nothing unless it is told an address.

Reading order: `findings` (what comes out), `records` (texts of the DNS judged), `spf` (whom they
let send), `local` (without the network), `network`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from digest.config import Config
from digest.doctor import local, network
from digest.doctor.findings import Finding, sick
from digest.doctor.spf import Resolver

__all__ = ["Finding", "examine", "sick"]


def examine(
    config: Config,
    *,
    path: Path | None = None,
    resolver: Resolver | None = None,
    offline: bool = False,
    send: str = "",
    ip: str = "",
) -> Iterator[Finding]:
    """Look at everything, finding by finding; what takes long comes late.

    Args:
        path: of the config file, if there is one.
        resolver: who is asked for the DNS; None leaves it out.
        offline: ask no other machine but the database's.
        send: address that a test mail goes to.
        ip: address of the internet that mails leave from; "" = that of the mail server.
    """
    yield from local.settings(config)
    yield from local.files(config, path)
    yield from local.database(config)
    yield from local.templates(config)
    if offline:
        return
    hello = config.mail.domain or local.sending_domain(config) or "localhost"
    yield from network.mail_servers(config, hello)
    yield from network.mailbox(config)
    if resolver is not None:
        yield from network.domain_records(config, resolver, ip=ip)
    yield from network.pages(config)
    if send:
        yield from network.send_test(config, hello, send)
