"""Mail servers and recipient domains that asked for quiet: known to every sender, and after a
restart.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select

from digest.model import PAUSE_MAX, SKEW, Pause
from digest.store.statements import insert
from digest.store.tables import pauses

#: how long after its end a pause that nobody took back still tells a new sender to begin slowly
_REMEMBERED = timedelta(hours=1)
_TEXT = 500


def load_all(tx: Connection, *, clock: datetime) -> list[Pause]:
    """Those that last, and those that ended within the last hour and were not taken back; `clock`
    is the real time.

    One that would last longer than any does was written by a clock that ran ahead: it is told as
    over.
    """
    rows = tx.execute(
        select(pauses)
        .where(pauses.c.until > clock - _REMEMBERED)
        .order_by(pauses.c.kind, pauses.c.name)
    )
    found = [Pause(**row._mapping) for row in rows]
    return [
        replace(pause, until=clock) if pause.until > _latest(clock) else pause for pause in found
    ]


def _latest(clock: datetime) -> datetime:
    """The latest end that a pause can have."""
    return clock + PAUSE_MAX + SKEW


def save(tx: Connection, pause: Pause, *, clock: datetime) -> None:
    """Remember a pause, unless a longer one is known of the same server or domain; those of long
    ago are forgotten.
    """
    tx.execute(delete(pauses).where(pauses.c.until <= clock - _REMEMBERED))
    values = {
        "until": pause.until,
        "reason": pause.reason,
        "text": pause.text[:_TEXT],
        "strikes": min(pause.strikes, 1000),
        "rate": pause.rate,
    }
    statement = insert(tx, pauses).values(kind=pause.kind, name=pause.name[:260], **values)
    longer = (pauses.c.until < statement.excluded.until) | (pauses.c.until > _latest(clock))
    tx.execute(
        statement.on_conflict_do_update(index_elements=["kind", "name"], set_=values, where=longer)
    )


def end(tx: Connection, pause: Pause, *, clock: datetime) -> None:
    """It took something again; a pause that another sender was told since then stands."""
    over = (pauses.c.until <= pause.until) | (pauses.c.until > _latest(clock))
    tx.execute(
        delete(pauses).where(and_(pauses.c.kind == pause.kind, pauses.c.name == pause.name, over))
    )
