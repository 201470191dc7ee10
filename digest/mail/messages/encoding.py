"""Encode text for a body part, so that mails can share what is encoded already.

Quoted-printable (RFC 2045, 6.7) starts anew with every line, and a soft line break, which no reader
sees, may end a line anywhere. So a text that begins and ends with a line of its own on the wire is
encoded without its neighbours, and a body part is such pieces side by side.

What is written here needs no second look on its way: it is in DKIM's relaxed form already (RFC
6376, 3.4.4), as blanks that this would take away are quoted, and no line begins with a dot, which
SMTP would double.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_qp, b2a_qp
from collections.abc import Sequence

from digest.errors import InputError

#: four characters for three octets, and a line break after every 76
_BASE64_GROWTH = 4 / 3 * 78 / 76
_BASE64_LINE = 76
_SOFT_BREAK = b"=\r\n"
#: Control characters, which are always quoted, take the places of blanks that have to be.
_BLANK, _TAB = "\x1e", "\x1f"


def encode(text: str) -> bytes:
    """Encode a text in quoted-printable, in whole lines of at most 76 characters.

    A soft line break ends it where the text has no line break at its end.

    Raises:
        InputError: it holds a carriage return; mail servers disagree on what such a line is.
    """
    if not text:
        return b""
    if "\r" in text:
        raise InputError(
            "a carriage return stands in the text of a mail, whose lines end in line feeds alone"
        )
    has_line_end = text[-1] == "\n"
    # A letter takes the place of the soft line break, so that there is room for it.
    raw = text if has_line_end else f"{text}x\n"
    is_relaxed = "  " not in raw and " \n" not in raw and "\t" not in raw
    if not is_relaxed:
        raw = raw.replace("\t", _TAB).replace(" \n", f"{_BLANK}\n").replace("  ", f" {_BLANK}")
    quoted = b2a_qp(raw.replace("\n", "\r\n").encode("utf-8"), istext=True)
    if not is_relaxed:
        quoted = quoted.replace(b"=1E", b"=20").replace(b"=1F", b"=09")
    if not has_line_end:
        quoted = quoted[:-3] + _SOFT_BREAK
    return _quote_dots(quoted)


def _quote_dots(quoted: bytes) -> bytes:
    """Quote dots at the beginning of lines, each on a line of its own, as others may be full."""
    if quoted.startswith(b"."):
        quoted = b"=2E=\r\n" + _quote_dots(quoted[1:])
    while b"\n." in quoted:
        quoted = quoted.replace(b"\n.", b"\n=2E=\r\n")
    return quoted


def is_dense(quoted: bytes) -> bool:
    """Tell whether base64 would be shorter."""
    # each "=" adds three characters at most
    if len(quoted) <= (len(quoted) - 3 * quoted.count(b"=")) * _BASE64_GROWTH:
        return False
    return len(quoted) > len(a2b_qp(quoted)) * _BASE64_GROWTH


class BodyPart:
    """A body part in the shorter encoding: quoted-printable or base64.

    Args:
        pieces: as `encode` returns them; the last one ends with a line of the text.
        may_be_dense: whether base64 comes into question.
    """

    def __init__(self, pieces: Sequence[bytes], *, may_be_dense: bool = True) -> None:
        #: the name of the encoding
        self.encoding = "quoted-printable"
        #: whole lines
        self.encoded = b"".join(pieces)
        if may_be_dense and is_dense(self.encoded):
            self.encoding = "base64"
            self.encoded = _base64(a2b_qp(self.encoded))


def decode(pieces: Sequence[bytes]) -> str:
    """Return the text of encoded pieces."""
    return a2b_qp(b"".join(pieces)).decode("utf-8").replace("\r\n", "\n")


def _base64(raw: bytes) -> bytes:
    encoded = b64encode(raw)
    return b"".join(
        [
            b"%b\r\n" % encoded[start : start + _BASE64_LINE]
            for start in range(0, len(encoded), _BASE64_LINE)
        ]
    )
