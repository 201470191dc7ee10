"""From a file to chunks and lines: unpacked, bounded, and never raising in the middle.

Whatever goes wrong on the way (a truncated gzip, a failing disk, a line that never ends) ends up in
`Source.incomplete` or as a `Rejected`; what came before is kept. Knows no format.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final

from digest.dumps.packed import ZSTD, Member, Unpackable, unzstd
from digest.model import Rejected

#: bytes that are read at once; also the most that one step of decompression gives
CHUNK: Final = 256 * 1024
#: a line or JSON item longer than this is put aside without being held in memory
ITEM_CAP: Final = 16 * 1024 * 1024
#: characters of an entry that are kept as its raw text
RAW_CAP: Final = 64 * 1024
#: bytes that a format may look at to recognise its files
HEAD: Final = 256 * 1024

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"

#: place in the file from 1, the bytes (None where there were too many to hold), whether their end
#: was reached
Row = tuple[int, bytes | None, bool]


def raw_text(data: bytes, encoding: str = "utf-8") -> str:
    """The text to keep of an entry as it stood in the file: what cannot be decoded becomes U+FFFD,
    at most `RAW_CAP` characters.
    """
    return data[: 4 * RAW_CAP].decode(encoding, "replace")[:RAW_CAP]


def encoding_of(entry: bytes) -> str | None:
    """How an entry or line is encoded where the file does not say so: "utf-8", else "cp1252".

    None where parts of it are UTF-8 and others are not, which is damage, or where it is not
    Windows-1252 either (of which Latin-1 is a part). Each entry is judged by itself: files are put
    together from several.
    """
    try:
        entry.decode("utf-8")
    except UnicodeError:
        try:
            entry.decode("cp1252")
        except UnicodeError:
            return None
        return "cp1252" if entry.decode("utf-8", "ignore").isascii() else None
    return "utf-8"


def decoded(entry: bytes) -> str | None:
    """The text of an entry or line of a file that does not say how it is encoded; None where it is
    damaged.
    """
    encoding = encoding_of(entry)
    return None if encoding is None else entry.decode(encoding)


class Source:
    """What a format reads from: one pass over a file's unpacked bytes, with the facts about the
    file that its text does not tell.

    `name` is the file's name, `today` the day after which nothing can have happened. A reader calls
    `cut` where the file ends too early and `ignore` for a column that it has no use for; both are
    shown to the operator. `member` is the one of a zip's files that is read.
    """

    def __init__(self, path: Path, *, name: str, today: date, member: Member | None = None) -> None:
        self.path = path
        self.name = name
        self.member = member
        self.today = today
        self.incomplete: str | None = None
        #: column or key without use -> number of records that had it
        self.ignored: Counter[str] = Counter()
        #: bytes taken from the file so far, packed as it is
        self.bytes_read = 0

    def cut(self, reason: str) -> None:
        """Note that the file ends before it should; the first reason stands."""
        if self.incomplete is None:
            self.incomplete = (
                reason if self.member is None else f"{self.member.name[:200]}: {reason}"
            )

    def ignore(self, column: str) -> None:
        """Count a column without use. Beyond 100 different names no new ones are kept."""
        if column in self.ignored or len(self.ignored) < 100:
            self.ignored[column] += 1

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes, unpacked where it is gzip, zstd or a member of a zip, without a byte
        order mark, in pieces of bounded size.
        """
        plain = self._guarded(self.member.chunks()) if self.member is not None else self._unpacked()
        start = b""
        for piece in plain:
            start += piece
            if len(start) >= len(_BOM):
                break
        start = start.removeprefix(_BOM)
        if start:
            yield start
        yield from plain

    def lines(self) -> Iterator[Row]:
        """Number from 1, the bytes without line end, whether a line end followed.

        A line beyond `ITEM_CAP` is given as None.
        """
        number = 1
        held: list[bytes] = []
        size = 0
        for chunk in self.chunks():
            *whole, rest = chunk.split(b"\n")
            for piece in whole:
                if held:
                    yield (
                        number,
                        None if size + len(piece) > ITEM_CAP else _bare(b"".join((*held, piece))),
                        True,
                    )
                    held, size = [], 0
                else:
                    yield number, _bare(piece), True
                number += 1
            if rest:
                size += len(rest)
                # Beyond the cap only the fact that the line goes on is held.
                held = [*held, rest] if size <= ITEM_CAP else [b""]
        if held:
            yield number, None if size > ITEM_CAP else _bare(b"".join(held)), False

    def head(self) -> bytes:
        """The first `HEAD` unpacked bytes, without moving this source."""
        other = Source(self.path, name=self.name, today=self.today, member=self.member)
        got = bytearray()
        chunks = other.chunks()
        for chunk in chunks:
            got += chunk
            if len(got) >= HEAD:
                break
        chunks.close()  # type: ignore[attr-defined]
        if not got and other.incomplete:
            self.incomplete = self.incomplete or other.incomplete
        return bytes(got[:HEAD])

    def _unpacked(self) -> Iterator[bytes]:
        packed = self._packed()
        first = b""
        for piece in packed:
            first += piece
            if len(first) >= len(ZSTD):
                break
        pieces = chain((first,), packed) if first else iter(())
        if first.startswith(_GZIP):
            return self._gunzipped(pieces)
        return self._guarded(unzstd(pieces)) if first.startswith(ZSTD) else pieces

    def _guarded(self, plain: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from plain
        except Unpackable as error:
            self.cut(str(error))

    def _packed(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while piece := file.read(CHUNK):
                    self.bytes_read += len(piece)
                    yield piece
        except OSError as error:
            self.cut(f"reading stopped after {self.bytes_read:,} bytes: {error.strerror or error}")

    def _gunzipped(self, packed: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        before = member.copy()
        left = b""
        try:
            for piece in packed:
                left += piece
                while left:
                    if member.eof:
                        # Zero bytes after a member are padding; whatever else is no gzip is not the
                        # dump's.
                        left = left.lstrip(b"\0")
                        if not left:
                            break
                        if not left.startswith(_GZIP[: len(left)]):
                            self.cut("something that is not gzip follows the gzip data")
                            return
                        if len(left) < len(_GZIP):
                            break
                        member = zlib.decompressobj(wbits=31)
                    before = member.copy()
                    if plain := member.decompress(left, CHUNK):
                        yield plain
                    left = member.unused_data if member.eof else member.unconsumed_tail
        except zlib.error as error:
            self.cut(
                f"the gzip data is damaged near byte {self.bytes_read:,} of the file ({error})"
            )
            yield from _up_to_damage(before, left)
            return
        if plain := member.flush():
            yield plain
        if not member.eof:
            self.cut("the gzip data ends early: the file is not whole")


def _up_to_damage(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What the last good state of a gzip member still gives: the step that failed took good data
    with it, so ever smaller ones follow.
    """
    step = CHUNK // 2
    while step:
        before = member.copy()
        try:
            plain = member.decompress(packed, step)
        except zlib.error:
            member, step = before, step // 2
            continue
        if not plain:
            return
        yield plain
        packed = member.unconsumed_tail


def _bare(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\r") else line


def too_long(number: int) -> Rejected:
    """For an entry that was not even held."""
    return Rejected(line=number, raw="", reason=f"longer than {ITEM_CAP // 1024**2} MiB")
