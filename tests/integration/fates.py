"""What may become of messages that wait or were sent, without a mail server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from digest import store
from digest.app import App
from digest.model import Bounced, Delivery, MessageState, Phase, Subscriber
from digest.store import tables


def send_waiting(app: App, outcome: str, now: datetime) -> None:
    """Send what waits; each message gets this outcome."""
    ledger = store.ledger
    with app.store.writing() as tx:
        claimed = ledger.claim(tx, owner="me", now=now, clock=now)
        begun = ledger.begin(tx, claimed, owner="me", now=now, clock=now)
        delivery = Delivery(
            outcome=outcome,  # type: ignore[arg-type]
            server="here",
            phase=Phase.BODY,
            code=250,
            text="",
            started=now,
            ended=now,
        )
        sent: list[Any] = [(queued, delivery) for queued in claimed if queued.id in begun]
        ledger.settle(tx, sent, owner="me", now=now)
        ledger.release(tx, owner="me", now=now)


def bounce_newest(app: App, who: Subscriber, now: datetime) -> None:
    """Bounce the newest accepted mail of a reader."""
    columns = tables.messages.c
    accepted = select(columns.id).where(
        columns.subscriber_id == who.id, columns.state == MessageState.ACCEPTED.value
    )
    with app.store.writing() as tx:
        message = tx.execute(accepted.order_by(columns.id.desc()).limit(1)).scalar()
        if message is not None:
            bounced = Bounced(fault="mailbox", enhanced="5.2.2", at=now)
            store.bounces.record(
                tx, bounced, message_id=message, email=who.email, text="", via="mail"
            )


def resolve_unknown(app: App, *, accepted: bool, now: datetime) -> None:
    """Resolve all messages of unknown fate with evidence."""
    state = MessageState.ACCEPTED if accepted else MessageState.REJECTED
    unknown = select(tables.messages.c.id).where(tables.messages.c.state == "unknown")
    with app.store.writing() as tx:
        for message in tx.execute(unknown).scalars().all():
            store.ledger.resolve(tx, message, state, "a test", now=now)
