"""Files and folders that only their owner may read, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_FILE, _FOLDER = 0o600, 0o700
_OTHERS = 0o077


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents; an existing folder is not changed.

    Raises:
        OSError: as for mkdir.
    """
    for folder in reversed([parent for parent in path.parents if not parent.exists()]):
        folder.mkdir(mode=_FOLDER, exist_ok=True)
    path.mkdir(mode=_FOLDER, exist_ok=True)


def create_file(path: Path, *, exclusive: bool = False) -> BinaryIO:
    """Open a file for writing, and truncate it.

    Args:
        path: of the file.
        exclusive: the file must not exist.

    Raises:
        FileExistsError: it exists, and `exclusive` is set.
    """
    handle = os.open(
        path, os.O_WRONLY | os.O_CREAT | (os.O_EXCL if exclusive else os.O_TRUNC), _FILE
    )
    restrict_to_owner(path)  # the mode above applies only to a new file
    return os.fdopen(handle, "wb")


def is_open_to_others(path: Path) -> bool:
    """Return whether other users may read it.

    It is False if the file is missing or has no such modes.
    """
    try:
        mode = path.stat().st_mode
        return (
            os.name == "posix"
            and (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
            and bool(mode & _OTHERS)
        )
    except OSError:
        return False


def is_owned_by_user(path: Path) -> bool:
    """Return whether the user of this process owns it."""
    try:
        return os.name == "posix" and path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def restrict_to_owner(path: Path) -> bool:
    """Remove access for others, if the user of this process owns it.

    Return whether the mode changed.
    """
    if not (is_open_to_others(path) and is_owned_by_user(path)):
        return False
    try:
        path.chmod(_FOLDER if path.is_dir() else _FILE)
    except OSError:  # a file system that is read-only or has no modes
        return False
    return True


def holds_only(folder: Path, ours: Callable[[os.DirEntry[str]], bool]) -> bool:
    """Return whether the user owns all of a folder, and `ours` is true for each entry."""
    try:
        with os.scandir(folder) as entries:
            return all(
                entry.stat(follow_symlinks=False).st_uid == os.geteuid() and ours(entry)
                for entry in entries
            )
    except OSError:
        return False
