"""Rows of digests: what was chosen for whom and on which local date, and what that leaves for the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, String, Text, and_, bindparam, cast, func, literal_column, select

from digest.model import Digest, Item, Made, MessageKind, MessageState, Quiet, Score
from digest.store.engine import batches, insert
from digest.store.tables import digest_items, digests, feedback, messages, subscribers

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
    #: papers that were listed or still wait in a message, as far back as was asked for
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


def history(tx: Connection, subscriber_ids: Iterable[int], before: date, *, since: date) -> dict[int, History]:
    """What the digests before a date leave for the one of that date, for every subscriber asked for.

    Args:
        since: local date from which on listed papers matter: no paper that competes was listed earlier. What is carried is told whatever its
            age, and so is everything that was listed after it.
    """
    found: dict[int, History] = {}
    for some in batches(list(subscriber_ids)):
        found |= _history(tx, list(some), before, since)
    return found


def _history(tx: Connection, idents: list[int], before: date, since: date) -> dict[int, History]:
    closed = {row.subscriber_id: row for row in tx.execute(_closed(idents, before))}
    earliest = min((row.created_at for row in closed.values()), default=None) if len(closed) == len(idents) else None
    failed = [row for row in tx.execute(_failed(idents, before, earliest)) if _outlasts(row, closed.get(row.subscriber_id))]
    carrying = {row.id for row in failed}
    oldest: dict[int, date] = {}
    for row in failed:
        oldest[row.subscriber_id] = min(row.local_date, oldest.get(row.subscriber_id, since))
    rows = tx.execute(_planned(idents, since, before)).all()
    if long_ago := [ident for ident, day in oldest.items() if day < since]:
        rows = [*rows, *tx.execute(_planned(long_ago, min(oldest.values()), since))]
    by_digest = {row.id: row for row in rows}
    reached: dict[int, set[int]] = defaultdict(set)
    carried: dict[int, set[int]] = defaultdict(set)
    maybe: dict[int, set[int]] = defaultdict(set)
    for some in batches(list(by_digest)):
        for item in tx.execute(select(*_LISTED).where(digest_items.c.digest_id.in_(some))):
            row = by_digest[item.digest_id]
            if row.state not in FAILED:
                reached[row.subscriber_id].add(item.paper_id)
                continue
            # Marked so before: an earlier digest that listed it ended as unknown.
            if row.state == MessageState.UNKNOWN or item.seen_before:
                maybe[row.subscriber_id].add(item.paper_id)
            if row.id in carrying:
                carried[row.subscriber_id].add(item.paper_id)
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


def _outlasts(failed: Row[Any], closed: Row[Any] | None) -> bool:
    """Whether a digest failed after the last one that reached its reader was composed."""
    return closed is None or bool(closed.created_at <= failed.changed_at)


_LISTED = (digest_items.c.digest_id, digest_items.c.paper_id, digest_items.c.seen_before)
#: literal, so that databases see that the index of failed messages holds them all
_HAS_FAILED = messages.c.state.in_([literal_column(f"'{state.value}'", String) for state in FAILED])


def _closed(idents: list[int], before: date) -> Select[Any]:
    """Each reader's newest digest or quiet day that did not fail, found from the newest backwards."""
    earlier = digests.alias()
    newest = (
        select(earlier.c.id)
        .outerjoin(messages, messages.c.digest_id == earlier.c.id)
        .where(earlier.c.subscriber_id == subscribers.c.id, earlier.c.local_date < before, messages.c.state.is_(None) | ~_HAS_FAILED)
        .order_by(earlier.c.local_date.desc())
        .limit(1)
        .correlate(subscribers)
        .scalar_subquery()
    )
    columns = (digests.c.subscriber_id, digests.c.local_date, digests.c.mark, digests.c.created_at)
    return select(*columns).select_from(subscribers).join(digests, digests.c.id == newest).where(subscribers.c.id.in_(idents))


def _failed(idents: list[int], before: date, earliest: datetime | None) -> Select[Any]:
    """Digests that failed, no earlier than a time where one is named."""
    late = [] if earliest is None else [messages.c.changed_at >= earliest]
    return (
        select(digests.c.id, digests.c.subscriber_id, digests.c.local_date, messages.c.changed_at)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(messages.c.subscriber_id.in_(idents), _HAS_FAILED, digests.c.local_date < before, *late)
    )


def _planned(idents: list[int], since: date, before: date) -> Select[Any]:
    """Digests with their messages' states; quiet days list nothing."""
    return (
        select(digests.c.id, digests.c.subscriber_id, messages.c.state)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(digests.c.subscriber_id.in_(idents), digests.c.local_date >= since, digests.c.local_date < before)
    )


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
            # all of them first: a cursor that an error leaves open keeps its connection, which others use after it, in the past
            for row in tx.execute(select(digests).where(digests.c.id.in_(some))).all()
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
