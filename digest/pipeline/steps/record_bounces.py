"""Record bounces and apply the suppression policy, in the caller's transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from digest import metrics, store
from digest.app import App
from digest.mail import bounces
from digest.model import OPERATOR, Bounced, Delivery, Fault, Queued, Suppression, SuppressionReason
from digest.store.bounces import Via

log = logging.getLogger("digest.bounces")


@dataclass(frozen=True, kw_only=True, slots=True)
class BounceReport:
    """A bounce of one message to one address."""

    #: id of the message's row
    message_id: int
    email: str
    fault: Fault
    enhanced: str
    text: str
    via: Via
    #: it was proven to be ours; an untrusted bounce counts as a soft one
    trusted: bool = True
    #: the policy may suppress the address because of it
    may_suppress: bool = True


def record_refusal(
    app: App, tx: store.Connection, queued: Queued, delivery: Delivery
) -> Suppression | None:
    """Record the final answer of a mail server as a bounce.

    Return what that suppressed.

    The final answer is a refusal, or a full mailbox until the message expired. Nothing is recorded
    where no server answered.
    """
    is_full = delivery.outcome == "deferred" and delivery.fault == "mailbox"
    is_final = is_full or delivery.outcome == "rejected"
    if not is_final or not delivery.code or queued.subscriber.id == OPERATOR:
        return None
    bounce = BounceReport(
        message_id=queued.id,
        email=queued.subscriber.email,
        fault=delivery.fault,
        enhanced=delivery.enhanced,
        text=f"{delivery.code} {delivery.text}",
        via="smtp",
    )
    return record_bounce(app, tx, bounce)


def record_expired(app: App, tx: store.Connection, message_ids: Sequence[int]) -> None:
    """Record a bounce for each expired message whose mailbox was full.

    A message counts if its last attempt found the mailbox full.
    """
    for attempt in store.deliveries.list_full_mailboxes(tx, message_ids):
        bounce = BounceReport(
            message_id=attempt["id"],
            email=attempt["email"],
            fault="mailbox",
            enhanced=attempt["enhanced"],
            text=f"{attempt['code']} {attempt['text']}",
            via="smtp",
        )
        record_bounce(app, tx, bounce)


def record_bounce(app: App, tx: store.Connection, bounce: BounceReport) -> Suppression | None:
    """Record a bounce and apply the policy; return what it suppressed.

    The same bounce twice counts once.
    """
    fault, enhanced = bounce.fault, bounce.enhanced
    if not bounce.trusted and fault == "reader":
        fault, enhanced = "mailbox", ""
    bounced = Bounced(fault=fault, enhanced=enhanced, at=app.now())
    is_new = store.bounces.record(
        tx,
        bounced,
        message_id=bounce.message_id,
        email=bounce.email,
        text=bounce.text,
        via=bounce.via,
    )
    if not is_new:
        return None
    if bounce.via != "smtp":  # those are refusals, which the states of messages count
        metrics.count_bounce(fault, bounce.via)
    log.info(
        "bounce message=%d fault=%s status=%s via=%s",
        bounce.message_id,
        fault or "-",
        enhanced or "-",
        bounce.via,
    )
    if not bounce.may_suppress:
        return None
    limits = app.config.bounces
    reason = bounces.suppression_reason(
        store.bounces.load(tx, bounce.email),
        now=app.now(),
        policy=bounces.SuppressionPolicy(soft=limits.soft, days=limits.days),
    )
    return None if reason is None else suppress(app, tx, bounce.email, reason, bounce.text)


def suppress(
    app: App, tx: store.Connection, email: str, reason: SuppressionReason, evidence: str
) -> Suppression | None:
    """Stop all mail to an address; return None where it was stopped already."""
    suppression = Suppression(
        address=email, reason=reason, since=app.now(), evidence=" ".join(evidence.split())
    )
    if not store.suppressions.add(tx, suppression, now=app.now()):
        return None
    metrics.count_suppression(reason.value)
    log.info("suppressed reason=%s", reason.value)
    return suppression
