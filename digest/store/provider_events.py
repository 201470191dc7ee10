"""Events of mail providers, so that one that comes again changes nothing."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from digest.store.statements import insert
from digest.store.tables import provider_events


def begin(tx: Connection, provider: str, event: str, *, now: datetime) -> bool:
    """Note an event; return False where it was noted before."""
    statement = insert(tx, provider_events).values(
        provider=provider, event=_key(event), outcome="unknown", at=now
    )
    added = tx.execute(
        statement.on_conflict_do_nothing().returning(provider_events.c.provider)
    ).scalar_one_or_none()
    return added is not None


def set_outcome(tx: Connection, provider: str, event: str, outcome: str) -> None:
    """Note what became of an event."""
    tx.execute(
        update(provider_events)
        .where(provider_events.c.provider == provider, provider_events.c.event == _key(event))
        .values(outcome=outcome)
    )


def count(tx: Connection, *, since: datetime) -> dict[str, dict[str, int]]:
    """Count the events of each provider since a time, by outcome."""
    counts: dict[str, dict[str, int]] = {}
    for provider, outcome, n in tx.execute(
        select(provider_events.c.provider, provider_events.c.outcome, func.count())
        .where(provider_events.c.at > since)
        .group_by(provider_events.c.provider, provider_events.c.outcome)
    ):
        counts.setdefault(provider, {})[outcome] = n
    return counts


def purge(tx: Connection, *, before: datetime) -> int:
    """Forget events from before a time; return how many."""
    return tx.execute(delete(provider_events).where(provider_events.c.at < before)).rowcount


def _key(event: str) -> bytes:
    """Return a key of fixed size: ids of some providers are longer than any column should be."""
    return hashlib.sha256(event.encode("utf-8", "replace")).digest()
