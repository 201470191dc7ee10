"""A dump file -> its records.

`open_dump` chooses the parser by the file's content; each format is one module. Records keep the
text of the source as it is (`papers.clean` is next). Nothing here fetches, stores or decides what
is new.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from digest.dumps.fields import find_day_in_name
from digest.dumps.finishing import finish_entries
from digest.dumps.formats import Format, Head, find_formats, recognise_format
from digest.dumps.packed import ZIP, Unpacked, UnpackError, is_tar, open_zip
from digest.dumps.refusals import describe_document, describe_unknown
from digest.dumps.stream import CHUNK, Source
from digest.dumps.tables.parquet import MISSING, PARQUET, ParquetRows, can_read_parquet
from digest.dumps.tables.spreadsheet import find_sheets, is_workbook
from digest.errors import DumpError
from digest.model import Record, Rejected, Removal, Skipped

__all__ = ["FORMATS", "Dump", "open_dump"]

if TYPE_CHECKING:
    #: every format by its name, as in `Dump.format` and `Entry.source`
    FORMATS: Mapping[str, Format]


def __getattr__(name: str) -> Mapping[str, Format]:
    """Import the formats when they are needed: half a hundred modules, a fifth of a second."""
    if name == "FORMATS":
        return find_formats()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Dump:
    """A file of paper records whose format is known.

    Each call of `records()` starts a new pass; `incomplete`, `ignored`, `notes` and `bytes_read`
    describe the latest pass.
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
        is_archive: bool = False,
    ) -> None:
        self.path = path
        #: the file's name, or the name that the caller gave
        self.name = name
        #: a key of `FORMATS`, or "empty" for a file without content
        self.format = format
        #: bytes of the packed file
        self.size = size
        #: the day in the file's name, if there is one
        self.day: date | None = find_day_in_name(name)
        self._today = today
        self._is_archive = is_archive
        self._source = Source(path, name=name, today=today)
        self._source.incomplete = incomplete

    @property
    def incomplete(self) -> str | None:
        """Why the file is not whole, as far as it was read; None if nothing seems missing."""
        return self._source.incomplete

    @property
    def ignored(self) -> Mapping[str, int]:
        """Unused columns and the number of records that had them."""
        return self._source.ignored

    @property
    def notes(self) -> Sequence[str]:
        """What was assumed about encodings where the file is not plain UTF-8."""
        return self._source.notes

    @property
    def bytes_read(self) -> int:
        """How much of `size` has been read, for a progress bar."""
        return self._source.bytes_read

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of the packed file, computed at first use.

        Raises:
            DumpError: If the file cannot be read.
        """
        hasher = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    hasher.update(chunk)
        except OSError as error:
            raise _read_error(self.path, error) from error
        return hasher.hexdigest()

    def begins_with(self, size: int, sha256: str) -> bool:
        """Whether the first `size` bytes have this hash: the file has only grown since.

        Raises:
            DumpError: If the file cannot be read.
        """
        hasher = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while size > 0 and (chunk := file.read(min(size, CHUNK))):
                    hasher.update(chunk)
                    size -= len(chunk)
        except OSError as error:
            raise _read_error(self.path, error) from error
        return size == 0 and hasher.hexdigest() == sha256

    def records(self) -> Iterator[Record | Removal | Skipped | Rejected]:
        """Yield every entry of the file in order; never raises.

        Check `incomplete` afterwards.

        Line numbers go on from one member of a zip, or sheet of a workbook, to the next.
        """
        self._source = Source(self.path, name=self.name, today=self._today)
        if self._is_archive:
            try:
                with _open_members(self.path) as members:
                    yield from self._read_members(self._source, members)
            except UnpackError as error:
                self._source.mark_incomplete(str(error))
        elif self.format != "empty":
            yield from finish_entries(find_formats()[self.format].read(self._source))

    def _read_members(
        self, source: Source, members: list[Unpacked]
    ) -> Iterator[Record | Removal | Skipped | Rejected]:
        last_line = 0
        for position, member in enumerate(members, start=1):
            source.member, source.name = member, member.name
            head = source.head()
            format = recognise_format(Head(head))
            if format is not None and format.name == self.format:
                lines_before = last_line
                for entry in finish_entries(format.read(source)):
                    if isinstance(entry, Rejected) and len(members) > 1:
                        entry = replace(
                            entry,
                            reason=f"{member.name[:200]}, line {entry.line:,}: {entry.reason}",
                        )
                    last_line = lines_before + entry.line
                    yield replace(entry, line=last_line) if lines_before else entry
            elif head.strip():
                last_line += 1
                problem = (
                    f"of the format {format.name}, the others are {self.format}"
                    if format
                    else "of no known format"
                )
                yield Skipped(
                    line=last_line,
                    raw="",
                    reason=f"a file in the archive is {problem}: {member.name[:200]}",
                )
            source.bytes_read = self.size * position // len(members)


def shown_name(name: str) -> str:
    """Make a file's name printable: systems allow bytes in it that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def open_dump(path: Path, *, today: date, name: str | None = None) -> Dump:
    """Recognise a file by its content, plain or packed with gzip, zstd or zip.

    A sheet of a workbook has the format of a CSV file, and Parquet that of JSON lines. A file
    without content is a Dump of format "empty".

    Args:
        path: The file.
        today: The day after which nothing can have happened.
        name: Replaces the file's own name (for a temporary copy or standard input).

    Raises:
        DumpError: If the file cannot be read or its format is unknown. The message names the file,
            the problem and the remedy.
    """
    printed_name = shown_name(path.name) if name is None else name
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
        raise _read_error(path, error) from error
    if start.startswith(PARQUET) and not can_read_parquet():
        raise DumpError(f"{path}: {MISSING}")
    if start.startswith((*ZIP, PARQUET)):
        return _open_archive(path, name=printed_name, size=size, today=today)
    source = Source(path, name=printed_name, today=today)
    data = source.head()
    if not data.strip():
        if source.incomplete and size:
            raise DumpError(
                f"{path}: nothing in it can be read: {source.incomplete}. Fetch the file again."
            )
        if not data.strip(b" \t\r\n\f\v"):
            return Dump(path=path, name=printed_name, format="empty", size=size, today=today)
    format = None if is_tar(data) else recognise_format(Head(data))
    if format is None:
        raise DumpError(describe_unknown(path, data, find_formats()))
    return Dump(path=path, name=printed_name, format=format.name, size=size, today=today)


@contextmanager
def _open_members(path: Path) -> Iterator[list[Unpacked]]:
    """Open a zip, a workbook or Parquet: its members, its sheets, or its rows.

    Raises:
        UnpackError: If it is damaged.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(PARQUET)) == PARQUET
    except OSError as error:
        raise UnpackError(str(error)) from error
    if is_parquet:
        yield [ParquetRows(name=path.name, path=path)]
        return
    with open_zip(path) as members:
        yield find_sheets(members) if is_workbook(members) else [*members]


def _open_archive(path: Path, *, name: str, size: int, today: date) -> Dump:
    """Open an archive; its format is that of its first member with a known one."""
    first_problem = ""
    try:
        with _open_members(path) as members:
            for member in members:
                source = Source(path, name=member.name, today=today, member=member)
                data = source.head()
                if (format := recognise_format(Head(data))) is not None:
                    return Dump(
                        path=path,
                        name=name,
                        format=format.name,
                        size=size,
                        today=today,
                        is_archive=True,
                    )
                first_problem = (
                    first_problem
                    or source.incomplete
                    or (
                        describe_unknown(Path(member.name), data, find_formats())
                        if data.strip()
                        else ""
                    )
                )
            if (advice := describe_document(members)) is not None:
                raise DumpError(f"{path}: of no known format; {advice}.")
    except UnpackError as error:
        raise DumpError(
            f"{path}: nothing in it can be read: {error}. Fetch the file again."
        ) from error
    if first_problem:
        raise DumpError(f"{path}: no file in the archive can be read as a dump: {first_problem}")
    return Dump(path=path, name=name, format="empty", size=size, today=today)


def _read_error(path: Path, error: Exception) -> DumpError:
    reason = getattr(error, "strerror", None) or str(error)
    return DumpError(f"{path}: cannot be read: {reason}. Check the name and the permissions.")
