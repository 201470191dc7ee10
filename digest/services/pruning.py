"""Prune history that is older than `[keep]` says, in small batches.

`store.pruning` says what stays. A run that is stopped or killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from digest import store, subscriptions
from digest.app import App
from digest.ranking import scores
from digest.store import Connection
from digest.store.pruning import PrunedBatch

log = logging.getLogger("digest.pruning")

#: rows of a batch: a writer that waits for one waits for some hundredths of a second
_BATCH = 500
#: digests of a batch, each with up to some dozen papers
_DIGESTS = 50
#: `serve` prunes when the last run is so old
_INTERVAL = timedelta(days=1)
#: name of the mark of a run that came to its end
_RUN = "all"

_Prune = Callable[[Connection, datetime, int], PrunedBatch]
"""Prunes one batch: transaction, time before which, and where a walk goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was pruned of one kind, or would be."""

    #: as the key of `[keep]` without `_days`; "letters" go with "rounds"
    name: str
    #: days for which it is kept; 0 = for ever
    days: int
    rows: int = 0
    #: bytes of values that are gone, without those of indexes and pages
    bytes: int = 0

    @property
    def json(self) -> dict[str, object]:
        return {"name": self.name, "days": self.days, "rows": self.rows, "bytes": self.bytes}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """How one kind is pruned."""

    name: str
    days: int
    prune: Callable[[bool], _Prune]
    #: it remembers how far it is
    is_walk: bool = False


def is_pruning_due(app: App) -> bool:
    """Return whether the last run is a day old."""
    with app.store.reading() as tx:
        last = store.pruning.find_time(tx, _RUN)
    return last is None or not last <= app.now() < last + _INTERVAL


def prune(
    app: App, *, dry_run: bool = False, stop: Callable[[], bool] = lambda: False
) -> list[Pruned]:
    """Prune what is older than `[keep]` and `[web] pending_days` say.

    Args:
        dry_run: only count.
        stop: asked before each batch; what is done stays done.

    Returns:
        What was pruned, by kind; what is kept for ever has no rows.
    """
    pruned = [_prune_files(app, dry_run=dry_run, stop=stop)]
    pruned += [_run(app, job, dry_run=dry_run, stop=stop) for job in _list_jobs(app)]
    pruned.append(_prune_unconfirmed(app, dry_run=dry_run))
    if not dry_run and not stop():
        with app.store.writing() as tx:
            store.pruning.save_mark(tx, _RUN, 0, now=app.now())
    return pruned


def _list_jobs(app: App) -> Iterator[_Job]:
    keep, pruning, now = app.config.keep, store.pruning, app.now()

    def empty_raw(change: bool) -> _Prune:
        return lambda tx, before, after: pruning.empty_raw(
            tx, after, before, _BATCH, now=now, change=change
        )

    def thin_reasons(change: bool) -> _Prune:
        return lambda tx, before, after: pruning.thin_reasons(
            tx, after, before, _DIGESTS, now=now, thin=scores.thin_score, change=change
        )

    def rows(delete: Callable[..., PrunedBatch], change: bool) -> _Prune:
        return lambda tx, before, _: delete(tx, before, _BATCH, change=change)

    yield _Job(name="raw", days=keep.raw_days, prune=empty_raw, is_walk=True)
    yield _Job(name="rejects", days=keep.rejects_days, prune=partial(rows, pruning.delete_rejects))
    yield _Job(name="reasons", days=keep.reasons_days, prune=thin_reasons, is_walk=True)
    yield _Job(
        name="deliveries", days=keep.deliveries_days, prune=partial(rows, pruning.delete_deliveries)
    )
    yield _Job(name="rounds", days=keep.rounds_days, prune=partial(rows, pruning.delete_rounds))
    yield _Job(name="letters", days=keep.rounds_days, prune=partial(rows, pruning.delete_letters))


def _run(app: App, job: _Job, *, dry_run: bool, stop: Callable[[], bool]) -> Pruned:
    """Prune one kind, a batch in each transaction."""
    if not job.days:
        return Pruned(name=job.name, days=0)
    now, rows, size = app.now(), 0, 0
    before, prune_batch = now - timedelta(days=job.days), job.prune(not dry_run)
    with app.store.reading() as tx:
        mark = store.pruning.load_mark(tx, job.name) if job.is_walk else 0

    def work(tx: Connection) -> PrunedBatch:
        batch = prune_batch(tx, before, mark)
        if job.is_walk and not dry_run and batch.last_id > mark:
            store.pruning.save_mark(tx, job.name, batch.last_id, now=now)
        return batch

    while not stop():
        start = time.monotonic()
        if dry_run:
            with app.store.reading() as tx:
                batch = work(tx)
        else:
            batch = app.store.commit(work)  # again, where another process prunes the same
        rows, size, mark = rows + batch.rows, size + batch.bytes, batch.last_id
        if batch.is_last:
            break
        time.sleep(time.monotonic() - start)  # half of the time is for others
    return Pruned(name=job.name, days=job.days, rows=rows, bytes=size)


def _prune_unconfirmed(app: App, *, dry_run: bool) -> Pruned:
    """Delete sign-ups that nobody confirmed."""
    days = app.config.web.pending_days
    if not days:
        return Pruned(name="unconfirmed", days=0)
    if not dry_run:
        return Pruned(name="unconfirmed", days=days, rows=subscriptions.delete_unconfirmed(app))
    before = app.now() - timedelta(days=days)
    with app.store.reading() as tx:
        rows = store.signups.count_unconfirmed(tx, before=before)
    return Pruned(name="unconfirmed", days=days, rows=rows)


def _prune_files(app: App, *, dry_run: bool, stop: Callable[[], bool]) -> Pruned:
    """Delete files of the inbox that were read to their end long ago, and have not changed."""
    days, rows, size = app.config.keep.dumps_days, 0, 0
    if not days:
        return Pruned(name="dumps", days=0)
    inbox = app.config.ingest.inbox.absolute()
    with app.store.reading() as tx:
        files = store.dumps.list_files_read(tx, before=app.now() - timedelta(days=days))
    for name, length, sha256 in files:
        path = Path(name)
        if stop():
            break
        if not _is_same(path, inbox, length, sha256):
            continue
        if not dry_run:
            try:
                path.unlink()
            except OSError as error:
                log.warning("prune path=%s: cannot be deleted (%s)", path, error.strerror)
                continue
        rows, size = rows + 1, size + length
    return Pruned(name="dumps", days=days, rows=rows, bytes=size)


def _is_same(path: Path, inbox: Path, length: int, sha256: str) -> bool:
    """Return whether a file lies in the inbox and has the bytes that were read."""
    with suppress(OSError):
        if (
            path.absolute().is_relative_to(inbox)
            and not path.is_symlink()
            and path.is_file()
            and path.stat().st_size == length
        ):
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    return False
