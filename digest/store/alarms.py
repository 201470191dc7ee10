"""Alarms: those that last, and those that are over, so that they are not repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest.store.statements import insert
from digest.store.tables import alarms


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An alarm as it was last seen."""

    kind: str
    what: str
    remedy: str
    details: tuple[str, ...]
    since: datetime
    #: None while it lasts
    over_at: datetime | None = None


def load_all(tx: Connection) -> dict[str, Raised]:
    """Load all alarms by kind, also those that are over."""
    return {
        row.kind: Raised(**(dict(row._mapping) | {"details": tuple(row.details)}))
        for row in tx.execute(select(alarms))
    }


def save(tx: Connection, raised: Raised) -> bool:
    """Save an alarm that lasts; return whether it started, for one of several processes alone."""
    values = {
        "what": raised.what,
        "remedy": raised.remedy,
        "details": list(raised.details),
        "since": raised.since,
        "over_at": None,
    }
    started = tx.execute(
        insert(tx, alarms)
        .values(kind=raised.kind, **values)
        # the condition is checked under the lock of the row, so that one process meets it
        .on_conflict_do_update(
            index_elements=["kind"], set_=values, where=alarms.c.over_at.is_not(None)
        )
        .returning(alarms.c.kind)
    ).first()
    if started is None:
        tx.execute(update(alarms).where(alarms.c.kind == raised.kind).values(values))
    return started is not None


def end(tx: Connection, kind: str, *, now: datetime) -> bool:
    """End an alarm; return whether it lasted, which is so for one of several processes alone."""
    lasting = (alarms.c.kind == kind) & alarms.c.over_at.is_(None)
    return tx.execute(update(alarms).where(lasting).values(over_at=now)).rowcount == 1
