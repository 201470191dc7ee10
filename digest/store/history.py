"""What earlier digests mean for the next one.

Papers that were listed are not listed again. Papers of digests that failed are candidates again
(carried over). Papers that a reader ignored are a weak sign of dislike.
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

#: states of the message of a digest that failed to reach its reader
FAILED = (MessageState.REJECTED, MessageState.EXPIRED, MessageState.SKIPPED, MessageState.UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutoff:
    """The papers that existed when a digest was composed, by date and greatest id."""

    local_date: date
    composed_at: datetime
    #: the greatest paper id
    max_paper_id: int

    @property
    def first_day(self) -> date:
        """The first day on which papers may have come after it."""
        return min(self.local_date, self.composed_at.date())

    @property
    def last_day(self) -> date:
        """The last day whose papers existed; west of Greenwich that is the next UTC day."""
        return max(self.local_date, self.composed_at.date())


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What earlier digests of a subscriber mean for the next one."""

    #: of the last digest that was accepted and did not bounce; None for a new reader
    arrived: Cutoff | None = None
    #: of the last digest or quiet day, delivered or not
    latest: Cutoff | None = None
    #: papers that were listed or wait in a message, since the date that was asked for
    listed: frozenset[int] = frozenset()
    #: papers of digests that failed since the last delivered one was composed
    carried: frozenset[int] = frozenset()
    #: papers of messages that ended as unknown, which the reader may have seen
    maybe_seen: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class LastCutoffs:
    """The cutoffs of a subscriber's last digests, as in `History`."""

    arrived: Cutoff | None = None
    latest: Cutoff | None = None


def load_last_cutoffs(
    tx: Connection, subscriber_ids: Iterable[int], before: date
) -> dict[int, LastCutoffs]:
    """Load the cutoffs of each subscriber's last digests before a date."""
    last_cutoffs: dict[int, LastCutoffs] = {}
    for batch in split_into_batches(list(subscriber_ids)):
        arrived = _find_newest(tx, batch, before, _ARRIVED)
        latest = _find_newest(tx, batch, before, digests.c.reason != QuietReason.MISSED.value)
        last_cutoffs |= {
            ident: LastCutoffs(arrived=arrived.get(ident), latest=latest.get(ident))
            for ident in batch
        }
    return last_cutoffs


def load(
    tx: Connection, known: Mapping[int, LastCutoffs], before: date, *, since: date
) -> dict[int, History]:
    """Load what other digests mean for the one of a date, for each subscriber.

    Later digests count too: they exist when a reader moved west or a date is composed late.

    Args:
        known: the result of `load_last_cutoffs`.
        since: local date before which no candidate was listed. Digests with carried papers are
            loaded even when they are older, and so is everything after them.
    """
    histories: dict[int, History] = {}
    for batch in split_into_batches(list(known)):
        histories |= _load_batch(tx, {ident: known[ident] for ident in batch}, before, since)
    return histories


def _load_batch(
    tx: Connection, known: Mapping[int, LastCutoffs], before: date, since: date
) -> dict[int, History]:
    ids = list(known)
    failed = _load_failed(tx, known, before)
    failed_ids = {row.id for row in failed}
    planned = _load_planned(tx, ids, failed, before, since)
    listed: dict[int, set[int]] = defaultdict(set)
    carried: dict[int, set[int]] = defaultdict(set)
    maybe_seen: dict[int, set[int]] = defaultdict(set)
    for batch in split_into_batches(list(planned)):
        for item in tx.execute(select(*_LISTED).where(digest_items.c.digest_id.in_(batch))):
            row = planned[item.digest_id]
            if row.state not in FAILED:
                listed[row.subscriber_id].add(item.paper_id)
                continue
            # `seen_before`: an earlier digest with it ended as unknown.
            if row.state == MessageState.UNKNOWN or item.seen_before:
                maybe_seen[row.subscriber_id].add(item.paper_id)
            if row.id in failed_ids:
                carried[row.subscriber_id].add(item.paper_id)
    return {
        ident: History(
            arrived=known[ident].arrived,
            latest=known[ident].latest,
            listed=frozenset(listed[ident]),
            carried=frozenset(carried[ident] - listed[ident]),
            maybe_seen=frozenset(maybe_seen[ident] - listed[ident]),
        )
        for ident in ids
    }


def _load_failed(tx: Connection, known: Mapping[int, LastCutoffs], before: date) -> list[Row[Any]]:
    """Load each reader's digests that failed since the last delivered one."""
    composed = [last.arrived.composed_at for last in known.values() if last.arrived]
    earliest = min(composed) if len(composed) == len(known) else None
    return [
        row
        for row in tx.execute(_select_failed(list(known), before, earliest))
        if _failed_since(row, known[row.subscriber_id].arrived)
    ]


def _load_planned(
    tx: Connection, ids: list[int], failed: Iterable[Row[Any]], before: date, since: date
) -> dict[int, Row[Any]]:
    """Load digests since a date by id.

    For readers with older failed digests, load also those.
    """
    oldest: dict[int, date] = {}
    for row in failed:
        ident = row.subscriber_id
        oldest[ident] = min(row.local_date, oldest.get(ident, since))
    rows = list(tx.execute(_select_planned(ids, since, but=before)))
    if with_older := [ident for ident, day in oldest.items() if day < since]:
        older = _select_planned(with_older, min(oldest.values()), but=before)
        rows += tx.execute(older.where(digests.c.local_date < since))
    return {row.id: row for row in rows}


def _failed_since(failed: Row[Any], arrived: Cutoff | None) -> bool:
    """Return whether a digest failed after the last delivered one was composed."""
    return arrived is None or bool(arrived.composed_at <= failed.changed_at)


_LISTED = (digest_items.c.digest_id, digest_items.c.paper_id, digest_items.c.seen_before)
#: literal, so that the planner sees that the partial index of failed messages holds them all
HAS_FAILED = messages.c.state.in_([literal_column(f"'{state.value}'", String) for state in FAILED])
#: without complaints, which prove that the mail arrived
BOUNCED = exists().where(bounces.c.message_id == messages.c.id, bounces.c.fault != COMPLAINT)
#: the mail of a quiet day brings no papers, so it is no digest that arrived
_ARRIVED = and_(
    digests.c.state == "planned", messages.c.state == MessageState.ACCEPTED.value, ~BOUNCED
)


def _find_newest(
    tx: Connection, ids: Sequence[int], before: date, where: ColumnElement[bool]
) -> dict[int, Cutoff]:
    """Find each reader's newest digest or quiet day that meets a condition."""
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
        row.subscriber_id: Cutoff(
            local_date=row.local_date, composed_at=row.created_at, max_paper_id=row.max_paper_id
        )
        for row in rows
    }


def _select_failed(ids: list[int], before: date, earliest: datetime | None) -> Select[Any]:
    """Select digests that failed, at or after a time if one is given."""
    late = [] if earliest is None else [messages.c.changed_at >= earliest]
    return (
        select(digests.c.id, digests.c.subscriber_id, digests.c.local_date, messages.c.changed_at)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(
            messages.c.subscriber_id.in_(ids),
            HAS_FAILED,
            digests.c.local_date < before,
            *late,
        )
    )


def _select_planned(ids: list[int], since: date, *, but: date) -> Select[Any]:
    """Select digests of all dates but one, with the states of their messages."""
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
    """Load for each subscriber paper id -> the interest for which it was last listed.

    Args:
        before: only digests composed before this time.
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
    """Load for each subscriber ignored paper id -> time of its digest.

    A paper counts as ignored when the reader rated another paper of the same digest, and never this
    one. A withdrawn thumb counts as a rating.

    Args:
        since: only accepted digests composed after this time.
        before: only digests composed, and thumbs given, before this time.
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
