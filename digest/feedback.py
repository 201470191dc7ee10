"""Signed link <-> what it names. Pure: keys come in as values, nothing is looked up.

A token is lower-case base32 of `version key-id purpose subscriber paper message mac`: 55 characters without
punctuation, so that gateways which change the case of URLs and clients which cut trailing dots do no harm. The
mac is HMAC-SHA256 cut to 128 bits over all that stands before it; another purpose, reader or paper needs another mac.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Iterable

from digest.errors import LinkError
from digest.model import Link, LinkKey, Purpose

_VERSION = 1
_PURPOSES = {Purpose.UP: 1, Purpose.DOWN: 2, Purpose.UNSUBSCRIBE: 3, Purpose.MANAGE: 4, Purpose.CONFIRM: 5}
_BY_NUMBER = {number: purpose for purpose, number in _PURPOSES.items()}
_MAC = 16
#: version, key id, purpose: a byte each; subscriber, paper, message: five bytes each
_BODY = 3 + 3 * 5
_ID_MAX = 2**40 - 1


def write_token(link: Link, key: LinkKey) -> str:
    """The token of a link, signed with one key.

    Raises:
        ValueError: an id does not fit into 40 bits, or the key's id into a byte.
    """
    ids = (link.subscriber_id, link.paper_id, link.message_id)
    if not all(0 <= ident <= _ID_MAX for ident in ids):
        raise ValueError(f"ids must be 0 to {_ID_MAX}, got {ids}")
    body = struct.pack("BBB", _VERSION, key.id, _PURPOSES[link.purpose]) + b"".join(ident.to_bytes(5, "big") for ident in ids)
    return base64.b32encode(body + _sign(body, key)).decode("ascii").rstrip("=").lower()


def read_token(token: str, keys: Iterable[LinkKey]) -> Link:
    """What a token names, whatever the case of its letters.

    Raises:
        LinkError: it is garbled or cut off, was not signed by us, or its key is gone.
    """
    raw = _decode(token)
    body, mac = raw[:_BODY], raw[_BODY:]
    version, key_id, purpose = struct.unpack("BBB", body[:3])
    key = next((k for k in keys if k.id == key_id), None)
    if version != _VERSION or key is None or not hmac.compare_digest(mac, _sign(body, key)) or purpose not in _BY_NUMBER:
        raise LinkError("this link was not made by this service, or was changed on its way. Open it again from the mail")
    subscriber_id, paper_id, message_id = (int.from_bytes(body[start : start + 5], "big") for start in (3, 8, 13))
    return Link(purpose=_BY_NUMBER[purpose], subscriber_id=subscriber_id, paper_id=paper_id, message_id=message_id)


def _decode(token: str) -> bytes:
    text = token.strip().upper()
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    # Encoding back refuses spellings that decode to the same bytes: one link, one token.
    if len(raw) != _BODY + _MAC or base64.b32encode(raw).decode("ascii").rstrip("=") != text:
        raise LinkError("this link is cut off or garbled. Open it again from the mail, or copy it whole")
    return raw


def _sign(body: bytes, key: LinkKey) -> bytes:
    return hmac.digest(key.secret, body, hashlib.sha256)[:_MAC]
