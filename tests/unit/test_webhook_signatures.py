"""Signatures of Standard Webhooks, and which addresses count as public."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.webhooks import format_secret, parse_secret, sign, verify
from digest.webhooks.addresses import is_allowed

SECRET = bytes(range(32))


def test_a_signature_is_what_the_standard_says() -> None:
    headers = sign(SECRET, event_id="evt_1", timestamp=1_614_265_330, body=b'{"test": 2432232314}')
    # computed here by the words of the specification, not by the code under test
    content = b'evt_1.1614265330.{"test": 2432232314}'
    expected = base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest()).decode()
    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1,{expected}",
    }


def test_the_vector_of_the_specification() -> None:
    """The example of the libraries of Standard Webhooks."""
    secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign(
        secret,
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1_614_265_330,
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=1, max_size=64))
def test_only_the_signed_body_is_verified(body: bytes, secret: bytes) -> None:
    headers = sign(secret, event_id="evt_1", timestamp=1000, body=body)
    assert verify(secret, headers, body, now=1200)
    assert not verify(secret, headers, body + b"x", now=1000)
    assert not verify(secret + b"x", headers, body, now=1000)
    assert not verify(secret, headers, body, now=1400)
    assert parse_secret(format_secret(secret)) == secret


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "x", "webhook-timestamp": "now", "webhook-signature": "v1,"},
        {"webhook-id": "x", "webhook-timestamp": "9" * 5000, "webhook-signature": "v1,"},
        {"webhook-id": "x", "webhook-timestamp": "1000", "webhook-signature": "v1,é v2,x ,"},
    ],
)
def test_hostile_headers_are_not_verified(headers: dict[str, str]) -> None:
    assert not verify(SECRET, headers, b"", now=1000)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_hidden_in_ipv6_is_judged_as_itself(ip: ipaddress.IPv4Address) -> None:
    public = is_allowed(ip, ())
    number = int(ip)
    for hidden in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
    ):
        if not public:
            assert not is_allowed(hidden, ())


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_a_private_address_is_reached_only_where_allowed(ip: ipaddress.IPv4Address) -> None:
    assert not is_allowed(ip, ())
    assert not is_allowed(ip, ("127.0.0.0/8", "::1/128"))
    assert is_allowed(ip, ("10.0.0.0/8",))
