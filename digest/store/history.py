"""What earlier digests leave for the next one: what was listed, what failed and competes again,
what was ignored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    exists,
    literal_column,
    select,
)

from digest.model import MessageState, QuietReason
from digest.store.bounces import COMPLAINT
from digest.store.statements import split_into_batches
from digest.store.tables import bounces, digest_items, digests, feedback, messages, subscribers

#: a digest whose message ended so did not reach its reader: its papers compete again
FAILED = (MessageState.REJECTED, MessageState.EXPIRED, MessageState.SKIPPED, MessageState.UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Which papers could be chosen for a digest: those that were there when it was composed."""

    local_date: date
    composed_at: datetime
    #: the highest paper id
    max_paper_id: int

    @property
    def first_day(self) -> date:
        """The day from which on papers may have come after it."""
        return min(self.local_date, self.composed_at.date())

    @property
    def last_day(self) -> date:
        """The last day whose papers could be chosen: west of Greenwich, the next UTC day's."""
        return max(self.local_date, self.composed_at.date())


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What earlier digests of one subscriber mean for the next one."""

    #: the last digest that was accepted and did not bounce; None for a new reader
    arrived: Reach | None = None
    #: the last digest whatever became of it, or quiet day
    latest: Reach | None = None
    #: papers that were listed or still wait in a message, as far back as was asked for
    listed: frozenset[int] = frozenset()
    #: papers of digests that failed after the last one that arrived was composed
    carried: frozenset[int] = frozenset()
    #: papers of messages that ended as unknown: the reader may have seen them
    maybe_seen: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaches:
    """As in `History`."""

    arrived: Reach | None = None
    latest: Reach | None = None


def load_reaches(tx: Connection, subscriber_ids: Iterable[int], before: date) -> dict[int, Reaches]:
    """Which papers could be chosen for each subscriber's last digests before a date."""
    reaches: dict[int, Reaches] = {}
    for batch in split_into_batches(list(subscriber_ids)):
        arrived = _newest(tx, batch, before, _ARRIVED)
        latest = _newest(tx, batch, before, digests.c.reason != QuietReason.MISSED.value)
        reaches |= {
            ident: Reaches(arrived=arrived.get(ident), latest=latest.get(ident)) for ident in batch
        }
    return reaches


def load(
    tx: Connection, known: Mapping[int, Reaches], before: date, *, since: date
) -> dict[int, History]:
    """What other digests leave for the one of a date, for every subscriber asked for.

    Those before that date; and of later ones, which are there when a reader moved west or a date is
    made up for, what they listed.

    Args:
        known: what `load_reaches` says of each.
        since: local date from which on listed papers matter: no paper that competes was listed
            earlier. What is carried is told whatever its age, and so is all listed after it.
    """
    histories: dict[int, History] = {}
    for batch in split_into_batches(list(known)):
        histories |= _of(tx, {ident: known[ident] for ident in batch}, before, since)
    return histories


def _of(
    tx: Connection, known: Mapping[int, Reaches], before: date, since: date
) -> dict[int, History]:
    ids = list(known)
    composed = [reach.arrived.composed_at for reach in known.values() if reach.arrived]
    earliest = min(composed) if len(composed) == len(known) else None
    failed = [
        row
        for row in tx.execute(_failed(ids, before, earliest))
        if _outlasts(row, known[row.subscriber_id].arrived)
    ]
    carrying = {row.id for row in failed}
    oldest: dict[int, date] = {}
    for row in failed:
        ident = row.subscriber_id
        oldest[ident] = min(row.local_date, oldest.get(ident, since))
    rows = tx.execute(_planned(ids, since, but=before)).all()
    if long_ago := [ident for ident, day in oldest.items() if day < since]:
        older = _planned(long_ago, min(oldest.values()), but=before)
        rows = [*rows, *tx.execute(older.where(digests.c.local_date < since))]
    by_digest = {row.id: row for row in rows}
    reached: dict[int, set[int]] = defaultdict(set)
    carried: dict[int, set[int]] = defaultdict(set)
    maybe: dict[int, set[int]] = defaultdict(set)
    for batch in split_into_batches(list(by_digest)):
        for item in tx.execute(select(*_LISTED).where(digest_items.c.digest_id.in_(batch))):
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
            arrived=known[ident].arrived,
            latest=known[ident].latest,
            listed=frozenset(reached[ident]),
            carried=frozenset(carried[ident] - reached[ident]),
            maybe_seen=frozenset(maybe[ident] - reached[ident]),
        )
        for ident in ids
    }


def _outlasts(failed: Row[Any], arrived: Reach | None) -> bool:
    """Whether a digest failed after the last one that arrived was composed."""
    return arrived is None or bool(arrived.composed_at <= failed.changed_at)


_LISTED = (digest_items.c.digest_id, digest_items.c.paper_id, digest_items.c.seen_before)
#: literal, so that databases see that the index of failed messages holds them all
_HAS_FAILED = messages.c.state.in_([literal_column(f"'{state.value}'", String) for state in FAILED])
#: a complaint is none: the mail was there to be complained of
BOUNCED = exists().where(bounces.c.message_id == messages.c.id, bounces.c.fault != COMPLAINT)
_ARRIVED = and_(messages.c.state == MessageState.ACCEPTED.value, ~BOUNCED)


def _newest(
    tx: Connection, ids: Sequence[int], before: date, where: ColumnElement[bool]
) -> dict[int, Reach]:
    """Each reader's newest digest or quiet day of a kind, found from the newest backwards."""
    newest = (
        select(digests.c.id)
        .outerjoin(messages, messages.c.digest_id == digests.c.id)
        .where(digests.c.subscriber_id == subscribers.c.id, digests.c.local_date < before, where)
        .order_by(digests.c.local_date.desc())
        .limit(1)
        .correlate(subscribers)
        .scalar_subquery()
    )
    newest_digest = digests.alias()
    rows = tx.execute(
        select(
            newest_digest.c.subscriber_id,
            newest_digest.c.local_date,
            newest_digest.c.max_paper_id,
            newest_digest.c.created_at,
        )
        .select_from(subscribers)
        .join(newest_digest, newest_digest.c.id == newest)
        .where(subscribers.c.id.in_(ids))
    )
    return {
        row.subscriber_id: Reach(
            local_date=row.local_date, composed_at=row.created_at, max_paper_id=row.max_paper_id
        )
        for row in rows
    }


def _failed(ids: list[int], before: date, earliest: datetime | None) -> Select[Any]:
    """Digests that failed, no earlier than a time where one is named."""
    late = [] if earliest is None else [messages.c.changed_at >= earliest]
    return (
        select(digests.c.id, digests.c.subscriber_id, digests.c.local_date, messages.c.changed_at)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(
            messages.c.subscriber_id.in_(ids),
            _HAS_FAILED,
            digests.c.local_date < before,
            *late,
        )
    )


def _planned(ids: list[int], since: date, *, but: date) -> Select[Any]:
    """Digests of all dates but one with their messages' states; quiet days list nothing."""
    return (
        select(digests.c.id, digests.c.subscriber_id, messages.c.state)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(
            digests.c.subscriber_id.in_(ids),
            digests.c.local_date >= since,
            digests.c.local_date != but,
        )
    )


def load_interests(
    tx: Connection, subscriber_ids: Iterable[int], *, before: datetime | None = None
) -> dict[int, dict[int, str]]:
    """For each subscriber with several interests: paper id -> the interest in whose place it was
    listed last, before a time where one is named.
    """
    interests: dict[int, dict[int, str]] = defaultdict(dict)
    interest = digest_items.c.explanation["interest"].as_string()
    for batch in split_into_batches(list(subscriber_ids)):
        rows = tx.execute(
            select(digests.c.subscriber_id, digest_items.c.paper_id, interest.label("interest"))
            .join(digest_items, digest_items.c.digest_id == digests.c.id)
            .where(
                digests.c.subscriber_id.in_(batch),
                *([] if before is None else [digests.c.created_at < before]),
            )
            .order_by(digests.c.local_date)
        )
        for row in rows:
            if row.interest:
                interests[row.subscriber_id][row.paper_id] = row.interest
    return interests


def load_ignored(
    tx: Connection,
    subscriber_ids: Iterable[int],
    *,
    since: datetime,
    before: datetime | None = None,
) -> dict[int, dict[int, datetime]]:
    """For each subscriber: the papers that they never rated though they rated another of the same
    digest -> when it was composed.

    Of digests that were accepted, composed after one time and before another; thumbs count up to
    that other time. A thumb that was withdrawn is not the same as none.
    """
    until = [] if before is None else [digests.c.created_at < before]
    rating = and_(
        feedback.c.subscriber_id == digests.c.subscriber_id,
        feedback.c.paper_id == digest_items.c.paper_id,
        *([] if before is None else [feedback.c.at < before]),
    )
    ignored: dict[int, dict[int, datetime]] = defaultdict(dict)
    for batch in split_into_batches(list(subscriber_ids)):
        rows = tx.execute(
            select(
                digests.c.id,
                digests.c.subscriber_id,
                digests.c.created_at,
                digest_items.c.paper_id,
                feedback.c.vote,
            )
            .join(digest_items, digest_items.c.digest_id == digests.c.id)
            .join(messages, messages.c.digest_id == digests.c.id)
            .outerjoin(feedback, rating)
            .where(
                digests.c.subscriber_id.in_(batch),
                digests.c.created_at > since,
                messages.c.state == MessageState.ACCEPTED.value,
                *until,
            )
            .order_by(digests.c.created_at, digests.c.id, digest_items.c.position)
        ).all()
        looked_at = {row.id for row in rows if row.vote}
        for row in rows:
            if row.id in looked_at and row.vote is None:
                ignored[row.subscriber_id][row.paper_id] = row.created_at
    return ignored
