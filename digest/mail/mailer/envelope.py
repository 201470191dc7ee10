"""A message as SMTP writes it: addresses, the parameters that the server offers, the body with its
dots. Pure bytes, no socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import idna
import numpy as np

from digest.model import Fault, Message

#: RFC 5321, 4.5.3.1; a longer address is refused everywhere
_LOCAL_MAX, _ADDRESS_MAX = 64, 254
#: RFC 3461 lets an ENVID have so many characters
_ENVID_MAX = 100
_UNWRITABLE = re.compile(r"[\x00-\x20\x7f-\xa0<>\ud800-\udfff]")
_XTEXT = re.compile(rb"[^!-*,-<>-~]")
_UNITEXT = re.compile(r"[\x00-\x20+=\\\x7f]")


class UnsendableError(ValueError):
    """This message cannot be put to this server; no byte of it was sent."""

    def __init__(self, text: str, fault: Fault, enhanced: str = "") -> None:
        super().__init__(text)
        self.fault: Fault = fault
        self.enhanced = enhanced


@dataclass(frozen=True, kw_only=True, slots=True)
class Extensions:
    """What a server says to EHLO that it can do."""

    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    size: bool = False
    #: bytes of a message at most; 0 = not told
    size_max: int = 0

    @classmethod
    def of(cls, extensions: dict[str, str]) -> Self:
        """From keywords in lower case and their parameters."""
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
    #: the recipient's domain in lower case: what is paced
    domain: str


def address(message: Message) -> Envelope:
    """The envelope of a message.

    Raises:
        UnsendableError: an address cannot be written.
    """
    sender = _wire(message.sender, "ours", "5.1.7") if message.sender else b""
    recipient = _wire(message.recipient, "reader", "5.1.3")
    return Envelope(sender, recipient, recipient.rpartition(b"@")[2].decode("ascii").lower())


def commands(
    envelope: Envelope, message: Message, body: bytes, offers: Extensions
) -> tuple[bytes, bytes]:
    """MAIL and RCPT with the parameters that the server offers.

    Raises:
        UnsendableError: the address needs SMTPUTF8, or the message more room, than the server
        offers.
    """
    sender, recipient, _ = envelope
    mail, rcpt = [b"MAIL FROM:<" + sender + b">"], [b"RCPT TO:<" + recipient + b">"]
    international = not (sender.isascii() and recipient.isascii())
    if international and not offers.smtputf8:
        raise UnsendableError(
            "the address has letters beyond ASCII before the @, and the mail server does not offer "
            "SMTPUTF8",
            "content",
            "5.6.7",
        )
    if offers.size_max and len(body) > offers.size_max:
        raise UnsendableError(
            f"the message has {len(body)} bytes and the mail server takes {offers.size_max} at "
            f"most",
            "content",
            "5.3.4",
        )
    if offers.size:
        mail.append(b"SIZE=%d" % len(body))
    # A server without 8BITMIME gets such a body all the same: re-coding would break the signature,
    # and in practice they take it.
    if offers.eightbit and not body.isascii():
        mail.append(b"BODY=8BITMIME")
    if international:
        mail.append(b"SMTPUTF8")
    if offers.dsn:
        mail.append(b"RET=HDRS")
        ident = _xtext(message.message_id.strip("<>").encode())
        if 0 < len(ident) <= _ENVID_MAX:
            mail.append(b"ENVID=" + ident)
        rcpt += [b"NOTIFY=FAILURE,DELAY", b"ORCPT=" + _original(recipient)]
    return b" ".join(mail) + b"\r\n", b" ".join(rcpt) + b"\r\n"


def dotted(data: bytes) -> bytes:
    """The body as it follows 354, without the final dot: every line that begins with a dot gets a
    second one.

    Raises:
        UnsendableError: a line ends otherwise than with CRLF; servers disagree on where such a
        message ends, and some would read commands in it.
    """
    # as arrays, since looking for pairs of octets takes ten times as long
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


def paced(domain: str) -> str:
    """The name under which a recipient's domain, in whatever script, is paced."""
    try:
        return (
            domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        ).lower()
    except idna.IDNAError:
        return domain.lower()


def _wire(text: str, fault: Fault, enhanced: str) -> bytes:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or _UNWRITABLE.search(text):
        raise UnsendableError(
            f"{text!r} is no address that can be written in an envelope", fault, enhanced
        )
    try:
        ascii_domain = (
            domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        )
    except idna.IDNAError:
        raise UnsendableError(f"{domain!r} is no domain", fault, enhanced) from None
    written = f"{local}@{ascii_domain}".encode()
    if len(local.encode()) > _LOCAL_MAX or len(written) > _ADDRESS_MAX:
        raise UnsendableError(f"{text!r} is longer than an address may be", fault, enhanced)
    return written


def _xtext(data: bytes) -> bytes:
    """RFC 3461, 4: whatever is not printable ASCII, and "+" and "=", as +XX."""
    return _XTEXT.sub(lambda match: b"+%02X" % match[0][0], data)


def _original(recipient: bytes) -> bytes:
    """The value of ORCPT; beyond ASCII in the form of RFC 6533, which stands only
    beside SMTPUTF8."""
    if recipient.isascii():
        return b"rfc822;" + _xtext(recipient)
    return (
        b"utf-8;"
        + _UNITEXT.sub(lambda match: f"\\x{{{ord(match[0]):X}}}", recipient.decode()).encode()
    )
