"""Backup files: their kinds, and how they are written completely or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from digest.errors import InputError

Kind = Literal["sqlite", "postgresql"]
_STARTS: dict[bytes, Kind] = {b"SQLite format 3\0": "sqlite", b"PK\x03\x04": "postgresql"}


def detect_kind(path: Path) -> Kind:
    """Detect the kind of database of a backup from its first bytes.

    Raises:
        InputError: the file cannot be read, or is not a backup.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions"
        ) from error
    for beginning, kind in _STARTS.items():
        if start.startswith(beginning):
            return kind
    raise build_invalid_backup_error(path, "its first bytes are those of something else")


def build_invalid_backup_error(path: Path, why: str) -> InputError:
    """Build the error for a file that cannot be restored."""
    return InputError(
        f"{path}: is no backup of digest: {why}. Name a file that `digest db backup` wrote"
    )


@contextmanager
def replace_when_written(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield the path of an empty temporary file, readable by its owner alone.

    It is renamed to `path` when the block succeeds.

    Raises:
        InputError: a file of that name is there already, or it cannot be written.
    """
    _refuse_existing(path, overwrite)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Check the folder and its permissions"
        ) from error
    part = Path(name)
    try:
        os.close(handle)
        yield part
        _sync(part)
        _refuse_existing(path, overwrite)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Nothing was left behind"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder. Name a file in it")
    if path.exists() and not overwrite:
        raise InputError(
            f"{path}: is there already; nothing was written. Name another file, or use --force"
        )


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
