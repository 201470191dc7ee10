"""How far each source was fetched, and the one lease that keeps two processes from fetching at the
same time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from digest.store import owners
from digest.store.statements import insert
from digest.store.tables import source_states

#: no source can be called so
_LEASE = "*"
#: longer than any single request with its waits; renewed before each one
LEASE = timedelta(minutes=20)


def load_state(tx: Connection, name: str) -> dict[str, Any]:
    """Empty for a source that was never fetched."""
    return dict(
        tx.execute(
            select(source_states.c.state).where(source_states.c.name == name)
        ).scalar_one_or_none()
        or {}
    )


def save_state(tx: Connection, name: str, state: dict[str, Any], now: datetime) -> None:
    statement = insert(tx, source_states).values(name=name, state=state, changed_at=now)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"state": state, "changed_at": now}
        )
    )


def load_states(tx: Connection) -> dict[str, dict[str, Any]]:
    """The states of all sources ever fetched, by name."""
    rows = tx.execute(
        select(source_states).where(source_states.c.name != _LEASE).order_by(source_states.c.name)
    )
    return {row.name: dict(row.state) for row in rows}


def claim(tx: Connection, owner: str, now: datetime) -> tuple[bool, dict[str, float]]:
    """Whether this process may fetch now, and when each server was last asked (epoch seconds).

    Claiming again renews.

    The claim of a process that is provably dead, or whose lease ran out, falls to whoever asks.
    """
    tx.execute(
        insert(tx, source_states)
        .values(name=_LEASE, state={}, changed_at=now)
        .on_conflict_do_nothing()
    )
    row = tx.execute(
        select(source_states).where(source_states.c.name == _LEASE).with_for_update()
    ).one()
    holder = row.state.get("owner", "")
    if (
        holder
        and holder != owner
        and abs(now - row.changed_at) < LEASE
        and not owners.find_dead([holder])
    ):
        return False, {}
    asked = row.state.get("asked", {})
    save_state(tx, _LEASE, {"owner": owner, "asked": asked}, now)
    return True, asked


def renew(tx: Connection, owner: str, asked: dict[str, float], now: datetime) -> bool:
    """Keep the claim and note when servers were asked; False when it was lost to
    another process."""
    state = tx.execute(
        select(source_states.c.state).where(source_states.c.name == _LEASE).with_for_update()
    ).scalar_one_or_none()
    if state is None or state.get("owner") != owner:
        return False
    save_state(tx, _LEASE, {"owner": owner, "asked": asked}, now)
    return True


def release(tx: Connection, owner: str, asked: dict[str, float], now: datetime) -> None:
    if renew(tx, owner, asked, now):
        save_state(tx, _LEASE, {"owner": "", "asked": asked}, now)
