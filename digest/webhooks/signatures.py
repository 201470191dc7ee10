"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version v1.

HMAC-SHA256 over `id.timestamp.body` with the webhook's secret, in Base64. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

_PREFIX = "whsec_"
#: seconds by which a timestamp may differ from the receiver's clock
TOLERANCE = 300


def format_secret(secret: bytes) -> str:
    """Spell a secret as receivers are given it."""
    return _PREFIX + base64.b64encode(secret).decode("ascii")


def parse_secret(text: str) -> bytes:
    """Read a secret as `format_secret` spells it.

    Raises:
        ValueError: it is no such text.
    """
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is whsec_ and Base64") from error


def sign(secret: bytes, *, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed event.

    Args:
        timestamp: of this attempt, in seconds since 1970.
    """
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{_compute(secret, event_id, str(timestamp), body)}",
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, *, now: int) -> bool:
    """Return whether a received event is genuine and new, as a receiver has to check.

    Args:
        headers: names in lower case.
        now: seconds since 1970.
    """
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > TOLERANCE:
        return False
    expected = _compute(secret, event_id, timestamp, body)
    return any(
        version == "v1" and hmac.compare_digest(signature.encode(), expected.encode())
        for version, _, signature in (
            part.partition(",") for part in headers.get("webhook-signature", "").split()
        )
    )


def _compute(secret: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    content = f"{event_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode("ascii")
