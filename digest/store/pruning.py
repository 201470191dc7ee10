"""Prune history a batch at a time, so that others wait for no more than one batch.

Readers, thumbs, papers, cleaned records, which paper was listed when and how its digest was made,
and the rows of the ledger stay: the promises rest on them. Two walks go through a table by id and
remember how far they are (`prunings`); the others delete rows, found by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, get_args

import msgspec
from sqlalchemy import (
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)

from digest.model import MessageKind, MessageState, Outcome, Score
from digest.store.explanations import decode_score, encode_score
from digest.store.statements import insert
from digest.store.tables import (
    deliveries,
    digest_items,
    digests,
    dumps,
    messages,
    prunings,
    records,
    rejects,
    rounds,
)

#: states that a message leaves no more, and after which nothing is sent again
_SETTLED = (
    MessageState.ACCEPTED,
    MessageState.REJECTED,
    MessageState.EXPIRED,
    MessageState.SKIPPED,
)
#: outcomes of attempts, by which their index begins
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedBatch:
    """What one batch pruned, or would have."""

    rows: int
    #: bytes of values that are gone, without those of indexes and pages
    bytes: int
    #: of a walk: the last row that it looked at, from which the next batch goes on
    last_id: int
    is_last: bool


def load_mark(tx: Connection, name: str) -> int:
    """Load the id of the last row that a walk looked at; 0 = none yet."""
    query = select(prunings.c.last_id).where(prunings.c.name == name)
    return tx.execute(query).scalar_one_or_none() or 0


def find_time(tx: Connection, name: str) -> datetime | None:
    """Find when something was last pruned; None = never."""
    return tx.execute(select(prunings.c.at).where(prunings.c.name == name)).scalar_one_or_none()


def save_mark(tx: Connection, name: str, last_id: int, *, now: datetime) -> None:
    """Save how far a walk has come."""
    values = {"last_id": last_id, "at": now}
    statement = insert(tx, prunings).values(name=name, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def empty_raw(
    tx: Connection, after: int, before: datetime, limit: int, *, now: datetime, change: bool
) -> PrunedBatch:
    """Empty the raw text of records whose dump was read before a time.

    Args:
        after: id of the last record that was looked at.
        before: dumps that were begun earlier.
        limit: records to look at.
        now: what is from later, as by a clock that ran ahead, is passed over.
        change: False only counts.
    """
    rows = tx.execute(
        select(records.c.id, func.length(records.c.raw).label("size"), dumps.c.started_at)
        .join(dumps, dumps.c.id == records.c.dump_id)
        .where(records.c.id > after)
        .order_by(records.c.id)
        .limit(limit)
    ).all()
    passed = _pass_rows(rows, "started_at", before, now)
    full = [row for row in passed if row.size and row.started_at < before]
    if full and change:
        tx.execute(
            update(records).where(records.c.id.in_([row.id for row in full])).values(raw=b"")
        )
    return _report_walk(len(full), sum(row.size for row in full), passed, after, limit)


def thin_reasons(
    tx: Connection,
    after: int,
    before: datetime,
    limit: int,
    *,
    now: datetime,
    thin: Callable[[Score], Score],
    change: bool,
) -> PrunedBatch:
    """Thin the scores that are stored with the papers of digests made before a time.

    A walk stops at a digest whose mail may still be written.

    Args:
        after: id of the last digest that was looked at.
        before: digests that were made earlier.
        limit: digests to look at.
        now: as for `empty_raw`.
        thin: leaves out of a score what may go.
        change: False only counts.
    """
    rows = tx.execute(
        select(digests.c.id, digests.c.created_at, messages.c.state)
        .outerjoin(messages, messages.c.digest_id == digests.c.id)
        .where(digests.c.id > after)
        .order_by(digests.c.id)
        .limit(limit)
    ).all()
    rows = list(takewhile(lambda row: not _may_be_sent(row), rows))
    passed = _pass_rows(rows, "created_at", before, now)
    explanation = cast(digest_items.c.explanation, Text).label("text")
    c = digest_items.c
    items = tx.execute(
        select(c.digest_id, c.position, c.paper_id, c.score, c.standard, explanation).where(
            c.digest_id.in_([row.id for row in passed if row.created_at < before])
        )
    ).all()
    changes = []
    saved = 0
    for item in items:
        text = encode_score(thin(decode_score(item.text, item)))
        if len(text) < len(item.text):
            saved += len(item.text.encode()) - len(text.encode())
            value = msgspec.json.decode(text)
            changes.append({"digest": item.digest_id, "place": item.position, "thinned": value})
    if changes and change:
        statement = update(digest_items).where(
            c.digest_id == bindparam("digest"), c.position == bindparam("place")
        )
        tx.execute(statement.values(explanation=bindparam("thinned")), changes)
    return _report_walk(len(changes), saved, passed, after, limit)


def delete_deliveries(tx: Connection, before: datetime, limit: int, *, change: bool) -> PrunedBatch:
    """Delete attempts that ended before a time, of messages that have reached their end.

    Args:
        before: attempts that ended earlier.
        limit: attempts to delete.
        change: False only counts.
    """
    c = deliveries.c
    old = (
        select(c.id, func.length(c.text).label("size"))
        .join(messages, messages.c.id == c.message_id)
        .where(
            c.outcome.in_(_OUTCOMES),
            c.ended_at < before,
            messages.c.state.in_([state.value for state in _SETTLED]),
        )
    )
    return _delete(tx, deliveries, old, limit, change=change)


def delete_rejects(tx: Connection, before: datetime, limit: int, *, change: bool) -> PrunedBatch:
    """Delete records that could not be used, of dumps read before a time; as the others."""
    old = (
        select(rejects.c.id, func.length(rejects.c.raw).label("size"))
        .join(dumps, dumps.c.id == rejects.c.dump_id)
        .where(dumps.c.started_at < before)
    )
    return _delete(tx, rejects, old, limit, change=change)


def delete_rounds(tx: Connection, before: datetime, limit: int, *, change: bool) -> PrunedBatch:
    """Delete reports of rounds made before a time, but the newest of each verb; as the others."""
    newest = select(func.max(rounds.c.id)).group_by(rounds.c.verb)
    size = func.length(cast(rounds.c.report, Text))
    old = select(rounds.c.id, size.label("size")).where(
        rounds.c.at < before, rounds.c.id.not_in(newest)
    )
    return _delete(tx, rounds, old, limit, change=change)


def delete_letters(tx: Connection, before: datetime, limit: int, *, change: bool) -> PrunedBatch:
    """Delete letters to the operator that ended before a time; as the others."""
    old = select(messages.c.id, func.length(messages.c.message_id).label("size")).where(
        messages.c.subscriber_id.is_(None),
        messages.c.kind == MessageKind.ALERT.value,
        messages.c.state.in_([state.value for state in _SETTLED]),
        messages.c.changed_at < before,
    )
    return _delete(tx, messages, old, limit, change=change)


def _delete(
    tx: Connection, table: Table, old: Select[Any], limit: int, *, change: bool
) -> PrunedBatch:
    """Delete rows that a query finds; where nothing is changed, count all of them."""
    if not change:
        found = old.subquery()
        rows, size = tx.execute(select(func.count(), func.sum(found.c.size))).one()
        return PrunedBatch(rows=rows, bytes=int(size or 0), last_id=0, is_last=True)
    batch = tx.execute(old.limit(limit)).all()
    if batch:
        tx.execute(delete(table).where(table.c.id.in_([row.id for row in batch])))
    return PrunedBatch(
        rows=len(batch),
        bytes=sum(row.size or 0 for row in batch),
        last_id=0,
        is_last=len(batch) < limit,
    )


def _may_be_sent(row: Any) -> bool:
    open_states = (
        MessageState.PLANNED,
        MessageState.CLAIMED,
        MessageState.SENDING,
        MessageState.DEFERRED,
    )
    return row.state in open_states


def _pass_rows(rows: Sequence[Any], time: str, before: datetime, now: datetime) -> list[Any]:
    """Return the rows up to the first that will be old one day; a walk goes on there then."""
    return list(takewhile(lambda row: not before <= getattr(row, time) <= now, rows))


def _report_walk(
    rows: int, size: int, passed: Sequence[Any], after: int, limit: int
) -> PrunedBatch:
    last_id = passed[-1].id if passed else after
    return PrunedBatch(rows=rows, bytes=size, last_id=last_id, is_last=len(passed) < limit)
