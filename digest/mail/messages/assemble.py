"""Assemble header values and rendered parts into the bytes of a message.

Our own code, because the standard library's generator is about nine times slower, and folds a long
List-Unsubscribe into an encoded word, which no mail program recognises. If it did neither, it would
replace this. Tests parse every message with that library. Dot-stuffing is left to the mailer.
"""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple

import idna

from digest.errors import AddressError, InputError
from digest.mail.messages import dkim
from digest.mail.messages.dkim import Signer
from digest.mail.messages.encoding import BodyPart
from digest.mail.messages.texts import cut, one_line

#: characters of a line without its CRLF (RFC 5322, 2.1.1)
MAX_LINE = 998
#: characters of an encoded word, and of a line that holds one (RFC 2047, 2)
_WORD, _WORD_LINE = 75, 76
_WORD_FRAME = len("=?utf-8?q??=")
#: bytes that need no quoting, even in the name of a mailbox (RFC 2047, 5 (3))
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q_OF = tuple(
    "_" if byte == 32 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in range(256)
)
#: octets; a path may have 256, angle brackets included (RFC 5321, 4.5.3.1)
_MAX_LOCAL, _MAX_ADDRESS = 64, 254
_MAX_NAME = 100
_MAX_TEXT = 900
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
#: any character beyond ASCII is a letter (RFC 6531, 3.3); `_normalize` refuses invisible ones
_ANY_ATOM = _ATOM.replace("A-Z", "\u00a1-\U0010ffffA-Z")
_ANY_DOT_ATOM = re.compile(rf"{_ANY_ATOM}(?:\.{_ANY_ATOM})*")
_PLAIN_NAME = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_ADDRESS_LITERAL = re.compile(r"\[[A-Za-z0-9:.]+\]")
_MESSAGE_ID = re.compile(r"[!-;=?A-~]{1,400}@[!-;=?A-~]{1,400}")
_VISIBLE = re.compile(r"[!-~]+(?: [!-~]+)*")


@lru_cache(maxsize=256)
def ascii_domain(domain: str) -> str:
    """`domain` as it is sent, with A-labels (RFC 5890) for other scripts.

    Raises:
        AddressError: it is no domain.
    """
    if _DOMAIN.fullmatch(domain) or _ADDRESS_LITERAL.fullmatch(domain):
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressError(f"{domain[:300]!r} is no domain: {error}") from None


@lru_cache(maxsize=256)
def ascii_address(address: str) -> str:
    """`address` as the envelope and the headers carry it, without a name.

    Raises:
        AddressError: it is not one plain address, or its local part is not ASCII; an address of
            ours must work everywhere.
    """
    return _normalize(address, _DOT_ATOM, "a local part in ASCII, an @ and a domain")


@lru_cache(maxsize=256)
def reader_address(address: str) -> str:
    """Like `ascii_address`, with a local part in any script.

    It stays in UTF-8 (RFC 6532). The mailer finds out whether the server accepts it.
    """
    if address.isascii():
        return ascii_address(address)
    return _normalize(address, _ANY_DOT_ATOM, "a local part without blanks, an @ and a domain")


def _normalize(address: str, local_part: re.Pattern[str], expected: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at or not local_part.fullmatch(local) or not local.isprintable():
        raise AddressError(f"{address[:300]!r} is no address that mail can be sent to ({expected})")
    plain = f"{local}@{ascii_domain(domain)}"
    if len(local.encode()) > _MAX_LOCAL or len(plain.encode()) > _MAX_ADDRESS:
        raise AddressError(
            f"{address[:300]!r} is too long: mail servers take {_MAX_LOCAL} characters before "
            f"the @, {_MAX_ADDRESS} in all"
        )
    return plain


@lru_cache(maxsize=1024)
def text_header(name: str, text: str) -> str:
    """A header of free text (Subject), encoded by RFC 2047 if needed, folded.

    This header and all others here come without the final CRLF.
    """
    text = cut(one_line(text), _MAX_TEXT)
    if text.isascii() and "=?" not in text:
        return _fold_words(name, text.split(" "))
    return f"{name}: {_encode_words(text, len(name) + 2)}"


def mailbox_header(name: str, display: str, address: str) -> str:
    """A header of one mailbox (From, To): a name, which may be empty, and an address."""
    plain = reader_address(address)
    display = _phrase(display, len(name) + 2)
    return (
        f"{name}: {display}{_separator(name, display, plain)}<{plain}>"
        if display
        else f"{name}: {plain}"
    )


def list_id_header(name: str, label: str) -> str:
    """The List-Id header (RFC 2919); `label` is a name below a domain of ours."""
    display = _phrase(name, len("List-Id: "))
    return (
        f"List-Id: {display}{_separator('List-Id', display, label)}<{label}>"
        if display
        else f"List-Id: <{label}>"
    )


def exact_header(name: str, value: str) -> str:
    """A header whose value is written as it is, never encoded.

    Raises:
        InputError: it is not printable ASCII, or does not fit a line.
    """
    line = f"{name}: {value}"
    if not _VISIBLE.fullmatch(value) or len(line) > MAX_LINE:
        raise InputError(
            f"{name} cannot hold {value[:200]!r}: printable ASCII of at most {MAX_LINE} "
            f"characters is needed"
        )
    return line


def list_header(name: str, values: Sequence[str]) -> str:
    """A header of several values as for `exact_header`, each on its own line."""
    lines = [exact_header(name, value) for value in values]
    return ",\r\n ".join([lines[0], *(line[len(name) + 2 :] for line in lines[1:])])


def format_message_id(text: str) -> str:
    """`text` in angle brackets.

    Raises:
        InputError: it is not one identifier `left@right` in ASCII.
    """
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    if not _MESSAGE_ID.fullmatch(bare):
        raise InputError(
            f"{text[:200]!r} is no Message-ID: left@right in printable ASCII is needed"
        )
    return f"<{bare}>"


class Unsigned(NamedTuple):
    """A message before it is signed."""

    head: bytes
    #: in DKIM's canonical form
    body: bytes

    @property
    def data(self) -> bytes:
        return b"%b\r\n\r\n%b" % self

    def sign(self, signers: Sequence[Signer], at: datetime) -> bytes:
        """The headers that go in front."""
        return dkim.sign_message(self.head, self.body, signers, at=at)


def assemble_message(
    headers: Sequence[str],
    *,
    message_id: str,
    date: datetime,
    text: BodyPart,
    html: BodyPart,
) -> Unsigned:
    """The message: all headers, then the text and the HTML part.

    In UTF-8, with CRLF; body lines have at most 76 characters. Equal arguments give equal bytes.
    """
    identifier = format_message_id(message_id)
    # "=_" cannot occur in quoted-printable, so the boundary is in no part
    boundary = f"=_{sha256(identifier.encode()).hexdigest()[:32]}"
    head = "\r\n".join(
        (
            *headers,
            f"Date: {_format_date(date.replace(microsecond=0))}",
            f"Message-ID: {identifier}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
        )
    ).encode()  # ASCII, except for addresses in other scripts
    openings = [
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
        f"{part.encoding}\r\n\r\n".encode()
        for kind, part in (("plain", text), ("html", html))
    ]
    ending = f"\r\n--{boundary}--\r\n".encode()
    body = b"".join((openings[0], text.encoded, b"\r\n", openings[1], html.encoded, ending))
    return Unsigned(head, body)


@lru_cache(maxsize=8)
def _format_date(second: datetime) -> str:
    return format_datetime(second)


def _fold_words(name: str, words: Sequence[str]) -> str:
    """A header line folded before each word that would pass column 76."""
    line, done = f"{name}:", ""
    for word in words:
        if len(line) + 1 + len(word) > _WORD_LINE and line.strip() != f"{name}:":
            done, line = f"{done}{line}\r\n", ""
        line += f" {word}"
    return done + line


def _phrase(display: str, used: int) -> str:
    """A name in front of an address, bare, quoted or encoded.

    `used` columns of the line are taken.
    """
    display = cut(one_line(display), _MAX_NAME)
    if not display.isascii() or "=?" in display:
        return _encode_words(display, used)
    if not display or _PLAIN_NAME.fullmatch(display):
        return display
    return '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _separator(name: str, display: str, address: str) -> str:
    last = display.rpartition("\n")[2] if "\n" in display else f"{name}: {display}"
    return " " if len(last) + len(address) + 3 <= _WORD_LINE else "\r\n "


def _encode_words(text: str, used: int) -> str:
    """`text` as encoded words, one per line; `used` columns are taken."""
    units = list(map(_q_encode, text))
    octets = len(text.encode("utf-8"))
    if sum(map(len, units)) <= (octets + 2) // 3 * 4:
        ends = list(accumulate(map(len, units)))
        words = [f"=?utf-8?q?{''.join(units[part])}?=" for part in _split(ends, used, 1, 1)]
    else:
        ends = list(accumulate([len(char.encode("utf-8")) for char in text]))
        words = [
            f"=?utf-8?b?{b64encode(text[part].encode('utf-8')).decode('ascii')}?="
            for part in _split(ends, used, 4, 3)
        ]
    return "\r\n ".join(words)


def _split(ends: Sequence[int], used: int, letters: int, octets: int) -> Iterator[slice]:
    """Split a text into encoded words of whole characters, each with at least one.

    Args:
        ends: where each character ends.
        used: columns of the first line that are taken.
        letters, octets: so many letters encode so many octets.
    """
    room = min(_WORD, _WORD_LINE - used) - _WORD_FRAME
    start = 0
    while start < len(ends):
        begin = ends[start - 1] if start else 0
        stop = max(start + 1, bisect_right(ends, begin + room // letters * octets, start))
        yield slice(start, stop)
        start, room = stop, _WORD - _WORD_FRAME


@lru_cache(maxsize=1024)
def _q_encode(char: str) -> str:
    return "".join([_Q_OF[octet] for octet in char.encode("utf-8")])
