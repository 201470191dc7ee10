"""Ingest new files of the inbox folder, each once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from digest import dumps, private, store
from digest.app import App
from digest.errors import ConfigError, DumpError
from digest.pipeline.ingest import ingest, list_files
from digest.pipeline.steps.ingest_report import IngestReport

#: seconds since its last change before which a file may still be written
SETTLED = 3.0


def read_before(app: App, path: Path) -> bool:
    """Whether a file with the same bytes was read to its end, under whatever name."""
    try:
        sha256 = dumps.open_dump(path, today=app.now().date()).sha256
    except DumpError:
        return False  # ingest says why
    with app.store.reading() as tx:
        return bool(store.dumps.list_finished(tx, sha256))


class Inbox:
    """Size and time of the files that this process has ingested already."""

    def __init__(self) -> None:
        self.known: dict[Path, tuple[int, int]] = {}


_INBOX = Inbox()


def ingest_inbox(
    app: App,
    inbox: Inbox = _INBOX,
    *,
    settled: float = SETTLED,
    stop: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Ingest new files of the inbox folder.

    Copies of files that were read are left out.

    Args:
        settled: seconds since its last change after which a file counts as complete.
        stop: as for `ingest`.

    Raises:
        ConfigError: the folder cannot be made.
        StoreError: as `ingest`; the files are tried again at the next look.
    """
    folder = app.config.ingest.inbox
    try:
        private.make_folder(folder)
    except OSError as error:
        raise ConfigError(
            f"ingest.inbox = '{folder}': cannot be made ({error.strerror}). Check the path and "
            "its permissions"
        ) from error
    new: list[Path] = []
    ahead: dict[Path, tuple[int, int]] = {}
    for path in list_files([folder]):
        state = _state_of(path)
        age = time.time() - state[1] / 1e9
        if inbox.known.get(path) == state or 0 <= age < settled:
            continue
        if read_before(app, path):
            inbox.known[path] = state
        elif age < 0:
            ahead[path] = state
        else:
            new.append(path)
    new += _find_unchanged(ahead, settled)
    if not new:
        return IngestReport()
    report = ingest(app, new, stop=stop)
    for path in new if not report.stopped else ():
        inbox.known[path] = _state_of(path)
    return report


def _find_unchanged(files: dict[Path, tuple[int, int]], settled: float) -> list[Path]:
    """The files that do not change for so many seconds.

    Their times lie in the future, so they do not tell when the files were written.
    """
    if files:
        time.sleep(settled)
    return [path for path, state in files.items() if path.exists() and _state_of(path) == state]


def _state_of(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
