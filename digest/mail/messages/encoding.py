"""Encode text for a body part, so that mails can share what is encoded already.

Quoted-printable (RFC 2045, 6.7) and DKIM's canonical form start anew with every line, and a soft
line break, which no reader sees, may end a line anywhere. So a text that begins and ends with a
line of its own on the wire can be encoded without its neighbours.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from digest.errors import InputError
from digest.mail.messages.dkim import relax_lines

T = TypeVar("T", str, bytes)

#: four characters for three octets, and a line break after every 76
_BASE64_GROWTH = 4 / 3 * 78 / 76
_BASE64_LINE = 76
#: Separates texts that are encoded in one go. A control character is always quoted, and only here
#: at the end of a line.
_SEPARATOR = "\x1e"
_SEPARATOR_LINE, _QUOTED_SEPARATOR = _SEPARATOR + "\n", b"=1E\r\n"
_SOFT_BREAK = b"=\r\n"
#: a line that a quoted blank at its end makes too long
_LONG_LINE = re.compile(rb"^([^\r\n]{74,})(=(?:20|09))(?=\r\n)", re.MULTILINE)


class EncodedText(NamedTuple):
    """A text and its encoded form, which consists of whole lines."""

    text: str
    #: octets in UTF-8, each line break as CRLF
    octets: int
    #: in quoted-printable; a soft line break ends it where the text has no line break at its end
    quoted: bytes
    #: `quoted` in DKIM's relaxed form
    canonical: bytes


def encode(text: str) -> EncodedText:
    """Encode a text.

    Raises:
        InputError: it holds a carriage return; mail servers disagree on what such a line is.
    """
    raw = _with_crlf(text)
    if text.endswith("\n") or not text:
        quoted = _quote(raw)
    else:
        # A letter takes the place of the soft line break, so that a blank before it is not at the
        # end of a line.
        quoted = _quote(raw + b"x\r\n")[:-3] + _SOFT_BREAK
    return EncodedText(text, len(raw), quoted, relax_lines(quoted))


def _quote(raw: bytes) -> bytes:
    """Encode in quoted-printable, in lines of at most 76 characters."""
    quoted = b2a_qp(raw, istext=True)
    # Python quotes a blank at the end of a line without asking whether the line has room.
    if b"=20\r\n" in quoted or b"=09\r\n" in quoted:
        quoted = _LONG_LINE.sub(rb"\1=\r\n\2", quoted)
    return quoted


class EncodedTemplate:
    """A text with gaps, encoded between them: `len(pieces) - 1` gaps."""

    def __init__(self, pieces: Sequence[str]) -> None:
        encoded = [encode(text) for text in pieces]
        self.texts = [piece.text for piece in encoded]
        self.octets = sum(piece.octets for piece in encoded)
        # the value in a gap ends in the soft line break of the piece behind it
        breaks = (b"", *(_SOFT_BREAK for _ in encoded[1:]))
        self.quoted = [
            soft_break + piece.quoted for soft_break, piece in zip(breaks, encoded, strict=True)
        ]
        self.canonical = [
            soft_break + piece.canonical for soft_break, piece in zip(breaks, encoded, strict=True)
        ]
        #: true for nearly all HTML
        self.is_canonical = self.quoted == self.canonical
        if self.is_canonical:
            self.canonical = self.quoted  # once in memory


class FilledTemplate(NamedTuple):
    """A template and one mail's values for its gaps, with "" after the last."""

    template: EncodedTemplate
    values: Sequence[str]


def text_without_gaps(text: str) -> FilledTemplate:
    """Text without gaps."""
    return FilledTemplate(EncodedTemplate([text]), ("",))


def join(pieces: Sequence[FilledTemplate], escape: Callable[[str], str] = str) -> EncodedText:
    """Concatenate filled templates; `escape` is applied to all values at once.

    Raises:
        InputError: a value holds a carriage return.
    """
    if not pieces:
        return encode("")
    templates = [template for template, _ in pieces]
    values = [value for _, values in pieces for value in values]
    joined = _SEPARATOR_LINE.join(values)
    if joined.count(_SEPARATOR) >= len(values):
        joined = _SEPARATOR_LINE.join([value.replace(_SEPARATOR, " ") for value in values])
    joined = escape(joined)
    raw = _with_crlf(joined)
    # where a line has no room for the separator, its soft line break is the one that follows anyway
    encoded = _quote(raw).replace(_SOFT_BREAK + _QUOTED_SEPARATOR, _QUOTED_SEPARATOR)
    quoted = b"".join(
        _interleave([template.quoted for template in templates], encoded.split(_QUOTED_SEPARATOR))
    )
    canonical = quoted
    relaxed = relax_lines(encoded)
    if relaxed is not encoded or not all(template.is_canonical for template in templates):
        pieces_of = [template.canonical for template in templates]
        canonical = b"".join(_interleave(pieces_of, relaxed.split(_QUOTED_SEPARATOR)))
    separators = (len(values) - 1) * len(_SEPARATOR_LINE + "\r")
    texts = [template.texts for template in templates]
    return EncodedText(
        text="".join(_interleave(texts, joined.split(_SEPARATOR_LINE))),
        octets=sum(template.octets for template in templates) + len(raw) - separators,
        quoted=quoted,
        canonical=canonical,
    )


def _interleave(pieces: Iterable[Sequence[T]], values: Sequence[T]) -> Iterator[T]:
    """Piece, value, piece, value: as many of each."""
    return chain.from_iterable(zip(chain.from_iterable(pieces), values, strict=True))


def _with_crlf(text: str) -> bytes:
    if "\r" in text:
        raise InputError(
            "a carriage return stands in the text of a mail, whose lines end in line feeds alone"
        )
    return text.replace("\n", "\r\n").encode("utf-8")


class BodyPart:
    """A body part in the shorter encoding: quoted-printable or base64."""

    def __init__(self, body: EncodedText) -> None:
        self.text = body.text
        #: the name of the encoding
        self.encoding = "quoted-printable"
        #: whole lines, and the same in DKIM's canonical form
        self.encoded, self.canonical = body.quoted, body.canonical
        if len(body.quoted) > body.octets * _BASE64_GROWTH:
            self.encoding = "base64"
            self.encoded = self.canonical = _base64(body.text.replace("\n", "\r\n").encode("utf-8"))


def _base64(raw: bytes) -> bytes:
    encoded = b64encode(raw)
    return b"".join(
        [
            b"%b\r\n" % encoded[start : start + _BASE64_LINE]
            for start in range(0, len(encoded), _BASE64_LINE)
        ]
    )
