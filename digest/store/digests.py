"""Rows of digests: what was chosen for whom and on which local date, and what that leaves for the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Text, and_, bindparam, cast, func, select

from digest.model import Digest, Item, Made, MessageKind, MessageState, Quiet, Score
from digest.store.engine import batches, insert
from digest.store.tables import digest_items, digests, feedback, messages

#: a digest whose message ended so did not reach its reader: its papers compete again
FAILED = (MessageState.REJECTED, MessageState.EXPIRED, MessageState.SKIPPED, MessageState.UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When a message may be sent, and its name in the world."""

    message_id: str
    not_before: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What earlier digests of one subscriber mean for the next one."""

    #: the last day whose papers competed in a digest that reached its reader or still may; None for a new reader
    last_day: date | None = None
    #: the highest paper id that competed there
    mark: int = 0
    #: papers that were listed or still wait in a message
    listed: frozenset[int] = frozenset()
    #: papers of digests that failed after the last one was composed: they compete again
    carried: frozenset[int] = frozenset()
    #: papers of messages that ended as unknown: the reader may have seen them
    maybe_seen: frozenset[int] = frozenset()


def plan(tx: Connection, outcome: Digest | Quiet, *, mark: int, window: Window, now: datetime) -> int | None:
    """Store a digest (with its message, planned) or a quiet day; None when that date is taken already, and nothing changes."""
    planned = isinstance(outcome, Digest)
    statement = insert(tx, digests).values(
        subscriber_id=outcome.subscriber_id,
        local_date=outcome.local_date,
        state="planned" if planned else "quiet",
        reason="" if isinstance(outcome, Digest) else outcome.reason.value,
        mark=mark,
        made=msgspec.to_builtins(outcome.made),
        created_at=now,
    )
    statement = statement.on_conflict_do_nothing(index_elements=["subscriber_id", "local_date"])
    digest_id: int | None = tx.execute(statement.returning(digests.c.id)).scalar_one_or_none()
    if digest_id is None or isinstance(outcome, Quiet):
        return digest_id
    tx.execute(
        digest_items.insert(),
        [
            {
                "digest_id": digest_id,
                "position": item.position,
                "paper_id": item.score.paper_id,
                "score": item.score.value,
                "match": item.score.match,
                "standard": item.score.standard,
                "seen_before": item.seen_before,
                "slot": item.slot,
                "probability": item.probability,
                "team": item.team,
                "why": msgspec.to_builtins(item.score),
            }
            for item in outcome.items
        ],
    )
    tx.execute(
        messages.insert().values(
            kind=MessageKind.DIGEST.value,
            subscriber_id=outcome.subscriber_id,
            key=outcome.local_date.isoformat(),
            digest_id=digest_id,
            message_id=window.message_id,
            state=MessageState.PLANNED.value,
            owner="",
            lease_until=None,
            not_before=window.not_before,
            expires_at=window.expires_at,
            attempts=0,
            evidence="",
            changed_at=now,
        )
    )
    return digest_id


def taken(tx: Connection, subscriber_ids: Iterable[int], days: Iterable[date]) -> set[tuple[int, date]]:
    """Which of the subscribers have a digest or a quiet day on which of the dates."""
    found: set[tuple[int, date]] = set()
    wanted = list(set(days))
    for some in batches(list(subscriber_ids)):
        rows = tx.execute(
            select(digests.c.subscriber_id, digests.c.local_date).where(digests.c.subscriber_id.in_(some), digests.c.local_date.in_(wanted))
        )
        found |= {(ident, day) for ident, day in rows}
    return found


def history(tx: Connection, subscriber_ids: Iterable[int], before: date) -> dict[int, History]:
    """What the digests before a date leave for the one of that date, for every subscriber asked for."""
    found: dict[int, History] = {}
    for some in batches(list(subscriber_ids)):
        found |= _history(tx, list(some), before)
    return found


def _history(tx: Connection, idents: list[int], before: date) -> dict[int, History]:
    rows = tx.execute(
        select(
            digests.c.id,
            digests.c.subscriber_id,
            digests.c.local_date,
            digests.c.mark,
            digests.c.created_at,
            messages.c.state,
            messages.c.changed_at,
        )
        .outerjoin(messages, messages.c.digest_id == digests.c.id)
        .where(digests.c.subscriber_id.in_(idents), digests.c.local_date < before)
        .order_by(digests.c.local_date)
    ).all()
    closed: dict[int, Any] = {}
    for row in rows:
        if row.state not in FAILED:
            closed[row.subscriber_id] = row
    reached: dict[int, set[int]] = defaultdict(set)
    carried: dict[int, set[int]] = defaultdict(set)
    maybe: dict[int, set[int]] = defaultdict(set)
    by_digest = {row.id: row for row in rows}
    for some in batches(list(by_digest)):
        for digest_id, paper_id in tx.execute(
            select(digest_items.c.digest_id, digest_items.c.paper_id).where(digest_items.c.digest_id.in_(some))
        ):
            row = by_digest[digest_id]
            if row.state not in FAILED:
                reached[row.subscriber_id].add(paper_id)
                continue
            if row.state == MessageState.UNKNOWN:
                maybe[row.subscriber_id].add(paper_id)
            later = closed.get(row.subscriber_id)
            if later is None or later.created_at <= row.changed_at:
                carried[row.subscriber_id].add(paper_id)
    return {
        ident: History(
            # West of Greenwich papers of the next UTC day have competed already.
            last_day=max(closed[ident].local_date, closed[ident].created_at.date()) if ident in closed else None,
            mark=closed[ident].mark if ident in closed else 0,
            listed=frozenset(reached[ident]),
            carried=frozenset(carried[ident] - reached[ident]),
            maybe_seen=frozenset(maybe[ident] - reached[ident]),
        )
        for ident in idents
    }


def interests_of(tx: Connection, subscriber_ids: Iterable[int], *, before: datetime | None = None) -> dict[int, dict[int, str]]:
    """For each subscriber with several interests: paper id -> the interest in whose place it was listed last, before a time where one is named."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    interest = digest_items.c.why["interest"].as_string()
    for some in batches(list(subscriber_ids)):
        rows = tx.execute(
            select(digests.c.subscriber_id, digest_items.c.paper_id, interest.label("interest"))
            .join(digest_items, digest_items.c.digest_id == digests.c.id)
            .where(digests.c.subscriber_id.in_(some), *([] if before is None else [digests.c.created_at < before]))
            .order_by(digests.c.local_date)
        )
        for row in rows:
            if row.interest:
                found[row.subscriber_id][row.paper_id] = row.interest
    return found


def ignored(
    tx: Connection, subscriber_ids: Iterable[int], *, since: datetime, before: datetime | None = None
) -> dict[int, dict[int, datetime]]:
    """For each subscriber: the papers that they never rated though they rated another of the same digest -> when it was composed.

    Of digests that were accepted, composed after one time and before another; thumbs count up to that other time. A thumb that was
    withdrawn is not the same as none.
    """
    until = [] if before is None else [digests.c.created_at < before]
    rating = and_(
        feedback.c.subscriber_id == digests.c.subscriber_id,
        feedback.c.paper_id == digest_items.c.paper_id,
        *([] if before is None else [feedback.c.at < before]),
    )
    found: dict[int, dict[int, datetime]] = defaultdict(dict)
    for some in batches(list(subscriber_ids)):
        rows = tx.execute(
            select(digests.c.id, digests.c.subscriber_id, digests.c.created_at, digest_items.c.paper_id, feedback.c.vote)
            .join(digest_items, digest_items.c.digest_id == digests.c.id)
            .join(messages, messages.c.digest_id == digests.c.id)
            .outerjoin(feedback, rating)
            .where(digests.c.subscriber_id.in_(some), digests.c.created_at > since, messages.c.state == MessageState.ACCEPTED.value, *until)
            .order_by(digests.c.created_at, digests.c.id, digest_items.c.position)
        ).all()
        looked_at = {row.id for row in rows if row.vote}
        for row in rows:
            if row.id in looked_at and row.vote is None:
                found[row.subscriber_id][row.paper_id] = row.created_at
    return found


def load(tx: Connection, digest_id: int) -> Digest:
    """A planned digest, as it was chosen."""
    return load_many(tx, [digest_id])[digest_id]


def load_many(tx: Connection, digest_ids: Iterable[int]) -> dict[int, Digest]:
    """Planned digests, as they were chosen, by id; those that are gone are left out."""
    found: dict[int, Digest] = {}
    for some in batches(list(digest_ids)):
        items: dict[int, list[Item]] = defaultdict(list)
        for row in tx.execute(_ITEMS, {"digests": some}).all():
            items[row.digest_id].append(_item(row))
        found |= {
            row.id: Digest(
                subscriber_id=row.subscriber_id,
                local_date=row.local_date,
                items=tuple(items[row.id]),
                made=msgspec.convert(row.made, Made),
            )
            for row in tx.execute(select(digests).where(digests.c.id.in_(some)))
        }
    return found


# A score is read from its text right away: by way of dictionaries it takes five times as long, and every mail needs ten.
_SCORE = msgspec.json.Decoder(Score)
_ITEMS = (
    select(
        digest_items.c.digest_id,
        digest_items.c.position,
        digest_items.c.seen_before,
        digest_items.c.slot,
        digest_items.c.probability,
        digest_items.c.team,
        cast(digest_items.c.why, Text).label("why"),
    )
    .where(digest_items.c.digest_id.in_(bindparam("digests", expanding=True)))
    .order_by(digest_items.c.digest_id, digest_items.c.position)
)


def _item(row: Row[Any]) -> Item:
    return Item(
        position=row.position,
        score=_SCORE.decode(row.why),
        seen_before=row.seen_before,
        slot=row.slot,
        probability=row.probability,
        team=row.team,
    )


def of_date(tx: Connection, subscriber_id: int, day: date) -> int | None:
    """The id of the digest (not of a quiet day) of a subscriber on a local date."""
    where = and_(digests.c.subscriber_id == subscriber_id, digests.c.local_date == day, digests.c.state == "planned")
    return tx.execute(select(digests.c.id).where(where)).scalar_one_or_none()


def latest(tx: Connection) -> list[dict[str, Any]]:
    """Each subscriber's newest digest or quiet day, with the state of its message."""
    newest = select(digests.c.subscriber_id, func.max(digests.c.local_date).label("day")).group_by(digests.c.subscriber_id).subquery()
    size = select(func.count()).where(digest_items.c.digest_id == digests.c.id).correlate(digests).scalar_subquery()
    rows = tx.execute(
        select(
            digests.c.subscriber_id,
            digests.c.local_date,
            digests.c.state,
            digests.c.reason,
            messages.c.state.label("message"),
            size.label("papers"),
        )
        .join(newest, and_(newest.c.subscriber_id == digests.c.subscriber_id, newest.c.day == digests.c.local_date))
        .outerjoin(messages, messages.c.digest_id == digests.c.id)
        .order_by(digests.c.subscriber_id)
    )
    return [dict(row._mapping) for row in rows]
