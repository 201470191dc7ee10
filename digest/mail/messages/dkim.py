"""A message -> its DKIM signatures (RFC 6376), so that receivers can tell that its domain sent it.

Canonical form relaxed/relaxed, the whole body, rsa-sha256; ed25519 (RFC 8463) can stand beside it,
for receivers that know it. Knows no DNS and no file: keys come in as values, and `Key.record` says
what to publish.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from digest.errors import InputError

#: RFC 8301 3.2: what a signer should use at least
_RSA_BITS = 2048
#: headers that are signed where a message has them, beside every List-* (RFC 8058 4 demands those
#: of one-click)
_SIGNED = frozenset(
    b"from reply-to to subject date message-id mime-version content-type content-transfer-encoding "
    b"feedback-id auto-submitted".split()
)
#: Named once more than they occur: a second one, added on the way and shown by a mail program,
#: would break the signature. Nobody adds these honestly, unlike List-* or Sender.
_OVERSIGNED = (b"from", b"reply-to", b"to", b"subject", b"date", b"content-type")
_UNFOLDED = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
#: a pattern that begins with fixed text is searched for some ten times faster than a class of
#: blanks
_RUNS = re.compile(rb"  +")
_LINE, _CHUNK = 76, 25
_PADDING, _HASH = padding.PKCS1v15(), SHA256()


class Key:
    """A private key of one of the two kinds that DKIM knows; it is never shown."""

    def __init__(self, private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._private = private
        self.kind: Literal["rsa", "ed25519"] = (
            "rsa" if isinstance(private, rsa.RSAPrivateKey) else "ed25519"
        )

    @property
    def record(self) -> str:
        """The text of the DNS record that publishes the public half."""
        if isinstance(self._private, rsa.RSAPrivateKey):
            public = self._private.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        else:
            public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={_base64(public)}"

    def sign(self, data: bytes) -> bytes:
        """The raw signature over `data`, which is hashed here."""
        # not isinstance: these are abstract classes, which take longer to ask than an Ed25519
        # signature
        if self.kind == "rsa":
            return cast(rsa.RSAPrivateKey, self._private).sign(data, _PADDING, _HASH)
        return cast(ed25519.Ed25519PrivateKey, self._private).sign(sha256(data).digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """A private key, and where receivers find its public half: a TXT record at
    `selector._domainkey.domain`, both in ASCII.
    """

    domain: str
    selector: str
    key: Key = field(repr=False)


def new_key(kind: Literal["rsa", "ed25519"] = "rsa") -> bytes:
    """A new private key as PEM, of 2048 bits where it is RSA."""
    private = (
        rsa.generate_private_key(65537, _RSA_BITS)
        if kind == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(pem: bytes) -> Key:
    """The private key in a PEM text.

    InputError when it is none, has a password, or is too weak to be believed.
    """
    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise InputError(
            "the key has a password; a service cannot type it, so keep it without one and readable "
            "by itself alone"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError("this is no private key in PEM form") from None
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise InputError("the key is neither RSA nor Ed25519, the two kinds that DKIM knows")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _RSA_BITS:
        raise InputError(
            f"the RSA key has {private.key_size} bits, and receivers distrust less than {_RSA_BITS}"
        )
    return Key(private)


def signatures(head: bytes, canonical: bytes, signers: Sequence[Signer], *, at: datetime) -> bytes:
    """The DKIM-Signature fields of a message, one of each signer, to stand in front of it; equal
    arguments give equal bytes.

    Args:
        head: its headers, CRLF between them.
        canonical: its body as `squeezed` leaves it, with no empty line at the end (RFC 6376 3.4.4);
        "" for none.
    """
    if not signers:
        return b""
    hashed = _base64(sha256(canonical).digest())
    fields = [_canonical_field(line) for line in _UNFOLDED.split(head)]
    names = [name for name, _ in fields if name in _SIGNED or name.startswith(b"list-")]
    chosen = _chosen(fields, [*names, *_OVERSIGNED])
    listed = [name.decode("ascii") for name in (*names, *_OVERSIGNED)]
    return b"".join(_signature(chosen, listed, hashed, signer, at) for signer in signers)


def squeezed(lines: bytes) -> bytes:
    """Lines of a body in relaxed form (RFC 6376 3.4.4): blanks squeezed, none at line ends."""
    if b"\t" in lines or b"  " in lines:
        lines = _RUNS.sub(b" ", lines.replace(b"\t", b" "))
    return lines.replace(b" \r\n", b"\r\n") if b" \r\n" in lines else lines


@lru_cache(maxsize=256)  # most of a message's fields are those of the one before
def _canonical_field(line: bytes) -> tuple[bytes, bytes]:
    """The name and the relaxed form of one header field (RFC 6376 3.4.2), which comes without its
    last CRLF.
    """
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    return name, b"%b:%b" % (name, _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t"))


def _chosen(fields: Sequence[tuple[bytes, bytes]], names: Sequence[bytes]) -> bytes:
    """The fields that `names` mean, each time from the last one of that name upwards; nothing for
    one too many (RFC 6376 5.4.2).
    """
    left: dict[bytes, list[bytes]] = {}
    for name, form in fields:
        left.setdefault(name, []).append(form)
    return b"".join(left[name].pop() + b"\r\n" for name in names if left.get(name))


def _signature(
    chosen: bytes, names: Sequence[str], hashed: str, signer: Signer, at: datetime
) -> bytes:
    tags = (
        f"v=1; a={signer.key.kind}-sha256; c=relaxed/relaxed; d={signer.domain}; "
        f"s={signer.selector}; t={int(at.timestamp())}; bh={hashed};"
    )
    listed = [f"{name}:" for name in names[:-1]] + [f"{names[-1]};"]
    pieces = [
        "DKIM-Signature:",
        *(f" {tag}" for tag in tags.split(" ")),
        f" h={listed[0]}",
        *listed[1:],
        " b=",
    ]
    unsigned = _folded(pieces)
    _, form = _canonical_field(unsigned.encode("ascii"))
    # blanks inside b= mean nothing, so it may be broken anywhere
    text = _base64(signer.key.sign(chosen + form))
    chunks = (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
    return f"{_folded([*pieces, *chunks])}\r\n".encode("ascii")


def _folded(pieces: Sequence[str]) -> str:
    """The pieces in lines of at most 76 columns, none broken."""
    lines, line = [], ""
    for piece in pieces:
        if len(line) + len(piece) > _LINE and line:
            lines.append(line)
            line = f" {piece.lstrip(' ')}"
        else:
            line += piece
    return "\r\n".join([*lines, line])


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
