"""The stored records that a batch touches.

They share an identifier or a title with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import msgspec
from msgspec.structs import replace
from sqlalchemy import ARRAY, JSON, Connection, Text, bindparam, select, text

from digest.model import Entry
from digest.store.statements import split_into_batches
from digest.store.tables import records, removals

#: (kind, value) of an identifier, or ("title", normalised title)
Key = tuple[str, str]

#: a title that more papers share identifies none of them ("Editorial", "Introduction")
COMMON_TITLE = 20

# A long IN list is compared row by row where PostgreSQL's planner has no statistics, as in a fresh
# store. A join never is; in SQLite it saves thousands of parameters.
_FIND_PAPERS = {
    "postgresql": text(
        "SELECT i.value, i.paper_id FROM unnest(:values) AS k (value) JOIN identities i ON i.kind "
        "= :kind AND i.value = k.value"
    ).bindparams(bindparam("values", type_=ARRAY(Text))),
    "sqlite": text(
        "SELECT i.value, i.paper_id FROM json_each(:values) AS k CROSS JOIN identities AS i ON "
        "i.kind = :kind AND i.value = k.value"
    ).bindparams(bindparam("values", type_=JSON)),
}


@dataclass(kw_only=True, slots=True)
class StoredRecord:
    """A record that is stored already."""

    id: int
    paper_id: int
    fingerprint: bytes
    day: date
    entry: Entry


def compute_fingerprint(entry: Entry) -> bytes:
    """Hash what an entry says, without votes.

    They change daily and say nothing about the paper.
    """
    without_votes = entry if entry.upvotes is None else replace(entry, upvotes=None)
    return blake2b(msgspec.json.encode(without_votes), digest_size=16).digest()


def list_keys(entry: Entry) -> tuple[Key, ...]:
    """List the keys of an entry's paper: its identifiers, and its title last."""
    keys = [(identity.kind, identity.value) for identity in entry.identities]
    return (*keys, ("title", entry.title_key)) if entry.title_key else tuple(keys)


def find_papers(tx: Connection, keys: set[Key]) -> dict[Key, set[int]]:
    """Find the ids of the papers that have each key; unknown keys are left out."""
    paper_ids: dict[Key, set[int]] = defaultdict(set)
    values_by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        values_by_kind[kind].append(value)
    for kind, values in values_by_kind.items():
        # Sorted values follow the order of the index.
        rows = tx.execute(_FIND_PAPERS[tx.dialect.name], {"kind": kind, "values": sorted(values)})
        for value, paper_id in rows:
            paper_ids[kind, value].add(paper_id)
    return paper_ids


def load_fingerprint_days(
    tx: Connection, paper_ids: Iterable[int]
) -> dict[tuple[int, bytes], date]:
    """Load the day of each (paper id, fingerprint) among the records of some papers."""
    days: dict[tuple[int, bytes], date] = {}
    for batch in split_into_batches(sorted(paper_ids)):
        rows = tx.execute(
            select(records.c.paper_id, records.c.fingerprint, records.c.day).where(
                records.c.paper_id.in_(batch)
            )
        )
        days |= {(row.paper_id, row.fingerprint): row.day for row in rows}
    return days


def load_neighbourhood(tx: Connection, entries: Iterable[Entry]) -> list[StoredRecord]:
    """Load every stored record that is connected to the entries by shared keys.

    It shares a key with an entry, or with another such record.

    A title counts unless more than `COMMON_TITLE` papers share it.
    """
    loaded: dict[int, StoredRecord] = {}
    paper_ids: set[int] = set()
    looked_up: set[Key] = set()
    keys = {key for entry in entries for key in list_keys(entry)}
    while keys - looked_up:
        papers_by_key = find_papers(tx, keys - looked_up)
        looked_up |= keys
        new_ids = {
            paper_id
            for (kind, _), sharing_ids in papers_by_key.items()
            if kind != "title" or len(sharing_ids) <= COMMON_TITLE
            for paper_id in sharing_ids
        } - paper_ids
        paper_ids |= new_ids
        for batch in split_into_batches(sorted(new_ids)):
            for record in _load_records(tx, batch):
                loaded[record.id] = record
                keys.update(list_keys(record.entry))
    return [loaded[ident] for ident in sorted(loaded)]


def load_records(tx: Connection, paper_id: int) -> list[StoredRecord]:
    """Load the records of a paper, oldest first."""
    return sorted(_load_records(tx, [paper_id]), key=lambda record: record.id)


def _load_records(tx: Connection, paper_ids: Sequence[int]) -> Iterator[StoredRecord]:
    for row in tx.execute(select(records).where(records.c.paper_id.in_(paper_ids))):
        yield StoredRecord(
            id=row.id,
            paper_id=row.paper_id,
            fingerprint=row.fingerprint,
            day=row.day,
            entry=msgspec.json.decode(row.entry, type=Entry),
        )


def load_removed(tx: Connection, keys: set[Key]) -> set[Key]:
    """Load those of the keys whose papers a source has retracted or deleted."""
    if not keys or tx.execute(select(removals.c.value).limit(1)).first() is None:
        return set()
    removed: set[Key] = set()
    for batch in split_into_batches(sorted({value for _, value in keys})):
        rows = tx.execute(
            select(removals.c.kind, removals.c.value).where(removals.c.value.in_(batch))
        )
        removed |= {(row.kind, row.value) for row in rows}
    return removed & keys
