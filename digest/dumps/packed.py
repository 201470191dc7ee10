"""zstd and zip: packed bytes -> plain ones in bounded steps.

A zip's members are only ever streamed: no name of one reaches the disk.

What is wrong is told to the caller as a reason, never raised: `Unpackable` is caught by
`stream.Source`.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import zstandard

ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")

#: what zstd is fed at once: one block of four bytes may give 128 KiB, so this bounds a step to 32
#: MiB
_STEP: Final = 1024
#: memory that a zstd frame may ask for; `zstd --ultra --long=27` needs as much
_WINDOW: Final = 128 * 1024**2
#: plain bytes that any file may hold, and how many of them to a packed byte beyond that; JSON of
#: papers comes to 20
_ALWAYS: Final = 256 * 1024**2
_RATIO: Final = 500
#: bytes of a zip's table of members; 20,000 members take about 2 MB
_TABLE: Final = 16 * 1024**2
_SKIPPABLE: Final = tuple(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60))
_ARCHIVES: Final = (b"\x1f\x8b", ZSTD, *ZIP, b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_ZIP_ERRORS: Final = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    lzma.LZMAError,
)
_TAR_SIGN: Final = slice(257, 262)


class Unpackable(Exception):
    """The rest of the data cannot be unpacked; the message says why."""


def is_tar(head: bytes) -> bool:
    """Whether these bytes begin a tar archive."""
    return head[_TAR_SIGN] == b"ustar"


def unzstd(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Plain bytes of zstd data, of one frame or many.

    Raises Unpackable after what could be read.
    """
    taken = given = 0
    frame: zstandard.ZstdDecompressionObj | None = None
    left = b""
    for piece in packed:
        left += piece
        while len(left) >= 4 or (left and frame is not None):
            if frame is None:
                if not left.startswith((ZSTD, *_SKIPPABLE)):
                    raise Unpackable("something that is not zstd follows the zstd data")
                frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
            step, left = left[:_STEP], left[_STEP:]
            try:
                plain = frame.decompress(step)
            except zstandard.ZstdError as error:
                raise Unpackable(
                    f"the zstd data is damaged or needs too much memory ({error})"
                ) from error
            taken, given = taken + len(step), given + len(plain)
            _check(given, taken)
            if plain:
                yield plain
            if frame.eof:
                left, frame = frame.unused_data + left, None
    if frame is not None or left:
        raise Unpackable("the zstd data ends early: the file is not whole")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file within an open zip."""

    archive: zipfile.ZipFile
    name: str

    def chunks(self) -> Iterator[bytes]:
        """Its plain bytes.

        Raises Unpackable after what could be read; nested archives and encrypted members are
        refused.
        """
        try:
            info = self.archive.getinfo(self.name)
            if info.flag_bits & 1:
                raise Unpackable("it is encrypted")
            given = 0
            with self.archive.open(info) as file:
                while plain := file.read(256 * 1024):
                    if not given and (plain.startswith(_ARCHIVES) or is_tar(plain)):
                        raise Unpackable(
                            "it is an archive or packed file within the archive: unpack it first"
                        )
                    given += len(plain)
                    _check(given, info.compress_size)
                    yield plain
        except _ZIP_ERRORS as error:
            raise Unpackable(f"the zip data is damaged ({error})") from error


@contextmanager
def opened_zip(path: Path) -> Iterator[list[Member]]:
    """A zip's members in order of their names, without folders and what systems add.

    Raises Unpackable where it has no readable table.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 0xFFFF - 22))
            tail = file.read()
        place = tail.rfind(b"PK\x05\x06")
        if place >= 0 and int.from_bytes(tail[place + 12 : place + 16], "little") > _TABLE:
            raise Unpackable("the zip archive has too many members")
        archive = zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise Unpackable(f"the zip archive is damaged: {error}") from error
    with archive:
        names = sorted({one.filename for one in archive.infolist() if not one.is_dir()})
        yield [
            Member(archive=archive, name=name)
            for name in names
            if not _is_aside(PurePosixPath(name))
        ]


def _check(given: int, taken: int) -> None:
    if given > _ALWAYS and given > _RATIO * taken:
        raise Unpackable(f"it unpacks to more than {_RATIO} times its size: that is no dump")


def _is_aside(name: PurePosixPath) -> bool:
    return name.name.startswith(".") or name.parts[:1] == ("__MACOSX",)
