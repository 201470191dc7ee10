"""Past digests with the papers that they listed, for the evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, func, select

from digest.model import MessageState, Provenance, Slot
from digest.store.history import BOUNCED, Cutoff
from digest.store.statements import split_into_batches
from digest.store.tables import digest_items, digests, feedback, messages, papers, vectors


@dataclass(frozen=True, kw_only=True, slots=True)
class PastItem:
    """A paper as an earlier digest listed it."""

    position: int
    paper_id: int
    #: as printed; None where a word was printed
    match: int | None
    slot: Slot
    probability: float
    team: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDigest:
    """A digest, or a quiet day without items, as it was composed."""

    subscriber_id: int
    local_date: date
    composed_at: datetime
    #: the greatest paper id that was a candidate
    max_paper_id: int
    provenance: Provenance
    #: the state of its message; None on a quiet day
    state: MessageState | None
    items: tuple[PastItem, ...]
    #: whether its mail bounced
    bounced: bool = False

    @property
    def cutoff(self) -> Cutoff:
        return Cutoff(
            local_date=self.local_date, composed_at=self.composed_at, max_paper_id=self.max_paper_id
        )


def count_thumbs_by_reader(tx: Connection) -> dict[int, int]:
    """Count the thumbs of each subscriber, without withdrawn ones."""
    ident = feedback.c.subscriber_id
    rows = tx.execute(
        select(ident, func.count().label("thumbs")).where(feedback.c.vote != 0).group_by(ident)
    )
    return {row.subscriber_id: row.thumbs for row in rows}


def load_digests(
    tx: Connection, ids: Iterable[int], *, since: date | None = None, until: date | None = None
) -> list[PastDigest]:
    """Load digests and quiet days of the subscribers, in the order of composition.

    Args:
        since: those of later local dates alone; None = all.
        until: those up to this local date alone; None = all.
    """
    span = [] if since is None else [digests.c.local_date > since]
    span += [] if until is None else [digests.c.local_date <= until]
    past_digests: list[PastDigest] = []
    for batch in split_into_batches(list(ids)):
        rows = tx.execute(
            select(digests, messages.c.state.label("message"), BOUNCED.label("bounced"))
            .outerjoin(messages, messages.c.digest_id == digests.c.id)
            .where(digests.c.subscriber_id.in_(batch), *span)
        ).all()
        listed = _load_items(tx, [row.id for row in rows])
        past_digests += [
            PastDigest(
                subscriber_id=row.subscriber_id,
                local_date=row.local_date,
                composed_at=row.created_at,
                max_paper_id=row.max_paper_id,
                provenance=msgspec.convert(row.provenance, Provenance),
                state=MessageState(row.message) if row.message and row.state == "planned" else None,
                bounced=bool(row.bounced),
                items=tuple(listed[row.id]),
            )
            for row in rows
        ]
    return sorted(
        past_digests, key=lambda past: (past.composed_at, past.subscriber_id, past.local_date)
    )


def _load_items(tx: Connection, digest_ids: list[int]) -> dict[int, list[PastItem]]:
    c = digest_items.c
    items: dict[int, list[PastItem]] = defaultdict(list)
    for batch in split_into_batches(digest_ids):
        columns = (c.digest_id, c.position, c.paper_id, c.match, c.slot, c.probability, c.team)
        for row in tx.execute(
            select(*columns).where(c.digest_id.in_(batch)).order_by(c.digest_id, c.position)
        ):
            items[row.digest_id].append(
                PastItem(
                    position=row.position,
                    paper_id=row.paper_id,
                    match=row.match,
                    slot=row.slot,
                    probability=row.probability,
                    team=row.team,
                )
            )
    return items


def load_first_seen(tx: Connection, after: date, until: date, max_paper_id: int) -> dict[int, date]:
    """Map papers first seen after `after` and up to `until` to that day.

    Args:
        max_paper_id: papers with a higher id are left out.
    """
    where = (
        papers.c.first_seen > after,
        papers.c.first_seen <= until,
        papers.c.id <= max_paper_id,
        papers.c.withdrawn.is_(False),
        papers.c.merged_into.is_(None),
        papers.c.title != "",
    )
    return {
        row.id: row.first_seen
        for row in tx.execute(select(papers.c.id, papers.c.first_seen).where(*where))
    }


def iterate_vectors(
    tx: Connection, version: str, above: int, upto: int, size: int = 5000
) -> Iterator[dict[int, bytes]]:
    """Iterate over stored vectors by paper id, `above` < id <= `upto`, in batches."""
    while rows := tx.execute(
        select(vectors.c.paper_id, vectors.c.data)
        .where(vectors.c.version == version, vectors.c.paper_id > above, vectors.c.paper_id <= upto)
        .order_by(vectors.c.paper_id)
        .limit(size)
    ).all():
        above = rows[-1].paper_id
        yield {row.paper_id: row.data for row in rows}
