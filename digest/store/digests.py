"""Rows of digests: what was chosen for whom and on which local date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Text, and_, bindparam, cast, func, select

from digest.model import (
    Digest,
    Item,
    MessageKind,
    MessageState,
    Provenance,
    Quiet,
    QuietReason,
    Score,
)
from digest.store.statements import insert, split_into_batches
from digest.store.tables import digest_items, digests, messages


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When a message may be sent, and its name in the world."""

    message_id: str
    not_before: datetime
    expires_at: datetime


def plan(
    tx: Connection, outcome: Digest | Quiet, *, max_paper_id: int, window: Window, now: datetime
) -> int | None:
    """Store a digest (with its message, planned) or a quiet day; None when that date is taken
    already, and nothing changes.
    """
    planned = isinstance(outcome, Digest)
    statement = insert(tx, digests).values(
        subscriber_id=outcome.subscriber_id,
        local_date=outcome.local_date,
        state="planned" if planned else "quiet",
        reason="" if isinstance(outcome, Digest) else outcome.reason.value,
        max_paper_id=max_paper_id,
        provenance=msgspec.to_builtins(outcome.provenance),
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
                "explanation": msgspec.to_builtins(item.score),
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


def close_missed(
    tx: Connection, subscriber_id: int, dates: Iterable[date], *, now: datetime
) -> None:
    """Store for due dates that passed without a digest that none is to be made for them."""
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
    """By subscriber: their local dates from a date on that have a digest ("") or none (why)."""
    found: dict[int, dict[date, str]] = defaultdict(dict)
    columns = (digests.c.subscriber_id, digests.c.local_date, digests.c.reason)
    for some in split_into_batches(list(subscriber_ids)):
        where = (digests.c.subscriber_id.in_(some), digests.c.local_date >= since)
        for row in tx.execute(select(*columns).where(*where)):
            found[row.subscriber_id][row.local_date] = row.reason
    return found


def load_last_dates(
    tx: Connection, subscriber_ids: Iterable[int], *, since: date, before: date
) -> dict[int, date]:
    """Each subscriber's last local date in a span that has a digest or was closed without."""
    found: dict[int, date] = {}
    last = func.max(digests.c.local_date).label("day")
    for some in split_into_batches(list(subscriber_ids)):
        where = (
            digests.c.subscriber_id.in_(some),
            digests.c.local_date >= since,
            digests.c.local_date < before,
        )
        rows = tx.execute(
            select(digests.c.subscriber_id, last).where(*where).group_by(digests.c.subscriber_id)
        )
        found |= {row.subscriber_id: row.day for row in rows}
    return found


def load(tx: Connection, digest_id: int) -> Digest:
    """A planned digest, as it was chosen."""
    return load_many(tx, [digest_id])[digest_id]


def load_many(tx: Connection, digest_ids: Iterable[int]) -> dict[int, Digest]:
    """Planned digests, as they were chosen, by id; those that are gone are left out."""
    found: dict[int, Digest] = {}
    for some in split_into_batches(list(digest_ids)):
        items: dict[int, list[Item]] = defaultdict(list)
        for row in tx.execute(_ITEMS, {"digests": some}).all():
            items[row.digest_id].append(_item(row))
        found |= {
            row.id: Digest(
                subscriber_id=row.subscriber_id,
                local_date=row.local_date,
                items=tuple(items[row.id]),
                provenance=msgspec.convert(row.provenance, Provenance),
            )
            # all of them first: a cursor that an error leaves open keeps its connection, which
            # others use after it, in the past
            for row in tx.execute(select(digests).where(digests.c.id.in_(some))).all()
        }
    return found


# A score is read from its text right away: by way of dictionaries it takes five times as long, and
# every mail needs ten.
_SCORE = msgspec.json.Decoder(Score)
_ITEMS = (
    select(
        digest_items.c.digest_id,
        digest_items.c.position,
        digest_items.c.seen_before,
        digest_items.c.slot,
        digest_items.c.probability,
        digest_items.c.team,
        cast(digest_items.c.explanation, Text).label("explanation"),
    )
    .where(digest_items.c.digest_id.in_(bindparam("digests", expanding=True)))
    .order_by(digest_items.c.digest_id, digest_items.c.position)
)


def _item(row: Row[Any]) -> Item:
    return Item(
        position=row.position,
        score=_SCORE.decode(row.explanation),
        seen_before=row.seen_before,
        slot=row.slot,
        probability=row.probability,
        team=row.team,
    )


def find_by_date(tx: Connection, subscriber_id: int, day: date) -> int | None:
    """The id of the digest (not of a quiet day) of a subscriber on a local date."""
    where = and_(
        digests.c.subscriber_id == subscriber_id,
        digests.c.local_date == day,
        digests.c.state == "planned",
    )
    return tx.execute(select(digests.c.id).where(where)).scalar_one_or_none()


def list_latest(tx: Connection) -> list[dict[str, Any]]:
    """Each subscriber's newest digest or quiet day, with the state of its message.

    `missed`: how many dates before it passed without one, which it takes the papers of.
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
    # Those that were closed with the newest, which are stored together.
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
