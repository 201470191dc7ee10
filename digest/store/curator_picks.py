"""The papers that curators pick: at most one pick for each curator and paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, tuple_

from digest.model import CuratorPick
from digest.store.lists import LISTED
from digest.store.statements import insert, split_into_batches
from digest.store.tables import curator_picks, papers

_PAIR = (curator_picks.c.paper_id, curator_picks.c.subscriber_id)
_SHOWN = curator_picks.join(papers, papers.c.id == curator_picks.c.paper_id)


def save(tx: Connection, pick: CuratorPick) -> None:
    """Save a pick; a later one changes its name and note, and keeps its time."""
    statement = insert(tx, curator_picks).values(
        paper_id=pick.paper_id,
        subscriber_id=pick.subscriber_id,
        at=pick.at,
        name=pick.name,
        note=pick.note,
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["paper_id", "subscriber_id"],
            set_={"name": pick.name, "note": pick.note},
        )
    )


def remove(tx: Connection, paper_id: int, subscriber_id: int) -> bool:
    """Remove a curator's pick of a paper; return False where there is none."""
    own = (curator_picks.c.paper_id == paper_id, curator_picks.c.subscriber_id == subscriber_id)
    return tx.execute(delete(curator_picks).where(*own)).rowcount > 0


def load(tx: Connection, paper_ids: Iterable[int]) -> dict[int, tuple[CuratorPick, ...]]:
    """Load the picks of papers, each paper's oldest first."""
    picks: dict[int, list[CuratorPick]] = defaultdict(list)
    for batch in split_into_batches(sorted(set(paper_ids))):
        query = select(curator_picks).where(curator_picks.c.paper_id.in_(batch))
        for row in tx.execute(query.order_by(curator_picks.c.at, curator_picks.c.subscriber_id)):
            picks[row.paper_id].append(_build_pick(row))
    return {paper_id: tuple(own) for paper_id, own in picks.items()}


def list_picked_between(tx: Connection, first: date, last: date) -> set[int]:
    """List the papers first seen from day to day that a curator has picked."""
    days = select(papers.c.id).where(papers.c.first_seen.between(first, last))
    query = select(curator_picks.c.paper_id).where(curator_picks.c.paper_id.in_(days))
    return set(tx.execute(query).scalars())


def list_newest(
    tx: Connection,
    *,
    limit: int,
    offset: int = 0,
    after: tuple[datetime, int, int] | None = None,
) -> list[CuratorPick]:
    """List the picks of public papers, newest first.

    Args:
        after: time, paper and curator of the pick behind which the list begins.
    """
    at, pair = curator_picks.c.at, tuple_(*_PAIR)
    query = select(curator_picks).select_from(_SHOWN).where(*LISTED)
    if after is not None:
        query = query.where(or_(at < after[0], and_(at == after[0], pair > after[1:])))
    rows = tx.execute(query.order_by(at.desc(), *_PAIR).limit(limit).offset(offset))
    return [_build_pick(row) for row in rows]


def find_last_name(tx: Connection, subscriber_id: int) -> str:
    """Find the name under which a curator picked last; "" where there is none."""
    query = (
        select(curator_picks.c.name)
        .where(curator_picks.c.subscriber_id == subscriber_id)
        .order_by(curator_picks.c.at.desc())
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none() or ""


def _build_pick(row: Row[Any]) -> CuratorPick:
    return CuratorPick(
        paper_id=row.paper_id,
        subscriber_id=row.subscriber_id,
        at=row.at,
        name=row.name,
        note=row.note,
    )
