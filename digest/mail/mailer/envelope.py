"""A message as SMTP writes it: addresses, parameters, dot-stuffed body.

Pure functions on bytes, no socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import idna
import numpy as np

from digest.model import Fault, Message

#: octets before the @, and of a whole address (RFC 5321, 4.5.3.1)
_MAX_LOCAL, _MAX_ADDRESS = 64, 254
#: characters of an ENVID (RFC 3461)
_MAX_ENVID = 100
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0<>\ud800-\udfff]")
_XTEXT = re.compile(rb"[^!-*,-<>-~]")
_UNITEXT = re.compile(r"[\x00-\x20+=\\\x7f]")


class UnsendableError(ValueError):
    """This message cannot be sent to this server; no byte of it has left."""

    def __init__(self, text: str, fault: Fault, enhanced: str = "") -> None:
        super().__init__(text)
        self.fault: Fault = fault
        self.enhanced = enhanced


@dataclass(frozen=True, kw_only=True, slots=True)
class Extensions:
    """The extensions that a server offers in its reply to EHLO."""

    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    size: bool = False
    #: maximum bytes of a message; 0 = not stated
    size_max: int = 0

    @classmethod
    def of(cls, extensions: dict[str, str]) -> Self:
        """From lower-case keywords and their parameters."""
        limit = extensions.get("size", "").strip()
        return cls(
            pipelining="pipelining" in extensions,
            eightbit="8bitmime" in extensions,
            smtputf8="smtputf8" in extensions,
            dsn="dsn" in extensions,
            size="size" in extensions,
            size_max=int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 20 else 0,
        )


class Envelope(NamedTuple):
    """The two addresses in wire form; domains as A-labels."""

    sender: bytes
    recipient: bytes
    #: the recipient's domain in lower case, a key for rate limits
    domain: str


def make_envelope(message: Message) -> Envelope:
    """The envelope of a message.

    Raises:
        UnsendableError: an address cannot be written.
    """
    sender = _encode_address(message.sender, "ours", "5.1.7") if message.sender else b""
    recipient = _encode_address(message.recipient, "reader", "5.1.3")
    return Envelope(sender, recipient, recipient.rpartition(b"@")[2].decode("ascii").lower())


def envelope_commands(
    envelope: Envelope, message: Message, body: bytes, extensions: Extensions
) -> tuple[bytes, bytes]:
    """MAIL and RCPT with the parameters that the server extensions.

    Raises:
        UnsendableError: the server lacks SMTPUTF8 and the address needs it, or the message is too
            large for it.
    """
    sender, recipient, _ = envelope
    mail, rcpt = [b"MAIL FROM:<" + sender + b">"], [b"RCPT TO:<" + recipient + b">"]
    international = not (sender.isascii() and recipient.isascii())
    if international and not extensions.smtputf8:
        raise UnsendableError(
            "the address has letters beyond ASCII before the @, and the mail server does not offer "
            "SMTPUTF8",
            "content",
            "5.6.7",
        )
    if extensions.size_max and len(body) > extensions.size_max:
        raise UnsendableError(
            f"the message has {len(body)} bytes and the mail server takes {extensions.size_max} at "
            f"most",
            "content",
            "5.3.4",
        )
    if extensions.size:
        mail.append(b"SIZE=%d" % len(body))
    # A server without 8BITMIME gets such a body as well: re-coding would break the signature, and
    # in practice they take it.
    if extensions.eightbit and not body.isascii():
        mail.append(b"BODY=8BITMIME")
    if international:
        mail.append(b"SMTPUTF8")
    if extensions.dsn:
        mail.append(b"RET=HDRS")
        envid = _xtext(message.message_id.strip("<>").encode())
        if 0 < len(envid) <= _MAX_ENVID:
            mail.append(b"ENVID=" + envid)
        rcpt += [b"NOTIFY=FAILURE,DELAY", b"ORCPT=" + _orcpt(recipient)]
    return b" ".join(mail) + b"\r\n", b" ".join(rcpt) + b"\r\n"


def dot_stuff(data: bytes) -> bytes:
    """Double the dot at the beginning of lines; the final dot is not added.

    Raises:
        UnsendableError: a line does not end with CRLF. Servers disagree on where such a message
            ends, and some would read commands in it (SMTP smuggling).
    """
    # with arrays, since a regular expression takes ten times as long
    octets = np.frombuffer(data, np.uint8)
    returns, feeds = octets == ord("\r"), octets == ord("\n")
    if (
        data.startswith(b"\n")
        or data.endswith(b"\r")
        or not np.array_equal(returns[:-1], feeds[1:])
    ):
        raise UnsendableError("a line of the message ends without CRLF", "content", "5.6.0")
    dots = np.flatnonzero(feeds[:-1] & (octets[1:] == ord("."))) + 1
    if len(dots):
        data = b".".join(
            [data[start:end] for start, end in pairwise((0, *dots.tolist(), len(data)))]
        )
    if data.startswith(b"."):
        data = b"." + data
    return data if data.endswith(b"\n") or not data else data + b"\r\n"


def domain_key(domain: str) -> str:
    """The key for a domain's rate limit: lower case, A-labels for other scripts."""
    try:
        return (
            domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        ).lower()
    except idna.IDNAError:
        return domain.lower()


def _encode_address(text: str, fault: Fault, enhanced: str) -> bytes:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or _FORBIDDEN.search(text):
        raise UnsendableError(
            f"{text!r} is no address that can be written in an envelope", fault, enhanced
        )
    try:
        ascii_domain = (
            domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        )
    except idna.IDNAError:
        raise UnsendableError(f"{domain!r} is no domain", fault, enhanced) from None
    encoded = f"{local}@{ascii_domain}".encode()
    if len(local.encode()) > _MAX_LOCAL or len(encoded) > _MAX_ADDRESS:
        raise UnsendableError(f"{text!r} is longer than an address may be", fault, enhanced)
    return encoded


def _xtext(data: bytes) -> bytes:
    """Encode as xtext (RFC 3461, 4): +XX for "+", "=" and all but printable ASCII."""
    return _XTEXT.sub(lambda match: b"+%02X" % match[0][0], data)


def _orcpt(recipient: bytes) -> bytes:
    """The value of ORCPT; beyond ASCII by RFC 6533, which requires SMTPUTF8."""
    if recipient.isascii():
        return b"rfc822;" + _xtext(recipient)
    return (
        b"utf-8;"
        + _UNITEXT.sub(lambda match: f"\\x{{{ord(match[0]):X}}}", recipient.decode()).encode()
    )
