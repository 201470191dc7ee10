"""When a form was opened, signed so that a program has to open it too. Pure; nothing is stored."""

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


def write(key: LinkKey, now: datetime) -> str:
    """A stamp of this moment: hexadecimal digits."""
    body = bytes([key.id]) + ((now - _EPOCH) // _MILLISECOND).to_bytes(_TIME, "big")
    return (body + _sign(key, body)).hex()


def read(stamp: str, keys: Iterable[LinkKey]) -> datetime:
    """The moment of a stamp.

    Raises:
        LinkError: it is none of ours.
    """
    try:
        raw = bytes.fromhex(stamp)
    except ValueError:
        raw = b""
    body, mac = raw[: 1 + _TIME], raw[1 + _TIME :]
    if len(mac) != _MAC:
        raise LinkError("this is no stamp of a form")
    key = next((each for each in keys if each.id == body[0]), None)
    if key is None:
        raise UnknownKeyError("this stamp was signed by a key that is not known")
    if not hmac.compare_digest(mac, _sign(key, body)):
        raise LinkError("this stamp was not made by this service")
    return _EPOCH + int.from_bytes(body[1:], "big") * _MILLISECOND


def _sign(key: LinkKey, body: bytes) -> bytes:
    # The links' tokens are signed by the same key, and none of their bodies begins like this.
    return hmac.new(key.secret, b"form\0" + body, hashlib.sha256).digest()[:_MAC]
