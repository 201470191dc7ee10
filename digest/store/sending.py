"""What limits all sending: the ramp of a fresh sender, and stops. Counted from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    text,
    union_all,
    update,
)

from digest.model import MessageKind, MessageState
from digest.store.ledger import WAITING
from digest.store.statements import insert
from digest.store.tables import (
    bounces,
    deliveries,
    feedback,
    messages,
    sending_ramps,
    sending_stops,
    subscribers,
)

#: any fixed number: it names the advisory lock of those who claim under a limit
_LOCK = 7_310_553
#: outcomes that count as a message sent, since a server was given it
_SENT = ("accepted", "rejected", "unknown")
#: readers who rated a paper so lately are engaged
_ENGAGED = timedelta(days=30)
#: who had no digest for so long comes before the engaged
_LONG = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class RampDay:
    """The day's limit of a sender."""

    began_at: datetime
    #: UTC day that the limit is for
    day: date
    limit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """All sending stopped by itself."""

    at: datetime
    what: str


def lock(tx: Connection) -> None:
    """Let other senders wait with their claims until this transaction ends."""
    if tx.dialect.name == "postgresql":  # SQLite has one writer at a time
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


# ----------------------------------------------------------------------------------------------
# ramp


def load_ramp(tx: Connection, sender: str) -> RampDay | None:
    """Load the limit of a sender's last day; None where the sender is new."""
    row = tx.execute(select(sending_ramps).where(sending_ramps.c.sender == sender)).one_or_none()
    if row is None:
        return None
    return RampDay(began_at=row.began_at, day=row.day, limit=row.day_limit)


def save_ramp(tx: Connection, sender: str, ramp: RampDay) -> None:
    values = {"day": ramp.day, "day_limit": ramp.limit}
    statement = insert(tx, sending_ramps).values(sender=sender, began_at=ramp.began_at, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["sender"], set_=values))


def has_ramps(tx: Connection) -> bool:
    """Return whether any sender is known."""
    return tx.execute(select(sending_ramps.c.sender).limit(1)).first() is not None


def count_sent(tx: Connection, *, since: datetime, until: datetime | None = None) -> int:
    """Count the messages that servers took, refused or did not answer for."""
    total = 0
    for outcome in _SENT:  # one query each, so that the index answers
        where = [deliveries.c.outcome == outcome, deliveries.c.ended_at >= since]
        if until is not None:
            where.append(deliveries.c.ended_at < until)
        total += tx.execute(select(func.count()).where(*where)).scalar_one()
    return total


def count_held(tx: Connection) -> int:
    """Count the messages that senders have claimed or are sending."""
    held = (MessageState.CLAIMED.value, MessageState.SENDING.value)
    return tx.execute(select(func.count()).where(messages.c.state.in_(held))).scalar_one()


# ----------------------------------------------------------------------------------------------
# turns


def list_letters(
    tx: Connection, *, now: datetime, limit: int, only: Sequence[int] | None, alerts: bool = False
) -> list[int]:
    """List due messages that are no digests, the oldest first; ids of their rows.

    Args:
        only: ids of the subscribers to whom the list is limited; None = all.
        alerts: only those to the operator.
    """
    kinds = messages.c.kind != MessageKind.DIGEST.value
    if alerts:
        kinds = messages.c.kind == MessageKind.ALERT.value
    query = select(messages.c.id).where(_is_due(now), kinds)
    if only is not None:
        query = query.where(messages.c.subscriber_id.in_(list(only)))
    return list(
        tx.execute(query.order_by(messages.c.not_before, messages.c.id).limit(limit)).scalars()
    )


def list_turns(
    tx: Connection, *, now: datetime, limit: int, only: Sequence[int] | None
) -> list[int]:
    """List due digests in a fair order; ids of their rows.

    First whoever had no digest for a week, then who rated papers lately, then all others. Among
    equals those first who have waited longest, since their last digest or since they joined.
    """
    earlier = messages.alias()
    last_digest = (
        select(func.max(earlier.c.changed_at))
        .where(
            earlier.c.subscriber_id == subscribers.c.id,
            earlier.c.kind == MessageKind.DIGEST.value,
            earlier.c.state == MessageState.ACCEPTED.value,
        )
        .scalar_subquery()
    )
    waiting_since = func.coalesce(last_digest, subscribers.c.added_at, subscribers.c.created_at)
    engaged = exists().where(
        feedback.c.subscriber_id == subscribers.c.id, feedback.c.at >= now - _ENGAGED
    )
    turn = case((waiting_since < now - _LONG, 0), (engaged, 1), else_=2)
    query = (
        select(messages.c.id)
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .where(_is_due(now), messages.c.kind == MessageKind.DIGEST.value)
    )
    if only is not None:
        query = query.where(messages.c.subscriber_id.in_(list(only)))
    return list(
        tx.execute(query.order_by(turn, waiting_since, messages.c.id).limit(limit)).scalars()
    )


def count_due_digests(tx: Connection, *, now: datetime) -> int:
    """Count the digests that wait and are due."""
    due = and_(_is_due(now), messages.c.kind == MessageKind.DIGEST.value)
    return tx.execute(select(func.count()).where(due)).scalar_one()


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        messages.c.state.in_(WAITING), messages.c.not_before <= now, messages.c.expires_at > now
    )


# ----------------------------------------------------------------------------------------------
# stops


def count_returned(tx: Connection, *, last: int, since: datetime | None) -> tuple[int, int, int]:
    """Count what became of the messages that servers accepted or refused last.

    A full mailbox, and a refusal that is our fault and that is tried again, do not count.

    Args:
        last: messages at most, the newest ones.
        since: only those after a time; None = any.

    Returns:
        Messages, bounces among them, and complaints among them.
    """
    queries = []
    for outcome in ("accepted", "rejected"):  # one query each, so that the index yields the newest
        query = select(deliveries.c.ended_at, deliveries.c.message_id).where(
            deliveries.c.outcome == outcome
        )
        if since is not None:
            query = query.where(deliveries.c.ended_at > since)
        newest_of_it = query.order_by(deliveries.c.ended_at.desc()).limit(last).subquery()
        queries.append(select(newest_of_it))
    both = union_all(*queries).subquery()
    ended_at = func.max(both.c.ended_at)
    newest = (
        select(both.c.message_id)
        .group_by(both.c.message_id)
        .order_by(ended_at.desc(), both.c.message_id.desc())
        .limit(last)
        .cte("newest")
    )
    messages_count = tx.execute(select(func.count()).select_from(newest)).scalar_one()
    counts = {"bounce": 0, "complaint": 0}
    is_full = bounces.c.enhanced.in_(("4.2.2", "5.2.2"))
    is_bounce = or_(
        bounces.c.fault == "reader",
        and_(bounces.c.fault == "mailbox", ~is_full),
        and_(bounces.c.fault.in_(("ours", "content")), bounces.c.via != "smtp"),
    )
    what = case((bounces.c.fault == "complaint", "complaint"), (is_bounce, "bounce"), else_="other")
    rows = tx.execute(
        select(what.label("what"), func.count(bounces.c.message_id.distinct()).label("many"))
        .where(bounces.c.message_id.in_(select(newest.c.message_id)))
        .group_by(what)
    )
    counts |= {row.what: row.many for row in rows}
    return messages_count, counts["bounce"], counts["complaint"]


def find_stop(tx: Connection) -> Stop | None:
    """Find the stop that lasts; None while sending goes on."""
    row = _find_newest_stop(tx)
    return None if row is None or row.resumed_at else Stop(at=row.at, what=row.what)


def find_resumed_at(tx: Connection) -> datetime | None:
    """Find when sending was last resumed; None where it never was."""
    row = _find_newest_stop(tx)
    return None if row is None else row.resumed_at


def _find_newest_stop(tx: Connection) -> Any:
    newest = select(sending_stops).order_by(sending_stops.c.id.desc()).limit(1)
    return tx.execute(newest).one_or_none()


def stop(tx: Connection, what: str, *, at: datetime) -> None:
    """Stop all sending until it is resumed."""
    if find_stop(tx) is None:
        tx.execute(sending_stops.insert().values(at=at, what=what, resumed_at=None))


def resume(tx: Connection, *, at: datetime) -> bool:
    """End the stop; return whether there was one."""
    open_stops = sending_stops.c.resumed_at.is_(None)
    return tx.execute(update(sending_stops).where(open_stops).values(resumed_at=at)).rowcount > 0
