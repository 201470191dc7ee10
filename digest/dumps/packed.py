"""Decompression of zstd and zip in steps of bounded size.

The members of a zip are only streamed, so no name in it reaches the disk. Damage raises
`UnpackError`, which `stream.Source` turns into a reason for the operator.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import zstandard

ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")

#: bytes that zstd gets at once; a block of 4 bytes may become 128 KiB, so a step is at most 32 MiB
_STEP: Final = 1024
#: bytes of memory that a zstd frame may need; `zstd --ultra --long=27` needs as much
_WINDOW: Final = 128 * 1024**2
#: plain bytes that any file may hold; a larger one may hold `_RATIO` of them per packed byte (JSON
#: of papers has about 20)
_FREE_SIZE: Final = 256 * 1024**2
_RATIO: Final = 500
#: bytes of a zip's central directory; 20,000 members take about 2 MB
_DIRECTORY_CAP: Final = 16 * 1024**2
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


class UnpackError(Exception):
    """The rest of the data cannot be unpacked; the message says why."""


class Unpacked(Protocol):
    """A file within an archive, or what is read like one: a sheet, the rows of Parquet."""

    @property
    def name(self) -> str: ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the plain bytes.

        Raises:
            UnpackError: After everything that could be read.
        """
        ...


def is_tar(head: bytes) -> bool:
    """Whether these bytes begin a tar archive."""
    return head[_TAR_SIGN] == b"ustar"


def decompress_zstd(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the plain bytes of zstd data with one or many frames.

    Raises:
        UnpackError: After everything that could be read.
    """
    packed_size = plain_size = 0
    frame: zstandard.ZstdDecompressionObj | None = None
    pending = b""
    for chunk in packed:
        pending += chunk
        while len(pending) >= 4 or (pending and frame is not None):
            if frame is None:
                if not pending.startswith((ZSTD, *_SKIPPABLE)):
                    raise UnpackError("something that is not zstd follows the zstd data")
                frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
            step, pending = pending[:_STEP], pending[_STEP:]
            try:
                plain = frame.decompress(step)
            except zstandard.ZstdError as error:
                raise UnpackError(
                    f"the zstd data is damaged or needs too much memory ({error})"
                ) from error
            packed_size, plain_size = packed_size + len(step), plain_size + len(plain)
            _check_ratio(plain_size, packed_size)
            if plain:
                yield plain
            if frame.eof:
                pending, frame = frame.unused_data + pending, None
    if frame is not None or pending:
        raise UnpackError("the zstd data ends early: the file is not whole")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file within an open zip."""

    archive: zipfile.ZipFile
    name: str

    def packed_size(self) -> int:
        """Return its bytes in the archive."""
        return self.archive.getinfo(self.name).compress_size

    def chunks(self) -> Iterator[bytes]:
        """Yield the plain bytes.

        Raises:
            UnpackError: After everything that could be read, and for nested archives and encrypted
                members.
        """
        try:
            info = self.archive.getinfo(self.name)
            if info.flag_bits & 1:
                raise UnpackError("it is encrypted")
            plain_size = 0
            with self.archive.open(info) as file:
                while plain := file.read(256 * 1024):
                    if not plain_size and (plain.startswith(_ARCHIVES) or is_tar(plain)):
                        raise UnpackError(
                            "it is an archive or packed file within the archive: unpack it first"
                        )
                    plain_size += len(plain)
                    _check_ratio(plain_size, info.compress_size)
                    yield plain
        except _ZIP_ERRORS as error:
            raise UnpackError(f"the zip data is damaged ({error})") from error


@contextmanager
def open_zip(path: Path) -> Iterator[list[Member]]:
    """Open a zip and give its members by name, without folders and system files.

    Raises:
        UnpackError: If its central directory cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 0xFFFF - 22))
            tail = file.read()
        position = tail.rfind(b"PK\x05\x06")
        if (
            position >= 0
            and int.from_bytes(tail[position + 12 : position + 16], "little") > _DIRECTORY_CAP
        ):
            raise UnpackError("the zip archive has too many members")
        archive = zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise UnpackError(f"the zip archive is damaged: {error}") from error
    with archive:
        # not by `is_dir`, which fails for a member without a name
        names = sorted({name for name in archive.namelist() if not name.endswith("/")})
        yield [
            Member(archive=archive, name=name)
            for name in names
            if not _is_system_file(PurePosixPath(name))
        ]


def limit_ratio(chunks: Iterator[bytes], packed_size: int) -> Iterator[bytes]:
    """Pass on plain bytes as long as they are plausibly packed in so many.

    Raises:
        UnpackError: If there are too many.
    """
    plain_size = 0
    for chunk in chunks:
        plain_size += len(chunk)
        _check_ratio(plain_size, packed_size)
        yield chunk


def _check_ratio(plain_size: int, packed_size: int) -> None:
    if plain_size > _FREE_SIZE and plain_size > _RATIO * packed_size:
        raise UnpackError(f"it unpacks to more than {_RATIO} times its size: that is no dump")


def _is_system_file(name: PurePosixPath) -> bool:
    return name.name.startswith(".") or name.parts[:1] == ("__MACOSX",)
