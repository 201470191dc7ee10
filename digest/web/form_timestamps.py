"""Signed timestamps of forms: when a form was opened. Pure; nothing is stored.

The signature forces programs to open the form before they post it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from digest.errors import LinkError, UnknownKeyError
from digest.model import LinkKey

_TIME, _MAC = 6, 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def sign_timestamp(key: LinkKey, now: datetime) -> str:
    """Return this moment with its signature, in hexadecimal digits."""
    body = bytes([key.id]) + ((now - _EPOCH) // _MILLISECOND).to_bytes(_TIME, "big")
    return (body + _sign(key, body)).hex()


def read_timestamp(text: str, keys: Iterable[LinkKey]) -> datetime:
    """Return the moment of a signed timestamp.

    Raises:
        LinkError: this service did not sign it.
    """
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    body, mac = raw[: 1 + _TIME], raw[1 + _TIME :]
    if len(mac) != _MAC:
        raise LinkError("this is no signed timestamp")
    key = next((key for key in keys if key.id == body[0]), None)
    if key is None:
        raise UnknownKeyError("this timestamp was signed by an unknown key")
    if not hmac.compare_digest(mac, _sign(key, body)):
        raise LinkError("this timestamp was not signed by this service")
    return _EPOCH + int.from_bytes(body[1:], "big") * _MILLISECOND


def _sign(key: LinkKey, body: bytes) -> bytes:
    # the same key signs the tokens of links; none of their bodies begins with this prefix
    return hmac.new(key.secret, b"form\0" + body, hashlib.sha256).digest()[:_MAC]
