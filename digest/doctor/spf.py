"""Whether the SPF record of a domain lets a server send for it, worked out as receivers do:
check_host() of RFC 7208, the answers of the DNS given.

Not here: exp= (what a refusal would say) and temperror; a name server that does not answer is a
ResolverError.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple, Protocol
from urllib.parse import quote

#: what receivers do at most for one mail (4.6.4): terms that ask the DNS, those that find nothing,
#: addresses or names of one mx or ptr
LOOKUPS_MAX, VOID_MAX, NAMES_MAX = 10, 2, 10
#: a count of look-ups that goes on beyond what receivers do ends here: records may include each
#: other in a ring
_COUNT_MAX = 100

Result = Literal["pass", "fail", "softfail", "neutral", "none", "permerror"]
Address = IPv4Address | IPv6Address

_QUALIFIERS: dict[str, Result] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE)
_MECHANISM = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:(:)(.*?))?(?:/(\d{1,3}))?(?://(\d{1,3}))?",
    re.IGNORECASE,
)
_MACRO = re.compile(r"%(?:\{([slodipvh])(\d{0,3})(r?)([.+,/_=-]*)\}|([%_-])|(.?))", re.IGNORECASE)


class Resolver(Protocol):
    """Who is asked; `digest.doctor.resolver` asks the DNS."""

    def txt(self, name: str) -> list[str]: ...
    def mx(self, name: str) -> list[str]: ...
    def addresses(self, name: str) -> list[str]: ...
    def names(self, address: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a receiver makes of a mail from one address."""

    result: Result
    #: the mechanism that decided, behind the records that led to it, as in
    #: "include:_spf.example.net > ip4:192.0.2.0/24"; "" where none did
    by: str = ""
    #: what is wrong with the records where the result is permerror
    problem: str = ""


class _Term(NamedTuple):
    """A mechanism of a record."""

    text: str
    result: Result
    kind: str
    #: domain or network as written, macros and all
    value: str
    bits4: int
    bits6: int


class _Record(NamedTuple):
    terms: list[_Term]
    redirect: str


class _PermError(Exception):
    """The records are wrong: receivers take them as if there were none, or refuse."""


@dataclass(kw_only=True)
class _Check:
    """One evaluation."""

    resolver: Resolver
    address: Address | None
    sender: str
    hello: str
    lookups: int = 0
    voids: int = 0
    #: terms that led to the record that is looked at, and the mechanism that matched last, behind
    #: them
    trail: tuple[str, ...] = ()
    by: str = ""


def check(
    domain: str, address: str, resolver: Resolver, *, sender: str = "", hello: str = ""
) -> Verdict:
    """Evaluate the record of a domain for a server.

    Args:
        domain: of the envelope sender, as A-labels.
        address: from which the server sends, IPv4 or IPv6.
        sender: envelope sender, for macros; "" = postmaster of the domain.
        hello: name that the server greets with, for macros.
    """
    one = ip_address(address)
    if isinstance(one, IPv6Address) and one.ipv4_mapped:
        one = one.ipv4_mapped
    state = _Check(
        resolver=resolver,
        address=one,
        sender=sender or f"postmaster@{domain}",
        hello=hello or "unknown",
    )
    try:
        result = _host(state, domain)
    except _PermError as error:
        return Verdict(result="permerror", problem=str(error))
    return Verdict(result=result, by=state.by)


def lookups(domain: str, resolver: Resolver) -> int:
    """How many terms ask the DNS where none matches, those of included records among them;
    receivers stop after LOOKUPS_MAX.

    At most 100 are counted. A record that is wrong counts as far as it can be read.
    """
    state = _Check(resolver=resolver, address=None, sender=f"postmaster@{domain}", hello="unknown")
    with contextlib.suppress(_PermError):
        _host(state, domain)
    return state.lookups


def records_in(texts: Sequence[str]) -> list[str]:
    """Those of the texts at a name that are SPF records."""
    return [text for text in texts if text.lower().split(" ", 1)[0] == "v=spf1"]


# ---------------------------------------------------------------------------------------------- one
# record


def _host(state: _Check, domain: str) -> Result:
    """check_host() of 4; `state.by` is then the mechanism that decided."""
    found = records_in(state.resolver.txt(domain))
    if not found:
        return "none"
    if len(found) > 1:
        raise _PermError(f"{domain} has {len(found)} records")
    parsed = _parse(domain, found[0])
    for term in parsed.terms:
        if _matches(state, domain, term):
            if term.kind != "include":
                state.by = " > ".join([*state.trail, term.text])
            return term.result
    if parsed.redirect and not any(term.kind == "all" for term in parsed.terms):
        _count(state, domain)
        target = _expand(state, domain, parsed.redirect)
        if (result := _behind(state, f"redirect={target}", target)) == "none" and state.address:
            raise _PermError(f"{domain} redirects to {target}, which has no record")
        return result
    state.by = ""
    return "neutral"


def _behind(state: _Check, term: str, domain: str) -> Result:
    """The result of a record that another one points to."""
    before, state.trail = state.trail, (*state.trail, term)
    try:
        return _host(state, domain)
    finally:
        state.trail = before


def _parse(domain: str, text: str) -> _Record:
    """The whole record, before anything of it is evaluated: a mistake anywhere spoils all of it
    (4.6).
    """
    terms: list[_Term] = []
    modifiers: dict[str, str] = {}
    for word in text.split()[1:]:
        if modifier := _MODIFIER.fullmatch(word):
            name = modifier[1].lower()
            if name in ("redirect", "exp"):
                if name in modifiers or not modifier[2]:
                    raise _PermError(
                        f"{word!r} in the record of {domain} stands twice or names nothing"
                    )
                modifiers[name] = modifier[2]
            continue
        terms.append(_mechanism(domain, word))
    return _Record(terms, modifiers.get("redirect", ""))


def _mechanism(domain: str, word: str) -> _Term:
    wrong = _PermError(f"{word!r} in the record of {domain} is no mechanism")
    found = _MECHANISM.fullmatch(word)
    if not found:
        raise wrong
    kind, named, value = found[2].lower(), bool(found[3]), found[4] or ""
    bits4, bits6 = int(found[5] or 32), int(found[6] or 128)
    cut = found[5] is not None or found[6] is not None
    if kind in ("ip4", "ip6"):
        value = word.partition(":")[2]
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            raise wrong from None
        if network.version != int(kind[2]):
            raise wrong
    elif (
        bits4 > 32
        or bits6 > 128
        or (named and not value)
        or (kind in ("include", "exists") and (not named or cut))
        or (kind == "all" and (named or cut))
        or (kind == "ptr" and cut)
    ):
        raise wrong
    return _Term(word, _QUALIFIERS[found[1] or "+"], kind, value, bits4, bits6)


def _matches(state: _Check, domain: str, term: _Term) -> bool:
    if term.kind == "all":
        return state.address is not None
    if term.kind in ("ip4", "ip6"):
        return _within(state.address, ip_network(term.value, strict=False))
    _count(state, domain)
    name = _expand(state, domain, term.value) if term.value else domain
    if term.kind == "include":
        if (result := _behind(state, term.text, name)) == "none" and state.address:
            raise _PermError(f"{domain} includes {name}, which has no record")
        return result == "pass"
    return state.address is not None and _MATCHES[term.kind](state, state.address, name, term)


# ----------------------------------------------------------------------------------------------
# mechanisms


def _a(state: _Check, address: Address, name: str, term: _Term) -> bool:
    return _at(address, _addresses(state, address, name), term)


def _mx(state: _Check, address: Address, name: str, term: _Term) -> bool:
    servers = [server.rstrip(".") for server in state.resolver.mx(name)]
    if not servers:
        _void(state, name)
    if len(servers) > NAMES_MAX:
        raise _PermError(
            f"{name} has {len(servers)} mail servers, and receivers ask for {NAMES_MAX}"
        )
    return any(
        _at(address, _addresses(state, address, server), term) for server in servers if server
    )


def _ptr(state: _Check, address: Address, name: str, term: _Term) -> bool:
    called = state.resolver.names(str(address))
    if not called:
        _void(state, str(address))
    below = [one for one in called[:NAMES_MAX] if f".{one}".lower().endswith(f".{name}".lower())]
    return any(str(address) in state.resolver.addresses(one) for one in below)


def _exists(state: _Check, address: Address, name: str, term: _Term) -> bool:
    found = [one for one in state.resolver.addresses(name) if ip_address(one).version == 4]
    if not found:
        _void(state, name)
    return bool(found)


_MATCHES: dict[str, Callable[[_Check, Address, str, _Term], bool]] = {
    "a": _a,
    "mx": _mx,
    "ptr": _ptr,
    "exists": _exists,
}


def _addresses(state: _Check, address: Address, name: str) -> list[str]:
    """Those of the family of `address`."""
    found = [
        one for one in state.resolver.addresses(name) if ip_address(one).version == address.version
    ]
    if not found:
        _void(state, name)
    return found


def _at(address: Address, found: list[str], term: _Term) -> bool:
    bits = term.bits4 if address.version == 4 else term.bits6
    return any(_within(address, ip_network(f"{one}/{bits}", strict=False)) for one in found)


def _within(address: Address | None, network: IPv4Network | IPv6Network) -> bool:
    return address is not None and address.version == network.version and address in network


def _count(state: _Check, domain: str) -> None:
    state.lookups += 1
    if state.lookups > (LOOKUPS_MAX if state.address else _COUNT_MAX - 1):
        raise _PermError(f"more than {LOOKUPS_MAX} look-ups are needed, the last one for {domain}")


def _void(state: _Check, name: str) -> None:
    state.voids += 1
    if state.voids > VOID_MAX:
        raise _PermError(f"more than {VOID_MAX} look-ups find nothing, the last one at {name}")


# ----------------------------------------------------------------------------------------------
# macros


def _expand(state: _Check, domain: str, text: str) -> str:
    """A domain with its macros filled in (7)."""
    local, _, owner = state.sender.rpartition("@")
    address = state.address or IPv4Address(0)
    nibbles = ".".join(f"{int(address):032x}") if address.version == 6 else str(address)
    values = {
        "s": state.sender,
        "l": local,
        "o": owner,
        "d": domain,
        "i": nibbles,
        "p": "unknown",
        "h": state.hello,
    }
    values["v"] = "in-addr" if address.version == 4 else "ip6"

    def fill(found: re.Match[str]) -> str:
        letter, digits, backwards, between, escaped, other = found.groups()
        if escaped:
            return {"%": "%", "_": " ", "-": "%20"}[escaped]
        if other is not None or (digits and not int(digits)):
            raise _PermError(f"{text!r} in the record of {domain} has a macro that is none")
        parts = re.split(f"[{re.escape(between or '.')}]", values[letter.lower()])
        kept = ".".join((parts[::-1] if backwards else parts)[-int(digits or 0) :])
        return quote(kept, safe="") if letter.isupper() else kept

    name = _MACRO.sub(fill, text)
    while len(name) > 253 and "." in name:
        name = name.split(".", 1)[1]
    return name.rstrip(".")
