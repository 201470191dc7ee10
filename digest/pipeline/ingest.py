"""ingest: read dump files into papers.

Each record counts as new, updated, duplicate, skipped or rejected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from digest import dumps, metrics, papers, store
from digest.app import App
from digest.dumps import Dump
from digest.errors import DumpError
from digest.locales import count_noun
from digest.model import Entry, Record, Rejected, Removal, Skipped
from digest.pipeline.steps.ingest_report import FileReport, IngestReport
from digest.pipeline.steps.read_before import (
    SeenDay,
    describe_reading,
    find_same_reading,
    repeat_reading,
)
from digest.pipeline.steps.store_records import RecordBatch, WordCounter, store_records
from digest.store.arrivals import NewRecord

#: records stored in one transaction
BATCH = 2000
#: rejected records that a report names
_MAX_REJECTS = 5
#: a backfilled paper counts as first seen before any window that can be set
_LONG_AGO = timedelta(days=367)
#: papers this much older than the readers' window are old
_OLD_MARGIN = timedelta(days=31)

Progress = Callable[[Path, int, int], None]
"""Called with the file, the bytes read and the file's bytes."""


def ingest(
    app: App,
    paths: Sequence[Path],
    *,
    seen: SeenDay = None,
    backfill: bool = False,
    again: bool = False,
    progress: Progress | None = None,
    batch: int = BATCH,
    stop: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Read dumps into the store; folders are read in order of file name.

    A bad record does not stop its file, and a bad file does not stop the others.

    Args:
        seen: the day that the papers count as first seen.
        backfill: papers count as old: none of them is new to any reader.
        again: read files anew of which the same bytes were read before.
        progress: told how far each file has been read.
        batch: records stored in one transaction.
        stop: asked after each batch. True: nothing more is read; the next ingest goes on there.

    Raises:
        StoreError: the database is locked, full or gone. What was stored before stays, and the
            same command goes on from there.
    """
    report = IngestReport()
    words = WordCounter(app)
    options = _Options(
        seen=seen, backfill=backfill, again=again, progress=progress, batch=batch, stop=stop
    )
    for path in list_files(paths):
        file = FileReport(name=dumps.shown_name(path.name))
        report.files.append(file)
        try:
            _ingest_file(app, dumps.open_dump(path, today=app.now().date()), file, words, options)
        except DumpError as error:
            file.refused = str(error)
        metrics.count_files(_find_source(app, path), file.outcome, file.outcomes)
        if stop():
            report.stopped = True
            break
    with app.store.writing() as tx:
        words.save(tx)
        summary = report.counts | {"files": len(report.files)}
        refused = "; ".join(file.refused for file in report.files if file.refused)
        store.rounds.record(tx, "ingest", at=app.now(), report=summary, error=refused[:2000])
    return report


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options:
    """How each file is read; see `ingest`."""

    seen: SeenDay
    backfill: bool
    again: bool
    progress: Progress | None
    batch: int
    stop: Callable[[], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Days:
    """The day on which papers of a file count as first seen, and today."""

    of_file: date
    today: date


def _find_source(app: App, path: Path) -> str:
    """Return the source of the config that brought a file; "" where none did."""
    folder = path.parent
    is_fetched = folder.parent == app.config.ingest.inbox
    names = {entry.name for entry in app.config.sources}
    return folder.name if is_fetched and folder.name in names else ""


def list_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and the files of folders in order of name.

    Hidden files are left out.

    A folder that cannot be listed is yielded itself, so that opening it gives the error.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        errors: list[OSError] = []
        files: list[Path] = []
        for folder, subfolders, names in os.walk(path, onerror=errors.append):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            visible = [Path(folder, name) for name in names if not name.startswith(".")]
            files += [file for file in visible if file.is_file()]
        yield from sorted(files + [Path(error.filename) for error in errors])


def _ingest_file(
    app: App, dump: Dump, file: FileReport, words: WordCounter, options: _Options
) -> None:
    today = app.now().date()
    file.format = dump.format
    days = _Days(of_file=_day_of_file(dump, file, options.seen, today), today=today)
    dump_id, done = _begin_dump(app, dump, file, days.of_file, options)
    if done is None:
        return
    old_before = today - timedelta(days=app.config.digest.window_days) - _OLD_MARGIN
    records = islice(dump.records(), done, None)
    file.counts.update(read=done, duplicate=done)
    while True:
        read_before = file.counts["read"]
        batch = _clean_batch(islice(records, options.batch), dump.format, file, days, options)
        if file.counts["read"] == read_before:
            break
        store_records(app, dump_id, batch, file, words, old_before)
        if options.progress:
            options.progress(Path(file.name), dump.bytes_read, dump.size)
        if options.stop():
            file.notes.append("stopped before its end: the next ingest goes on after what was read")
            return
    file.incomplete = dump.incomplete or ""
    file.notes += dump.notes
    with app.store.writing() as tx:
        store.dumps.finish(tx, dump_id, incomplete=file.incomplete, now=app.now())
    if not options.backfill and options.seen is None:
        _warn_of_archive(file, app.config.digest.window_days)


def _day_of_file(dump: Dump, file: FileReport, seen: SeenDay, today: date) -> date:
    if isinstance(seen, date):
        return seen
    if seen != "name":
        return today
    if dump.day is None:
        file.notes.append(
            "no day in the file's name: the records' own first_seen decides, else today"
        )
    return dump.day or today


def _begin_dump(
    app: App, dump: Dump, file: FileReport, day: date, options: _Options
) -> tuple[int, int | None]:
    """Record that a dump is read.

    Return its id, and how many of its records need not be read again; None = it is read already.
    """
    path = dumps.shown_name(str(dump.path.resolve()))
    reading = describe_reading(options.seen, backfill=options.backfill)
    with app.store.writing() as tx:
        earlier = store.dumps.list_finished(tx, dump.sha256)
        same = None if options.again else find_same_reading(tx, dump, earlier, reading, day)
        done = 0 if earlier else _count_stored_before(tx, dump, path, file)
        dump_id = store.dumps.begin(
            tx,
            store.dumps.DumpFile(
                name=dump.name,
                form=dump.format,
                sha256=dump.sha256,
                path=path,
                size=dump.size,
                reading="" if done else reading,  # its beginning may have been read otherwise
            ),
            day=day,
            now=app.now(),
        )
        if same is not None:
            repeat_reading(tx, dump_id, same, file, app.now())
            return dump_id, None
        if done:  # even if no record follows: a dump of duplicates is not an empty one
            store.dumps.update_progress(tx, dump_id, {"read": done, "duplicate": done}, {})
    if earlier:
        file.notes.append(f"the same bytes were read before as {earlier[0]['name']}")
    return dump_id, done


def _count_stored_before(tx: store.Connection, dump: Dump, path: str, file: FileReport) -> int:
    """Count the records at its beginning that are stored already.

    An earlier ingest of it was stopped, or the file has grown since.
    """
    done, stopped = store.dumps.count_read(tx, path, dump.sha256)
    if not stopped:
        # The last record of a growing file may have been cut off then, so it is read again.
        shorter = store.dumps.list_shorter(tx, path, dump.size)
        grown = (read - 1 for size, sha256, read in shorter if dump.begins_with(size, sha256))
        done = next(grown, 0)
    if done:
        file.notes.append(f"goes on after the first {count_noun(done, 'record')}, stored before")
    return done


def _clean_batch(
    records: Iterable[Record | Skipped | Rejected | Removal],
    form: str,
    file: FileReport,
    days: _Days,
    options: _Options,
) -> RecordBatch:
    """Clean the next records of a dump, and count what is not stored as a paper."""
    batch = RecordBatch()
    for record in records:
        file.counts["read"] += 1
        outcome = papers.clean(record, form) if isinstance(record, Record) else record
        if isinstance(outcome, Skipped | Removal):
            file.counts["skipped"] += 1
            file.skipped_why[outcome.reason] += 1
            if isinstance(outcome, Removal):
                batch.removals.append(outcome)
        elif isinstance(outcome, Rejected):
            batch.rejected.append(outcome)
        elif isinstance(record, Record):
            batch.new.append(_new_record(record, outcome, days, options))
    file.counts["rejected"] += len(batch.rejected)
    room = max(0, _MAX_REJECTS - len(file.rejects))
    file.rejects += [(rejected.line, rejected.reason) for rejected in batch.rejected[:room]]
    return batch


def _new_record(record: Record, entry: Entry, days: _Days, options: _Options) -> NewRecord:
    """The cleaned record with the day on which its paper counts as first seen."""
    day, own = days.of_file, record.first_seen
    if options.backfill:
        dates = (entry.announced, entry.submitted, entry.updated)
        published = next((day for day in dates if day is not None), days.today)
        day = min(published, own or days.today, days.today - _LONG_AGO)
    elif options.seen == "name" and own is not None:
        day = own
    return NewRecord(
        line=record.line,
        raw=record.raw,
        entry=entry,
        day=day,
        picked=record.picked,
        rank=record.rank,
    )


def _warn_of_archive(file: FileReport, window_days: int) -> None:
    """Note where the papers of an archive were read as if they were today's.

    All of them would count as new.
    """
    if file.old > 100 and file.old * 2 > file.counts["new"]:
        file.notes.append(
            f"{file.old} of the new papers are older than the readers' window of {window_days} "
            "days but count as new today. If this is a first import of an archive, start again "
            "with --backfill"
        )
