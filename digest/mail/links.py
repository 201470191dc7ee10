"""Sign and read the tokens of links, bounce addresses (VERP) and answers by mail.

Pure: keys come in as values, nothing is looked up.

A token is lower-case base32 of `version key-id purpose subscriber paper message mac`: 55 letters
and digits without punctuation, so gateways that change the case of URLs and mail programs that
drop a final dot do no harm. The MAC is HMAC-SHA256 over everything before it, cut to 128 bits.

The format is our own because the tokens of itsdangerous and JWT depend on case, and are too long
for the local part of a bounce address; a library with short, case-insensitive tokens would change
our mind.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote, unquote

import numpy as np

from digest.errors import LinkError, RevokedKeyError, UnknownKeyError
from digest.locales import gettext, gettext_later
from digest.model import Link, LinkKey, Purpose, RevokedLink

_VERSION = 1
_PURPOSES = {
    Purpose.UP: 1,
    Purpose.DOWN: 2,
    Purpose.UNSUBSCRIBE: 3,
    Purpose.MANAGE: 4,
    Purpose.CONFIRM: 5,
    Purpose.BOUNCE: 6,
    Purpose.RATE: 7,
    Purpose.VOTE: 13,
    Purpose.FEED: 12,
    Purpose.OBJECT: 8,
}
_BY_NUMBER = {number: purpose for purpose, number in _PURPOSES.items()}
_MAC_BYTES = 16
#: version, key id, purpose: one byte each; subscriber, paper, message: five bytes each
_BODY_BYTES = 3 + 3 * 5
_MAX_ID = 2**40 - 1
#: HMAC (RFC 2104): octets of a block of SHA-256, and what is added to each octet of the key
_BLOCK = 64
_INNER_PAD, _OUTER_PAD = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))
#: letters by five bits
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256, b"\0")
_TOKEN_LETTERS = -(-(_BODY_BYTES + _MAC_BYTES) * 8 // 5)
#: what a revoked key may still prove: one can always leave, and bounces may be on their way
_VALID_AFTER_REVOCATION = (Purpose.UNSUBSCRIBE, Purpose.BOUNCE)
_NOT_OURS = (
    "this link was not made by this service, or was changed on its way. Open it again from the mail"
)
_TOKEN_IN_TEXT = re.compile(
    rf"(?<![a-z0-9])[a-z2-7]{{{_TOKEN_LETTERS}}}(?![a-z0-9])", re.IGNORECASE | re.ASCII
)
#: characters that may stand unencoded in a mailto address, besides letters and digits (RFC 6068, 2)
_SAFE_IN_MAILTO = "!$'*+-._~@"
#: prefix and token have 57 octets; a local part may have 64 (RFC 5321, 4.5.3.1.1)
_BOUNCE_PREFIX = "b+"
_BOUNCE_ADDRESS = re.compile(
    rf"<?{re.escape(_BOUNCE_PREFIX)}[a-z2-7]{{{_TOKEN_LETTERS}}}@", re.IGNORECASE | re.ASCII
)
#: answers that can be sent by mail, and the words before the token: for people, only the token
#: counts
ANSWERS = {
    Purpose.UP: gettext_later("More like this"),
    Purpose.DOWN: gettext_later("Less like this"),
    Purpose.UNSUBSCRIBE: gettext_later("Unsubscribe"),
    Purpose.CONFIRM: gettext_later("Confirm this address"),
}


def write_token(link: Link, key: LinkKey) -> str:
    """Sign a link and spell it as a token.

    Raises:
        ValueError: an id does not fit into 40 bits, or the key's id into a byte.
    """
    body = _pack(link, key)
    return _base32(body + _sign(body, key))


def write_tokens(links: Sequence[Link], key: LinkKey) -> list[str]:
    """Do the same for all links of a mail, in a third of the time.

    The key is hashed once, and base32 is written with arrays.

    Raises:
        ValueError: as `write_token` does.
    """
    inner, outer = _hash_key(key.secret)
    raw: list[bytes] = []
    for link in links:
        body = _pack(link, key)
        first, second = inner.copy(), outer.copy()
        first.update(body)
        second.update(first.digest())
        raw += (body, second.digest()[:_MAC_BYTES], b"\0")
    letters = _spell(b"".join(raw))
    step = _TOKEN_LETTERS + 1
    return [letters[start : start + step - 1] for start in range(0, len(letters), step)]


@lru_cache(maxsize=4)
def _hash_key(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Begin the inner and the outer hash of HMAC."""
    block = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()
    padded = block.ljust(_BLOCK, b"\0")
    return (
        hashlib.sha256(padded.translate(_INNER_PAD)),
        hashlib.sha256(padded.translate(_OUTER_PAD)),
    )


def _pack(link: Link, key: LinkKey) -> bytes:
    purpose, subscriber_id, paper_id, message_id = link
    try:
        return b"%c%c%c%b%b%b" % (
            _VERSION,
            key.id,
            _PURPOSES[purpose],
            _pack_id(subscriber_id),
            paper_id.to_bytes(5, "big"),
            _pack_id(message_id),
        )
    except OverflowError:
        raise ValueError(
            f"ids must be 0 to {_MAX_ID}, got {tuple(link[1:])} and key {key.id}"
        ) from None


#: all links of a mail have the same reader and message
@lru_cache(maxsize=16)
def _pack_id(number: int) -> bytes:
    return number.to_bytes(5, "big")


def _spell(raw: bytes) -> str:
    """Spell a multiple of five bytes in base32, eight letters for five bytes."""
    groups = len(raw) // 5
    octets = np.zeros((groups, 8), np.uint8)
    octets[:, 3:] = np.frombuffer(raw, np.uint8).reshape(-1, 5)
    # The 40 bits of all groups at once, as one number: parted in halves until each five have an
    # octet of their own.
    bits = int.from_bytes(octets.tobytes(), "big")
    for mask, shift in _make_masks(groups):
        low = bits & mask
        bits = (bits ^ low) << shift | low
    return bits.to_bytes(8 * groups, "big").translate(_LETTERS).decode("ascii")


@lru_cache(maxsize=64)
def _make_masks(groups: int) -> list[tuple[int, int]]:
    """Masks of the lower half of the bits of each part of 64, 32 and 16, and how far to part."""
    return [
        (int.from_bytes((2**half - 1).to_bytes(part // 8, "big") * (64 // part * groups)), shift)
        for part, half, shift in ((64, 20, 12), (32, 10, 6), (16, 5, 3))
    ]


def read_token(token: str, keys: Iterable[LinkKey]) -> Link:
    """Verify a token, in upper or lower case; a RevokedLink if its key was revoked.

    Raises:
        LinkError: the token is garbled, cut off or not signed by one of `keys`. UnknownKeyError
            if its key is not among `keys`.
        RevokedKeyError: its key was revoked, and it does more than leave or name a bounced
            message.
    """
    raw = _decode(token)
    body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
    version, key_id, purpose = struct.unpack("BBB", body[:3])
    key = next((key for key in keys if key.id == key_id), None)
    if version == _VERSION and key is None:
        raise UnknownKeyError(_NOT_OURS)
    if (
        version != _VERSION
        or key is None
        or not hmac.compare_digest(mac, _sign(body, key))
        or purpose not in _BY_NUMBER
    ):
        raise LinkError(_NOT_OURS)
    if key.revoked_at is not None and _BY_NUMBER[purpose] not in _VALID_AFTER_REVOCATION:
        raise RevokedKeyError(
            "the key of this link was revoked. Any newer mail has links that work"
        )
    subscriber_id, paper_id, message_id = (
        int.from_bytes(body[start : start + 5], "big") for start in (3, 8, 13)
    )
    link = Link(_BY_NUMBER[purpose], subscriber_id, paper_id, message_id)
    return link if key.revoked_at is None else RevokedLink.of(link, key.revoked_at)


def write_bounce_address(link: Link, key: LinkKey, domain: str) -> str:
    """The envelope sender of one message (VERP): its bounces name the message."""
    return format_bounce_address(write_token(link, key), domain)


def format_bounce_address(token: str, domain: str) -> str:
    """The same for a token that is written already."""
    return f"{_BOUNCE_PREFIX}{token}@{domain}"


def read_bounce_address(address: str, keys: Iterable[LinkKey]) -> Link:
    """The reader and message that a bounce is about, from the address it was sent to.

    Angle brackets may surround the address. Its domain is not checked: it may have changed since,
    and the token alone proves that the address is ours.

    Raises:
        LinkError: this is no bounce address of this service. UnknownKeyError if its key is not
            among `keys`.
    """
    local = address.strip().removeprefix("<").removesuffix(">").rpartition("@")[0]
    if not local.lower().startswith(_BOUNCE_PREFIX):
        raise LinkError(f"{address[:100]!r} is no bounce address of this service")
    return _require_purpose(read_token(local[len(_BOUNCE_PREFIX) :], keys), Purpose.BOUNCE)


def is_spelled_as_bounce_address(address: str) -> bool:
    """Return whether an address looks like one that `write_bounce_address` wrote."""
    return _BOUNCE_ADDRESS.match(address) is not None


def write_mailto(link: Link, key: LinkKey, mailbox: str) -> str:
    """A `mailto:` address (RFC 6068) with the token in its subject.

    Raises:
        ValueError: the purpose is not in ANSWERS.
    """
    if link.purpose not in ANSWERS:
        raise ValueError(f"{link.purpose} cannot be asked by mail")
    subject = f"{gettext(ANSWERS[link.purpose])} {write_token(link, key)}"
    return f"mailto:{quote(mailbox, safe=_SAFE_IN_MAILTO)}?subject={quote(subject)}"


def read_subject(subject: str, keys: Iterable[LinkKey]) -> Link:
    """What a mail asks for, from the token in its decoded subject.

    Raises:
        LinkError: the subject holds no token of ours, several, or one that only a page takes.
            UnknownKeyError if its key is not among `keys`.
    """
    # Some programs copy what follows "?subject=" without decoding it; the end of "%20" would look
    # like letters of a token.
    tokens = set(map(str.lower, _TOKEN_IN_TEXT.findall(unquote(subject))))
    if len(tokens) != 1:
        raise LinkError(
            "the subject holds no answer to a mail of ours"
            if not tokens
            else "the subject holds several answers; send one mail each"
        )
    return _require_purpose(read_token(tokens.pop(), keys), *ANSWERS)


def _require_purpose(link: Link, *purposes: Purpose) -> Link:
    if link.purpose not in purposes:
        raise LinkError("this token is for something else")
    return link


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def _decode(token: str) -> bytes:
    text = token.strip()
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8), casefold=True)
    except (binascii.Error, ValueError):
        raw = b""
    # Several spellings decode to the same bytes; only the one that we write is accepted.
    if len(raw) != _BODY_BYTES + _MAC_BYTES or _base32(raw) != text.lower():
        raise LinkError(
            "this link is cut off or garbled. Open it again from the mail, or copy it whole"
        )
    return raw


def _sign(body: bytes, key: LinkKey) -> bytes:
    return hmac.digest(key.secret, body, hashlib.sha256)[:_MAC_BYTES]
