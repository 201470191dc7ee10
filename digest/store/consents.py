"""What readers agreed to: when, how, and which wording."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from digest.model import Consent, ConsentEvent
from digest.store.tables import consents


def record(tx: Connection, subscriber_id: int, consent: Consent) -> None:
    """Keep what a reader agreed to."""
    tx.execute(
        consents.insert().values(
            subscriber_id=subscriber_id,
            event=consent.event,
            at=consent.at,
            origin=consent.origin,
            wording=consent.wording,
        )
    )


def list_all(tx: Connection, subscriber_id: int) -> list[Consent]:
    """List what a reader agreed to, the oldest first."""
    query = (
        select(consents.c.event, consents.c.at, consents.c.origin, consents.c.wording)
        .where(consents.c.subscriber_id == subscriber_id)
        .order_by(consents.c.id)
    )
    return [
        Consent(event=event, at=at, origin=origin, wording=wording)
        for event, at, origin, wording in tx.execute(query)
    ]


def has_since(tx: Connection, subscriber_id: int, event: ConsentEvent, *, since: datetime) -> bool:
    """Return whether such an event was kept since a time."""
    query = (
        select(consents.c.id)
        .where(
            consents.c.subscriber_id == subscriber_id,
            consents.c.event == event,
            consents.c.at >= since,
        )
        .limit(1)
    )
    return tx.execute(query).first() is not None
