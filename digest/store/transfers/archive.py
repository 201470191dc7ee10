"""The file of an export: a ZIP archive with a manifest and the rows of each table.

The manifest comes last, since it holds the number of rows and a checksum of each table.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from digest.errors import InputError
from digest.store.transfers.rows import Kind

FORM = "digest export 1"
_MANIFEST = "manifest.json"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


class TableEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of a table."""

    columns: dict[str, Kind]
    rows: int
    #: of the lines before they are compressed
    sha256: str
    #: the greatest id that was ever given to a row, where the database keeps it
    last_id: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself."""

    form: str
    #: schema revision
    revision: str
    #: version of the program
    program: str
    made_at: datetime
    #: nothing else used the database meanwhile, so its waiting messages may be sent from elsewhere
    at_rest: bool
    #: in the order in which they can be filled
    tables: dict[str, TableEntry]


class TableWriter:
    """Writes the lines of a table into an archive."""

    def __init__(self, archive: zipfile.ZipFile, name: str, columns: dict[str, Kind]) -> None:
        # 64 bits for the sizes, which are known only at the end
        self._entry = archive.open(f"{name}.jsonl", "w", force_zip64=True)
        self._columns, self._hash, self._rows = columns, hashlib.sha256(), 0

    def write(self, line: bytes) -> None:
        """Write a line."""
        self._entry.write(line)
        self._hash.update(line)
        self._rows += 1

    def close(self) -> None:
        """End the table."""
        self._entry.close()

    def describe(self, last_id: int | None) -> TableEntry:
        """Return what the manifest says of the table."""
        return TableEntry(
            columns=self._columns, rows=self._rows, sha256=self._hash.hexdigest(), last_id=last_id
        )


def write_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Write the manifest, which ends the file."""
    archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open the file of an export with its manifest.

    Raises:
        InputError: it cannot be read, is damaged, or is something else.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file. Check the path") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(
            f"{path}: is no export of digest, or not all of it is there ({error}). Name a file "
            "that `digest db export` wrote"
        ) from error
    with archive:
        yield archive, _read_manifest(archive, path)


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
    except (KeyError, msgspec.DecodeError, *_UNREADABLE) as error:
        raise InputError(
            f"{path}: is no export of digest: its {_MANIFEST} is missing or of another program. "
            "Name a file that `digest db export` wrote; `digest db restore` reads backups"
        ) from error
    if manifest.form != FORM:
        raise InputError(
            f"{path}: its form is {manifest.form!r}, which this version does not know. Install "
            f"digest {manifest.program} or newer"
        )
    return manifest


def read_lines(
    archive: zipfile.ZipFile, path: Path, name: str, entry: TableEntry
) -> Iterator[bytes]:
    """Read the lines of a table, and compare number and checksum at the end.

    Raises:
        InputError: the file is damaged.
    """
    rows, hasher = 0, hashlib.sha256()
    try:
        with archive.open(f"{name}.jsonl") as file:
            for line in file:
                rows += 1
                hasher.update(line)
                yield line
    except (KeyError, *_UNREADABLE) as error:
        raise build_damaged_error(path, f"{name}: {error}") from error
    if rows != entry.rows or hasher.hexdigest() != entry.sha256:
        raise build_damaged_error(
            path, f"{name} has {rows} rows, and {entry.rows} with another checksum were written"
        )


def build_damaged_error(path: Path, why: str) -> InputError:
    """Build the error for a file that is not as it was written."""
    return InputError(f"{path}: is damaged ({why}). Nothing was changed; copy or export it again")
