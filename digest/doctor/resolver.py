"""DNS queries; no other module makes them.

"No such record" is an empty answer; a server that does not answer is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from digest.errors import ResolverError


class Resolver:
    """Asks the system's name servers, or the given ones (address, port)."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), *, seconds: float = 5.0) -> None:
        self._servers = tuple(servers)
        self._seconds = seconds
        self._resolver: dns.resolver.Resolver | None = None

    def txt(self, name: str) -> list[str]:
        """Return the TXT records of a name, each with its strings joined."""
        return [
            b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")
        ]

    def mx(self, name: str) -> list[str]:
        """Return the mail servers, the preferred first.

        A single "." means no mail (RFC 7505).
        """
        return [
            str(record.exchange)
            for record in sorted(self._ask(name, "MX"), key=lambda record: record.preference)
        ]

    def addresses(self, name: str) -> list[str]:
        return [str(record.address) for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def names(self, address: str) -> list[str]:
        """Return the names of an IP address (PTR), without the final dot."""
        return [
            str(record.target).rstrip(".")
            for record in self._ask(dns.reversename.from_address(address), "PTR")
        ]

    def _ask(self, name: str | dns.name.Name, kind: str) -> list[Any]:
        try:
            if self._resolver is None:
                self._resolver = self._make_resolver()
            return list(self._resolver.resolve(name, kind, lifetime=self._seconds, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise ResolverError(
                f"{kind} of {name}: {' '.join(str(error).split())[:200] or type(error).__name__}"
            ) from error

    def _make_resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(host, port) for host, port in self._servers
            ]
        # SPF records are walked once for every mail server
        resolver.cache = dns.resolver.LRUCache()
        return resolver
