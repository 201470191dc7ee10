"""What can only be seen by asking others: the mail servers, the mailbox, the DNS of the sending
domain, the pages as readers reach them.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

from digest.app import imap_server, make_mailing, smtp_servers
from digest.config import Config
from digest.doctor import records, spf
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.doctor.local import clock, sending_domain
from digest.doctor.spf import Resolver
from digest.errors import ConfigError, DigestError, MailboxError, MailerError, ResolverError
from digest.mail import mailer, messages
from digest.mail.imap import Mailbox
from digest.mail.mailer import SmtpMailer, SmtpServer
from digest.mail.messages import MessageContext, samples
from digest.model import Message

_HTTP_SECONDS = 10.0


# ----------------------------------------------------------------------------------------------
# mail servers


def mail_servers(config: Config, hello: str) -> Iterator[Finding]:
    """Each one answers, the line is under TLS, and the login is taken."""
    try:
        servers = smtp_servers(config, hello)
    except ConfigError as error:
        yield bad("mail server", str(error), "Until then nothing is sent, and messages wait")
        return
    for server in servers:
        try:
            info = mailer.check_server(server)
        except MailerError as error:
            remedy = (
                "Check [smtp] host, port, tls, username and the password; many providers want an "
                "app password"
            )
            yield bad("mail server", f"{server.name}: {error}", remedy)
            continue
        logged = f", and logs in {server.username}" if server.username else ""
        line = "under TLS" if info.encrypted else "in the open"
        offers = f"; it offers {', '.join(info.extensions)}" if info.extensions else ""
        yield good("mail server", f"{server.name}: answers {line}{logged}{offers}")
        if info.clock is not None:
            yield from clock(f"the mail server {server.name}", info.clock)


def send_test(config: Config, hello: str, recipient: str) -> Iterator[Finding]:
    """A signed mail over each mail server."""
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
            yield _handed_over(server, samples.write_test(context, recipient))
    except DigestError as error:
        yield bad("mail server", f"no test mail could be written: {error}", "Mend what it names")
    if not config.smtp.host:
        yield warning(
            "mail server", "no test mail was sent: mails are written to a folder", "Set [smtp] host"
        )


def _handed_over(server: SmtpServer, message: Message) -> Finding:
    async def deliver() -> tuple[str, str]:
        way = SmtpMailer([server])
        try:
            await way.open()
            delivery = await way.deliver(message, _yes)
        finally:
            await way.close()
        return delivery.outcome, f"{delivery.code or ''} {delivery.text}".strip()

    try:
        outcome, said = asyncio.run(deliver())
    except MailerError as error:
        return bad(
            "mail server",
            f"{server.name}: no test mail could be sent: {error}",
            "Mend what it names",
        )
    if outcome != "accepted":
        return bad(
            "mail server",
            f"{server.name}: the test mail was {outcome}: {said}",
            "The server's words say what to mend",
        )
    return note(
        "mail server",
        f"{server.name}: took a test mail for {message.recipient}: {said}",
        "Look whether it arrived, and at its Authentication-Results",
    )


async def _yes() -> bool:
    return True


def mailbox(config: Config) -> Iterator[Finding]:
    try:
        server = imap_server(config)
        if server is None:
            return
        with Mailbox(server) as opened:
            unread = len(opened.find_uids(0, unread=True, limit=100_000))
    except (ConfigError, MailboxError) as error:
        yield bad("mailbox", str(error), "Until then bounces and requests by mail go unheard")
    else:
        yield good("mailbox", f"{server.name}: can be read; {unread} mails in it are unread")


# ---------------------------------------------------------------------------------------------- DNS


def domain_records(config: Config, resolver: Resolver, *, ip: str = "") -> Iterator[Finding]:
    """What receivers look up before they believe a mail; `ip` is the address that mails leave from,
    "" = that of the mail server.
    """
    domain = sending_domain(config)
    if not domain or not config.smtp.host:
        yield note(
            "dns",
            "mails have no domain that receivers could look up",
            "Set [mail] sender and [smtp] host",
        )
        return
    domain = messages.ascii_domain(domain)
    envelope = messages.ascii_domain(config.mail.bounce_domain or domain)
    yield from _asked(lambda: _spf(config, domain, envelope, resolver, ip))
    if not records.aligned(domain, envelope):
        what = (
            f"bounces go to {envelope}, which is not below {domain}: SPF cannot speak for the "
            f"address in From"
        )
        yield warning("dns", what, f"Set [mail] bounce_domain to a domain below {domain}")
    yield from _asked(lambda: _keys(config, resolver))
    yield from _asked(lambda: [_policy(domain, resolver)])
    yield from _asked(lambda: _incoming(config, domain, envelope, resolver))
    for host in (
        [ip] if ip else [server.host for server in smtp_servers(config, domain, files=False)]
    ):
        yield from _asked(lambda host=host: _reverse(host, resolver))  # type: ignore[misc]


def _asked(ask: Callable[[], list[Finding] | Iterator[Finding]]) -> Iterator[Finding]:
    """A name server that does not answer is told, and does not end the examination."""
    try:
        yield from list(ask())
    except ResolverError as error:
        yield warning(
            "dns",
            f"no answer: {error}",
            "Try again; if it lasts, ask whoever runs the name servers",
        )


def _spf(
    config: Config, domain: str, envelope: str, resolver: Resolver, ip: str
) -> Iterator[Finding]:
    """The record, what it costs receivers, and whether it names the servers that mails
    leave from."""
    record = records.spf(envelope, resolver.txt(envelope))
    yield record
    if record.level == "bad":
        return
    cost, place = spf.lookups(envelope, resolver), f"SPF of {envelope}"
    found = []
    for server in [None] if ip else smtp_servers(config, domain, files=False):
        name = server.name if server else "--ip"
        verdicts: dict[spf.Verdict, list[str]] = {}
        for address in _global(server.host if server else ip, resolver):
            verdict = spf.check(
                envelope,
                address,
                resolver,
                sender=f"b@{envelope}",
                hello=server.hello if server else "",
            )
            verdicts.setdefault(verdict, []).append(address)
        if not verdicts:
            what = (
                f"{place}: from which address mails leave {name} is not known here, and so not "
                f"whether it is named"
            )
            found.append(
                note("dns", what, "`digest doctor --ip ADDRESS` looks at the one that you know")
            )
        sure, login = server is None, bool(server and server.username)
        found += [
            _authorised(place, name, some, verdict, sure=sure, login=login)
            for verdict, some in verdicts.items()
        ]
    if cost > spf.LOOKUPS_MAX:
        what = (
            f"{place}: it needs {cost} look-ups, those of included records among them, and "
            f"receivers stop after {spf.LOOKUPS_MAX}"
        )
        level = warning if any(one.level == "good" for one in found) else bad
        yield level(
            "dns",
            what,
            "Name addresses (ip4:, ip6:) instead of names, and leave out what no longer sends",
        )
        found = [one for one in found if one.level != "bad"]
    yield from found


def _authorised(
    place: str, name: str, addresses: list[str], verdict: spf.Verdict, *, sure: bool, login: bool
) -> Finding:
    """`sure` = mails do leave from these; a server that one logs in to sends from other addresses
    than it listens on, as a rule.
    """
    those = f"{', '.join(addresses)} ({name})"
    if verdict.result == "pass":
        return good("dns", f"{place}: {those} may send for it, by {verdict.by}")
    if verdict.result == "permerror":
        return bad(
            "dns",
            f"{place}: it cannot be evaluated, and counts as none: {verdict.problem}",
            "Mend what it names",
        )
    what = (
        f"{place}: no mechanism names {those}: mail from there gets "
        f"{verdict.result}{f', by {verdict.by}' if verdict.by else ''}"
    )
    add = " ".join(f"ip{ip_address(one).version}:{one}" for one in addresses)
    if sure:
        return (bad if verdict.result == "fail" else warning)(
            "dns", what, f"Add {add} before the all of the record"
        )
    if login:
        remedy = (
            "Mail leaves many a provider from other addresses: it says which include: to add, and "
            "the Authentication-Results of a mail tell (`--send`)"
        )
        return note("dns", what, remedy)
    return warning(
        "dns",
        what,
        f"If mails leave from there, add {add} before the all of the record; else try `digest "
        f"doctor --ip ADDRESS`",
    )


def _global(host: str, resolver: Resolver) -> list[str]:
    """The addresses of a host that the internet can see."""
    try:
        found = [str(ip_address(host))]
    except ValueError:
        found = resolver.addresses(host)
    return [address for address in found if ip_address(address).is_global]


def _keys(config: Config, resolver: Resolver) -> Iterator[Finding]:
    try:
        signers = make_mailing(config).signers
    except DigestError as error:
        yield bad("dns", str(error), "`digest dkim` makes a key")
        return
    for signer in signers:
        place = f"{signer.selector}._domainkey.{signer.domain}"
        yield records.dkim(place, signer.key.record, resolver.txt(place))


def _policy(domain: str, resolver: Resolver) -> Finding:
    """At the domain, else at the nearest one above it (RFC 9989, 4.10)."""
    at = domain
    texts = resolver.txt(f"_dmarc.{at}")
    while not texts and at.count(".") > 1:
        at = at.split(".", 1)[1]
        texts = resolver.txt(f"_dmarc.{at}")
    return records.dmarc(domain, at, texts)


def _incoming(config: Config, domain: str, envelope: str, resolver: Resolver) -> Iterator[Finding]:
    """Whether mail can come back."""
    for name, what in {envelope: "bounces", domain: "answers"}.items():
        servers = resolver.mx(name)
        if servers == ["."] or not (servers or resolver.addresses(name)):
            level = bad if what == "bounces" and config.mail.bounce_domain else warning
            yield level(
                "dns",
                f"no mail server takes mail for {name} (MX), so {what} are lost",
                f"Publish an MX record at {name}",
            )
        else:
            there = ", ".join(server.rstrip(".") for server in servers) or name
            yield good("dns", f"{what} for {name} go to {there}")


def _reverse(host: str, resolver: Resolver) -> Iterator[Finding]:
    """A server of one's own needs a name that leads back to it; that of a provider is the
    provider's matter.
    """
    for address in _global(host, resolver):
        names = resolver.names(address)
        if not names:
            yield warning(
                "dns",
                f"{address} ({host}) has no name (PTR); large mailbox providers refuse mail from "
                f"such",
                "Ask whoever gave you the address",
            )
        elif not any(address in resolver.addresses(name) for name in names):
            yield warning(
                "dns",
                f"{address} is called {names[0]}, and that name does not lead back to it",
                f"Publish an address record for {names[0]}",
            )
        else:
            yield good("dns", f"{address} is called {names[0]}, which leads back to it")


# ----------------------------------------------------------------------------------------------
# pages


def pages(config: Config) -> Iterator[Finding]:
    """The pages at web.base_url answer as readers reach them, and their machine's clock agrees."""
    url = config.web.base_url
    if not messages.reachable(url):
        return
    context = ssl.create_default_context()
    remedy = (
        "Is `digest serve` running, and does the proxy lead to web.bind? Some networks cannot "
        "reach their own public address"
    )
    try:
        address = f"{url}/healthz"  # `reachable` above lets http and https through, nothing else
        with urllib.request.urlopen(address, timeout=_HTTP_SECONDS, context=context) as answer:  # noqa: S310
            date = answer.headers.get("Date", "")
            told = json.loads(answer.read(100_000))
    except urllib.error.HTTPError as error:
        yield warning("pages", f"{url}/healthz answers {error.code}", remedy)
        error.close()
        return
    except (OSError, ValueError) as error:
        yield warning("pages", f"{url}/healthz: {getattr(error, 'reason', error)}", remedy)
        return
    if not isinstance(told, dict) or told.get("status") != "ok":
        yield warning("pages", f"{url}/healthz answers, but not as this service does", remedy)
    else:
        yield good("pages", f"{url} answers")
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return
    yield from clock(
        f"whoever answers at {url}", theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    )
