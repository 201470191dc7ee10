"""Show the records of a paper, and part those that are another paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from digest import papers, store
from digest.app import App
from digest.errors import InputError
from digest.model import Entry, Paper
from digest.pipeline.steps.store_records import WordCounter, count_words, store_vectors
from digest.services.find import find_paper
from digest.store.arrivals import StoredRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRecord:
    """A record of a paper, and where it came from."""

    #: the number by which it is split off
    number: int
    dump: str
    line: int
    day: date
    entry: Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRecords:
    """A paper with its records, oldest first."""

    paper: Paper
    records: tuple[PaperRecord, ...]


def show_paper(app: App, name: str) -> PaperRecords:
    """Show a paper, named as people type it, with its records; raises as `find_paper`."""
    paper = find_paper(app, name)
    with app.store.reading() as tx:
        return _load(tx, paper)


def split_paper(app: App, name: str, numbers: Sequence[int]) -> list[PaperRecords]:
    """Part records from a paper for good.

    Args:
        name: of the paper, as people type it.
        numbers: of the records that are another paper, as `show_paper` gives them.

    Returns:
        The paper, which keeps its id, and then the papers that its records are now.

    Raises:
        NotFoundError: no paper has that name.
        InputError: the paper has one record only, or none with such a number, or no other.
    """
    paper = find_paper(app, name)
    words = WordCounter(app)
    with app.store.writing() as tx:
        records = store.arrivals.load_records(tx, paper.id)
        leaving = _choose_leaving(paper, records, set(numbers))
        added = store.arrivals.split(tx, records, leaving, papers)
        fresh_rows = store_vectors(tx, added)
    count_words(app, added, fresh_rows, words)
    with app.store.writing() as tx:
        words.save(tx)
        ids = store.dumps.find_paper_ids(tx, [record.id for record in records])
        loaded = store.papers.load(tx, ids)
        return [_load(tx, loaded[ident]) for ident in sorted(ids, key=lambda i: (i != paper.id, i))]


def _choose_leaving(paper: Paper, records: Sequence[StoredRecord], numbers: set[int]) -> set[int]:
    if len(records) < 2:
        raise InputError(f"paper:{paper.id} has a single record, so there is nothing to split")
    if unknown := numbers - {record.id for record in records}:
        raise InputError(
            f"paper:{paper.id} has no record {min(unknown)}. `digest papers show paper:{paper.id}` "
            "lists its records"
        )
    fingerprints = {record.fingerprint for record in records if record.id in numbers}
    leaving = {record.id for record in records if record.fingerprint in fingerprints}
    if len(leaving) == len(records):
        raise InputError(
            f"these are all records of paper:{paper.id}. Name only those that are another paper"
        )
    return leaving


def _load(tx: store.Connection, paper: Paper) -> PaperRecords:
    places = store.dumps.find_places(tx, paper.id)
    records = store.arrivals.load_records(tx, paper.id)
    return PaperRecords(
        paper=paper,
        records=tuple(
            PaperRecord(
                number=record.id,
                dump=places[record.id][0],
                line=places[record.id][1],
                day=record.day,
                entry=record.entry,
            )
            for record in records
        ),
    )
