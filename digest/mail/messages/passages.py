"""Text -> the octets of a mail's part: what many mails share is encoded once, what is a reader's
own in one go for a whole part.

Quoted-printable (RFC 2045, 6.7) and DKIM's canonical form begin anew with every line, and a line
may be broken anywhere by a soft line break, which no reader sees. So a piece of text that begins
and ends with a line of its own on the wire needs to know nothing of its neighbours.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from digest.errors import InputError
from digest.mail.messages.dkim import squeezed

T = TypeVar("T", str, bytes)

#: four characters for three octets, and a line break after every 76
_BASE64_GROWTH = 4 / 3 * 78 / 76
_BASE64_LINE = 76
#: Stands between texts that are encoded together. A control character is always quoted, and only
#: here at the end of a line.
_APART = "\x1e"
_APART_LINE, _APART_QUOTED = _APART + "\n", b"=1E\r\n"
_SOFT_BREAK = b"=\r\n"


class Passage(NamedTuple):
    """A piece of a part; on the wire it is whole lines."""

    text: str
    #: octets in UTF-8, each line break as CRLF
    octets: int
    #: in quoted-printable; where the text does not end with a line break, this does with a soft one
    quoted: bytes
    #: `quoted` as a signature sees it
    canonical: bytes


def passage(text: str) -> Passage:
    """A piece of text, encoded.

    InputError for a carriage return: mail servers disagree on what such a line is.
    """
    raw = _with_crlf(text)
    # where the text goes on, a letter keeps the place of the soft line break, and makes a blank
    # before it no blank at the end of a line
    whole = text.endswith("\n") or not text
    quoted = (
        b2a_qp(raw, istext=True)
        if whole
        else b2a_qp(raw + b"x\r\n", istext=True)[:-3] + _SOFT_BREAK
    )
    return Passage(text, len(raw), quoted, squeezed(quoted))


class Outline:
    """Text with holes, encoded but for them: `len(between) - 1` holes, each with a text before and
    one behind, which may be empty.
    """

    def __init__(self, between: Sequence[str]) -> None:
        passages = [passage(text) for text in between]
        self.texts = [one.text for one in passages]
        self.octets = sum(one.octets for one in passages)
        # what fills a hole ends in the soft line break of the text behind it
        breaks = (b"", *(_SOFT_BREAK for _ in passages[1:]))
        self.quoted = [before + one.quoted for before, one in zip(breaks, passages, strict=True)]
        self.canonical = [
            before + one.canonical for before, one in zip(breaks, passages, strict=True)
        ]
        #: nearly all HTML is its own canonical form
        self.squeezed = self.quoted == self.canonical


class Filled(NamedTuple):
    """An outline, and what stands in its holes in one mail: as many texts, and ""
    behind the last."""

    outline: Outline
    texts: Sequence[str]


def whole(text: str) -> Filled:
    """Text without holes."""
    return Filled(Outline([text]), ("",))


def joined(pieces: Sequence[Filled], fit: Callable[[str], str] = str) -> Passage:
    """One after the other, as one piece.

    `fit` escapes what fills holes, all of it at once. InputError for a carriage return in that.
    """
    if not pieces:
        return passage("")
    outlines = [outline for outline, _ in pieces]
    own = [text for _, texts in pieces for text in texts]
    together = _APART_LINE.join(own)
    if together.count(_APART) >= len(own):
        together = _APART_LINE.join([text.replace(_APART, " ") for text in own])
    together = fit(together)
    raw = _with_crlf(together)
    # where a line has no room for what stands apart, its soft line break is the one that follows
    # anyway
    encoded = b2a_qp(raw, istext=True).replace(_SOFT_BREAK + _APART_QUOTED, _APART_QUOTED)
    quoted = b"".join(
        _by_turns([outline.quoted for outline in outlines], encoded.split(_APART_QUOTED))
    )
    canonical = quoted
    if (relaxed := squeezed(encoded)) is not encoded or not all(
        outline.squeezed for outline in outlines
    ):
        canonical = b"".join(
            _by_turns([outline.canonical for outline in outlines], relaxed.split(_APART_QUOTED))
        )
    return Passage(
        text="".join(
            _by_turns([outline.texts for outline in outlines], together.split(_APART_LINE))
        ),
        octets=sum(outline.octets for outline in outlines)
        + len(raw)
        - (len(own) - 1) * len(_APART_LINE + "\r"),
        quoted=quoted,
        canonical=canonical,
    )


def _by_turns(shared: Iterable[Sequence[T]], own: Sequence[T]) -> Iterator[T]:
    """Shared, own, shared, own: as many of each."""
    return chain.from_iterable(zip(chain.from_iterable(shared), own, strict=True))


def _with_crlf(text: str) -> bytes:
    if "\r" in text:
        raise InputError(
            "a carriage return stands in the text of a mail, whose lines end in line feeds alone"
        )
    return text.replace("\n", "\r\n").encode("utf-8")


class Part:
    """A body part in its transfer encoding: quoted-printable, which people can read, or base64,
    which takes half as many octets for Chinese.
    """

    def __init__(self, whole: Passage) -> None:
        self.text = whole.text
        #: the name of the encoding
        self.encoding = "quoted-printable"
        #: whole lines, and those lines as a signature sees them
        self.encoded, self.canonical = whole.quoted, whole.canonical
        if len(whole.quoted) > whole.octets * _BASE64_GROWTH:
            self.encoding = "base64"
            self.encoded = self.canonical = _base64(
                whole.text.replace("\n", "\r\n").encode("utf-8")
            )


def _base64(raw: bytes) -> bytes:
    whole = b64encode(raw)
    return b"".join(
        [
            b"%b\r\n" % whole[start : start + _BASE64_LINE]
            for start in range(0, len(whole), _BASE64_LINE)
        ]
    )
