"""Merge new records and stored ones in groups.

Each group is one paper; its changes are written.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Literal, Protocol

from msgspec.structs import replace
from sqlalchemy import Connection, update

from digest.model import UNSEEN, Entry, Merged, Seen
from digest.store.changes import NewRows, update_paper
from digest.store.neighbourhood import (
    Key,
    StoredRecord,
    list_keys,
    load_neighbourhood,
    load_removed,
)
from digest.store.splits import load_parts
from digest.store.tables import records

#: `waiting` = part of a paper whose title has not come yet
Outcome = Literal["new", "updated", "duplicate", "waiting"]

#: Kinds of identifiers that catalogues give. A catalogue drops one when it joins two entries, which
#: says nothing about a paper that also has an identifier of its own.
CATALOGUES = ("openalex", "s2")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecord:
    """A cleaned record with its place in the dump."""

    line: int
    raw: str
    entry: Entry
    #: the day that it counts as first seen
    day: date
    picked: date | None = None
    rank: int | None = None


@dataclass(kw_only=True, slots=True)
class Added:
    """What a batch did."""

    #: one for each record
    outcomes: list[Outcome]
    #: paper id -> title and abstract of the papers that need a vector
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)
    #: those of them that this batch created
    fresh: set[int] = field(default_factory=set)

    def set_text(self, paper_id: int, before: Merged | None, now: Merged) -> None:
        """Note a paper whose text is new or has changed."""
        if now.title and (
            before is None or (before.title, before.abstract) != (now.title, now.abstract)
        ):
            self.texts[paper_id] = (now.title, now.abstract)
            if before is None:
                self.fresh.add(paper_id)


@dataclass(kw_only=True, slots=True)
class Batch:
    """The records of a batch; lists and mappings go by their index."""

    records: Sequence[NewRecord]
    keys: Sequence[tuple[Key, ...]]
    fingerprints: Sequence[bytes]
    added: Added
    #: index -> the paper that the record belongs to
    paper_ids: dict[int, int] = field(default_factory=dict)


class MergeRules(Protocol):
    """The rules of `digest.papers`, a package that the store may not import."""

    def cluster(
        self, entries: Sequence[Entry], parts: Sequence[Mapping[int, int]]
    ) -> list[list[int]]:
        """Group entries that are one paper; those of different parts of a split are not."""

    def merge(self, seen: Sequence[Seen]) -> Merged:
        """Merge the entries of one paper."""


def merge_pending(
    tx: Connection,
    dump_id: int,
    batch: Batch,
    pending: Sequence[int],
    alone: Collection[int],
    rules: MergeRules,
) -> None:
    """Merge records with each other and with stored ones, and write what changes.

    Args:
        pending: indices of the records that are not stored yet.
        alone: those of them that share no key with any other record.
    """
    related = [batch.records[index].entry for index in pending if index not in alone]
    stored = load_neighbourhood(tx, related)
    _write_groups(tx, dump_id, batch, pending, alone, stored, rules)


def regroup(
    tx: Connection, entries: Iterable[Entry], leaving: set[int], rules: MergeRules
) -> Added:
    """Group the stored records around some entries anew.

    Args:
        leaving: ids of records that leave their paper's id to the others.
    """
    batch = Batch(records=(), keys=(), fingerprints=(), added=Added(outcomes=[]))
    stored = load_neighbourhood(tx, entries)
    _write_groups(tx, 0, batch, (), (), stored, rules, leaving)
    return batch.added


def _write_groups(
    tx: Connection,
    dump_id: int,
    batch: Batch,
    pending: Sequence[int],
    alone: Collection[int],
    stored: Sequence[StoredRecord],
    rules: MergeRules,
    leaving: Collection[int] = (),
) -> None:
    """Group stored and pending records, and write the papers that change."""
    pending_entries = [batch.records[index].entry for index in pending]
    entries = [record.entry for record in stored] + pending_entries
    removed = load_removed(
        tx, {(name.kind, name.value) for entry in entries for name in entry.identities}
    )
    parts = load_parts(tx)
    fingerprints = [record.fingerprint for record in stored]
    fingerprints += (batch.fingerprints[index] for index in pending)
    # A member of a group is a place in `entries`: stored records first, then pending ones.
    place_of = {index: len(stored) + number for number, index in enumerate(pending)}
    related = (place_of[index] for index in pending if index not in alone)
    places = [*range(len(stored)), *related]
    groups = [
        [places[member] for member in members]
        for members in rules.cluster(
            [entries[place] for place in places],
            [parts.get(fingerprints[place], {}) for place in places],
        )
    ]
    keepers = _choose_keepers(stored, groups, leaving)
    writer = _PaperWriter(tx, dump_id, batch, stored, removed, rules)
    singles = ([place_of[index]] for index in pending if index in alone)
    # In order of their first members, so that ids follow the order of arrival.
    for members in heapq.merge(groups, singles, key=itemgetter(0)):
        old = [stored[place] for place in members if place < len(stored)]
        new = [pending[place - len(stored)] for place in members if place >= len(stored)]
        if not old and new[0] in alone:
            writer.write_single(new[0])
        else:
            own_ids = {record.paper_id for record in old}
            kept_ids = sorted(ident for ident in own_ids if keepers[ident] == members[0])
            writer.write_group(old, new, kept_ids)
    writer.rows.write()


def _choose_keepers(
    stored: Sequence[StoredRecord], groups: Sequence[Sequence[int]], leaving: Collection[int]
) -> dict[int, int]:
    """Choose which group keeps a paper id when the paper's records part.

    A group of records that do not leave comes first, then one with an identifier, then the one with
    the oldest record.

    Returns:
        Paper id -> first member of the group.
    """
    claims: dict[int, list[tuple[bool, bool, int, int]]] = defaultdict(list)
    for members in groups:
        for member in members:
            if member < len(stored):
                record = stored[member]
                claims[record.paper_id].append(
                    (record.id in leaving, not record.entry.identities, record.id, members[0])
                )
    return {paper_id: min(claim)[-1] for paper_id, claim in claims.items()}


class _PaperWriter:
    """Writes the papers of a batch."""

    def __init__(
        self,
        tx: Connection,
        dump_id: int,
        batch: Batch,
        stored: Sequence[StoredRecord],
        removed: Collection[Key],
        rules: MergeRules,
    ) -> None:
        self.rows = NewRows(tx, dump_id)
        self._tx = tx
        self._batch = batch
        self._removed = removed
        self._rules = rules
        self._stored: dict[int, list[StoredRecord]] = defaultdict(list)
        for record in stored:
            self._stored[record.paper_id].append(record)

    def write_single(self, index: int) -> None:
        """Write a paper that consists of one new record."""
        record = self._batch.records[index]
        paper_id = self._batch.paper_ids[index] = self.rows.allocate_paper_id()
        self._add_record(paper_id, index)
        merged = self._rules.merge([Seen(entry=record.entry, day=record.day)])
        paper = _mark_withdrawn(merged, self._removed)
        self._batch.added.outcomes[index] = _compare(None, paper)
        self.rows.add_paper(paper_id, paper, self._batch.keys[index])
        self._batch.added.set_text(paper_id, None, paper)

    def write_group(
        self, old: Sequence[StoredRecord], new: Sequence[int], own_ids: Sequence[int]
    ) -> None:
        """Write the paper that stored and new records make together.

        Args:
            old: its stored records.
            new: indices of its new records.
            own_ids: paper ids that belong to it, in order; the first one is kept.
        """
        if not new and len(own_ids) == 1 and len(self._stored[own_ids[0]]) == len(old):
            return  # nothing changes
        seen = {record.fingerprint: Seen(entry=record.entry, day=record.day) for record in old}
        stored_paper = self._rules.merge(list(seen.values())) if seen else None
        kept_ids = [] if self._completes(stored_paper, new) else own_ids[:1]
        paper_id = kept_ids[0] if kept_ids else self.rows.allocate_paper_id()
        self.rows.merges += [(ident, paper_id) for ident in own_ids if ident != paper_id]
        self.rows.moves += [(record.id, paper_id) for record in old if record.paper_id != paper_id]
        before = (
            self._rules.merge(
                [Seen(entry=record.entry, day=record.day) for record in self._stored[paper_id]]
            )
            if kept_ids
            else None
        )
        paper = self._add_new(paper_id, new, {*own_ids, paper_id}, seen, stored_paper)
        paper = _mark_withdrawn(paper, self._removed)
        keys = {key for version in seen.values() for key in list_keys(version.entry)}
        if before is None:
            self.rows.add_paper(paper_id, paper, keys)
        else:
            update_paper(self._tx, paper_id, before, paper, keys)
        self._batch.added.set_text(paper_id, before, paper)

    def _completes(self, stored_paper: Merged | None, new: Sequence[int]) -> bool:
        """Return whether new records turn an incomplete paper into a complete one.

        An incomplete paper has no title, or is in no dump.

        Such a paper gets a new id: an old one may be below the greatest id that earlier digests
        have considered, and the paper would never be listed.
        """
        if stored_paper is None or _competes(stored_paper):
            return False
        return any(
            self._batch.records[index].entry.title and self._batch.records[index].day != UNSEEN
            for index in new
        )

    def _add_new(
        self,
        paper_id: int,
        new: Sequence[int],
        former_ids: Collection[int],
        seen: dict[bytes, Seen],
        paper: Merged | None,
    ) -> Merged:
        """Add new records to a paper one by one; return what it says then.

        Args:
            former_ids: ids under which its stored records may still stand.
            seen: its records by fingerprint; the new ones are added.
            paper: what its stored records say.
        """
        for index in new:
            record, fingerprint = self._batch.records[index], self._batch.fingerprints[index]
            self._batch.paper_ids[index] = paper_id
            if fingerprint not in seen:
                self._add_record(paper_id, index)
            elif record.day >= seen[fingerprint].day:
                continue
            else:
                same = (
                    records.c.paper_id.in_(former_ids),
                    records.c.fingerprint == fingerprint,
                )
                self._tx.execute(update(records).where(*same).values(day=record.day))
            seen[fingerprint] = Seen(entry=record.entry, day=record.day)
            merged = self._rules.merge(list(seen.values()))
            self._batch.added.outcomes[index] = _compare(paper, merged)
            paper = merged
        assert paper is not None  # noqa: S101  (a group has members)
        return paper

    def _add_record(self, paper_id: int, index: int) -> None:
        record = self._batch.records[index]
        self.rows.add_record(
            paper_id,
            record.line,
            record.day,
            self._batch.fingerprints[index],
            record.entry,
            record.raw,
        )


def _mark_withdrawn(paper: Merged, removed: Collection[Key]) -> Merged:
    """Mark a paper as withdrawn where a source removed it."""
    if not removed:
        return paper
    names = [name for name in paper.identities if name.kind not in CATALOGUES]
    if any((name.kind, name.value) in removed for name in names or paper.identities):
        return replace(paper, withdrawn=True)
    return paper


def _competes(paper: Merged) -> bool:
    """Return whether a paper can be listed: it has a title, and a dump has brought it."""
    return bool(paper.title) and paper.first_seen != UNSEEN


def _compare(before: Merged | None, now: Merged) -> Outcome:
    if not now.title:
        return "waiting"
    if before is None or (_competes(now) and not _competes(before)):
        return "new"
    return "updated" if now != before else "duplicate"
