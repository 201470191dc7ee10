"""Import a reader's library as example papers of one of their interests.

An entry matches a stored paper, or is stored by its title and abstract. A paper stored so has come
in no dump (first seen on `UNSEEN`): it is new to nobody, and a dump may bring it later.
Nothing else of the file is stored: not its name, its raw text or its refused entries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from msgspec import structs

from digest import dumps, papers, store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import (
    EXAMPLES_MAX,
    NAME_MAX,
    UNSEEN,
    Entry,
    Identity,
    Interest,
    Paper,
    Record,
    Rejected,
    Skipped,
    Subscriber,
)
from digest.pipeline.steps.ingest_report import FileReport
from digest.pipeline.steps.paper_names import look_up
from digest.pipeline.steps.store_records import RecordBatch, WordCounter, store_records
from digest.store.arrivals import NewRecord

#: the source of these papers in dump, footer and table; the file's name may be private
SOURCE: Final = "library"

#: matched = a dump brought the paper
#: kept    = stored by title and abstract until a dump brings it
#: awaited = known by its identifier alone until a dump brings it
#: refused = see the reason
Outcome = Literal["matched", "kept", "awaited", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedEntry:
    """What became of one entry."""

    line: int
    outcome: Outcome
    #: how the interest names the paper; "" where it was refused
    paper: str = ""
    title: str = ""
    #: the interest did not hold it before
    new: bool = False
    reason: str = ""


@dataclass(kw_only=True, slots=True)
class ImportReport:
    """What an import did, entry by entry."""

    subscriber: Subscriber
    interest: str
    format: str
    entries: list[ImportedEntry] = field(default_factory=list)
    #: why the file ended before its end
    incomplete: str = ""
    #: what was assumed about the encoding of the file
    notes: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(entry.outcome == outcome for entry in self.entries)

    @property
    def new(self) -> int:
        """Example papers that the interest did not hold before."""
        return sum(entry.new for entry in self.entries)

    @property
    def json(self) -> dict[str, object]:
        counts = Counter(entry.outcome for entry in self.entries)
        return {
            "email": self.subscriber.email,
            "interest": self.interest,
            "format": self.format,
            "read": len(self.entries),
            **{outcome: counts[outcome] for outcome in ("matched", "kept", "awaited", "refused")},
            "new": self.new,
            "incomplete": self.incomplete,
            "notes": self.notes,
            "entries": [
                {
                    "line": entry.line,
                    "outcome": entry.outcome,
                    "paper": entry.paper,
                    "title": entry.title,
                    "new": entry.new,
                    "reason": entry.reason,
                }
                for entry in self.entries
            ],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryEntry:
    """An entry of the file: the whole of it, or just an identifier."""

    line: int
    entry: Entry | None = None
    identity: Identity | None = None


def import_library(
    app: App, subscriber: Subscriber, path: Path, *, interest: str = "", create: bool = False
) -> ImportReport:
    """Make the papers of a file example papers of an interest.

    Args:
        interest: its name; without one, it is the reader's only interest, or "main" if they have
            none.
        create: add the named interest if it is missing.

    Importing again changes nothing, even if the first import was killed.

    Raises:
        DumpError: the file cannot be read or is of no known format.
        InputError: it holds more than a library does, or the interest would; or it is not said to
            which of several interests the papers go.
        NotFoundError: the subscriber is gone, or has no such interest.
    """
    name = choose_interest(subscriber, interest, create=create)
    dump = dumps.open_dump(path, today=app.now().date())
    report = ImportReport(subscriber=subscriber, interest=name, format=dump.format)
    entries = read_entries(path, dump)
    report.incomplete, report.notes = dump.incomplete or "", [*dump.notes]
    with app.store.reading() as tx:
        unknown = [
            entry
            for entry in entries
            if isinstance(entry, LibraryEntry)
            and entry.entry
            and _is_unknown(entry.entry, find_stored(tx, entry))
        ]
    if unknown:
        _store_unknown(app, unknown, dump.sha256)
    with app.store.writing() as tx:
        known = store.subscribers.find(tx, subscriber.id)
        if known is None:
            raise NotFoundError(f"no subscriber {subscriber.id}; the row was deleted")
        own = next((i for i in known.interests if i.name == name), Interest(name=name))
        report.entries, names = _match_entries(tx, entries, own.papers)
        if len(names) > EXAMPLES_MAX:
            raise InputError(
                f"the interest {name!r} would hold {len(names):,} example papers, more than "
                f"{EXAMPLES_MAX:,}. Give a part of the file"
            )
        report.subscriber = known
        if names != own.papers:
            grown = replace(own, papers=names)
            interests = [grown if i.name == name else i for i in known.interests]
            interests += [] if grown in interests else [grown]
            report.subscriber = store.subscribers.overwrite(
                tx, replace(known, interests=tuple(interests)), now=app.now()
            )
    return report


def read_entries(path: Path, dump: dumps.Dump) -> list[LibraryEntry | ImportedEntry]:
    """Read the file; InputError if it holds more papers than a library does.

    Attachments and notes, which are no papers, do not count; but even they come to an end.
    """
    entries: list[LibraryEntry | ImportedEntry] = []
    counted = 0
    for record in dump.records():
        counted += not isinstance(record, Skipped)
        if counted > EXAMPLES_MAX or len(entries) >= 20 * EXAMPLES_MAX:
            raise InputError(
                f"{path}: holds more than {EXAMPLES_MAX:,} entries. Give a part of it; a dump of "
                f"papers is for `digest ingest`"
            )
        entries.append(
            _read_entry(record)
            if isinstance(record, Record)
            else _refuse(record.line, record.reason)
        )
    return entries


def choose_interest(subscriber: Subscriber, interest: str, *, create: bool) -> str:
    """Choose the interest by its name, with single blanks, else the only one."""
    name = " ".join(interest.split())
    if len(name) > NAME_MAX or (interest and not name):
        raise InputError(
            f"interest: give it a name of up to {NAME_MAX} characters, or leave it out"
        )
    names = [own.name for own in subscriber.interests]
    listed = ", ".join(map(repr, names))
    if not name:
        if len(names) > 1 and "main" not in names:
            raise InputError(
                f"{subscriber.email} has several interests: {listed}. Say by --interest to which "
                "the papers go"
            )
        return names[0] if len(names) == 1 else "main"
    if name not in names and not create:
        raise NotFoundError(
            f"{subscriber.email} has no interest {name!r}, but {listed or 'none yet'}. Correct the "
            "name, or make the interest by --create"
        )
    return name


def _read_entry(record: Record) -> LibraryEntry | ImportedEntry:
    if record.fragment and not record.title.strip():
        found = (
            one
            for kind, text in record.ids
            for one in (
                papers.parse_link(text) if kind == "url" else (papers.parse_identity(kind, text),)
            )
            if one
        )
        identity = next(found, None)
        if identity is None:
            return _refuse(
                record.line, f"names no paper that could be looked up: {record.raw[:80]!a}"
            )
        return LibraryEntry(line=record.line, identity=identity)
    entry = papers.clean(record, SOURCE)
    if isinstance(entry, Rejected):
        return _refuse(record.line, entry.reason)
    # One reader's file must not tie two papers together for everybody, nor withdraw a paper.
    return LibraryEntry(
        line=record.line,
        entry=structs.replace(entry, version=None, upvotes=None, withdrawn=False, comment=""),
    )


def _refuse(line: int, reason: str) -> ImportedEntry:
    return ImportedEntry(line=line, outcome="refused", reason=reason)


def find_stored(tx: store.Connection, library_entry: LibraryEntry) -> list[int]:
    """Return the ids of the stored papers that an entry may be.

    That is the paper with its identifier, else those with its title and no contradiction.
    """
    entry = library_entry.entry
    for identity in (
        (library_entry.identity,) if library_entry.identity else entry.identities if entry else ()
    ):
        if paper_ids := store.papers.find_by_identity(tx, identity.kind, identity.value):
            return paper_ids
    if entry is None:
        return []
    titled = store.papers.load(tx, store.papers.find_by_identity(tx, "title", entry.title_key))
    return sorted({paper.id for paper in titled.values() if _may_be_same(entry, paper)})


def _may_be_same(entry: Entry, paper: Paper) -> bool:
    if any(paper.identity(own.kind) not in (None, own.value) for own in entry.identities):
        return False
    return papers.may_be_same_authors(entry.authors, paper.authors)


def _is_unknown(entry: Entry, stored: list[int]) -> bool:
    """Whether the entry is a new paper.

    Among several papers of its title, only an identifier tells.
    """
    return not stored or (len(stored) > 1 and bool(entry.identities))


def _store_unknown(app: App, unknown: list[LibraryEntry], sha256: str) -> None:
    """Store the entries that no dump has brought, each under its best identifier."""
    arrivals = [
        NewRecord(
            line=entry.line,
            raw="",
            entry=structs.replace(entry.entry, identities=entry.entry.identities[:1]),
            day=UNSEEN,
        )
        for entry in unknown
        if entry.entry is not None
    ]
    words = WordCounter(app)
    with app.store.writing() as tx:
        dump_id = store.dumps.begin(
            tx,
            store.dumps.DumpFile(name=SOURCE, form=SOURCE, sha256=sha256),
            day=UNSEEN,
            now=app.now(),
        )
    file = FileReport(name=SOURCE, format=SOURCE, counts=Counter(read=len(arrivals)))
    store_records(app, dump_id, RecordBatch(new=arrivals), file, words, UNSEEN)
    with app.store.writing() as tx:
        words.save(tx)
        store.dumps.finish(tx, dump_id, incomplete="", now=app.now())


def _match_entries(
    tx: store.Connection, entries: list[LibraryEntry | ImportedEntry], before: tuple[str, ...]
) -> tuple[list[ImportedEntry], tuple[str, ...]]:
    """Match each entry with a stored paper.

    Returns:
        What became of each entry, and the names of the interest's example papers with new ones.
    """
    held: set[int | Identity] = set()
    for name in before:
        paper_ids, identity = look_up(tx, name), papers.parse_name(name)
        held.update(paper_ids[:1] or ((identity,) if identity else ()))
    report: list[ImportedEntry] = []
    names = list(before)
    for entry in entries:
        if isinstance(entry, ImportedEntry):
            report.append(entry)
            continue
        stored = find_stored(tx, entry)
        if len(stored) == 1:
            paper = store.papers.load(tx, stored)[stored[0]]
            key: int | Identity = paper.id
            name, title = paper.name, paper.title
            outcome: Outcome = "kept" if paper.first_seen == UNSEEN else "matched"
        elif entry.identity is not None:
            key, name, title, outcome = (
                entry.identity,
                f"{entry.identity.kind}:{entry.identity.value}",
                "",
                "awaited",
            )
        else:
            report.append(
                _refuse(
                    entry.line,
                    "several stored papers have its title, and it has no identifier to tell which "
                    "is meant",
                )
            )
            continue
        report.append(
            ImportedEntry(
                line=entry.line, outcome=outcome, paper=name, title=title, new=key not in held
            )
        )
        if key not in held:
            held.add(key)
            names.append(name)
    return report, tuple(names)
