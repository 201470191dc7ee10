"""ingest: dump files become papers, each counted once as new, updated, duplicate, skipped or
rejected.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Literal

from digest import dumps, papers, store
from digest.app import App
from digest.dumps import Dump
from digest.errors import DumpError
from digest.model import Entry, Record, Rejected, Removal, Skipped
from digest.pipeline.steps import encode_papers
from digest.pipeline.steps.word_counts import add_frequencies, repair_frequencies
from digest.ranking import features
from digest.store.arrivals import NewRecord

BATCH = 2000
#: why a record that is only a part of a paper counts as skipped for now
_PART = "part of a paper whose title has not come yet"
#: a backfilled paper counts as first seen before any window that can be set
_LONG_AGO = timedelta(days=367)

#: the day that papers count as first seen: a date, "name" = from the file's name or the record,
#: None = today
SeenDay = date | Literal["name"] | None

Progress = Callable[[Path, int, int], None]
"""Called with the file, the bytes read and the file's bytes."""


@dataclass(kw_only=True, slots=True)
class FileReport:
    """What one file gave."""

    name: str
    format: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    skipped_why: Counter[str] = field(default_factory=Counter)
    #: the first few rejected records: line and reason
    rejects: list[tuple[int, str]] = field(default_factory=list)
    #: why the file ended before its end, or was refused as a whole
    incomplete: str = ""
    refused: str = ""
    #: things that an operator should know and that are no failure
    notes: list[str] = field(default_factory=list)
    #: new papers whose own dates lie before the readers' window
    old: int = 0


@dataclass(kw_only=True, slots=True)
class IngestReport:
    """What all files gave; `read` is the sum of all the others."""

    files: list[FileReport] = field(default_factory=list)
    #: it was asked to stop before it was done
    stopped: bool = False

    def count(self, name: str) -> int:
        return sum(file.counts[name] for file in self.files)

    @property
    def failed(self) -> bool:
        """A file was refused, or a non-empty file gave nothing."""
        return any(
            file.refused or (file.format != "empty" and not _used(file)) for file in self.files
        )

    @property
    def json(self) -> dict[str, object]:
        kinds = ("read", "new", "updated", "duplicate", "skipped", "rejected")
        return {
            **{kind: self.count(kind) for kind in kinds},
            "skipped_why": dict(sum((file.skipped_why for file in self.files), Counter())),
            "files": [
                {
                    "name": file.name,
                    "format": file.format,
                    **{kind: file.counts[kind] for kind in kinds},
                    "rejects": [{"line": line, "reason": reason} for line, reason in file.rejects],
                    "incomplete": file.incomplete,
                    "refused": file.refused,
                    "notes": file.notes,
                }
                for file in self.files
            ],
        }


def _used(file: FileReport) -> int:
    return (
        file.counts["new"]
        + file.counts["updated"]
        + file.counts["duplicate"]
        + file.counts["skipped"]
    )


def ingest(
    app: App,
    paths: Sequence[Path],
    *,
    seen: SeenDay = None,
    backfill: bool = False,
    progress: Progress | None = None,
    batch: int = BATCH,
    stop: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Read dumps into the store; folders are read in order of file name.

    One bad record never stops a file, one bad file never the others.

    Args:
        seen: the day that the papers count as first seen; "name" = the day in the file's name or
        the record's own; None = today.
        backfill: papers count as already old: none of them is new to any reader.
        progress: told how far each file has been read.
        batch: records stored in one transaction.
        stop: asked after each batch. True: nothing more is read; the next ingest goes on there.

    Raises:
        StoreError: the database is locked, full or gone; what was stored before stands, and the
        same command goes on from there.
    """
    report = IngestReport()
    words = Words(app)
    for path in files_of(paths):
        file = FileReport(name=dumps.shown_name(path.name))
        report.files.append(file)
        try:
            dump = dumps.open_dump(path, today=app.now().date())
            _ingest_one(app, dump, file, words, seen, backfill, progress, batch, stop)
        except DumpError as error:
            file.refused = str(error)
        if stop():
            report.stopped = True
            break
    with app.store.writing() as tx:
        words.keep(tx)
        summary = {key: value for key, value in report.json.items() if key != "files"}
        refused = "; ".join(file.refused for file in report.files if file.refused)
        store.rounds.record(
            tx,
            "ingest",
            at=app.now(),
            report=summary | {"files": len(report.files)},
            error=refused[:2000],
        )
    return report


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are, folders by what lies in them, in order of name; what is hidden is passed
    over.

    A folder that cannot be listed stands for itself, and is refused where it is opened.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        closed: list[OSError] = []
        found: list[Path] = []
        for place, folders, names in os.walk(path, onerror=closed.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [
                one
                for name in names
                if not name.startswith(".") and (one := Path(place, name)).is_file()
            ]
        yield from sorted(found + [Path(error.filename) for error in closed])


class Words:
    """Word frequencies of the papers that an ingest adds, and the encoder that reads them where
    there is one.

    The frequencies are kept once at its end: they are a large value, and half a second to write. An
    ingest that was killed before that leaves papers uncounted; the next one counts everything anew.
    """

    def __init__(self, app: App) -> None:
        self.new = features.Frequencies()
        self.encoder = encode_papers.open_encoder_for_ingest(app)
        with app.store.writing() as tx:
            repair_frequencies(tx)

    def keep(self, tx: store.Connection) -> None:
        if self.new.papers:
            add_frequencies(tx, self.new)


def _ingest_one(
    app: App,
    dump: Dump,
    file: FileReport,
    words: Words,
    seen: SeenDay,
    backfill: bool,
    progress: Progress | None,
    size: int,
    stop: Callable[[], bool],
) -> None:
    today = app.now().date()
    file.format = dump.format
    if seen == "name" and dump.day is None:
        file.notes.append(
            "no day in the file's name: the records' own first_seen decides, else today"
        )
    day = seen if isinstance(seen, date) else (dump.day if seen == "name" else None) or today
    path = dumps.shown_name(str(dump.path.resolve()))
    with app.store.writing() as tx:
        done = _done_before(tx, dump, path, file)
        dump_id = store.dumps.begin(
            tx,
            name=dump.name,
            form=dump.format,
            sha256=dump.sha256,
            day=day,
            now=app.now(),
            path=path,
            size=dump.size,
        )
        if done:  # also where nothing comes after them: a dump of duplicates gave papers
            store.dumps.update_progress(tx, dump_id, {"read": done, "duplicate": done}, {})
    old_before = today - timedelta(days=app.config.digest.window_days + 31)
    records = islice(dump.records(), done, None)
    file.counts.update(read=done, duplicate=done)
    while True:
        arrivals: list[NewRecord] = []
        bad: list[Rejected] = []
        removals: list[Removal] = []
        before = file.counts["read"]
        for record in islice(records, size):
            file.counts["read"] += 1
            outcome = papers.clean(record, dump.format) if isinstance(record, Record) else record
            if isinstance(outcome, Skipped | Removal):
                file.counts["skipped"] += 1
                file.skipped_why[outcome.reason] += 1
                if isinstance(outcome, Removal):
                    removals.append(outcome)
            elif isinstance(outcome, Rejected):
                bad.append(outcome)
            elif isinstance(record, Record):
                arrivals.append(_arrival(record, outcome, day, seen, backfill, today))
        if file.counts["read"] == before:
            break
        file.counts["rejected"] += len(bad)
        file.rejects += [(r.line, r.reason) for r in bad[: max(0, 5 - len(file.rejects))]]
        store_records(app, dump_id, arrivals, bad, removals, file, words, old_before)
        if progress:
            progress(Path(file.name), dump.bytes_read, dump.size)
        if stop():
            file.notes.append("stopped before its end: the next ingest goes on after what was read")
            return
    file.incomplete = dump.incomplete or ""
    with app.store.writing() as tx:
        store.dumps.finish(tx, dump_id, incomplete=file.incomplete, now=app.now())
    _warn_of_old(file, app.config.digest.window_days, not backfill and seen is None)


def _warn_of_old(file: FileReport, window_days: int, as_new: bool) -> None:
    """An archive that is read as if it were a day's papers makes years of them new."""
    if as_new and file.old > 100 and file.old * 2 > file.counts["new"]:
        file.notes.append(
            f"{file.old} of the new papers are older than the readers' window of {window_days} "
            "days "
            "but count as new today. If this is a first import of an archive, start again with "
            "--backfill"
        )


def _done_before(tx: store.Connection, dump: Dump, path: str, file: FileReport) -> int:
    """How many records at its beginning an earlier ingest has stored already, when that was stopped
    or the file has grown since.
    """
    before = store.dumps.find_finished_name(tx, dump.sha256)
    if before:
        file.notes.append(f"the same bytes were read before as {before}")
        return 0
    done, stopped = store.dumps.count_read(tx, path, dump.sha256)
    if not stopped:
        # The last record of a growing file may have been cut in the middle then, so it is read once
        # more.
        done = next(
            (
                read - 1
                for size, sha256, read in store.dumps.list_shorter(tx, path, dump.size)
                if dump.begins_with(size, sha256)
            ),
            0,
        )
    if done:
        file.notes.append(f"its first {done:,} records were stored before: goes on after them")
    return done


def _arrival(
    record: Record, entry: Entry, day: date, seen: SeenDay, backfill: bool, today: date
) -> NewRecord:
    """The cleaned record with the day on which its paper counts as first seen."""
    own = record.first_seen
    if backfill:
        known = next(
            (d for d in (entry.announced, entry.submitted, entry.updated) if d is not None), today
        )
        day = min(known, own or today, today - _LONG_AGO)
    elif seen == "name" and own is not None:
        day = own
    return NewRecord(
        line=record.line,
        raw=record.raw,
        entry=entry,
        day=day,
        picked=record.picked,
        rank=record.rank,
    )


def store_records(
    app: App,
    dump_id: int,
    arrivals: Sequence[NewRecord],
    bad: Sequence[Rejected],
    removals: Sequence[Removal],
    file: FileReport,
    words: Words,
    old_before: date,
) -> None:
    """One batch, one transaction: papers, vectors, counts and rejects stand together or
    not at all."""
    counts, skipped = file.counts.copy(), file.skipped_why.copy()
    with app.store.writing() as tx:
        added = store.arrivals.add(tx, dump_id, arrivals, papers)
        counts.update(outcome for outcome in added.outcomes if outcome != "waiting")
        if waiting := added.outcomes.count("waiting"):
            counts["skipped"] += waiting
            skipped[_PART] += waiting
        for removal in removals:
            names = [
                name
                for kind, text in removal.ids
                if (name := papers.parse_identity(kind, text)) is not None
            ]
            store.arrivals.remove(tx, dump_id, removal.line, names, removal.reason)
        texts = {
            ident: features.text_of(title, abstract)
            for ident, (title, abstract) in added.texts.items()
        }
        if texts:
            idents = list(texts)
            rows = features.vectorize(list(texts.values()))
            packed = dict(zip(idents, features.pack(rows), strict=True))
            store.papers.save_vectors(tx, features.VERSION, packed, fresh=added.fresh)
            store.encodings.delete_vectors(
                tx, [ident for ident in idents if ident not in added.fresh]
            )
        store.dumps.add_rejects(tx, dump_id, bad)
        store.dumps.update_progress(
            tx,
            dump_id,
            {k: counts[k] for k in ("read", "new", "updated", "duplicate", "skipped", "rejected")},
            dict(skipped),
        )
    file.counts, file.skipped_why = counts, skipped
    if words.encoder and texts:
        encode_papers.store_encodings(
            app, words.encoder, texts
        )  # what is killed before this is found by the next `encode`
    if added.fresh:
        words.new = words.new.add(
            rows[[number for number, ident in enumerate(idents) if ident in added.fresh]]
        )
    for arrival, outcome in zip(arrivals, added.outcomes, strict=True):
        own = arrival.entry.announced or arrival.entry.submitted
        file.old += outcome == "new" and own is not None and own < old_before
