"""Header values and rendered parts -> the bytes that go over the wire.

Written by hand: the standard library's generator is some nine times slower, and folds a long
List-Unsubscribe into an encoded word, which no mail client recognises. Tests parse every message
back with that same library. Adds no dot-stuffing (the delivery does).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

import idna

from digest.errors import AddressError, InputError
from digest.mail.messages import dkim
from digest.mail.messages.dkim import Signer
from digest.mail.messages.passages import Part
from digest.mail.messages.texts import cut, one_line

#: RFC 5322 2.1.1: no line may be longer, without its CRLF
LONGEST_LINE = 998
#: RFC 2047 2: an encoded word at most, and a line that holds one
_WORD, _WORD_LINE = 75, 76
_WORD_FRAME = len("=?utf-8?q??=")
#: RFC 2047 5 (3): what needs no quoting even inside the name of a mailbox
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q_OF = tuple(
    "_" if byte == 32 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in range(256)
)
#: RFC 5321 4.5.3.1: a path may have 256 octets, angle brackets included
_LOCAL_LONGEST, _ADDRESS_LONGEST = 64, 254
_NAME_LONGEST = 100
_TEXT_LONGEST = 900
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
#: RFC 6531 3.3: any character beyond ASCII counts as a letter; those that cannot be seen are
#: refused beside
_ANY_ATOM = _ATOM.replace("A-Z", "\u00a1-\U0010ffffA-Z")
_ANY_DOT_ATOM = re.compile(rf"{_ANY_ATOM}(?:\.{_ANY_ATOM})*")
_PLAIN_NAME = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_ADDRESS_LITERAL = re.compile(r"\[[A-Za-z0-9:.]+\]")
_MESSAGE_ID = re.compile(r"[!-;=?A-~]{1,400}@[!-;=?A-~]{1,400}")
_VISIBLE = re.compile(r"[!-~]+(?: [!-~]+)*")


def ascii_domain(domain: str) -> str:
    """`domain` as it goes over the wire, with A-labels (RFC 5890) for other scripts.

    AddressError if it is none.
    """
    if _DOMAIN.fullmatch(domain) or _ADDRESS_LITERAL.fullmatch(domain):
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressError(f"{domain[:300]!r} is no domain: {error}") from None


def ascii_address(address: str) -> str:
    """`address` as the envelope and the headers carry it, without a name.

    AddressError for anything but one plain address, and for a local part outside ASCII: what is
    ours has to be writable everywhere.
    """
    return _written(address, _DOT_ATOM, "a local part in ASCII, an @ and a domain")


def readers_address(address: str) -> str:
    """As `ascii_address`, with a local part of any script, which stays in UTF-8 (RFC 6532): the
    delivery sees whether the server takes it.
    """
    if address.isascii():
        return ascii_address(address)
    return _written(address, _ANY_DOT_ATOM, "a local part without blanks, an @ and a domain")


def _written(address: str, local_part: re.Pattern[str], wanted: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at or not local_part.fullmatch(local) or not local.isprintable():
        raise AddressError(f"{address[:300]!r} is no address that mail can be sent to ({wanted})")
    plain = f"{local}@{ascii_domain(domain)}"
    if len(local.encode()) > _LOCAL_LONGEST or len(plain.encode()) > _ADDRESS_LONGEST:
        raise AddressError(
            f"{address[:300]!r} is too long: mail servers take {_LOCAL_LONGEST} characters before "
            f"the @, {_ADDRESS_LONGEST} in all"
        )
    return plain


def unstructured(name: str, text: str) -> str:
    """A header line of free text (Subject), cleaned; encoded by RFC 2047 only where it must be, and
    folded. No CRLF at its end.
    """
    text = cut(one_line(text), _TEXT_LONGEST)
    if text.isascii() and "=?" not in text:
        return _folded(name, text.split(" "))
    return f"{name}: {_encoded(text, len(name) + 2)}"


def mailbox(name: str, display: str, address: str) -> str:
    """A header line of one mailbox (From, To): a name, which may be empty, and an address.

    No CRLF at its end.
    """
    plain = readers_address(address)
    display = _phrase(display, len(name) + 2)
    return (
        f"{name}: {display}{_joint(name, display, plain)}<{plain}>"
        if display
        else f"{name}: {plain}"
    )


def list_id(name: str, label: str) -> str:
    """The List-Id line of RFC 2919; `label` is a name below a domain of ours.

    No CRLF at its end.
    """
    display = _phrase(name, len("List-Id: "))
    return (
        f"List-Id: {display}{_joint('List-Id', display, label)}<{label}>"
        if display
        else f"List-Id: <{label}>"
    )


def structured(name: str, value: str) -> str:
    """A header line whose value is taken as it stands, never encoded.

    InputError unless it is printable ASCII and fits one line.
    """
    line = f"{name}: {value}"
    if not _VISIBLE.fullmatch(value) or len(line) > LONGEST_LINE:
        raise InputError(
            f"{name} cannot hold {value[:200]!r}: printable ASCII of at most {LONGEST_LINE} "
            f"characters is needed"
        )
    return line


def listing(name: str, values: Sequence[str]) -> str:
    """A header line of several values, each as `structured` takes one; every further one stands on
    a line of its own.
    """
    return ",\r\n ".join(
        structured(name, value) if not number else structured(name, value)[len(name) + 2 :]
        for number, value in enumerate(values)
    )


def message_id_of(text: str) -> str:
    """`text` with its angle brackets.

    InputError unless it is one identifier `left@right` in ASCII.
    """
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    if not _MESSAGE_ID.fullmatch(bare):
        raise InputError(
            f"{text[:200]!r} is no Message-ID: left@right in printable ASCII is needed"
        )
    return f"<{bare}>"


def wire(
    headers: Sequence[str],
    *,
    message_id: str,
    date: datetime,
    text: Part,
    html: Part,
    signers: Sequence[Signer] = (),
) -> bytes:
    """The whole message: `headers` (lines without CRLF), Date, Message-ID and the MIME ones, then
    both parts, text first; signed.

    UTF-8, quoted-printable or base64, CRLF; body lines have at most 76 characters. Equal arguments
    give equal bytes.
    """
    identifier = message_id_of(message_id)
    # "=_" cannot occur in quoted-printable, so this line is in no part
    boundary = f"=_{sha256(identifier.encode()).hexdigest()[:32]}"
    head = "\r\n".join(
        (
            *headers,
            f"Date: {format_datetime(date)}",
            f"Message-ID: {identifier}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
        )
    ).encode()  # in ASCII, but for an address of a script of its own
    # no blank in the lines between the parts is one too many, so they are their own canonical form
    openings = [
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
        f"{part.encoding}\r\n\r\n".encode()
        for kind, part in (("plain", text), ("html", html))
    ]
    ending = f"\r\n--{boundary}--\r\n".encode()
    canonical = b"".join(
        (openings[0], text.canonical, b"\r\n", openings[1], html.canonical, ending)
    )
    signature = dkim.signatures(head, canonical, signers, at=date)
    return b"".join(
        (
            signature,
            head,
            b"\r\n\r\n",
            openings[0],
            text.encoded,
            b"\r\n",
            openings[1],
            html.encoded,
            ending,
        )
    )


def _folded(name: str, words: Sequence[str]) -> str:
    """Words joined by spaces, broken before a word that would pass column 76."""
    line, done = f"{name}:", ""
    for word in words:
        if len(line) + 1 + len(word) > _WORD_LINE and line.strip() != f"{name}:":
            done, line = f"{done}{line}\r\n", ""
        line += f" {word}"
    return done + line


def _phrase(display: str, used: int) -> str:
    """A name in front of an address, `used` columns in: bare, quoted or encoded, whichever is
    needed.
    """
    display = cut(one_line(display), _NAME_LONGEST)
    if not display.isascii() or "=?" in display:
        return _encoded(display, used)
    if not display or _PLAIN_NAME.fullmatch(display):
        return display
    return '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _joint(name: str, display: str, address: str) -> str:
    last = display.rpartition("\n")[2] if "\n" in display else f"{name}: {display}"
    return " " if len(last) + len(address) + 3 <= _WORD_LINE else "\r\n "


def _encoded(text: str, used: int) -> str:
    """`text` as encoded words of whole characters, one a line; `used` columns of the first line are
    taken.
    """
    raw = text.encode("utf-8")
    as_q = len(_q(raw)) <= (len(raw) + 2) // 3 * 4
    return "\r\n ".join(_words(text, used, as_q))


def _words(text: str, used: int, as_q: bool) -> Iterator[str]:
    room = min(_WORD, _WORD_LINE - used) - _WORD_FRAME
    chunk, size = bytearray(), 0
    for char in text:
        raw = char.encode("utf-8")
        added = (1 if raw[0] in _Q_SAFE or raw == b" " else 3 * len(raw)) if as_q else len(raw)
        if chunk and (size + added if as_q else (size + added + 2) // 3 * 4) > room:
            yield _word(chunk, as_q)
            chunk, size, room = bytearray(), 0, _WORD - _WORD_FRAME
        chunk += raw
        size += added
    yield _word(chunk, as_q)


def _word(chunk: bytes | bytearray, as_q: bool) -> str:
    return f"=?utf-8?q?{_q(chunk)}?=" if as_q else f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?="


def _q(raw: bytes | bytearray) -> str:
    return "".join([_Q_OF[byte] for byte in raw])
