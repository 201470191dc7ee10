"""Bytes in any encoding -> UTF-8, as Windows and the web write them. Knows no format.

Nothing is guessed from the letters: a guess is often wrong for a short text. Only a byte order
mark, the zero bytes of UTF-16 and UTF-32, and names of encodings tell. A name is read as browsers
read it: "ISO-8859-1" means Windows-1252.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

UTF8: Final = "utf-8"
CP1252: Final = "cp1252"
#: bytes of a file by which its encoding is detected
SAMPLE: Final = 1024

_MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: encodings in which the bytes of ASCII's brackets, quotes and line feeds mean nothing else
_CODECS: Final = re.compile(
    r"ascii|iso8859-\d+|cp12\d\d|koi8-[rut]|mac-[a-z]+|tis-620|gb2312|gbk|gb18030|big5|big5hkscs|"
    r"euc_[a-z]+|cp437|cp85\d|cp866|cp874|cp932|cp949|shift_jis"
)
#: what browsers read under a narrower name: https://encoding.spec.whatwg.org/#names-and-labels
_WIDER: Final = {
    "ascii": CP1252,
    "iso8859-1": CP1252,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_MULTI_BYTE: Final = re.compile(r"gb|big5|euc_|cp9")
_XML_ENCODING: Final = re.compile(
    rb"\s*<?\?xml\s[^<>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']"
)
#: what JabRef and Emacs write into a comment
_COMMENT_ENCODING: Final = re.compile(
    rb"^%.{0,80}?\b(?:encoding|coding)[ \t]*[:=][ \t]*([A-Za-z0-9._-]{1,40})", re.I | re.M
)
_ASCII: Final = bytes(range(128))
#: a piece of text whose ends can be told in any encoding of `_CODECS`
_PIECE: Final = re.compile(rb"[^\n>\",]+")
_PIECE_ENDS: Final = (b"\n", b">", b'"', b",")
_PIECE_CAP: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024


@lru_cache(maxsize=256)
def find_codec(name: str) -> str:
    """Find the codec that browsers mean by the name of an encoding; "utf-8" if it is unknown."""
    bare = name.lower().removeprefix("x-")
    for spelling in (name, bare, bare.replace("-", "")):
        try:
            codec = codecs.lookup(spelling).name
        except (LookupError, ValueError):
            continue
        if _CODECS.fullmatch(codec):
            return _WIDER.get(codec, codec)
    return UTF8


def find_declared(start: bytes) -> str:
    """Find the codec that XML or the comments of BibTeX declare; "utf-8" if none."""
    match = _XML_ENCODING.match(start[:SAMPLE].removeprefix(codecs.BOM_UTF8))
    if match is None and start[:SAMPLE].lstrip().startswith(b"%"):
        match = _COMMENT_ENCODING.search(start[:SAMPLE])
    return find_codec(match[1].decode()) if match else UTF8


def detect_wide(start: bytes) -> tuple[str, int] | None:
    """Detect UTF-16 and UTF-32 by the first bytes of a file: (codec, length of its mark).

    Without a byte order mark, the file must begin with a visible ASCII character or white space,
    and its zero bytes must all be the upper ones. None for any other file.
    """
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return codec, len(mark)
    for width, name in ((4, "utf-32"), (2, "utf-16")):
        units = start[: min(len(start), SAMPLE) // width * width]
        zeros = [units[lane::width].count(0) for lane in range(width)]
        count = len(units) // width
        for order, lowest, upper in (("le", 0, zeros[1:]), ("be", width - 1, zeros[:-1])):
            first = units[lowest : lowest + 1]
            if (
                (first.isspace() or b" " <= first <= b"~")
                and not any(units[lane] for lane in range(width) if lane != lowest)
                and 20 * zeros[lowest] <= count <= 3 * min(upper)
            ):
                return f"{name}-{order}", 0
    return None


def decode_as(data: bytes, declared: str) -> tuple[str, str] | None:
    """Decode a text that is said to be in an encoding: (text, codec).

    What is said is often wrong, so UTF-8 is tried as well, and Windows-1252 where UTF-8 is said.
    None means damage: some parts are UTF-8 and others are not, or no encoding fits.
    """
    if declared != UTF8 and not _is_surely_utf8(data, declared):
        for codec in (declared, "latin-1") if declared == CP1252 else (declared,):
            try:
                return data.decode(codec), declared
            except UnicodeError:
                pass
    try:
        return data.decode(UTF8), UTF8
    except UnicodeError:
        if declared not in (UTF8, CP1252):
            return None
    try:
        text = data.decode(CP1252)
    except UnicodeError:
        return None
    return (text, CP1252) if data.decode(UTF8, "ignore").isascii() else None


def recode_wide(chunks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """Convert UTF-16 or UTF-32 to UTF-8; what cannot be decoded becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode()
    if text := decoder.decode(b"", final=True):
        yield text.encode()


def recode_declared(chunks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """Convert text of a declared encoding to UTF-8, piece by piece.

    A piece that is UTF-8 already, or is not of this encoding, stays as it is.
    """
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = max(rest.rfind(mark) for mark in _PIECE_ENDS) + 1
        if not end and len(rest) < _PIECE_CAP:
            continue
        end = end or len(rest)
        yield _recode_pieces(rest[:end], codec)
        rest = rest[end:]
    if rest:
        yield _recode_pieces(rest, codec)


def recode_file(path: Path, charset: str) -> int:
    """Convert a downloaded file to UTF-8 where the reader could not know its encoding.

    That is UTF-16 and UTF-32, and what only the header of the answer tells: a `charset` for a file
    that declares no encoding of its own and is not UTF-8.

    Returns:
        The size of the file.
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    if (wide := detect_wide(start)) is not None:
        codec, mark = wide
        return _rewrite(path, recode_wide(_read(path, mark), codec))
    codec = find_codec(charset)
    if codec != UTF8 and b"\0" not in start and find_declared(start) == UTF8 and not _is_utf8(path):
        return _rewrite(path, recode_declared(_read(path), codec))
    return path.stat().st_size


def _is_surely_utf8(data: bytes, declared: str) -> bool:
    """Whether a text is UTF-8 although another encoding is declared.

    UTF-8 would look like "Ã¼" in Windows-1252, which nobody writes. A few letters of Chinese or
    Polish are UTF-8 by chance, many are not.
    """
    by_chance = 16 if _MULTI_BYTE.match(declared) else 1 if declared == CP1252 else 3
    if len(data.translate(None, _ASCII)) <= by_chance:
        return False
    try:
        data.decode(UTF8)
    except UnicodeError:
        return False
    return True


def _recode_pieces(data: bytes, codec: str) -> bytes:
    return data if data.isascii() else _PIECE.sub(lambda piece: _recode(piece[0], codec), data)


def _recode(piece: bytes, codec: str) -> bytes:
    if piece.isascii() or (decoded := decode_as(piece, codec)) is None:
        return piece
    return decoded[0].encode()


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder(UTF8)()
    try:
        for chunk in _read(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _read(path: Path, offset: int = 0) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(_CHUNK):
            yield chunk


def _rewrite(path: Path, recoded: Iterable[bytes]) -> int:
    """Write a file anew; return its size."""
    copy = path.with_name(f"{path.name}.utf-8")
    with copy.open("wb") as file:
        file.writelines(recoded)
        file.flush()
        os.fsync(file.fileno())
    copy.replace(path)
    return path.stat().st_size
