"""Quiet days: local dates without a digest, and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection, exists, func, select

from digest.model import Provenance, Quiet, QuietReason
from digest.store.statements import split_into_batches
from digest.store.tables import digests


def load(tx: Connection, digest_ids: Iterable[int]) -> dict[int, Quiet]:
    """Load quiet days by id; ids of planned digests are left out."""
    return {
        row.id: Quiet(
            subscriber_id=row.subscriber_id,
            local_date=row.local_date,
            reason=QuietReason(row.reason),
            provenance=msgspec.convert(row.provenance, Provenance),
            nearest_paper_id=row.nearest_paper_id,
            quiet_days_told=row.quiet_days_told,
        )
        for batch in split_into_batches(list(digest_ids))
        for row in tx.execute(
            select(digests).where(digests.c.id.in_(batch), digests.c.state == "quiet")
        ).all()
    }


def count_of_last_week(
    tx: Connection, subscriber_ids: Iterable[int], local_date: date
) -> dict[int, int]:
    """Count quiet days of the ISO week before, where nothing was decided yet in this week.

    A day on which no paper came is not counted. A missed date decides nothing.
    """
    monday = local_date - timedelta(days=local_date.weekday())
    papers_came = [reason.value for reason in QuietReason if reason.has_papers]
    of_this_week = digests.alias()
    decided = exists().where(
        of_this_week.c.subscriber_id == digests.c.subscriber_id,
        of_this_week.c.local_date >= monday,
        of_this_week.c.local_date < local_date,
        of_this_week.c.reason != QuietReason.MISSED.value,
    )
    counts: dict[int, int] = {}
    for batch in split_into_batches(list(subscriber_ids)):
        rows = tx.execute(
            select(digests.c.subscriber_id, func.count().label("days"))
            .where(
                digests.c.subscriber_id.in_(batch),
                digests.c.local_date >= monday - timedelta(days=7),
                digests.c.local_date < monday,
                digests.c.reason.in_(papers_came),
                ~decided,
            )
            .group_by(digests.c.subscriber_id)
        )
        counts |= {row.subscriber_id: row.days for row in rows}
    return counts
