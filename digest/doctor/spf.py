"""Evaluate SPF: may a server send for a domain? check_check_host() of RFC 7208.

Left out: exp= (the text of a refusal) and temperror; a name server that does not answer raises
ResolverError.

This stays our own code: we evaluate with a given resolver, name the chain of includes that matched,
and count the look-ups of the whole record. pyspf and checkdmarc each do a part of it. If one of
them does all, we should use it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol
from urllib.parse import quote

from digest.doctor.spf_records import PermError, Result, Term, find_spf_records, parse_record

#: limits for one mail (4.6.4): terms that ask the DNS, look-ups without an answer, names of one mx
#: or ptr
LOOKUPS_MAX, VOID_MAX, NAMES_MAX = 10, 2, 10
#: `lookups` stops counting here: records may include each other in a cycle
_COUNT_MAX = 100

Address = IPv4Address | IPv6Address

_MACRO = re.compile(r"%(?:\{([slodipvh])(\d{0,3})(r?)([.+,/_=-]*)\}|([%_-])|(.?))", re.IGNORECASE)


class Resolver(Protocol):
    """Answers DNS queries; `digest.doctor.resolver` is the real one."""

    def txt(self, name: str) -> list[str]: ...
    def mx(self, name: str) -> list[str]: ...
    def addresses(self, name: str) -> list[str]: ...
    def names(self, address: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The SPF result of a mail from one address."""

    result: Result
    #: the mechanism that matched and the records that led to it, as in
    #: "include:_spf.example.net > ip4:192.0.2.0/24"; "" if none matched
    by: str = ""
    #: the error in the records, if the result is permerror
    problem: str = ""


@dataclass(kw_only=True)
class _Check:
    """The state of one evaluation."""

    resolver: Resolver
    address: Address | None
    sender: str
    hello: str
    lookups: int = 0
    voids: int = 0
    #: terms that led to the current record
    trail: tuple[str, ...] = ()
    #: the mechanism that matched last, with the terms that led to it
    by: str = ""


def check(
    domain: str, address: str, resolver: Resolver, *, sender: str = "", hello: str = ""
) -> Verdict:
    """Evaluate the record of a domain for a server.

    Args:
        domain: of the envelope sender, as A-labels.
        address: of the sending server, IPv4 or IPv6.
        resolver: answers DNS queries.
        sender: envelope sender, for macros; "" means postmaster of the domain.
        hello: name in EHLO, for macros.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    state = _Check(
        resolver=resolver,
        address=ip,
        sender=sender or f"postmaster@{domain}",
        hello=hello or "unknown",
    )
    try:
        result = _check_host(state, domain)
    except PermError as error:
        return Verdict(result="permerror", problem=str(error))
    return Verdict(result=result, by=state.by)


def lookups(domain: str, resolver: Resolver) -> int:
    """Count the terms that ask the DNS if none matches, also in included records.

    Receivers stop after LOOKUPS_MAX. At most 100 are counted. A record with an error counts up to
    the error.
    """
    state = _Check(resolver=resolver, address=None, sender=f"postmaster@{domain}", hello="unknown")
    with contextlib.suppress(PermError):
        _check_host(state, domain)
    return state.lookups


# --------------------------------------------------------------------------------- one record


def _check_host(state: _Check, domain: str) -> Result:
    """Run check_check_host() of section 4, and set `state.by`."""
    records = find_spf_records(state.resolver.txt(domain))
    if not records:
        return "none"
    if len(records) > 1:
        raise PermError(f"{domain} has {len(records)} records")
    parsed = parse_record(domain, records[0])
    for term in parsed.terms:
        if _matches(state, domain, term):
            if term.kind != "include":
                state.by = " > ".join([*state.trail, term.text])
            return term.result
    if parsed.redirect and not any(term.kind == "all" for term in parsed.terms):
        _count_lookup(state, domain)
        target = _expand(state, domain, parsed.redirect)
        if (result := _follow(state, f"redirect={target}", target)) == "none" and state.address:
            raise PermError(f"{domain} redirects to {target}, which has no record")
        return result
    state.by = ""
    return "neutral"


def _follow(state: _Check, term: str, domain: str) -> Result:
    """Evaluate a record that another one points to."""
    before, state.trail = state.trail, (*state.trail, term)
    try:
        return _check_host(state, domain)
    finally:
        state.trail = before


def _matches(state: _Check, domain: str, term: Term) -> bool:
    if term.kind == "all":
        return state.address is not None
    if term.kind in ("ip4", "ip6"):
        return _is_in(state.address, ip_network(term.value, strict=False))
    _count_lookup(state, domain)
    name = _expand(state, domain, term.value) if term.value else domain
    if term.kind == "include":
        if (result := _follow(state, term.text, name)) == "none" and state.address:
            raise PermError(f"{domain} includes {name}, which has no record")
        return result == "pass"
    return state.address is not None and _MATCHES[term.kind](state, state.address, name, term)


# --------------------------------------------------------------------------------- mechanisms


def _a(state: _Check, address: Address, name: str, term: Term) -> bool:
    return _is_in_any(address, _addresses(state, address, name), term)


def _mx(state: _Check, address: Address, name: str, term: Term) -> bool:
    servers = [server.rstrip(".") for server in state.resolver.mx(name)]
    if not servers:
        _count_void(state, name)
    if len(servers) > NAMES_MAX:
        raise PermError(
            f"{name} has {len(servers)} mail servers, and receivers ask for {NAMES_MAX}"
        )
    return any(
        _is_in_any(address, _addresses(state, address, server), term)
        for server in servers
        if server
    )


def _ptr(state: _Check, address: Address, name: str, term: Term) -> bool:
    names = state.resolver.names(str(address))
    if not names:
        _count_void(state, str(address))
    suffix = f".{name}".lower()
    matching = [name for name in names[:NAMES_MAX] if f".{name}".lower().endswith(suffix)]
    return any(str(address) in state.resolver.addresses(name) for name in matching)


def _exists(state: _Check, address: Address, name: str, term: Term) -> bool:
    addresses = [ip for ip in state.resolver.addresses(name) if ip_address(ip).version == 4]
    if not addresses:
        _count_void(state, name)
    return bool(addresses)


_MATCHES: dict[str, Callable[[_Check, Address, str, Term], bool]] = {
    "a": _a,
    "mx": _mx,
    "ptr": _ptr,
    "exists": _exists,
}


def _addresses(state: _Check, address: Address, name: str) -> list[str]:
    """Return the addresses of a name, of the same IP version as `address`."""
    addresses = [
        ip for ip in state.resolver.addresses(name) if ip_address(ip).version == address.version
    ]
    if not addresses:
        _count_void(state, name)
    return addresses


def _is_in_any(address: Address, addresses: list[str], term: Term) -> bool:
    bits = term.bits4 if address.version == 4 else term.bits6
    return any(_is_in(address, ip_network(f"{ip}/{bits}", strict=False)) for ip in addresses)


def _is_in(address: Address | None, network: IPv4Network | IPv6Network) -> bool:
    return address is not None and address.version == network.version and address in network


def _count_lookup(state: _Check, domain: str) -> None:
    state.lookups += 1
    if state.lookups > (LOOKUPS_MAX if state.address else _COUNT_MAX - 1):
        raise PermError(f"more than {LOOKUPS_MAX} look-ups are needed, the last one for {domain}")


def _count_void(state: _Check, name: str) -> None:
    state.voids += 1
    if state.voids > VOID_MAX:
        raise PermError(f"more than {VOID_MAX} look-ups find nothing, the last one at {name}")


# ------------------------------------------------------------------------------------- macros


def _expand(state: _Check, domain: str, text: str) -> str:
    """Expand the SPF macros in `text` (RFC 7208, section 7).

    Args:
        domain: the domain in whose record the text is found.
    """
    local, _, owner = state.sender.rpartition("@")
    address = state.address or IPv4Address(0)
    dotted_address = ".".join(f"{int(address):032x}") if address.version == 6 else str(address)
    values = {
        "s": state.sender,
        "l": local,
        "o": owner,
        "d": domain,
        "i": dotted_address,
        "p": "unknown",
        "h": state.hello,
    }
    values["v"] = "in-addr" if address.version == 4 else "ip6"

    def replace_macro(match: re.Match[str]) -> str:
        letter, digits, reverse, delimiters, escaped, invalid = match.groups()
        if escaped:
            return {"%": "%", "_": " ", "-": "%20"}[escaped]
        if invalid is not None or (digits and not int(digits)):
            raise PermError(f"{text!r} in the record of {domain} has an invalid macro")
        parts = re.split(f"[{re.escape(delimiters or '.')}]", values[letter.lower()])
        # Without digits all parts stay, since [-0:] is the whole list.
        value = ".".join((parts[::-1] if reverse else parts)[-int(digits or 0) :])
        return quote(value, safe="") if letter.isupper() else value

    name = _MACRO.sub(replace_macro, text)
    while len(name) > 253 and "." in name:
        name = name.split(".", 1)[1]
    return name.rstrip(".")
