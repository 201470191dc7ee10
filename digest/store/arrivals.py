"""Store a batch of new records as papers, in one transaction.

The rules are in `digest.papers`. This module brings together everything that they depend on (the
neighbourhood) and writes the difference. Batches of several ingests wait for one another, so that
paper ids grow in the order in which papers become visible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, select, text, update

from digest.model import Identity
from digest.store.merging import (
    CATALOGUES,
    Added,
    Batch,
    MergeRules,
    NewRecord,
    merge_pending,
    regroup,
)
from digest.store.neighbourhood import (
    StoredRecord,
    compute_fingerprint,
    find_papers,
    list_keys,
    load_fingerprint_days,
    load_records,
)
from digest.store.splits import add_split
from digest.store.statements import insert
from digest.store.tables import identities, papers, picks, removals

__all__ = [
    "Added",
    "MergeRules",
    "NewRecord",
    "StoredRecord",
    "add",
    "load_records",
    "remove",
    "split",
]

#: any fixed number: it names the advisory lock of those who ingest
_INGEST_LOCK = 0x70617065


def add(tx: Connection, dump_id: int, new: Sequence[NewRecord], rules: MergeRules) -> Added:
    """Store a batch; a record that says nothing new leaves no row."""
    _wait_for_others(tx)
    batch = Batch(
        records=new,
        keys=[list_keys(record.entry) for record in new],
        fingerprints=[compute_fingerprint(record.entry) for record in new],
        added=Added(outcomes=["duplicate"] * len(new)),
    )
    papers_by_key = find_papers(tx, {key for keys in batch.keys for key in keys})
    pending = _match_duplicates(tx, batch, papers_by_key)
    if pending:
        uses = Counter(key for index in pending for key in set(batch.keys[index]))
        # No other record, stored or new, shares a key with these: each is a paper of its own,
        # whatever the rules.
        alone = {
            index
            for index in pending
            if batch.keys[index]
            and not any(key in papers_by_key or uses[key] > 1 for key in batch.keys[index])
        }
        merge_pending(tx, dump_id, batch, pending, alone, rules)
    _raise_upvotes(tx, batch)
    _add_picks(tx, batch)
    return batch.added


def split(
    tx: Connection, paper_records: Sequence[StoredRecord], leaving: set[int], rules: MergeRules
) -> Added:
    """Part records from their paper for good; what parts gets a new id.

    Args:
        paper_records: all records of the paper.
        leaving: ids of those that part from it.
    """
    _wait_for_others(tx)
    add_split(tx, {record.fingerprint: int(record.id in leaving) for record in paper_records})
    return regroup(tx, (record.entry for record in paper_records), leaving, rules)


def _wait_for_others(tx: Connection) -> None:
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _INGEST_LOCK})


def _match_duplicates(
    tx: Connection, batch: Batch, papers_by_key: dict[tuple[str, str], set[int]]
) -> list[int]:
    """Assign records that are stored already to their papers.

    Return the indices of the others.
    """
    paper_ids = {paper_id for ids in papers_by_key.values() for paper_id in ids}
    days = load_fingerprint_days(tx, paper_ids)
    pending: list[int] = []
    for index, record in enumerate(batch.records):
        candidates = {
            paper_id for key in batch.keys[index] for paper_id in papers_by_key.get(key, ())
        }
        fingerprint = batch.fingerprints[index]
        same = (
            paper_id
            for paper_id in sorted(candidates)
            if days.get((paper_id, fingerprint), date.max) <= record.day
        )
        paper_id = next(same, None)
        if paper_id is None:
            pending.append(index)
        else:
            batch.paper_ids[index] = paper_id
    return pending


def remove(tx: Connection, dump_id: int, line: int, names: Iterable[Identity], reason: str) -> None:
    """Mark the paper with these identifiers as withdrawn.

    Its source retracted or deleted it.

    The removal is remembered for a paper that comes later.
    """
    for name in names:
        statement = insert(tx, removals).values(
            kind=name.kind, value=name.value, reason=reason, dump_id=dump_id, line=line
        )
        tx.execute(statement.on_conflict_do_nothing())
        with_name = select(identities.c.paper_id).where(
            identities.c.kind == name.kind, identities.c.value == name.value
        )
        if name.kind in CATALOGUES:
            own_names = identities.c.kind.not_in((*CATALOGUES, "title"))
            with_name = with_name.where(
                identities.c.paper_id.not_in(select(identities.c.paper_id).where(own_names))
            )
        tx.execute(update(papers).where(papers.c.id.in_(with_name)).values(withdrawn=True))


def _raise_upvotes(tx: Connection, batch: Batch) -> None:
    """Raise the upvotes of known papers; they never fall. A rise counts as an update."""
    for index, record in enumerate(batch.records):
        upvotes = record.entry.upvotes
        if not upvotes or batch.added.outcomes[index] == "new":
            continue
        raised = tx.execute(
            update(papers)
            .where(papers.c.id == batch.paper_ids[index], papers.c.upvotes < upvotes)
            .values(upvotes=upvotes)
        ).rowcount
        if raised:
            batch.added.outcomes[index] = "updated"


def _add_picks(tx: Connection, batch: Batch) -> None:
    for index, record in enumerate(batch.records):
        if record.picked is None:
            continue
        statement = insert(tx, picks).values(
            paper_id=batch.paper_ids[index], day=record.picked, rank=record.rank
        )
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["paper_id", "day"], set_={"rank": record.rank}
            )
        )
