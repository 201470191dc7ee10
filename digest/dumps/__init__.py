"""A dump file -> its records.

`open_dump` chooses the reader by the file's content; one module per format.

Records keep the source's text as it is (`papers.clean` comes next). Nothing here fetches, stores or
decides what is new.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from digest.dumps.fields import find_day_in_name
from digest.dumps.formats import Format, Head, find_formats, recognise_format
from digest.dumps.packed import ZIP, Member, UnpackError, is_tar, open_zip
from digest.dumps.stream import CHUNK, Source
from digest.errors import DumpError
from digest.model import Record, Rejected, Removal, Skipped

__all__ = ["FORMATS", "Dump", "open_dump"]

#: every format by its name, as found in `Dump.format` and `Entry.source`
FORMATS: Mapping[str, Format] = find_formats()

#: first bytes of files that are something else, and what to do about it
_NOT_A_DUMP = (
    (b"\x1f\x8b", "it is packed twice: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is packed twice: unpack it first"),
    (b"PK\x03\x04", "it is a packed zip archive: unpack it first"),
    (b"BZh", "it is packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "it is packed with xz: unpack it first"),
    (b"%PDF", "it is a PDF: digest reads lists of papers, not papers"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it first"),
    (b"Rar!", "it is a rar archive: unpack it first"),
    (b"SQLite format 3", "it is a database: digest reads files of papers"),
    (b"\xff\xfe", "it is UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16: save it as UTF-8"),
)


class Dump:
    """A file of paper records whose format is known.

    `records()` may be called again and then starts anew; `incomplete`, `ignored` and `bytes_read`
    tell of the latest pass.
    """

    def __init__(
        self,
        *,
        path: Path,
        name: str,
        format: str,
        size: int,
        today: date,
        incomplete: str | None = None,
        is_zip: bool = False,
    ) -> None:
        self.path = path
        #: the file's name, or what the caller calls it
        self.name = name
        #: a key of `FORMATS`, or "empty" for a file without any content
        self.format = format
        #: bytes of the file, packed as it is
        self.size = size
        #: the day in the file's name, if it has one
        self.day: date | None = find_day_in_name(name)
        self._today = today
        self._is_zip = is_zip
        self._source = Source(path, name=name, today=today)
        self._source.incomplete = incomplete

    @property
    def incomplete(self) -> str | None:
        """Why the file is not whole, as far as it was read; None while nothing is known to be
        missing.
        """
        return self._source.incomplete

    @property
    def ignored(self) -> Mapping[str, int]:
        """Columns without use and the number of records that had them."""
        return self._source.ignored

    @property
    def bytes_read(self) -> int:
        """How much of `size` has been read, for a progress bar."""
        return self._source.bytes_read

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of the file's bytes, packed as they are; read at first use.

        Raises DumpError where the file cannot be read.
        """
        made = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while piece := file.read(CHUNK):
                    made.update(piece)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return made.hexdigest()

    def begins_with(self, size: int, sha256: str) -> bool:
        """Whether the first `size` bytes are those of an earlier, shorter state of the file.

        Raises DumpError as `sha256` does.
        """
        made = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while size > 0 and (piece := file.read(min(size, CHUNK))):
                    made.update(piece)
                    size -= len(piece)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return size == 0 and made.hexdigest() == sha256

    def records(self) -> Iterator[Record | Removal | Skipped | Rejected]:
        """Every entry of the file in its order; never raises. Look at `incomplete` afterwards.

        The lines of a zip's members are counted on from one member to the next.
        """
        self._source = Source(self.path, name=self.name, today=self._today)
        if self._is_zip:
            try:
                with open_zip(self.path) as members:
                    yield from self._from_members(self._source, members)
            except UnpackError as error:
                self._source.mark_incomplete(str(error))
        elif self.format != "empty":
            yield from FORMATS[self.format].read(self._source)

    def _from_members(
        self, source: Source, members: list[Member]
    ) -> Iterator[Record | Removal | Skipped | Rejected]:
        last = 0
        for place, member in enumerate(members, start=1):
            source.member, source.name = member, member.name
            head = source.head()
            found = recognise_format(Head(head))
            if found is not None and found.name == self.format:
                before = last
                for one in found.read(source):
                    if isinstance(one, Rejected) and len(members) > 1:
                        one = replace(
                            one, reason=f"{member.name[:200]}, line {one.line:,}: {one.reason}"
                        )
                    last = before + one.line
                    yield replace(one, line=last) if before else one
            elif head.strip():
                last += 1
                what = (
                    f"of the format {found.name}, the others are {self.format}"
                    if found
                    else "of no known format"
                )
                yield Skipped(
                    line=last,
                    raw="",
                    reason=f"a file in the archive is {what}: {member.name[:200]}",
                )
            source.bytes_read = self.size * place // len(members)


def shown_name(name: str) -> str:
    """A file's name that can be stored and printed: systems allow bytes in it that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def open_dump(path: Path, *, today: date, name: str | None = None) -> Dump:
    """Recognise a file by its content, plain or packed with gzip, zstd or zip.

    A file with nothing in it is a Dump of format "empty".

    `name` stands for the file's own name (a temporary copy, standard input). Raises DumpError where
    the file cannot be read or is of no known format; its message names the file, what is wrong and
    what to do.
    """
    shown = shown_name(path.name) if name is None else name
    try:
        size = path.stat().st_size
        if not path.is_file():
            if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
                raise DumpError(f"{path}: the folder cannot be read. Check its permissions")
            raise DumpError(
                f"{path}: not a file. Give the files in it, one by one."
                if path.is_dir()
                else f"{path}: not a regular file."
            )
        with path.open("rb") as file:
            start = file.read(80)
    except (OSError, ValueError) as error:
        if isinstance(error, DumpError):
            raise
        raise _unreadable(path, error) from error
    if start.startswith(ZIP):
        return _open_zip(path, name=shown, size=size, today=today)
    source = Source(path, name=shown, today=today)
    data = source.head()
    if not data.strip():
        if source.incomplete and size:
            raise DumpError(
                f"{path}: nothing in it can be read: {source.incomplete}. Fetch the file again."
            )
        if not data.strip(b" \t\r\n\f\v"):
            return Dump(path=path, name=shown, format="empty", size=size, today=today)
    found = recognise_format(Head(data))
    if found is None:
        raise DumpError(_unknown(path, data))
    return Dump(path=path, name=shown, format=found.name, size=size, today=today)


def _open_zip(path: Path, *, name: str, size: int, today: date) -> Dump:
    """A zip is of the format of its first member that has one."""
    problem = ""
    try:
        with open_zip(path) as members:
            for member in members:
                source = Source(path, name=member.name, today=today, member=member)
                data = source.head()
                if (found := recognise_format(Head(data))) is not None:
                    return Dump(
                        path=path, name=name, format=found.name, size=size, today=today, is_zip=True
                    )
                problem = (
                    problem
                    or source.incomplete
                    or (_unknown(Path(member.name), data) if data.strip() else "")
                )
    except UnpackError as error:
        raise DumpError(
            f"{path}: nothing in it can be read: {error}. Fetch the file again."
        ) from error
    if problem:
        raise DumpError(f"{path}: no file in the archive can be read as a dump: {problem}")
    return Dump(path=path, name=name, format="empty", size=size, today=today)


def _unreadable(path: Path, error: Exception) -> DumpError:
    why = getattr(error, "strerror", None) or str(error)
    return DumpError(f"{path}: cannot be read: {why}. Check the name and the permissions.")


def _unknown(path: Path, data: bytes) -> str:
    begins = ascii(data[:80].decode("utf-8", "replace"))
    hint = next((what for sign, what in _NOT_A_DUMP if data.startswith(sign)), None)
    if is_tar(data):
        hint = "it is a tar archive: unpack it first, and give the files in it"
    elif data.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        hint = "it is a web page, maybe the answer to a failed download: fetch the file again"
    remedy = (
        hint
        or f"known formats are {', '.join(FORMATS)}; digest/README.md says how each is recognised"
    )
    return f"{path}: of no known format; {remedy}. It begins with {begins}"
