"""Pauses of mail servers and recipient domains.

All senders share them, and a restart keeps them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select

from digest.model import PAUSE_MAX, SKEW, Pause
from digest.store.statements import insert
from digest.store.tables import pauses

#: how long after its end a pause still tells a new sender to begin slowly
_REMEMBERED = timedelta(hours=1)
_TEXT = 500


def load_all(tx: Connection, *, clock: datetime) -> list[Pause]:
    """Load pauses that last or ended within the last hour.

    A pause that would last longer than the longest comes from a wrong clock, and counts as over.

    Args:
        clock: the real time.
    """
    rows = tx.execute(
        select(pauses)
        .where(pauses.c.until > clock - _REMEMBERED)
        .order_by(pauses.c.kind, pauses.c.name)
    )
    loaded = [Pause(**row._mapping) for row in rows]
    return [
        replace(pause, until=clock) if pause.until > _latest_end(clock) else pause
        for pause in loaded
    ]


def _latest_end(clock: datetime) -> datetime:
    """Return the latest end that a pause can have."""
    return clock + PAUSE_MAX + SKEW


def save(tx: Connection, pause: Pause, *, clock: datetime) -> None:
    """Upsert a pause, unless a longer one is stored; delete old ones."""
    tx.execute(delete(pauses).where(pauses.c.until <= clock - _REMEMBERED))
    values = {
        "until": pause.until,
        "reason": pause.reason,
        "text": pause.text[:_TEXT],
        "strikes": min(pause.strikes, 1000),
        "rate": pause.rate,
    }
    statement = insert(tx, pauses).values(kind=pause.kind, name=pause.name[:260], **values)
    longer = (pauses.c.until < statement.excluded.until) | (pauses.c.until > _latest_end(clock))
    tx.execute(
        statement.on_conflict_do_update(index_elements=["kind", "name"], set_=values, where=longer)
    )


def end(tx: Connection, pause: Pause, *, clock: datetime) -> None:
    """End a pause, since the server accepted mail.

    A later pause of another sender stays.
    """
    over = (pauses.c.until <= pause.until) | (pauses.c.until > _latest_end(clock))
    tx.execute(
        delete(pauses).where(and_(pauses.c.kind == pause.kind, pauses.c.name == pause.name, over))
    )
