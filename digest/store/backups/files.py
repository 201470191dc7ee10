"""Backup files: what they are, and how they come into being whole or not at all."""

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


def kind_of(path: Path) -> Kind:
    """Which database a backup is of, from its first bytes.

    Raises:
        InputError: it cannot be read, or is no backup.
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
    raise no_backup(path, "its first bytes are those of something else")


def no_backup(path: Path, why: str) -> InputError:
    """What is told of a file that cannot be restored."""
    return InputError(
        f"{path}: is no backup of digest: {why}. Name a file that `digest db backup` wrote"
    )


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """A file to fill, which gets its name when the block ends well and is removed else; only its
    owner may read it.

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
    """On the disk, as far as the system can tell."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
