"""The address of a client, also behind trusted proxies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Address = IPv4Address | IPv6Address
#: hops of X-Forwarded-For that are read
_HOPS_MAX = 20
#: a customer of a provider usually has all addresses with the same 64 bits
_IPV6_PREFIX = 64


class Proxies:
    """The proxies whose X-Forwarded-For is trusted.

    Args:
        networks: their addresses or networks, such as "10.0.0.0/8".
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def client(self, scope: Scope) -> str:
        """Return the client of a request, "" if unknown.

        It is an IPv4 address or an IPv6 network.

        If a trusted proxy sent the request, that is the right-most address of X-Forwarded-For that
        is not a trusted proxy; the client can forge the addresses before it.
        """
        peer = _parse_address(scope["client"][0]) if scope.get("client") else None
        if peer is None:
            return ""
        client = peer
        for hop in reversed(_hops(scope)):
            if not self._trusts(client):
                break
            address = _parse_address(hop)
            if address is None:
                break
            client = address
        return _format_address(client)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _hops(scope: Scope) -> Sequence[str]:
    headers = Headers(scope=scope).getlist("x-forwarded-for")
    return ",".join(headers).split(",")[-_HOPS_MAX:]


def _parse_address(text: str) -> Address | None:
    """Parse an address, with or without port or brackets, as proxies write it."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _format_address(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
    return str(address)
