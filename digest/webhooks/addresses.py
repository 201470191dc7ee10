"""Which addresses may be reached, so that no webhook looks into the operator's own network.

A name is resolved once, each address is judged, and the connection goes to a judged address. So a
name that resolves to another address a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"https": 443, "http": 80}
_URL_MAX = 2000
#: spaces, controls and lone surrogates
_UNUSABLE = re.compile(r"[\s\x00-\x20\x7f-\x9f\ud800-\udfff]")
#: IPv4 addresses in IPv6 ones, which a gateway of the network may translate (RFC 6052)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class RefusedAddressError(ValueError):
    """An address that must not be reached; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL that a connection needs."""

    scheme: str
    host: str
    port: int


def check_url(url: str, allowed: Sequence[str] = ()) -> Target:
    """Check what can be checked without resolving a name.

    Args:
        url: of a webhook.
        allowed: networks that may be reached although they are not public.

    Raises:
        RefusedAddressError: the URL is not https with a host, or its host is a private address.
    """
    if len(url) > _URL_MAX:
        raise RefusedAddressError(f"the address is longer than {_URL_MAX} characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in _PORTS or not host or _UNUSABLE.search(url):
        raise RefusedAddressError(
            "this is no address of a webhook; give one such as https://example.org/hook"
        )
    if parts.username is not None or parts.password is not None:
        raise RefusedAddressError(
            "the address holds a login, which ends up in logs; each event is signed, so check "
            "its signature instead"
        )
    if port == 0:
        raise RefusedAddressError("port 0 cannot be reached")
    ip = _parse_ip(host)
    if parts.scheme == "http" and not (_is_loopback(host, ip) and _any_loopback(allowed)):
        raise RefusedAddressError(
            "use https: events tell of your readers. Plain http is for receivers on this machine, "
            'with [webhooks] allowed_networks = ["127.0.0.0/8"]'
        )
    if ip is not None and not is_allowed(ip, allowed):
        raise _refusal(host)
    return Target(scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme])


async def resolve(target: Target, allowed: Sequence[str] = ()) -> str:
    """Resolve the host of a URL to an address that may be reached.

    Raises:
        RefusedAddressError: it has none.
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for *_, address in found:
        ip = _parse_ip(str(address[0]))
        if ip is None or not is_allowed(ip, allowed):
            continue
        if target.scheme == "http" and not ip.is_loopback:
            continue
        return str(ip)
    raise _refusal(target.host)


def is_allowed(ip: IP, allowed: Sequence[str]) -> bool:
    """Return whether an address is public, or in a network that the operator allows."""
    inner = _unwrap(ip)
    for network in allowed:
        net = ipaddress.ip_network(network)
        if any(address.version == net.version and address in net for address in {ip, inner}):
            return True
    return all(
        address.is_global and not address.is_multicast and not address.is_reserved
        for address in {ip, inner}
    )


def _unwrap(ip: IP) -> IP:
    """Return the IPv4 address inside an IPv6 one, where there is one."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        teredo = ip.teredo
        return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else None) or ip
    return ip


def _parse_ip(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_loopback(host: str, ip: IP | None) -> bool:
    return ip.is_loopback if ip is not None else host.rstrip(".").lower() == "localhost"


def _any_loopback(allowed: Sequence[str]) -> bool:
    return any(ipaddress.ip_network(network).is_loopback for network in allowed)


def _refusal(host: str) -> RefusedAddressError:
    return RefusedAddressError(
        f"{host} is not a public address. If the receiver is in your own network, name that "
        f"network in [webhooks] allowed_networks"
    )
