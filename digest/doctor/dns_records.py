"""Check the DNS records of the sending domain, as receivers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from digest.config import Config
from digest.doctor import records, spf
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.doctor.settings import sending_domain
from digest.doctor.spf import Resolver
from digest.errors import DigestError, ResolverError
from digest.mail import messages
from digest.mail_setup import make_mailing, smtp_servers


def check_dns(config: Config, resolver: Resolver, *, ip: str = "") -> Iterator[Finding]:
    """Check SPF, DKIM, DMARC, MX and PTR, as receivers do.

    Args:
        config: the settings.
        resolver: asks the DNS.
        ip: address that mails leave from; "" means that of the mail server.
    """
    domain = sending_domain(config)
    if not domain or not config.smtp.host:
        yield note(
            "dns",
            "mails have no domain that receivers can look up",
            "Set [mail] sender and [smtp] host",
        )
        return
    domain = messages.ascii_domain(domain)
    envelope = messages.ascii_domain(config.mail.bounce_domain or domain)
    yield from _warn_if_unanswered(lambda: _check_spf(config, domain, envelope, resolver, ip))
    if not records.is_aligned(domain, envelope):
        what = (
            f"bounces go to {envelope}, which is not below {domain}: SPF does not cover the "
            f"address in From"
        )
        yield warning("dns", what, f"Set [mail] bounce_domain to a domain below {domain}")
    yield from _warn_if_unanswered(lambda: _check_dkim(config, resolver))
    yield from _warn_if_unanswered(lambda: [_check_dmarc(domain, resolver)])
    yield from _warn_if_unanswered(lambda: _check_mx(config, domain, envelope, resolver))
    for host in (
        [ip] if ip else [server.host for server in smtp_servers(config, domain, files=False)]
    ):
        yield from _warn_if_unanswered(lambda host=host: _check_ptr(host, resolver))  # type: ignore[misc]


def _warn_if_unanswered(ask: Callable[[], list[Finding] | Iterator[Finding]]) -> Iterator[Finding]:
    """Yield the findings of `ask`, or one warning if a name server does not answer.

    Findings before the error are dropped on purpose: without the rest they could mislead.
    """
    try:
        yield from list(ask())
    except ResolverError as error:
        yield warning(
            "dns",
            f"no answer: {error}",
            "Try again; if it persists, ask the operator of the name servers",
        )


def _check_spf(
    config: Config, domain: str, envelope: str, resolver: Resolver, ip: str
) -> Iterator[Finding]:
    """Check the SPF record, its look-ups, and whether it allows the mail servers."""
    record = records.spf(envelope, resolver.txt(envelope))
    yield record
    if record.level == "bad":
        return
    cost, place = spf.lookups(envelope, resolver), f"SPF of {envelope}"
    findings = []
    for server in [None] if ip else smtp_servers(config, domain, files=False):
        name = server.name if server else "--ip"
        verdicts: dict[spf.Verdict, list[str]] = {}
        for address in _public_addresses(server.host if server else ip, resolver):
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
                f"{place}: the address that mails leave {name} from is not known here, so it "
                f"cannot be checked"
            )
            findings.append(note("dns", what, "If you know it: `digest doctor --ip ADDRESS`"))
        sure, login = server is None, bool(server and server.username)
        findings += [
            _judge_verdict(place, name, addresses, verdict, sure=sure, login=login)
            for verdict, addresses in verdicts.items()
        ]
    if cost > spf.LOOKUPS_MAX:
        what = (
            f"{place}: it needs {cost} look-ups, with those of included records, but "
            f"receivers stop after {spf.LOOKUPS_MAX}"
        )
        level = warning if any(finding.level == "good" for finding in findings) else bad
        yield level(
            "dns",
            what,
            "Use addresses (ip4:, ip6:) instead of names, and remove what no longer sends",
        )
        findings = [finding for finding in findings if finding.level != "bad"]
    yield from findings


def _judge_verdict(
    place: str, name: str, addresses: list[str], verdict: spf.Verdict, *, sure: bool, login: bool
) -> Finding:
    """Make a finding of an SPF verdict.

    Args:
        place: what was checked, for the text.
        name: of the mail server.
        addresses: that have this verdict.
        verdict: of SPF.
        sure: mails do leave from these addresses.
        login: the server needs a login. Such servers usually send from other addresses.
    """
    senders = f"{', '.join(addresses)} ({name})"
    if verdict.result == "pass":
        return good("dns", f"{place}: {senders} may send for it, by {verdict.by}")
    if verdict.result == "permerror":
        return bad(
            "dns",
            f"{place}: it has an error, so it counts as none: {verdict.problem}",
            "Correct what the error names",
        )
    what = (
        f"{place}: no mechanism allows {senders}: mail from there gets "
        f"{verdict.result}{f', by {verdict.by}' if verdict.by else ''}"
    )
    add = " ".join(f"ip{ip_address(ip).version}:{ip}" for ip in addresses)
    if sure:
        return (bad if verdict.result == "fail" else warning)(
            "dns", what, f"Add {add} before the all of the record"
        )
    if login:
        remedy = (
            "Many providers send from other addresses: they say which include: to add, and "
            "Authentication-Results of a test mail show it (`--send`)"
        )
        return note("dns", what, remedy)
    return warning(
        "dns",
        what,
        f"If mails leave from there, add {add} before the all of the record; else try `digest "
        f"doctor --ip ADDRESS`",
    )


def _public_addresses(host: str, resolver: Resolver) -> list[str]:
    """Return the public addresses of a host."""
    try:
        addresses = [str(ip_address(host))]
    except ValueError:
        addresses = resolver.addresses(host)
    return [address for address in addresses if ip_address(address).is_global]


def _check_dkim(config: Config, resolver: Resolver) -> Iterator[Finding]:
    try:
        signers = make_mailing(config).signers
    except DigestError as error:
        yield bad("dns", str(error), "`digest dkim` makes a key")
        return
    for signer in signers:
        place = f"{signer.selector}._domainkey.{signer.domain}"
        yield records.dkim(place, signer.key.record, resolver.txt(place))


def _check_dmarc(domain: str, resolver: Resolver) -> Finding:
    """Check the DMARC policy of the domain or the nearest above (RFC 9989, 4.10)."""
    name = domain
    texts = resolver.txt(f"_dmarc.{name}")
    while not texts and name.count(".") > 1:
        name = name.split(".", 1)[1]
        texts = resolver.txt(f"_dmarc.{name}")
    return records.dmarc(domain, name, texts)


def _check_mx(config: Config, domain: str, envelope: str, resolver: Resolver) -> Iterator[Finding]:
    """Check that bounces and replies can be delivered."""
    for name, what in {envelope: "bounces", domain: "replies"}.items():
        servers = resolver.mx(name)
        if servers == ["."] or not (servers or resolver.addresses(name)):
            level = bad if what == "bounces" and config.mail.bounce_domain else warning
            yield level(
                "dns",
                f"no mail server accepts mail for {name} (MX), so {what} are lost",
                f"Publish an MX record at {name}",
            )
        else:
            names = ", ".join(server.rstrip(".") for server in servers) or name
            yield good("dns", f"{what} for {name} go to {names}")


def _check_ptr(host: str, resolver: Resolver) -> Iterator[Finding]:
    """Check that each public address has a name that leads back to it."""
    for address in _public_addresses(host, resolver):
        names = resolver.names(address)
        if not names:
            yield warning(
                "dns",
                f"{address} ({host}) has no name (PTR); large mailbox providers refuse mail from "
                f"it",
                "Ask the provider of the address",
            )
        elif not any(address in resolver.addresses(name) for name in names):
            yield warning(
                "dns",
                f"{address} is called {names[0]}, and that name does not lead back to it",
                f"Publish an address record for {names[0]}",
            )
        else:
            yield good("dns", f"{address} is called {names[0]}, which leads back to it")
