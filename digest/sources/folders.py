"""A watched folder: each file in it becomes a file of the inbox once, however often it is looked
at. Reads no paper.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from digest import private
from digest.sources.base import Harvested, State, Wanted

#: a file that changed so recently may still be written; a time ahead of ours tells nothing, and a
#: file that grows is copied again
SETTLED: Final = 3.0


def copy_new(
    wanted: Wanted,
    state: State,
    *,
    inbox: Path,
    save: Callable[[State, list[Path]], None],
    clock: Callable[[], float] = time.time,
) -> Harvested:
    """Copy what is new or changed.

    Never a link: the inbox must keep what it read, also when the file is written again in its
    place.

    `state["files"]` holds size, time and hash of each file, so that an unchanged one is not read
    again, and a copy of a known one is not copied.
    """
    found = Harvested(name=wanted.name, outcome="unchanged")
    source = wanted.folder
    if source is None or not source.is_dir():
        found.outcome, found.error = (
            "failed",
            f"{source}: is no folder. Make it, or correct the key folder",
        )
        return found
    target = inbox / wanted.name
    known: dict[str, list[object]] = state.setdefault("files", {})
    try:
        private.make_folder(target)
        present = [
            path
            for path in sorted(source.rglob("*"))
            if path.is_file() and not any(p.startswith(".") for p in path.relative_to(source).parts)
        ]
        # an inbox inside the watched folder would otherwise feed itself
        present = [path for path in present if not path.resolve().is_relative_to(inbox.resolve())]
        names = {str(path.relative_to(source)) for path in present}
        for gone in [name for name in known if name not in names]:
            del known[gone]
        for path in present:
            _copy_one(
                path,
                str(path.relative_to(source)),
                target,
                known,
                found,
                lambda files: save(state, files),
                clock(),
            )
    except OSError as error:
        found.outcome, found.error = (
            "failed",
            f"{error.filename or source}: {error.strerror or error}. Check permissions and the "
            f"space on the disk",
        )
    return found


def _copy_one(
    path: Path,
    name: str,
    target: Path,
    known: dict[str, list[object]],
    found: Harvested,
    save: Callable[[list[Path]], None],
    now: float,
) -> None:
    stat = path.stat()
    mark = [stat.st_size, stat.st_mtime_ns]
    if known.get(name, [])[:2] == mark or 0 <= now - stat.st_mtime < SETTLED:
        return
    part = target / ".part"
    shutil.copyfile(path, part)
    with part.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
    fresh = sha not in {row[2] for row in known.values()}
    known[name] = [*mark, sha]
    files = []
    if fresh:
        # the name keeps its end, and its day if it has one; the hash keeps files of two
        # sub-folders, or of two days, apart
        copy = target / f"{sha[:8]}-{path.name}"
        part.rename(copy)
        files, found.outcome = [copy], "fetched"
        found.files.append(copy)
        found.bytes += stat.st_size
    else:
        part.unlink()
    save(files)
