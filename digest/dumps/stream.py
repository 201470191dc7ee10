"""Streaming of a dump file: unpacked chunks and lines of bounded size.

Reading never raises. Whatever goes wrong (a truncated gzip, a failing disk, a line that never ends)
ends up in `Source.incomplete` or as a `Rejected`, and everything before it is kept.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final

from digest import encodings
from digest.dumps.packed import ZSTD, Unpacked, UnpackError, decompress_zstd
from digest.model import Rejected

#: bytes read at once, and the most that one step of decompression returns
CHUNK: Final = 256 * 1024
#: bytes; a longer line or JSON item is rejected without being held in memory
ITEM_CAP: Final = 16 * 1024 * 1024
#: characters kept as the raw text of an entry
RAW_CAP: Final = 64 * 1024
#: bytes that a format may look at to recognise its files
HEAD: Final = 256 * 1024

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
#: codec -> its name for people, if that is not the codec's own
_ENCODING_NAMES: Final = {
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
}

#: (number in the file from 1, bytes or None if there were too many, whether their end was reached)
Row = tuple[int, bytes | None, bool]


def raw_text(data: bytes, encoding: str = "utf-8") -> str:
    """Decode the raw text of an entry that is kept, at most `RAW_CAP` characters.

    Bytes that cannot be decoded become U+FFFD.
    """
    return data[: 4 * RAW_CAP].decode(encoding, "replace")[:RAW_CAP]


def detect_encoding(entry: bytes) -> str | None:
    """Detect the encoding of an entry or line: "utf-8", else "cp1252", else None.

    None means damage: some parts are UTF-8 and others are not, or the bytes are not Windows-1252
    either (which includes Latin-1). Each entry is judged by itself, since files are put together
    from several sources.
    """
    decoded = encodings.decode_as(entry, encodings.UTF8)
    return None if decoded is None else decoded[1]


class Source:
    """One pass over the unpacked bytes of a file.

    It also knows facts that the file's text does not hold.

    `name` is the file's name. `today` is the day after which nothing can have happened. `member` is
    the file within a zip, if one is read. A parser calls `mark_incomplete` where the file ends too
    early, and `count_ignored` for a column that it does not use. Both are shown to the operator.
    """

    def __init__(
        self, path: Path, *, name: str, today: date, member: Unpacked | None = None
    ) -> None:
        self.path = path
        self.name = name
        self.member = member
        self.today = today
        self.incomplete: str | None = None
        #: unused column or key -> number of records that had it
        self.ignored: Counter[str] = Counter()
        #: codec of the whole file, if it is not UTF-8
        self.encoding = encodings.UTF8
        #: (codec, declared codec) -> entries that were read in another encoding than declared
        self.recoded: Counter[tuple[str, str]] = Counter()
        #: bytes of the packed file read so far
        self.bytes_read = 0

    def mark_incomplete(self, reason: str) -> None:
        """Record why the file is not whole; the first reason is kept."""
        if self.incomplete is None:
            self.incomplete = (
                reason if self.member is None else f"{self.member.name[:200]}: {reason}"
            )

    def count_ignored(self, column: str) -> None:
        """Count an unused column; after 100 different names no new ones are kept."""
        if column in self.ignored or len(self.ignored) < 100:
            self.ignored[column] += 1

    @property
    def notes(self) -> list[str]:
        """What was assumed about encodings."""
        notes = [] if self.encoding == encodings.UTF8 else [f"read as {_name(self.encoding)}"]
        for (codec, declared), count in self.recoded.items():
            entries = "1 entry is" if count == 1 else f"{count:,} entries are"
            notes.append(f"{entries} not {_name(declared)}: read as {_name(codec)}")
        return notes

    def decode(self, entry: bytes, declared: str = encodings.UTF8) -> str | None:
        """Decode an entry or line without its NUL bytes; None if it is damaged.

        It is in the declared encoding, else UTF-8, else Windows-1252 (which includes Latin-1). Each
        entry is judged by itself, since files are put together from several sources.
        """
        text = self._decode(entry, declared)[0]
        return text.replace("\0", "") if text is not None and "\0" in text else text

    def to_utf8(self, entry: bytes, declared: str = encodings.UTF8) -> bytes | None:
        """Convert an entry to UTF-8 as `decode` reads it, with its NUL bytes."""
        if entry.isascii():
            return entry
        text, codec = self._decode(entry, declared)
        if text is None:
            return None
        return entry if codec == encodings.UTF8 else text.encode()

    def _decode(self, entry: bytes, declared: str) -> tuple[str | None, str]:
        if (decoded := encodings.decode_as(entry, declared)) is None:
            return None, declared
        if decoded[1] != declared and not entry.isascii():
            self.recoded[decoded[1], declared] += 1
        return decoded

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's text in bounded pieces: unpacked, UTF-8, without byte order mark.

        UTF-16, UTF-32 and what the comments of a BibTeX file declare are converted. XML of another
        encoding is not, since each of several documents declares its own. Single entries may be in
        another encoding as well: `decode` decodes them.
        """
        plain = (
            self._unpack() if self.member is None else self._stop_at_damage(self.member.chunks())
        )
        start = b""
        for piece in plain:
            start += piece
            if len(start) >= min(encodings.SAMPLE, CHUNK):
                break
        if (wide := encodings.detect_wide(start)) is not None:
            self.encoding, mark = wide
            yield from encodings.recode_wide(chain((start[mark:],), plain), self.encoding)
            return
        start = start.removeprefix(_BOM)
        if start.startswith(b"%") and (codec := encodings.find_declared(start)) != encodings.UTF8:
            self.encoding = codec
            yield from encodings.recode_declared(chain((start,), plain), codec)
            return
        if start:
            yield start
        yield from plain

    def lines(self) -> Iterator[Row]:
        """Yield each line: number from 1, bytes without line end, whether one followed.

        The bytes of a line beyond `ITEM_CAP` are None.
        """
        number = 1
        parts: list[bytes] = []
        size = 0
        for chunk in self.chunks():
            *complete_lines, rest = chunk.split(b"\n")
            for piece in complete_lines:
                if parts:
                    yield (
                        number,
                        None
                        if size + len(piece) > ITEM_CAP
                        else _strip_carriage_return(b"".join((*parts, piece))),
                        True,
                    )
                    parts, size = [], 0
                else:
                    yield number, _strip_carriage_return(piece), True
                number += 1
            if rest:
                size += len(rest)
                # Beyond the cap, only remember that the line goes on.
                parts = [*parts, rest] if size <= ITEM_CAP else [b""]
        if parts:
            yield (
                number,
                None if size > ITEM_CAP else _strip_carriage_return(b"".join(parts)),
                False,
            )

    def head(self) -> bytes:
        """Return the first `HEAD` unpacked bytes without moving this source."""
        probe = Source(self.path, name=self.name, today=self.today, member=self.member)
        start = bytearray()
        chunks = probe.chunks()
        for chunk in chunks:
            start += chunk
            if len(start) >= HEAD:
                break
        chunks.close()  # type: ignore[attr-defined]
        if not start and probe.incomplete:
            self.incomplete = self.incomplete or probe.incomplete
        return bytes(start[:HEAD])

    def _unpack(self) -> Iterator[bytes]:
        packed = self._read_packed()
        first = b""
        for piece in packed:
            first += piece
            if len(first) >= len(ZSTD):
                break
        pieces = chain((first,), packed) if first else iter(())
        if first.startswith(_GZIP):
            return self._gunzip(pieces)
        return self._stop_at_damage(decompress_zstd(pieces)) if first.startswith(ZSTD) else pieces

    def _stop_at_damage(self, plain: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from plain
        except UnpackError as error:
            self.mark_incomplete(str(error))

    def _read_packed(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while piece := file.read(CHUNK):
                    self.bytes_read += len(piece)
                    yield piece
        except OSError as error:
            self.mark_incomplete(
                f"reading stopped after {self.bytes_read:,} bytes: {error.strerror or error}"
            )

    def _gunzip(self, packed: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        checkpoint = member.copy()
        pending = b""
        try:
            for piece in packed:
                pending += piece
                while pending:
                    if member.eof:
                        # Zero bytes after a member are padding. Anything else that is not gzip does
                        # not belong to the dump.
                        pending = pending.lstrip(b"\0")
                        if not pending:
                            break
                        if not pending.startswith(_GZIP[: len(pending)]):
                            self.mark_incomplete("something that is not gzip follows the gzip data")
                            return
                        if len(pending) < len(_GZIP):
                            break
                        member = zlib.decompressobj(wbits=31)
                    checkpoint = member.copy()
                    if plain := member.decompress(pending, CHUNK):
                        yield plain
                    pending = member.unused_data if member.eof else member.unconsumed_tail
        except zlib.error as error:
            self.mark_incomplete(
                f"the gzip data is damaged near byte {self.bytes_read:,} of the file ({error})"
            )
            yield from _decompress_until_damage(checkpoint, pending)
            return
        if plain := member.flush():
            yield plain
        if not member.eof:
            self.mark_incomplete("the gzip data ends early: the file is not whole")


def _decompress_until_damage(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Decompress what the last good state of a gzip member still returns.

    The failed step took good data with it, so the steps become smaller and smaller.
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


def _strip_carriage_return(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\r") else line


def _name(codec: str) -> str:
    return _ENCODING_NAMES.get(codec, codec)


def reject_too_long(number: int) -> Rejected:
    """Reject an entry that was too long to be held."""
    return Rejected(line=number, raw="", reason=f"longer than {ITEM_CAP // 1024**2} MiB")
