"""Papers that recommenders of others chose for readers, by local date."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, select

from digest.store.statements import insert, split_into_batches
from digest.store.tables import recommendations


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """A paper that a system recommends to a reader for a local date."""

    system: str
    subscriber_id: int
    local_date: date
    paper_id: int
    #: only the order within a system means something
    score: float
    #: the system's own words, or ""
    explanation: str = ""


def save(tx: Connection, chosen: Sequence[Recommendation], *, now: datetime) -> None:
    """Store recommendations; one that is there already is replaced."""
    for one in chosen:
        values = {"score": one.score, "explanation": one.explanation, "at": now}
        statement = insert(tx, recommendations).values(
            system=one.system,
            subscriber_id=one.subscriber_id,
            local_date=one.local_date,
            paper_id=one.paper_id,
            **values,
        )
        keys = ["system", "subscriber_id", "local_date", "paper_id"]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


def load(
    tx: Connection, subscriber_ids: Collection[int], local_date: date
) -> dict[int, dict[str, list[Recommendation]]]:
    """Load what was recommended for a date, by reader and system, the best first."""
    found: dict[int, dict[str, list[Recommendation]]] = {}
    columns = [column for column in recommendations.columns if column is not recommendations.c.at]
    for batch in split_into_batches(sorted(subscriber_ids)):
        rows = tx.execute(
            select(*columns)
            .where(
                recommendations.c.subscriber_id.in_(batch),
                recommendations.c.local_date == local_date,
            )
            .order_by(recommendations.c.score.desc(), recommendations.c.paper_id)
        )
        for row in rows:
            one = Recommendation(**row._mapping)
            found.setdefault(one.subscriber_id, {}).setdefault(one.system, []).append(one)
    return found


def purge(tx: Connection, *, before: date) -> int:
    """Delete recommendations for days before a date; return how many."""
    return tx.execute(delete(recommendations).where(recommendations.c.local_date < before)).rowcount
