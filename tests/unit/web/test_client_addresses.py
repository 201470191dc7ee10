"""The address of a request's client; only trusted proxies may name it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.web.client_addresses import Proxies

PROXIES = Proxies(["127.0.0.0/8", "10.0.0.0/8", "::1/128", "fd00::/8"])
CLIENT, PROXY = "198.51.100.7", "10.0.0.1"


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    return {"type": "http", "client": peer and (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (CLIENT, [], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"1.2.3.4, {CLIENT}"], CLIENT),
        (PROXY, ["1.2.3.4", CLIENT], CLIENT),
        (PROXY, [f"1.2.3.4, {CLIENT}, 10.0.0.2, 127.0.0.1"], CLIENT),
        (PROXY, [f"{CLIENT}:4711"], CLIENT),
        (PROXY, ["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        (PROXY, ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
        (f"::ffff:{PROXY}", [CLIENT], CLIENT),
        ("::1", [CLIENT], CLIENT),
        ("fe80::1%eth0", [], "fe80::/64"),
        # it is no address: the last valid one counts
        (PROXY, ["unknown"], PROXY),
        (PROXY, [f"{CLIENT}, unknown"], PROXY),
        (PROXY, [""], PROXY),
        # all are proxies: the first counts
        (PROXY, ["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (None, [CLIENT], ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_a_trusted_proxy(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert PROXIES.client(scope(peer, *forwarded)) == client


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_a_forged_header_of_an_untrusted_client_is_ignored(header: str) -> None:
    assert PROXIES.client(scope(CLIENT, header)) == CLIENT
    assert PROXIES.client(scope(PROXY, header, CLIENT)) == CLIENT


@given(st.ip_addresses(), st.text(alphabet=st.characters(max_codepoint=255), max_size=50))
def test_a_malformed_header_does_not_fail(peer: Any, header: str) -> None:
    assert PROXIES.client(scope(str(peer), header))


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_addresses_of_one_ipv6_network_are_one_client(address: Any, host: int) -> None:
    other = type(address)(int(address) >> 64 << 64 | host)
    shown = {Proxies([]).client(scope(str(peer))) for peer in (address, other)}
    assert len(shown) == 1 or address.ipv4_mapped or other.ipv4_mapped


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert Proxies([]).client(scope("127.0.0.1", CLIENT)) == "127.0.0.1"
