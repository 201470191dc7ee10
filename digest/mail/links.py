"""Signed link, bounce address or subject of an answer <-> what it names.

Pure: keys come in as values, nothing is looked up.

A token is lower-case base32 of `version key-id purpose subscriber paper message mac`: 55 characters
without punctuation, so that gateways which change the case of URLs and clients which cut trailing
dots do no harm. The mac is HMAC-SHA256 cut to 128 bits over all that stands before it; another
purpose, reader or paper needs another mac.
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

from digest.errors import LinkError, RevokedKeyError, UnknownKeyError
from digest.model import Link, LinkKey, Purpose, RevokedLink

_VERSION = 1
_PURPOSES = {
    Purpose.UP: 1,
    Purpose.DOWN: 2,
    Purpose.UNSUBSCRIBE: 3,
    Purpose.MANAGE: 4,
    Purpose.CONFIRM: 5,
    Purpose.BOUNCE: 6,
}
_BY_NUMBER = {number: purpose for purpose, number in _PURPOSES.items()}
_MAC = 16
#: version, key id, purpose: a byte each; subscriber, paper, message: five bytes each
_BODY = 3 + 3 * 5
_ID_MAX = 2**40 - 1
#: what a key that was revoked may still prove: leaving works as long as a mail exists, and bounces
#: were on their way
_OUTLIVING = (Purpose.UNSUBSCRIBE, Purpose.BOUNCE)
_FOREIGN = (
    "this link was not made by this service, or was changed on its way. Open it again from the mail"
)
_LENGTH = -(-(_BODY + _MAC) * 8 // 5)
#: letters that a token is written in, of which the last ones are cut off; the bits of so many stand
#: at the end of as many bytes
_LANE = 64
_LANE_TAIL = bytes(_LANE * 5 // 8 - (_BODY + _MAC))
_LANE_HEAD = bytes(_LANE - _LANE * 5 // 8)
_LETTER_OF = b"abcdefghijklmnopqrstuvwxyz234567" * 8
_IN_TEXT = re.compile(rf"(?<![a-z0-9])[a-z2-7]{{{_LENGTH}}}(?![a-z0-9])", re.IGNORECASE | re.ASCII)
#: RFC 6068 2: what an address may hold unencoded inside a mailto, beside letters and digits
_IN_MAILTO = "!$'*+-._~@"
#: "b+" and a token are 57 octets; RFC 5321 4.5.3.1.1 grants a local part 64
_BOUNCE = "b+"
#: what can be asked by mail, and the words in front of the token; people read them, only the token
#: counts
ANSWERS = {
    Purpose.UP: "More like this",
    Purpose.DOWN: "Less like this",
    Purpose.UNSUBSCRIBE: "Unsubscribe",
    Purpose.CONFIRM: "Confirm this address",
}


def write_token(link: Link, key: LinkKey) -> str:
    """The token of a link, signed with one key. ValueError as for `write_tokens`."""
    return write_tokens((link,), key)[0]


def write_tokens(links: Sequence[Link], key: LinkKey) -> list[str]:
    """The tokens of links, signed with one key; all of a mail's are spelt at once.

    Raises:
        ValueError: an id does not fit into 40 bits, or the key's id into a byte.
    """
    raw = []
    for purpose, reader, paper, message in links:
        if not (
            0 <= reader <= _ID_MAX
            and 0 <= paper <= _ID_MAX
            and 0 <= message <= _ID_MAX
            and 0 <= key.id <= 255
        ):
            raise ValueError(
                f"ids must be 0 to {_ID_MAX}, got {(reader, paper, message)} and key {key.id}"
            )
        number = (
            ((_VERSION << 8 | key.id) << 8 | _PURPOSES[purpose]) << 120
            | reader << 80
            | paper << 40
            | message
        )
        body = number.to_bytes(_BODY, "big")
        raw.append(body + _sign(body, key))
    return _base32(raw)


def _base32(raw: Sequence[bytes]) -> list[str]:
    """Lower-case and unpadded: each is put into a lane of 64 letters, whose five bits are moved
    apart by halves, in six steps on one long number (compare Warren, Hacker's Delight, 7-5). The
    library goes letter by letter, which takes many times as long, and a mail carries dozens of
    links.
    """
    bits = int.from_bytes(b"".join([_LANE_HEAD + one + _LANE_TAIL for one in raw]), "big")
    for lower, upper, apart in _moves(len(raw)):
        bits = bits & lower | (bits & upper) << apart
    letters = bits.to_bytes(len(raw) * _LANE, "big").translate(_LETTER_OF).decode("ascii")
    return [letters[start : start + _LENGTH] for start in range(0, len(letters), _LANE)]


@lru_cache(maxsize=256)
def _moves(lanes: int) -> tuple[tuple[int, int, int], ...]:
    """Which bits stay, which move, and how far up: from 64 letters side by side to one letter a
    byte.
    """
    moves, letters = [], _LANE
    while letters > 1:
        letters //= 2
        every = sum(1 << start for start in range(0, lanes * _LANE * 8, letters * 16))
        half = (1 << letters * 5) - 1
        moves.append((half * every, (half << letters * 5) * every, letters * 3))
    return tuple(moves)


def read_token(token: str, keys: Iterable[LinkKey]) -> Link:
    """What a token names, whatever the case of its letters; a RevokedLink where its key is no
    longer secret.

    Raises:
        LinkError: it is garbled or cut off, was not signed by us, or its key is gone.
        RevokedKeyError: its key was revoked, and it does more than leave or name a message that
            came back.
    """
    raw = _decode(token)
    body, mac = raw[:_BODY], raw[_BODY:]
    version, key_id, purpose = struct.unpack("BBB", body[:3])
    key = next((k for k in keys if k.id == key_id), None)
    if version == _VERSION and key is None:
        raise UnknownKeyError(_FOREIGN)
    if (
        version != _VERSION
        or key is None
        or not hmac.compare_digest(mac, _sign(body, key))
        or purpose not in _BY_NUMBER
    ):
        raise LinkError(_FOREIGN)
    if key.revoked_at is not None and _BY_NUMBER[purpose] not in _OUTLIVING:
        raise RevokedKeyError(
            "the key of this link was revoked. Any newer mail has links that work"
        )
    subscriber_id, paper_id, message_id = (
        int.from_bytes(body[start : start + 5], "big") for start in (3, 8, 13)
    )
    link = Link(_BY_NUMBER[purpose], subscriber_id, paper_id, message_id)
    return link if key.revoked_at is None else RevokedLink.of(link, key.revoked_at)


def write_bounce_address(link: Link, key: LinkKey, domain: str) -> str:
    """The envelope sender of one message (VERP): whatever comes back to it tells which message
    failed.
    """
    return f"{_BOUNCE}{write_token(link, key)}@{domain}"


def read_bounce_address(address: str, keys: Iterable[LinkKey]) -> Link:
    """The reader and message that a bounce is about, from the address that it came to, with or
    without angle brackets.

    The domain is not looked at: it may have changed since, and the token proves that the address is
    ours.

    Raises:
        LinkError: it is no bounce address of this service. UnknownKeyError when its key is not
        among `keys`.
    """
    local = address.strip().removeprefix("<").removesuffix(">").rpartition("@")[0]
    if not local.lower().startswith(_BOUNCE):
        raise LinkError(f"{address[:100]!r} is no address that bounces come back to")
    return _only(read_token(local[len(_BOUNCE) :], keys), Purpose.BOUNCE)


def write_mailto(link: Link, key: LinkKey, mailbox: str) -> str:
    """The `mailto:` address (RFC 6068) that asks by mail what the link asks by a page: the token
    travels in the subject.

    Raises:
        ValueError: the purpose is none of ANSWERS.
    """
    if link.purpose not in ANSWERS:
        raise ValueError(f"{link.purpose} cannot be asked by mail")
    subject = f"{ANSWERS[link.purpose]} {write_token(link, key)}"
    return f"mailto:{quote(mailbox, safe=_IN_MAILTO)}?subject={quote(subject)}"


def read_subject(subject: str, keys: Iterable[LinkKey]) -> Link:
    """What a mail asks for, from the token in its (decoded) subject; words and "Re:" around the
    token mean nothing.

    Raises:
        LinkError: there is no token of ours in it, more than one, or one that only a page takes.
        UnknownKeyError as `read_token`.
    """
    # unquoted: some programs take the words behind "?subject=" as they stand there, and "%20" would
    # end in what looks like a token's letters
    tokens = set(map(str.lower, _IN_TEXT.findall(unquote(subject))))
    if len(tokens) != 1:
        raise LinkError(
            "the subject holds no answer to a mail of ours"
            if not tokens
            else "the subject holds several answers; send one mail each"
        )
    return _only(read_token(tokens.pop(), keys), *ANSWERS)


def _only(link: Link, *purposes: Purpose) -> Link:
    if link.purpose not in purposes:
        raise LinkError("this token is for something else")
    return link


def _decode(token: str) -> bytes:
    text = token.strip().upper()
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    # Encoding back refuses spellings that decode to the same bytes: one link, one token.
    if len(raw) != _BODY + _MAC or base64.b32encode(raw).decode("ascii").rstrip("=") != text:
        raise LinkError(
            "this link is cut off or garbled. Open it again from the mail, or copy it whole"
        )
    return raw


def _sign(body: bytes, key: LinkKey) -> bytes:
    return hmac.digest(key.secret, body, hashlib.sha256)[:_MAC]
