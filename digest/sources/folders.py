"""A watched folder: each of its files is copied to the inbox once. Reads no paper.

In a Maildir, each mail is a file, whose name changes as it is read and moved.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from digest import private
from digest.sources.base import SourceReport, SourceSettings, State

#: seconds since its last change after which a file counts as complete; a file with a time in the
#: future is copied at once, and again when it grows
SETTLED: Final = 3.0
#: folders of a Maildir: new mails, and those that a program has seen
_MAILDIR: Final = ("new", "cur")


def copy_new_files(
    settings: SourceSettings,
    state: State,
    *,
    inbox: Path,
    save: Callable[[State, list[Path]], None],
    clock: Callable[[], float] = time.time,
) -> SourceReport:
    """Copy new and changed files to the inbox.

    Never links them, since the inbox must keep what was read even if a file is overwritten.

    Args:
        settings: The source, with its folder.
        state: `state["files"]` holds size, time and hash of each file, so that an unchanged file is
            not read again, and a second copy of a known file is left out.
        inbox: The folder of all dumps.
        save: Stores the state and the new files.
        clock: Returns epoch seconds.
    """
    report = SourceReport(name=settings.name, outcome="unchanged")
    source = settings.folder
    if source is None or not source.is_dir():
        report.outcome, report.error = (
            "failed",
            f"{source}: is no folder. Make it, or correct the key folder",
        )
        return report
    target = inbox / settings.name
    known: dict[str, list[object]] = state.setdefault("files", {})
    try:
        private.make_folder(target)
        present = _list_files(source)
        # An inbox inside the watched folder would otherwise copy its own files.
        present = {
            name: path
            for name, path in present.items()
            if not path.resolve().is_relative_to(inbox.resolve())
        }
        for name in [name for name in known if name not in present]:
            del known[name]
        for name, path in present.items():
            _copy_file(
                path,
                name,
                target,
                known,
                report,
                lambda files: save(state, files),
                clock(),
            )
    except OSError as error:
        report.outcome, report.error = (
            "failed",
            f"{error.filename or source}: {error.strerror or error}. Check permissions and the "
            f"space on the disk",
        )
    return report


def _list_files(source: Path) -> dict[str, Path]:
    """List the files below a folder by their names, which stay the same."""
    if all((source / part).is_dir() for part in _MAILDIR):
        mails = [path for part in _MAILDIR for path in sorted((source / part).iterdir())]
        # What follows the colon says whether a mail was read.
        return {
            path.name.partition(":")[0]: path
            for path in mails
            if path.is_file() and not path.name.startswith(".")
        }
    return {
        str(path.relative_to(source)): path
        for path in sorted(source.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(source).parts)
    }


def _copy_file(
    path: Path,
    name: str,
    target: Path,
    known: dict[str, list[object]],
    report: SourceReport,
    save: Callable[[list[Path]], None],
    now: float,
) -> None:
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns]
    if known.get(name, [])[:2] == stamp or 0 <= now - stat.st_mtime < SETTLED:
        return
    partial = target / ".part"
    shutil.copyfile(path, partial)
    with partial.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
    is_new = sha not in {row[2] for row in known.values()}
    known[name] = [*stamp, sha]
    files = []
    if is_new:
        # The copy keeps the name, which may hold a day. The hash distinguishes files of two
        # sub-folders or two days.
        copy = target / f"{sha[:8]}-{Path(name).name}"
        partial.rename(copy)
        files, report.outcome = [copy], "fetched"
        report.files.append(copy)
        report.bytes += stat.st_size
    else:
        partial.unlink()
    save(files)
