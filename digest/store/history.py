"""What earlier digests leave for the next one: what was listed, what failed and competes again, what was ignored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, String, and_, literal_column, select

from digest.model import MessageState
from digest.store.engine import batches
from digest.store.tables import digest_items, digests, feedback, messages, subscribers

#: a digest whose message ended so did not reach its reader: its papers compete again
FAILED = (MessageState.REJECTED, MessageState.EXPIRED, MessageState.SKIPPED, MessageState.UNKNOWN)


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


def of(tx: Connection, subscriber_ids: Iterable[int], before: date, *, since: date) -> dict[int, History]:
    """What other digests leave for the one of a date, for every subscriber asked for.

    Those before that date; and of later ones, which are there when a reader moved west or a date is made up for, what they listed.

    Args:
        since: local date from which on listed papers matter: no paper that competes was listed earlier. What is carried is told whatever its
            age, and so is everything that was listed after it.
    """
    found: dict[int, History] = {}
    for some in batches(list(subscriber_ids)):
        found |= _of(tx, list(some), before, since)
    return found


def _of(tx: Connection, idents: list[int], before: date, since: date) -> dict[int, History]:
    closed = {row.subscriber_id: row for row in tx.execute(_closed(idents, before))}
    earliest = min((row.created_at for row in closed.values()), default=None) if len(closed) == len(idents) else None
    failed = [row for row in tx.execute(_failed(idents, before, earliest)) if _outlasts(row, closed.get(row.subscriber_id))]
    carrying = {row.id for row in failed}
    oldest: dict[int, date] = {}
    for row in failed:
        oldest[row.subscriber_id] = min(row.local_date, oldest.get(row.subscriber_id, since))
    rows = tx.execute(_planned(idents, since, but=before)).all()
    if long_ago := [ident for ident, day in oldest.items() if day < since]:
        rows = [*rows, *tx.execute(_planned(long_ago, min(oldest.values()), but=before).where(digests.c.local_date < since))]
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


def _planned(idents: list[int], since: date, *, but: date) -> Select[Any]:
    """Digests of all dates but one with their messages' states; quiet days list nothing."""
    return (
        select(digests.c.id, digests.c.subscriber_id, messages.c.state)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(digests.c.subscriber_id.in_(idents), digests.c.local_date >= since, digests.c.local_date != but)
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
