"""A reader's past digests, and the messages that carried them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from digest.model import MessageKind, MessageState
from digest.store.tables import digest_items, digests, messages

#: states of messages that a reader has, or may have
_SENT = (MessageState.ACCEPTED.value, MessageState.UNKNOWN.value, MessageState.SENDING.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDigest:
    """A digest that was sent to a reader."""

    digest_id: int
    message_id: int
    local_date: date
    #: papers that it listed
    papers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMail:
    """The message of a digest or of a quiet day."""

    digest_id: int
    #: unique together with its kind and reader
    key: str
    #: its Message-ID
    message_id: str
    state: MessageState
    changed_at: datetime


def list_digests(
    tx: Connection, subscriber_id: int, *, limit: int, offset: int = 0
) -> list[PastDigest]:
    """List the digests that were sent to a reader, newest first."""
    size = (
        select(func.count())
        .where(digest_items.c.digest_id == digests.c.id)
        .correlate(digests)
        .scalar_subquery()
    )
    query = _select_sent(
        subscriber_id,
        digests.c.id,
        messages.c.id.label("message"),
        digests.c.local_date,
        size.label("papers"),
    )
    rows = tx.execute(query.order_by(digests.c.local_date.desc()).limit(limit).offset(offset))
    return [
        PastDigest(
            digest_id=row.id, message_id=row.message, local_date=row.local_date, papers=row.papers
        )
        for row in rows
    ]


def count_digests(tx: Connection, subscriber_id: int) -> int:
    """Count the digests that were sent to a reader."""
    count: int = tx.execute(_select_sent(subscriber_id, func.count())).scalar_one()
    return count


def find_last_date(tx: Connection, subscriber_id: int) -> date | None:
    """Find the local date of the last digest that was sent to a reader."""
    last: date | None = tx.execute(
        _select_sent(subscriber_id, func.max(digests.c.local_date))
    ).scalar_one()
    return last


def find_mail(tx: Connection, message_id: int, subscriber_id: int) -> SentMail | None:
    """Find the message of a reader's digest or quiet day; None where none is stored."""
    row = tx.execute(
        select(
            messages.c.digest_id,
            messages.c.key,
            messages.c.message_id,
            messages.c.state,
            messages.c.changed_at,
        ).where(
            messages.c.id == message_id,
            messages.c.subscriber_id == subscriber_id,
            messages.c.kind == MessageKind.DIGEST.value,
            messages.c.digest_id.is_not(None),
        )
    ).one_or_none()
    return (
        None
        if row is None
        else SentMail(
            digest_id=row.digest_id,
            key=row.key,
            message_id=row.message_id,
            state=MessageState(row.state),
            changed_at=row.changed_at,
        )
    )


def _select_sent(subscriber_id: int, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    return (
        select(*columns)
        .select_from(digests)
        .join(messages, messages.c.digest_id == digests.c.id)
        .where(
            digests.c.subscriber_id == subscriber_id,
            digests.c.state == "planned",
            messages.c.state.in_(_SENT),
        )
    )


def load_listed_dates(tx: Connection, subscriber_id: int, *, since: date) -> dict[int, date]:
    """Map the papers that a reader's digests listed after a day to the latest such date."""
    rows = tx.execute(
        _select_sent(subscriber_id, digest_items.c.paper_id, digests.c.local_date)
        .join(digest_items, digest_items.c.digest_id == digests.c.id)
        .where(digests.c.local_date > since)
        .order_by(digests.c.local_date)
    )
    return {row.paper_id: row.local_date for row in rows}
