"""How far each source and each reader's library was fetched, and the lease of a fetch.

Only one process may fetch at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from digest.store import owners
from digest.store.statements import insert
from digest.store.tables import source_states

#: the row of the lease; no source can have this name
_LEASE = "*"
#: longer than any request with its waits; renewed before each request
LEASE = timedelta(minutes=20)


def load_state(tx: Connection, name: str) -> dict[str, Any]:
    """Load the state of a source; empty where it was never fetched."""
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
    """Load the states of all fetched sources by name."""
    rows = tx.execute(
        select(source_states)
        .where(source_states.c.name.not_like(f"{_LEASE}%"))
        .order_by(source_states.c.name)
    )
    return {row.name: dict(row.state) for row in rows}


def load_libraries(tx: Connection, subscriber_id: int) -> dict[str, Any]:
    """Load how far a reader's libraries were fetched; `store.subscribers.delete` removes it."""
    return load_state(tx, library_row(subscriber_id))


def save_libraries(
    tx: Connection, subscriber_id: int, states: dict[str, Any], now: datetime
) -> None:
    save_state(tx, library_row(subscriber_id), states, now)


def library_row(subscriber_id: int) -> str:
    """Name the row of a reader's libraries; no source can have this name."""
    return f"{_LEASE}library {subscriber_id}"


def claim(tx: Connection, owner: str, now: datetime) -> tuple[bool, dict[str, float]]:
    """Claim the lease, or renew it.

    A lease that has expired, or whose process is certainly dead, can be claimed.

    Returns:
        Whether this process may fetch, and when each server was last asked (epoch seconds).
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
    """Renew the lease and store when servers were asked.

    Return False when it was lost.
    """
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
