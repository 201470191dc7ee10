"""Files and folders that only their owner may look into, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_FILE, _FOLDER = 0o600, 0o700
_OTHERS = 0o077


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; one that is there stays as it is. OSError
    as for mkdir.
    """
    for folder in reversed([one for one in path.parents if not one.exists()]):
        folder.mkdir(mode=_FOLDER, exist_ok=True)
    path.mkdir(mode=_FOLDER, exist_ok=True)


def create_file(path: Path, *, anew: bool = False) -> BinaryIO:
    """Open a file for writing from its beginning; with `anew`, FileExistsError where it
    is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_EXCL if anew else os.O_TRUNC), _FILE)
    restrict(path)  # the mode above is for a file that was not there
    return os.fdopen(handle, "wb")


def is_open(path: Path) -> bool:
    """Whether others on this machine may look into it; False where it is not there, or the system
    has no such modes.
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


def is_own(path: Path) -> bool:
    """Whether the user who runs this owns it."""
    try:
        return os.name == "posix" and path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def restrict(path: Path) -> bool:
    """Leave it to its owner alone, where that is the user who runs this; True when it
    was changed."""
    if not (is_open(path) and is_own(path)):
        return False
    try:
        path.chmod(_FOLDER if path.is_dir() else _FILE)
    except OSError:  # a file system that is read-only, or has no modes
        return False
    return True


def holds_only(folder: Path, ours: Callable[[os.DirEntry[str]], bool]) -> bool:
    """Whether everything in a folder belongs to the user who runs this, and is ours as `ours`
    tells.
    """
    try:
        with os.scandir(folder) as entries:
            return all(
                entry.stat(follow_symlinks=False).st_uid == os.geteuid() and ours(entry)
                for entry in entries
            )
    except OSError:
        return False
