"""A watched folder: each of its files is copied to the inbox once. Reads no paper."""

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
        present = [
            path
            for path in sorted(source.rglob("*"))
            if path.is_file() and not any(p.startswith(".") for p in path.relative_to(source).parts)
        ]
        # An inbox inside the watched folder would otherwise copy its own files.
        present = [path for path in present if not path.resolve().is_relative_to(inbox.resolve())]
        names = {str(path.relative_to(source)) for path in present}
        for name in [name for name in known if name not in names]:
            del known[name]
        for path in present:
            _copy_file(
                path,
                str(path.relative_to(source)),
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
        copy = target / f"{sha[:8]}-{path.name}"
        partial.rename(copy)
        files, report.outcome = [copy], "fetched"
        report.files.append(copy)
        report.bytes += stat.st_size
    else:
        partial.unlink()
    save(files)
