"""What comes back of a message is held against its address by the rules of `bounces`, in the
caller's transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from digest import store
from digest.app import App
from digest.mail import bounces
from digest.model import OPERATOR, Bounced, Delivery, Fault, Queued, Suppression, SuppressionReason
from digest.store.bounces import Via

log = logging.getLogger("digest.bounces")


def record_refusal(
    app: App, tx: store.Connection, queued: Queued, delivery: Delivery
) -> Suppression | None:
    """A server's last word on a message is a bounce too: count it, and suppress the address when it
    is enough. Returns what that suppressed.

    It is a refusal, or that the mailbox is full until the message's time is over. Nothing is noted
    where no server answered.
    """
    full = delivery.outcome == "deferred" and delivery.fault == "mailbox"
    if (
        not (full or delivery.outcome == "rejected")
        or not delivery.code
        or queued.subscriber.id == OPERATOR
    ):
        return None
    return record_bounce(
        app,
        tx,
        message=queued.id,
        email=queued.subscriber.email,
        fault=delivery.fault,
        enhanced=delivery.enhanced,
        text=f"{delivery.code} {delivery.text}",
        via="smtp",
    )


def record_expired(app: App, tx: store.Connection, message_ids: Sequence[int]) -> None:
    """The same for messages whose time is over since their last attempt."""
    for last in store.deliveries.list_full_mailboxes(tx, message_ids):
        said = f"{last['code']} {last['text']}"
        record_bounce(
            app,
            tx,
            message=last["id"],
            email=last["email"],
            fault="mailbox",
            enhanced=last["enhanced"],
            text=said,
            via="smtp",
        )


def record_bounce(
    app: App,
    tx: store.Connection,
    *,
    message: int,
    email: str,
    fault: Fault,
    enhanced: str,
    text: str,
    via: Via,
    trusted: bool = True,
) -> Suppression | None:
    """Count a bounce of a message (its row's id) to an address; the same one twice counts once.

    One that is not trusted counts as soft and suppresses nothing by itself; a later one may.
    Returns what it suppressed.
    """
    if not trusted and fault == "reader":
        fault, enhanced = "mailbox", ""
    bounced = Bounced(fault=fault, enhanced=enhanced, at=app.now())
    if not store.bounces.record(tx, bounced, message=message, email=email, text=text, via=via):
        return None
    log.info(
        "bounce message=%d fault=%s status=%s via=%s", message, fault or "-", enhanced or "-", via
    )
    if not trusted:
        return None
    limits = app.config.bounces
    reason = bounces.suppression_reason(
        store.bounces.load(tx, email),
        now=app.now(),
        policy=bounces.SuppressionPolicy(soft=limits.soft, days=limits.days),
    )
    return None if reason is None else suppress(app, tx, email, reason, text)


def suppress(
    app: App, tx: store.Connection, email: str, reason: SuppressionReason, evidence: str
) -> Suppression | None:
    """Stop all mail to an address; None when that had been done already."""
    made = Suppression(
        address=email, reason=reason, since=app.now(), evidence=" ".join(evidence.split())
    )
    if not store.suppressions.add(tx, made, now=app.now()):
        return None
    log.info("suppressed reason=%s", reason.value)
    return made
