"""Act on bounces and complaints."""

from __future__ import annotations

from digest import metrics, store
from digest.app import App
from digest.mail.bounces import InboundMail
from digest.mail.mailer.replies import classify
from digest.model import (
    Bounced,
    Fault,
    MessageState,
    Phase,
    RevokedLink,
    Subscriber,
    SubscriberStatus,
    SuppressionReason,
)
from digest.pipeline.steps.record_bounces import BounceReport, record_bounce, suppress
from digest.services.inbound.tokens import MAX_DELIVERY_TIME, find_quoted_message, find_token
from digest.services.inbound.values import Received
from digest.store.bounces import Via


def handle_report(app: App, mail: InboundMail) -> Received:
    """Handle a bounce or complaint about the message of its token."""
    link = find_token(app, mail)
    if link is None:
        return _handle_quoted_report(app, mail)
    with app.store.writing() as tx:
        reader = store.bounces.find_reader(tx, link.message_id)
        if reader is None or reader.id != link.subscriber_id:
            return Received(
                outcome="untrusted", why=f"{mail.why}, of a message that is no longer stored"
            )
        if isinstance(link, RevokedLink):
            return _handle_report_of_revoked_key(app, tx, mail, reader, link)
        match mail.kind:
            case "bounce":
                return record_reported_bounce(app, tx, mail, reader, link.message_id)
            case "complaint":
                return record_reported_complaint(app, tx, mail, reader, link.message_id)
            case "delivered":
                mark_accepted(app, tx, link.message_id, mail.why)
        return Received(outcome="ignored", why=mail.why, subscriber=reader, message=link.message_id)


def _handle_quoted_report(app: App, mail: InboundMail) -> Received:
    """Handle a report that proves its message by no token, but may quote its Message-ID.

    Where bounces go to the sender's address, mail servers of some kinds return no more. Anybody who
    knows a reader's address may have written it: see `_handle_unproven_report`.
    """
    with app.store.writing() as tx:
        message = find_quoted_message(app, tx, mail)
        if message is None:
            return Received(outcome="untrusted", why=f"{mail.why}, without a token of ours")
        return _handle_unproven_report(app, tx, mail, message.reader, message.id)


def _handle_report_of_revoked_key(
    app: App, tx: store.Connection, mail: InboundMail, reader: Subscriber, link: RevokedLink
) -> Received:
    """Handle a report with a token of a revoked key, which anybody may have forged.

    The report is accepted only if the message was sent before the revocation, and the revocation is
    no older than mail servers keep retrying. Even then a bounce suppresses nobody by itself: it
    counts as a soft one, and only a later bounce with a valid token can bring a suppression. A
    complaint makes the reader leave, which a forged unsubscribe link could do as well.
    """
    in_time = app.now() - link.revoked_at <= MAX_DELIVERY_TIME
    if not in_time or not store.bounces.was_sent(tx, link.message_id, before=link.revoked_at):
        return Received(
            outcome="untrusted", why=f"{mail.why}, with a token of a key that was revoked"
        )
    return _handle_unproven_report(app, tx, mail, reader, link.message_id, may_suppress=False)


def _handle_unproven_report(
    app: App,
    tx: store.Connection,
    mail: InboundMail,
    reader: Subscriber,
    message: int,
    *,
    may_suppress: bool = True,
) -> Received:
    """Handle a report that somebody may have forged.

    A bounce counts as a soft one, so a single report suppresses nobody. A complaint makes the
    reader leave, who can come back by their own link.

    Args:
        message: id of the message's row.
        may_suppress: several soft bounces suppress the address, as the policy says.
    """
    if mail.kind == "bounce":
        return record_reported_bounce(
            app, tx, mail, reader, message, trusted=False, may_suppress=may_suppress
        )
    if mail.kind == "complaint":
        if reader.status is SubscriberStatus.SUPPRESSED:
            # They get no mail anyway; a later release must not bring them back.
            store.suppressions.mark_left(tx, reader.email)
        else:
            store.subscribers.set_status(tx, reader.id, SubscriberStatus.LEFT, now=app.now())
            store.ledger.skip_waiting(tx, reader.id, now=app.now())
        return Received(outcome="unsubscribed", why=mail.why, subscriber=reader, message=message)
    return Received(outcome="ignored", why=mail.why, subscriber=reader, message=message)


def record_reported_bounce(
    app: App,
    tx: store.Connection,
    mail: InboundMail,
    reader: Subscriber,
    message: int,
    *,
    trusted: bool = True,
    may_suppress: bool = True,
    via: Via = "mail",
    hard: bool = False,
) -> Received:
    """Record a bounce that was reported, and settle its message.

    Args:
        message: id of the message's row.
        trusted: it was proven to be about this message; else it counts as a soft bounce.
        may_suppress: the policy may suppress the address because of it.
        hard: the reporter knows that the address does not exist.
    """
    fault = classify_fault(mail)
    if hard and fault == "mailbox" and mail.enhanced[1:] != ".2.2":
        fault = "reader"
    text = mail.text or mail.why
    bounce = BounceReport(
        message_id=message,
        email=store.address_changes.find_address_of_message(tx, message) or reader.email,
        fault=fault,
        enhanced=mail.enhanced,
        text=text,
        via=via,
        trusted=trusted,
        may_suppress=may_suppress,
    )
    suppression = record_bounce(app, tx, bounce)
    evidence = f"came back: {mail.enhanced} {text}".replace(":  ", ": ")
    store.ledger.resolve(tx, message, MessageState.REJECTED, evidence, now=app.now())
    return Received(
        outcome="bounced",
        why=mail.why,
        subscriber=reader,
        message=message,
        fault=fault,
        enhanced=mail.enhanced,
        suppressed=suppression.reason if suppression else None,
    )


def classify_fault(mail: InboundMail) -> Fault:
    """Return whose fault a bounce is, by the table for SMTP replies.

    Only the fault is taken from the table. Whether the reply was temporary is ignored, since a
    bounce report is final.
    """
    code = mail.code or (450 if mail.enhanced.startswith("4") else 550)
    text = mail.text if mail.enhanced in mail.text else f"{mail.enhanced} {mail.text}"
    if mail.enhanced[2:3] in ("5", "6", "7"):
        # x.5 (protocol), x.6 (content) and x.7 (policy) are our faults, not the address's. The
        # table tells this from permanent replies only.
        code = 550
        text = f"5{mail.enhanced[1:]} {mail.text}"
    return classify(Phase.RCPT, code, text).fault


def record_reported_complaint(
    app: App,
    tx: store.Connection,
    mail: InboundMail,
    reader: Subscriber,
    message: int,
    *,
    via: Via = "mail",
) -> Received:
    """Record that a reader marked a message as spam; they then have left."""
    bounced = Bounced(fault="", at=app.now())
    new = store.bounces.record_complaint(
        tx, bounced, message_id=message, email=reader.email, text=mail.text, via=via
    )
    if new:
        metrics.count_complaint(via)
    # An old complaint that is read again must not undo that the reader came back.
    suppression = (
        suppress(app, tx, reader.email, SuppressionReason.COMPLAINT, mail.text) if new else None
    )
    mark_accepted(app, tx, message, "the reader complained of it")
    return Received(
        outcome="complained",
        why=mail.why,
        subscriber=reader,
        message=message,
        suppressed=suppression.reason if suppression else None,
    )


def mark_accepted(app: App, tx: store.Connection, message: int, evidence: str) -> None:
    store.ledger.resolve(tx, message, MessageState.ACCEPTED, evidence, now=app.now())
