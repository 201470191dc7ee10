"""A small file system of its own, to be filled up and made read-only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self


def why_not(folder: Path) -> str:
    """Return why none can be mounted at an empty folder, or ""."""
    if os.geteuid():
        return "a file system is mounted by root alone"
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        return f"no file system may be mounted here: {tried.stderr.strip()}"
    _call("umount", folder)
    return ""


class SmallDisk:
    """A context manager; the file system is gone afterwards, with all that was on it."""

    def __init__(self, folder: Path, *, megabytes: int) -> None:
        self.folder = folder
        self._size = megabytes
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        self.folder.mkdir()
        _call("mount", "-t", "tmpfs", "-o", f"size={self._size}m,mode=700", "tmpfs", self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _call("umount", "--lazy", self.folder)

    def fill(self, *, left: int = 0) -> None:
        """Fill it up but for so many bytes."""
        state = os.statvfs(self.folder)
        with self._ballast.open("wb") as file:
            file.truncate(0)
            pages = max(0, state.f_bavail * state.f_frsize - left) // state.f_frsize
            for _ in range(pages):
                file.write(bytes(state.f_frsize))

    def free(self) -> None:
        self._ballast.unlink()

    def protect(self) -> None:
        """Make it read-only, also for root."""
        _call("mount", "-o", "remount,ro", self.folder)

    def unprotect(self) -> None:
        _call("mount", "-o", "remount,rw", self.folder)


def _call(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
