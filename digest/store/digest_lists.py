"""A reader's digests and quiet days, and what they say of the papers of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, func, select

from digest.model import Button, MessageState, Vote
from digest.store.tables import digest_items, digests, feedback, messages, papers, presses

_KEPT = papers.alias()
#: of the paper that a record was merged into
_PAPER_ID = func.coalesce(papers.c.merged_into, papers.c.id)
_IS_HELD = exists().where(
    presses.c.subscriber_id == bindparam("reader"),
    presses.c.at >= bindparam("held_since"),
    presses.c.paper_id == _PAPER_ID,
    presses.c.button == Button.THUMB.value,
    presses.c.state == "held",
)
# Built once, since each thumb asks for it: building it costs more than running it.
_RATED = (
    select(
        digest_items.c.paper_id.label("listed_id"),
        _PAPER_ID.label("paper_id"),
        func.coalesce(feedback.c.vote, 0).label("vote"),
        _IS_HELD.label("is_held"),
    )
    .select_from(messages)
    .join(digests, digests.c.id == messages.c.digest_id)
    .join(digest_items, digest_items.c.digest_id == digests.c.id)
    .join(papers, papers.c.id == digest_items.c.paper_id)
    .outerjoin(_KEPT, _KEPT.c.id == papers.c.merged_into)
    .outerjoin(
        feedback,
        and_(feedback.c.subscriber_id == bindparam("reader"), feedback.c.paper_id == _PAPER_ID),
    )
    .where(
        messages.c.id == bindparam("message"),
        messages.c.subscriber_id == bindparam("reader"),
        digests.c.state == "planned",
        func.coalesce(_KEPT.c.withdrawn, papers.c.withdrawn).is_(False),
    )
    .order_by(digest_items.c.position)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedEntry:
    """A paper that a mail lists, and the reader's thumb on it."""

    #: id as it was listed, and of the paper that it was merged into since
    listed_id: int
    paper_id: int
    vote: Vote
    #: both thumbs were pressed, and wait until a person confirms one
    is_held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestEntry:
    """A digest or a quiet day of a reader."""

    id: int
    local_date: date
    #: why there is no digest, "" where there is one
    reason: str
    #: number of its papers
    papers: int
    #: of its mail; None where it has none
    message: MessageState | None


def list_page(
    tx: Connection, subscriber_id: int, *, before: date | None, limit: int
) -> list[DigestEntry]:
    """List the entries of a reader before a local date, None = all; the newest first."""
    query = _select(subscriber_id).order_by(digests.c.local_date.desc()).limit(limit)
    if before is not None:
        query = query.where(digests.c.local_date < before)
    return [_build(row) for row in tx.execute(query)]


def load_rated(
    tx: Connection, message_id: int, subscriber_id: int, *, held_since: datetime
) -> list[RatedEntry]:
    """Load the papers of the digest that a message to a reader carried, as the mail lists them.

    Withdrawn papers are left out. There are none where the digest is not stored.
    """
    values = {"message": message_id, "reader": subscriber_id, "held_since": held_since}
    return [
        RatedEntry(
            listed_id=row.listed_id, paper_id=row.paper_id, vote=row.vote, is_held=bool(row.is_held)
        )
        for row in tx.execute(_RATED, values)
    ]


def find(tx: Connection, subscriber_id: int, day: date) -> DigestEntry | None:
    """Find the entry of a reader for a local date."""
    row = tx.execute(_select(subscriber_id).where(digests.c.local_date == day)).one_or_none()
    return None if row is None else _build(row)


def _select(subscriber_id: int) -> Select[Any]:
    count = (
        select(func.count())
        .where(digest_items.c.digest_id == digests.c.id)
        .correlate(digests)
        .scalar_subquery()
    )
    state = (
        select(messages.c.state)
        .where(messages.c.digest_id == digests.c.id)
        .correlate(digests)
        .limit(1)
        .scalar_subquery()
    )
    return select(
        digests.c.id,
        digests.c.local_date,
        digests.c.reason,
        count.label("papers"),
        state.label("message"),
    ).where(digests.c.subscriber_id == subscriber_id)


def _build(row: Row[Any]) -> DigestEntry:
    return DigestEntry(
        id=row.id,
        local_date=row.local_date,
        reason=row.reason,
        papers=row.papers,
        message=None if row.message is None else MessageState(row.message),
    )
