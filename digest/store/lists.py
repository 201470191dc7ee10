"""What lists of papers by day are made of: rows light enough for a whole month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, select

from digest.model import UNSEEN, Entry
from digest.store.tables import dumps, papers, picks, records

LISTED: tuple[ColumnElement[bool], ...] = (
    papers.c.merged_into.is_(None),
    papers.c.withdrawn.is_(False),
    papers.c.title != "",
)


def list_between(tx: Connection, first: date, last: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """List (id, first_seen, upvotes, categories) of the papers first seen from day to day.

    Upvotes are those of the sources.
    """
    columns = (papers.c.id, papers.c.first_seen, papers.c.upvotes, papers.c.categories)
    return tx.execute(
        select(*columns)
        .where(papers.c.first_seen.between(first, last), *LISTED)
        .order_by(papers.c.id)
    ).all()


def load_picks(tx: Connection, first: date, last: date) -> dict[int, int | None]:
    """Load the papers that were picked from day to day, with their best ranks."""
    rows = tx.execute(
        select(picks.c.paper_id, func.min(picks.c.rank))
        .where(picks.c.day.between(first, last))
        .group_by(picks.c.paper_id)
    )
    return {row[0]: row[1] for row in rows}


def find_day_before(tx: Connection, day: date) -> date | None:
    """Find the latest day before this one on which a listed paper was first seen."""
    query = select(func.max(papers.c.first_seen)).where(papers.c.first_seen < day, *LISTED)
    day_before: date | None = tx.execute(query).scalar_one()
    return day_before


def find_day_after(tx: Connection, day: date) -> date | None:
    """Find the first day after this one on which a listed paper was first seen."""
    query = select(func.min(papers.c.first_seen)).where(papers.c.first_seen > day, *LISTED)
    day_after: date | None = tx.execute(query).scalar_one()
    return day_after


def list_days(tx: Connection, limit: int) -> list[date]:
    """List the latest days on which papers were first seen, newest first."""
    query = select(papers.c.first_seen).where(*LISTED).distinct()
    return list(tx.execute(query.order_by(papers.c.first_seen.desc()).limit(limit)).scalars())


def list_sources(tx: Connection, paper_id: int) -> list[tuple[str, date, int | None]]:
    """List (format of the dump, day, version) of a paper's records, oldest first.

    What readers' libraries say is left out.
    """
    query = (
        select(dumps.c.format, records.c.day, records.c.entry)
        .join(dumps, dumps.c.id == records.c.dump_id)
        .where(records.c.paper_id == paper_id, records.c.day != UNSEEN)
    )
    return [
        (row.format, row.day, msgspec.json.decode(row.entry, type=Entry).version)
        for row in tx.execute(query.order_by(records.c.day, records.c.id))
    ]
