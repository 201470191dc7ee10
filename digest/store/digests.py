"""Digests and quiet days: what was chosen for whom and on which local date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, and_, bindparam, cast, func, select

from digest.model import (
    Digest,
    Item,
    MessageKind,
    MessageState,
    Provenance,
    Quiet,
    QuietReason,
)
from digest.store.explanations import decode_score, encode_score
from digest.store.statements import add_rows, insert, split_into_batches
from digest.store.tables import digest_items, digests, messages, subscribers


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When a message may be sent, and its Message-ID."""

    message_id: str
    not_before: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A digest or a quiet day to store."""

    outcome: Digest | Quiet
    #: the greatest paper id that was a candidate
    max_paper_id: int
    #: of its message; None = it has none, as most quiet days
    window: Window | None


def plan(
    tx: Connection,
    outcome: Digest | Quiet,
    *,
    max_paper_id: int,
    window: Window | None,
    now: datetime,
) -> int | None:
    """Store a digest or a quiet day with its planned message, as `plan_all`."""
    (digest_id,) = plan_all(
        tx, [Plan(outcome=outcome, max_paper_id=max_paper_id, window=window)], now=now
    )
    return digest_id


def plan_all(tx: Connection, plans: Sequence[Plan], *, now: datetime) -> list[int | None]:
    """Store digests and quiet days with their planned messages, one for each reader; idempotent.

    Returns:
        The id of each digest; None where the date has one already, and nothing changes, or where
        the reader was deleted.
    """
    ids = _add_digests(tx, plans, now)
    added = [(ident, each) for ident, each in zip(ids, plans, strict=True) if ident is not None]
    add_rows(
        tx,
        digest_items,
        [
            _item_row(ident, item)
            for ident, each in added
            if isinstance(each.outcome, Digest)
            for item in each.outcome.items
        ],
    )
    letters = [
        {
            "kind": MessageKind.DIGEST.value,
            "subscriber_id": each.outcome.subscriber_id,
            "key": each.outcome.local_date.isoformat(),
            "digest_id": ident,
            "message_id": each.window.message_id,
            "state": MessageState.PLANNED.value,
            "owner": "",
            "lease_until": None,
            "not_before": each.window.not_before,
            "expires_at": each.window.expires_at,
            "attempts": 0,
            "evidence": "",
            "changed_at": now,
        }
        for ident, each in added
        if each.window is not None
    ]
    if letters:
        tx.execute(messages.insert(), letters)
    return ids


def _add_digests(tx: Connection, plans: Sequence[Plan], now: datetime) -> list[int | None]:
    """Add the rows of digests; return their ids, None where a reader has one or is gone."""
    known = {
        ident
        for batch in split_into_batches([each.outcome.subscriber_id for each in plans])
        for ident in tx.execute(
            select(subscribers.c.id)
            .where(subscribers.c.id.in_(batch))
            .with_for_update(read=True, key_share=True)
        ).scalars()
    }
    rows = [
        {
            "subscriber_id": each.outcome.subscriber_id,
            "local_date": each.outcome.local_date,
            "state": "planned" if isinstance(each.outcome, Digest) else "quiet",
            "reason": "" if isinstance(each.outcome, Digest) else each.outcome.reason.value,
            "max_paper_id": each.max_paper_id,
            "provenance": msgspec.to_builtins(each.outcome.provenance),
            "nearest_paper_id": None
            if isinstance(each.outcome, Digest)
            else each.outcome.nearest_paper_id,
            "quiet_days_told": each.outcome.quiet_days_told,
            "created_at": now,
        }
        for each in plans
        if each.outcome.subscriber_id in known
    ]
    if not rows:
        return [None] * len(plans)
    statement = (
        insert(tx, digests)
        .on_conflict_do_nothing(index_elements=["subscriber_id", "local_date"])
        .returning(digests.c.id, digests.c.subscriber_id, digests.c.local_date)
    )
    ids = {(row.subscriber_id, row.local_date): row.id for row in tx.execute(statement, rows).all()}
    return [ids.get((each.outcome.subscriber_id, each.outcome.local_date)) for each in plans]


def _item_row(digest_id: int, item: Item) -> tuple[Any, ...]:
    """Return the values of an item, in the order of the table's columns."""
    score = item.score
    return (
        digest_id,
        item.position,
        score.paper_id,
        score.value,
        score.match,
        score.standard,
        item.seen_before,
        item.slot,
        item.probability,
        item.team,
        item.from_day,
        encode_score(score),
    )


def close_missed(
    tx: Connection, subscriber_id: int, dates: Iterable[date], *, now: datetime
) -> None:
    """Close due dates that passed without a digest: none is made for them later."""
    rows = [
        {
            "subscriber_id": subscriber_id,
            "local_date": day,
            "state": "quiet",
            "reason": QuietReason.MISSED.value,
            "max_paper_id": 0,
            "provenance": msgspec.to_builtins(Provenance(model="", features="", at=now)),
            "created_at": now,
        }
        for day in dates
    ]
    if rows:
        statement = insert(tx, digests).on_conflict_do_nothing(
            index_elements=["subscriber_id", "local_date"]
        )
        tx.execute(statement, rows)


def load_reasons(
    tx: Connection, subscriber_ids: Iterable[int], since: date
) -> dict[int, dict[date, str]]:
    """Load for each subscriber local date -> reason without a digest, "" = with one."""
    reasons: dict[int, dict[date, str]] = defaultdict(dict)
    columns = (digests.c.subscriber_id, digests.c.local_date, digests.c.reason)
    for batch in split_into_batches(list(subscriber_ids)):
        where = (digests.c.subscriber_id.in_(batch), digests.c.local_date >= since)
        for row in tx.execute(select(*columns).where(*where)):
            reasons[row.subscriber_id][row.local_date] = row.reason
    return reasons


def load_last_dates(
    tx: Connection, subscriber_ids: Iterable[int], *, since: date, before: date
) -> dict[int, date]:
    """Load each subscriber's last date in a span that has a digest or was closed."""
    last_dates: dict[int, date] = {}
    last = func.max(digests.c.local_date).label("day")
    for batch in split_into_batches(list(subscriber_ids)):
        where = (
            digests.c.subscriber_id.in_(batch),
            digests.c.local_date >= since,
            digests.c.local_date < before,
        )
        rows = tx.execute(
            select(digests.c.subscriber_id, last).where(*where).group_by(digests.c.subscriber_id)
        )
        last_dates |= {row.subscriber_id: row.day for row in rows}
    return last_dates


def load(tx: Connection, digest_id: int) -> Digest:
    """Load a planned digest as it was chosen."""
    return load_many(tx, [digest_id])[digest_id]


def load_many(tx: Connection, digest_ids: Iterable[int]) -> dict[int, Digest]:
    """Load planned digests by id; deleted ones are left out."""
    digests_by_id: dict[int, Digest] = {}
    for batch in split_into_batches(list(digest_ids)):
        items: dict[int, list[Item]] = defaultdict(list)
        for row in tx.execute(_ITEMS, {"digests": batch}).all():
            items[row.digest_id].append(_build_item(row))
        digests_by_id |= {
            row.id: Digest(
                subscriber_id=row.subscriber_id,
                local_date=row.local_date,
                items=tuple(items[row.id]),
                provenance=msgspec.convert(row.provenance, Provenance),
                quiet_days_told=row.quiet_days_told,
            )
            # All rows at once: a cursor that an error leaves open would keep its connection in an
            # old snapshot for whoever uses it next.
            for row in tx.execute(
                select(digests).where(digests.c.id.in_(batch), digests.c.state == "planned")
            ).all()
        }
    return digests_by_id


# A score is decoded straight from its text. Dictionaries in between take five times as long, and
# every mail needs ten scores.
_ITEMS = (
    select(
        digest_items.c.digest_id,
        digest_items.c.position,
        digest_items.c.paper_id,
        digest_items.c.score,
        digest_items.c.standard,
        digest_items.c.seen_before,
        digest_items.c.slot,
        digest_items.c.probability,
        digest_items.c.team,
        digest_items.c.from_day,
        cast(digest_items.c.explanation, Text).label("explanation"),
    )
    .where(digest_items.c.digest_id.in_(bindparam("digests", expanding=True)))
    .order_by(digest_items.c.digest_id, digest_items.c.position)
)


def _build_item(row: Any) -> Item:
    return Item(
        position=row.position,
        score=decode_score(row.explanation, row),
        seen_before=row.seen_before,
        slot=row.slot,
        probability=row.probability,
        team=row.team,
        from_day=row.from_day,
    )


def find_by_date(tx: Connection, subscriber_id: int, day: date) -> int | None:
    """Find the id of a subscriber's digest on a local date; None on a quiet day."""
    where = and_(
        digests.c.subscriber_id == subscriber_id,
        digests.c.local_date == day,
        digests.c.state == "planned",
    )
    return tx.execute(select(digests.c.id).where(where)).scalar_one_or_none()


def find_by_message(tx: Connection, message_id: int, subscriber_id: int) -> Digest | None:
    """Find the digest that a message to a subscriber carried; None where none is stored."""
    where = (messages.c.id == message_id, messages.c.subscriber_id == subscriber_id)
    digest_id = tx.execute(select(messages.c.digest_id).where(*where)).scalar_one_or_none()
    return None if digest_id is None else load_many(tx, [digest_id]).get(digest_id)


def list_latest(tx: Connection) -> list[dict[str, Any]]:
    """List each subscriber's newest digest or quiet day, with its message's state.

    The column `missed` counts earlier dates without a digest, whose papers it took over.
    """
    newest = (
        select(digests.c.subscriber_id, func.max(digests.c.local_date).label("day"))
        .group_by(digests.c.subscriber_id)
        .subquery()
    )
    size = (
        select(func.count())
        .where(digest_items.c.digest_id == digests.c.id)
        .correlate(digests)
        .scalar_subquery()
    )
    # Dates closed together with the newest have the same time.
    others = digests.alias()
    missed = (
        select(func.count())
        .where(
            others.c.subscriber_id == digests.c.subscriber_id,
            others.c.created_at == digests.c.created_at,
            others.c.reason == QuietReason.MISSED.value,
        )
        .correlate(digests)
        .scalar_subquery()
    )
    rows = tx.execute(
        select(
            digests.c.subscriber_id,
            digests.c.local_date,
            missed.label("missed"),
            digests.c.state,
            digests.c.reason,
            messages.c.state.label("message"),
            size.label("papers"),
        )
        .join(
            newest,
            and_(
                newest.c.subscriber_id == digests.c.subscriber_id,
                newest.c.day == digests.c.local_date,
            ),
        )
        .outerjoin(messages, messages.c.digest_id == digests.c.id)
        .order_by(digests.c.subscriber_id)
    )
    return [dict(row._mapping) for row in rows]
