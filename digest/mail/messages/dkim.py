"""Sign messages with DKIM (RFC 6376).

Relaxed/relaxed canonicalization, the whole body, rsa-sha256; optionally a second signature with
ed25519 (RFC 8463). Keys come in as values; `Key.record` is what to publish in the DNS.

Our own code, because dkimpy canonicalizes each whole message anew, while ours are written in
canonical form; a library that signs a canonical body would replace it. Tests verify with dkimpy.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Literal, NamedTuple, cast

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

#: the minimum for signers (RFC 8301, 3.2)
_RSA_BITS = 2048
_ED25519_SIZE = 64
#: headers that are signed if present, besides every List-* (required by RFC 8058, 4)
_SIGNED = frozenset(
    b"from reply-to to subject date message-id mime-version content-type content-transfer-encoding "
    b"feedback-id auto-submitted".split()
)
#: Oversigned, that is named once more than they occur: a second one, added on the way, breaks the
#: signature. No honest relay adds these, unlike List-* or Sender.
_OVERSIGNED = (b"from", b"reply-to", b"to", b"subject", b"date", b"content-type")
_UNFOLDED = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_LINE, _CHUNK = 76, 25
#: stand for the octets of a value that is filled in
_GAP, _GAP_END = "\0", "\1"
_GAPS = re.compile(rb"\x00*\x01")
_PADDING, _HASH = padding.PKCS1v15(), SHA256()


class Key:
    """A private key of one of DKIM's two kinds; never printed."""

    def __init__(self, private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._private = private
        self.kind: Literal["rsa", "ed25519"] = (
            "rsa" if isinstance(private, rsa.RSAPrivateKey) else "ed25519"
        )
        #: octets of a signature
        self.signature_size = (
            private.key_size // 8 if isinstance(private, rsa.RSAPrivateKey) else _ED25519_SIZE
        )

    @property
    def record(self) -> str:
        """The text of the DNS record with the public key."""
        if isinstance(self._private, rsa.RSAPrivateKey):
            public = self._private.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        else:
            public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={_base64(public)}"

    def sign(self, data: bytes) -> bytes:
        """The raw signature of `data`, which is hashed here."""
        # not isinstance, which on these abstract classes takes longer than an Ed25519 signature
        if self.kind == "rsa":
            return cast(rsa.RSAPrivateKey, self._private).sign(data, _PADDING, _HASH)
        return cast(ed25519.Ed25519PrivateKey, self._private).sign(sha256(data).digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """A private key, and where its public key is.

    It is the TXT record at `selector._domainkey.domain`; both names are ASCII.
    """

    domain: str
    selector: str
    key: Key = field(repr=False)


def generate_key(kind: Literal["rsa", "ed25519"] = "rsa") -> bytes:
    """A new private key as PEM; RSA keys have 2048 bits."""
    private = (
        rsa.generate_private_key(65537, _RSA_BITS)
        if kind == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(pem: bytes) -> Key:
    """Read a private key in PEM form.

    Raises:
        InputError: it is no such key, has a password, or is too short for receivers.
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


def sign_message(head: bytes, body: bytes, signers: Sequence[Signer], *, at: datetime) -> bytes:
    """The DKIM-Signature headers of a message, one per signer.

    Args:
        head: its headers, with CRLF between them.
        body: its body in relaxed form, without empty lines at the end (RFC 6376, 3.4.4), as
            `encoding` writes it; b"" for none.
    """
    if not signers:
        return b""
    fields = [_canonical_field(line) for line in _UNFOLDED.split(head)]
    names = [name for name, _ in fields if name in _SIGNED or name.startswith(b"list-")]
    listed = (*names, *_OVERSIGNED)
    chosen = _select_fields(fields, listed)
    hashed, time = b64encode(sha256(body).digest()), b"%d" % at.timestamp()
    return b"".join(
        [_fold_header(listed, signer, len(time)).sign(chosen, time, hashed) for signer in signers]
    )


@lru_cache(maxsize=256)  # most of a message's fields are those of the one before
def _canonical_field(line: bytes) -> tuple[bytes, bytes]:
    """Name and relaxed form (RFC 6376, 3.4.2) of a header without CRLF."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    return name, b"%b:%b" % (name, _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t"))


def _select_fields(fields: Sequence[tuple[bytes, bytes]], names: Sequence[bytes]) -> bytes:
    """The headers that `names` select, last one first (RFC 6376, 5.4.2)."""
    left: dict[bytes, list[bytes]] = {}
    for name, form in fields:
        left.setdefault(name, []).append(form)
    return b"".join(left[name].pop() + b"\r\n" for name in names if left.get(name))


class _FoldedHeader(NamedTuple):
    """A DKIM-Signature header for many messages; time, hash and signature are filled in by `%`."""

    key: Key
    #: what of it is signed: its canonical form without a signature
    canonical: bytes
    #: as it is sent, with gaps for the pieces of the signature
    whole: bytes

    def sign(self, chosen: bytes, time: bytes, hashed: bytes) -> bytes:
        """The header of one message, of which the headers `chosen` are signed."""
        text = b64encode(self.key.sign(chosen + self.canonical % (time, hashed)))
        chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
        return self.whole % (time, hashed, *chunks)


@lru_cache(maxsize=64)
def _fold_header(names: tuple[bytes, ...], signer: Signer, time_length: int) -> _FoldedHeader:
    """Fold the header of messages with the same signed headers: their values are equally long."""
    time, hashed = _make_gap(time_length), _make_gap(len(_base64(bytes(sha256().digest_size))))
    tags = (
        f"v=1; a={signer.key.kind}-sha256; c=relaxed/relaxed; d={signer.domain}; "
        f"s={signer.selector}; t={time}; bh={hashed};"
    )
    listed = [f"{name.decode('ascii')}:" for name in names[:-1]]
    pieces = [
        "DKIM-Signature:",
        *(f" {tag}" for tag in tags.split(" ")),
        f" h={listed[0]}",
        *listed[1:],
        f"{names[-1].decode('ascii')};",
        " b=",
    ]
    _, canonical = _canonical_field(_fold(pieces).encode("ascii"))
    # blanks in b= are ignored, so it may be folded anywhere
    length = len(_base64(bytes(signer.key.signature_size)))
    chunks = [_make_gap(min(_CHUNK, length - start)) for start in range(0, length, _CHUNK)]
    whole = f"{_fold([*pieces, *chunks])}\r\n".encode("ascii")
    return _FoldedHeader(signer.key, _open_gaps(canonical), _open_gaps(whole))


def _make_gap(length: int) -> str:
    return _GAP * (length - 1) + _GAP_END


def _open_gaps(header: bytes) -> bytes:
    return _GAPS.sub(b"%b", header.replace(b"%", b"%%"))


def _fold(pieces: Sequence[str]) -> str:
    """The pieces in lines of at most 76 columns; no piece is broken."""
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
