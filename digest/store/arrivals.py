"""Entries into papers: finds which stored papers an arriving batch touches, lets the rules of
`digest.papers` decide, writes the difference.

The rules are not here; this module only brings the neighbourhood together, so that the pure rules
see everything they depend on. One batch is one transaction; batches of several ingests wait for one
another, so that paper ids grow in the order in which papers become visible.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from operator import itemgetter
from typing import Literal, Protocol

import msgspec
from msgspec.structs import replace
from sqlalchemy import ARRAY, JSON, Connection, Text, bindparam, select, text, update

from digest.model import UNSEEN, Entry, Identity, Merged, Seen
from digest.store.changes import Rows, update_paper
from digest.store.statements import insert, split_into_batches
from digest.store.tables import identities, papers, picks, records, removals

Key = tuple[str, str]
#: `waiting` = part of a paper whose title has not come yet
Outcome = Literal["new", "updated", "duplicate", "waiting"]

#: a title that more papers share than this names none of them ("Editorial", "Introduction")
COMMON_TITLE = 20
#: numbers of catalogues, which drop one when they join two entries: that says nothing of a paper
#: that has a name of its own
_CATALOGUE = ("openalex", "s2")
# A long IN list is compared row by row where PostgreSQL's planner has no statistics yet: a fresh
# store is one. A join never is; in SQLite it saves thousands of parameters.
_LOOK_UP = {
    "postgresql": text(
        "SELECT i.value, i.paper_id FROM unnest(:values) AS k (value) JOIN identities i ON i.kind "
        "= :kind AND i.value = k.value"
    ).bindparams(bindparam("values", type_=ARRAY(Text))),
    "sqlite": text(
        "SELECT i.value, i.paper_id FROM json_each(:values) AS k CROSS JOIN identities AS i ON "
        "i.kind = :kind AND i.value = k.value"
    ).bindparams(bindparam("values", type_=JSON)),
}
_INGEST_LOCK = 0x70617065


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
    """What a batch did: one outcome per arrival, and the papers whose text is new."""

    outcomes: list[Outcome]
    #: paper id -> title and abstract of papers that need a vector
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)
    #: those of them that are papers since this batch
    fresh: set[int] = field(default_factory=set)

    def set_text(self, paper_id: int, before: Merged | None, now: Merged) -> None:
        if now.title and (
            before is None or (before.title, before.abstract) != (now.title, now.abstract)
        ):
            self.texts[paper_id] = (now.title, now.abstract)
            if before is None:
                self.fresh.add(paper_id)


@dataclass(kw_only=True, slots=True)
class _Known:
    """A stored record of the neighbourhood."""

    id: int
    paper_id: int
    fingerprint: bytes
    day: date
    entry: Entry


def compute_fingerprint(entry: Entry) -> bytes:
    """Of what the entry says, votes apart: they change daily and say nothing new about
    the paper."""
    said = entry if entry.upvotes is None else replace(entry, upvotes=None)
    return blake2b(msgspec.json.encode(said), digest_size=16).digest()


def list_keys(entry: Entry) -> tuple[Key, ...]:
    names = [(i.kind, i.value) for i in entry.identities]
    return (*names, ("title", entry.title_key)) if entry.title_key else tuple(names)


class Rules(Protocol):
    """Which entries are one paper, and what that paper says; `digest.papers` has them."""

    def cluster(self, entries: Sequence[Entry]) -> list[list[int]]: ...
    def merge(self, seen: Sequence[Seen]) -> Merged: ...


def add(tx: Connection, dump_id: int, arrivals: Sequence[NewRecord], rules: Rules) -> Added:
    """Store a batch; a record that says nothing new leaves no row."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _INGEST_LOCK})
    keys = [list_keys(a.entry) for a in arrivals]
    found = _look_up(tx, {key for some in keys for key in some})
    prints = [compute_fingerprint(a.entry) for a in arrivals]
    known = _fingerprints(tx, {paper_id for paper_ids in found.values() for paper_id in paper_ids})
    homes: dict[int, int] = {}  # position of an arrival -> paper id
    added = Added(outcomes=["duplicate"] * len(arrivals))
    pending: list[int] = []
    for position, arrival in enumerate(arrivals):
        near = {paper_id for key in keys[position] for paper_id in found.get(key, ())}
        home = next(
            (p for p in sorted(near) if known.get((p, prints[position]), date.max) <= arrival.day),
            None,
        )
        if home is None:
            pending.append(position)
        else:
            homes[position] = home
    if pending:
        shared = Counter(key for position in pending for key in set(keys[position]))
        # An entry of which nothing else knows an identifier or the title is a paper by itself,
        # whatever the rules.
        alone = {
            p
            for p in pending
            if keys[p] and not any(key in found or shared[key] > 1 for key in keys[p])
        }
        _settle(tx, dump_id, arrivals, prints, pending, alone, homes, added, rules)
    _count_votes(tx, arrivals, homes, added)
    _add_picks(tx, arrivals, homes)
    return added


def remove(tx: Connection, dump_id: int, line: int, names: Iterable[Identity], reason: str) -> None:
    """A source retracted or deleted the paper of these identifiers: mark it, and remember it for a
    paper that comes later.
    """
    for name in names:
        statement = insert(tx, removals).values(
            kind=name.kind, value=name.value, reason=reason, dump_id=dump_id, line=line
        )
        tx.execute(statement.on_conflict_do_nothing())
        known = select(identities.c.paper_id).where(
            identities.c.kind == name.kind, identities.c.value == name.value
        )
        if name.kind in _CATALOGUE:
            others = identities.c.kind.not_in((*_CATALOGUE, "title"))
            known = known.where(
                identities.c.paper_id.not_in(select(identities.c.paper_id).where(others))
            )
        tx.execute(update(papers).where(papers.c.id.in_(known)).values(withdrawn=True))


def _removed(tx: Connection, keys: set[Key]) -> set[Key]:
    """Those of the identifiers that a source has retracted or deleted."""
    if not keys or tx.execute(select(removals.c.value).limit(1)).first() is None:
        return set()
    found: set[Key] = set()
    for some in split_into_batches(sorted({value for _, value in keys})):
        found |= {
            (row.kind, row.value)
            for row in tx.execute(
                select(removals.c.kind, removals.c.value).where(removals.c.value.in_(some))
            )
        }
    return found & keys


# ---------------------------------------------------------------------------------------------- the
# neighbourhood


def _look_up(tx: Connection, keys: set[Key]) -> dict[Key, set[int]]:
    found: dict[Key, set[int]] = defaultdict(set)
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        by_kind[kind].append(value)
    for kind, values in by_kind.items():
        # Sorted, they are met in the order of the index.
        for value, paper_id in tx.execute(
            _LOOK_UP[tx.dialect.name], {"kind": kind, "values": sorted(values)}
        ):
            found[kind, value].add(paper_id)
    return found


def _fingerprints(tx: Connection, paper_ids: Iterable[int]) -> dict[tuple[int, bytes], date]:
    known: dict[tuple[int, bytes], date] = {}
    for some in split_into_batches(sorted(paper_ids)):
        for row in tx.execute(
            select(records.c.paper_id, records.c.fingerprint, records.c.day).where(
                records.c.paper_id.in_(some)
            )
        ):
            known[row.paper_id, row.fingerprint] = row.day
    return known


def _neighbourhood(tx: Connection, entries: Iterable[Entry]) -> list[_Known]:
    """Every stored record that shares an identifier or a telling title with the entries, and so on
    until nothing is added.
    """
    loaded: dict[int, _Known] = {}
    paper_ids: set[int] = set()
    asked: set[Key] = set()
    keys = {key for entry in entries for key in list_keys(entry)}
    while keys - asked:
        found = _look_up(tx, keys - asked)
        asked |= keys
        near = {
            p
            for (kind, _), ps in found.items()
            if kind != "title" or len(ps) <= COMMON_TITLE
            for p in ps
        } - paper_ids
        paper_ids |= near
        for some in split_into_batches(sorted(near)):
            for row in tx.execute(select(records).where(records.c.paper_id.in_(some))):
                entry = msgspec.json.decode(row.entry, type=Entry)
                loaded[row.id] = _Known(
                    id=row.id,
                    paper_id=row.paper_id,
                    fingerprint=row.fingerprint,
                    day=row.day,
                    entry=entry,
                )
                keys.update(list_keys(entry))
    return [loaded[ident] for ident in sorted(loaded)]


# ----------------------------------------------------------------------------------------------
# writing the difference


def _settle(
    tx: Connection,
    dump_id: int,
    arrivals: Sequence[NewRecord],
    prints: Sequence[bytes],
    pending: Sequence[int],
    alone: Collection[int],
    homes: dict[int, int],
    added: Added,
    rules: Rules,
) -> None:
    near = [number for number, position in enumerate(pending) if position not in alone]
    known = _neighbourhood(tx, (arrivals[pending[number]].entry for number in near))
    former: dict[int, list[_Known]] = defaultdict(list)
    for record in known:
        former[record.paper_id].append(record)
    entries = [k.entry for k in known] + [arrivals[p].entry for p in pending]
    removed = _removed(tx, {(i.kind, i.value) for entry in entries for i in entry.identities})
    places = [*range(len(known)), *(len(known) + number for number in near)]
    groups = [
        [places[member] for member in members]
        for members in rules.cluster([entries[place] for place in places])
    ]
    owners = _owners(known, groups)
    rows = Rows(tx, dump_id)
    singles = (len(known) + number for number, position in enumerate(pending) if position in alone)
    for members in heapq.merge(
        groups, zip(singles), key=itemgetter(0)
    ):  # so that ids have the order of arrival
        if members[0] >= len(known) and (position := pending[members[0] - len(known)]) in alone:
            arrival = arrivals[position]
            paper_id = homes[position] = rows.next_paper_id()
            rows.record(
                paper_id, arrival.line, arrival.day, prints[position], arrival.entry, arrival.raw
            )
            itself = _marked(rules.merge([Seen(entry=arrival.entry, day=arrival.day)]), removed)
            added.outcomes[position] = _outcome(None, itself)
            rows.paper(paper_id, itself, list_keys(arrival.entry))
            added.set_text(paper_id, None, itself)
            continue
        old = [known[m] for m in members if m < len(known)]
        incoming = [pending[m - len(known)] for m in members if m >= len(known)]
        owned = sorted({k.paper_id for k in old if owners[k.paper_id] == members[0]})
        if not incoming and len(owned) == 1 and len(former[owned[0]]) == len(old):
            continue  # nothing of this paper changes
        seen = {k.fingerprint: Seen(entry=k.entry, day=k.day) for k in old}
        now = rules.merge(list(seen.values())) if seen else None
        # What no dump has brought whole is no paper yet. When one does it is new, and must not hide
        # behind an id that readers' marks have passed.
        awakens = (
            now is not None
            and not _competes(now)
            and any(arrivals[p].entry.title and arrivals[p].day != UNSEEN for p in incoming)
        )
        kept = [] if awakens else owned[:1]
        paper_id = kept[0] if kept else rows.next_paper_id()
        rows.gone += [(gone, paper_id) for gone in owned if gone != paper_id]
        rows.moves += [(k.id, paper_id) for k in old if k.paper_id != paper_id]
        before = (
            rules.merge([Seen(entry=k.entry, day=k.day) for k in former[paper_id]])
            if kept
            else None
        )
        for position in incoming:
            arrival, mark = arrivals[position], prints[position]
            homes[position] = paper_id
            if mark not in seen:
                rows.record(paper_id, arrival.line, arrival.day, mark, arrival.entry, arrival.raw)
            elif arrival.day >= seen[mark].day:
                continue
            else:
                same = (records.c.paper_id.in_({*owned, paper_id}), records.c.fingerprint == mark)
                tx.execute(update(records).where(*same).values(day=arrival.day))
            seen[mark] = Seen(entry=arrival.entry, day=arrival.day)
            then = rules.merge(list(seen.values()))
            added.outcomes[position] = _outcome(now, then)
            now = then
        assert now is not None  # noqa: S101  (a group has members)
        now = _marked(now, removed)
        keys = {key for s in seen.values() for key in list_keys(s.entry)}
        if before is None:
            rows.paper(paper_id, now, keys)
        else:
            update_paper(tx, paper_id, before, now, keys)
        added.set_text(paper_id, before, now)
    rows.write()


def _marked(paper: Merged, removed: Collection[Key]) -> Merged:
    """The paper, withdrawn where a source took it back."""
    if not removed:
        return paper
    telling = [i for i in paper.identities if i.kind not in _CATALOGUE] or paper.identities
    return (
        replace(paper, withdrawn=True)
        if any((i.kind, i.value) in removed for i in telling)
        else paper
    )


def _competes(paper: Merged) -> bool:
    return bool(paper.title) and paper.first_seen != UNSEEN


def _outcome(before: Merged | None, now: Merged) -> Outcome:
    if not now.title:
        return "waiting"
    if before is None or (_competes(now) and not _competes(before)):
        return "new"
    return "updated" if now != before else "duplicate"


def _owners(known: Sequence[_Known], groups: Sequence[Sequence[int]]) -> dict[int, int]:
    """Which group, by its first member, keeps a paper id when its records part: the one with an
    identifier, then the one with the oldest record.
    """
    claims: dict[int, list[tuple[bool, int, int]]] = defaultdict(list)
    for members in groups:
        for member in members:
            if member < len(known):
                record = known[member]
                claims[record.paper_id].append((not record.entry.identities, record.id, members[0]))
    return {paper_id: min(claim)[2] for paper_id, claim in claims.items()}


def _count_votes(
    tx: Connection, arrivals: Sequence[NewRecord], homes: dict[int, int], added: Added
) -> None:
    """A source's count only ever rises; a rise on a known paper counts as an update."""
    for position, arrival in enumerate(arrivals):
        votes = arrival.entry.upvotes
        if not votes or added.outcomes[position] == "new":
            continue
        risen = tx.execute(
            update(papers)
            .where(papers.c.id == homes[position], papers.c.upvotes < votes)
            .values(upvotes=votes)
        ).rowcount
        if risen:
            added.outcomes[position] = "updated"


def _add_picks(tx: Connection, arrivals: Sequence[NewRecord], homes: dict[int, int]) -> None:
    for position, arrival in enumerate(arrivals):
        if arrival.picked is None:
            continue
        statement = insert(tx, picks).values(
            paper_id=homes[position], day=arrival.picked, rank=arrival.rank
        )
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["paper_id", "day"], set_={"rank": arrival.rank}
            )
        )
