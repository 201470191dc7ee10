"""Act on mail that arrives: bounces, complaints, and requests of readers.

Anybody can send mail and write anything in it. So only a token of ours counts: a signed text that
names the reader, the message and what it allows (see `mail.links`). It stands in the address that a
bounce came to, in the headers that a report returns, or in the subject of a request. Each token
went to one reader and is good for that reader alone. Mail without one is left for people. The same
mail twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from digest import metrics, pipeline, store, subscriptions
from digest.app import App
from digest.errors import LinkError, NotFoundError
from digest.mail import bounces, links
from digest.mail.bounces import InboundMail
from digest.mail.mailer.replies import classify
from digest.model import (
    Bounced,
    Fault,
    Link,
    LinkKey,
    MessageState,
    Phase,
    Purpose,
    RevokedLink,
    Subscriber,
    SubscriberStatus,
    SuppressionReason,
    Vote,
)
from digest.pipeline.steps.record_bounces import BounceReport, record_bounce, suppress
from digest.store.bounces import Via

log = logging.getLogger("digest.inbound")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}

#: bounced, complained, unsubscribed, voted, confirmed = done
#: ignored   = about a message of ours, and nothing to do
#: untrusted = a report without a valid token of ours: left for people
#: other     = neither a report nor a request: left for people
Outcome = Literal[
    "bounced", "complained", "unsubscribed", "voted", "confirmed", "ignored", "untrusted", "other"
]

#: the longest time from sending a message to its report: mail servers keep retrying for up to five
#: days (RFC 5321 4.5.4.1)
_MAX_DELIVERY_TIME = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What was done with an incoming mail."""

    outcome: Outcome
    #: how it was recognised, or why nothing was done
    why: str
    subscriber: Subscriber | None = None
    #: id of the message's row, or 0
    message: int = 0
    fault: Fault = ""
    enhanced: str = ""
    #: why all mail to the address stops because of this mail
    suppressed: SuppressionReason | None = None

    @property
    def handled(self) -> bool:
        """Whether no person needs to read it."""
        return self.outcome not in ("untrusted", "other")

    @property
    def json(self) -> dict[str, object]:
        return {
            "outcome": self.outcome,
            "why": self.why,
            "email": self.subscriber.email if self.subscriber else None,
            "message": self.message or None,
            "fault": self.fault or None,
            "enhanced": self.enhanced or None,
            "suppressed": self.suppressed.value if self.suppressed else None,
        }


def receive_mail(app: App, data: bytes, *, recipients: tuple[str, ...] = ()) -> Received:
    """Read one mail and do what its token allows.

    Args:
        data: the bytes of the mail.
        recipients: the envelope's recipients, if the mail server names them.

    Raises:
        StoreError: the database does not answer. Nothing was done, so the mail can safely be
            delivered again.
    """
    mail = bounces.read(data, recipients)
    received = (
        _handle_report(app, mail)
        if mail.kind not in ("other", "automatic")
        else _handle_request_or_answer(app, mail)
    )
    log.info(
        "received outcome=%s subscriber=%s message=%s %s",
        received.outcome,
        received.subscriber.id if received.subscriber else "-",
        received.message or "-",
        received.why,
    )
    return received


# ----------------------------------------------------------------------------------------------
# reports


def _handle_report(app: App, mail: InboundMail) -> Received:
    """Handle a bounce or complaint about the message of its token."""
    link = _find_token(app, mail)
    if link is None:
        return Received(outcome="untrusted", why=f"{mail.why}, without a token of ours")
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


def _handle_report_of_revoked_key(
    app: App, tx: store.Connection, mail: InboundMail, reader: Subscriber, link: RevokedLink
) -> Received:
    """Handle a report with a token of a revoked key, which anybody may have forged.

    The report is accepted only if the message was sent before the revocation, and the revocation is
    no older than mail servers keep retrying. Even then a bounce suppresses nobody by itself: it
    counts as a soft one, and only a later bounce with a valid token can bring a suppression. A
    complaint makes the reader leave, which a forged unsubscribe link could do as well.
    """
    in_time = app.now() - link.revoked_at <= _MAX_DELIVERY_TIME
    if not in_time or not store.bounces.was_sent(tx, link.message_id, before=link.revoked_at):
        return Received(
            outcome="untrusted", why=f"{mail.why}, with a token of a key that was revoked"
        )
    if mail.kind == "bounce":
        return record_reported_bounce(app, tx, mail, reader, link.message_id, trusted=False)
    if mail.kind == "complaint":
        if reader.status is SubscriberStatus.SUPPRESSED:
            # They get no mail anyway; a later release must not bring them back.
            store.suppressions.mark_left(tx, reader.email)
        else:
            store.subscribers.set_status(tx, reader.id, SubscriberStatus.LEFT, now=app.now())
            store.ledger.skip_waiting(tx, reader.id, now=app.now())
        return Received(
            outcome="unsubscribed", why=mail.why, subscriber=reader, message=link.message_id
        )
    return Received(outcome="ignored", why=mail.why, subscriber=reader, message=link.message_id)


def record_reported_bounce(
    app: App,
    tx: store.Connection,
    mail: InboundMail,
    reader: Subscriber,
    message: int,
    *,
    trusted: bool = True,
    via: Via = "mail",
    hard: bool = False,
) -> Received:
    """Record a bounce that was reported, and settle its message.

    Args:
        message: id of the message's row.
        trusted: it was proven to be about this message.
        hard: the reporter knows that the address does not exist.
    """
    fault = _classify_fault(mail)
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


def _classify_fault(mail: InboundMail) -> Fault:
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


def _find_token(app: App, mail: InboundMail) -> Link | None:
    """Find the first token of ours in the recipient address or returned headers."""
    for address in mail.recipients:
        if link := read_trusted_token(app, links.read_bounce_address, address):
            return link
    for text in mail.returned:
        for address in text.replace("<", " ").replace(">", " ").split():
            if link := read_trusted_token(app, links.read_bounce_address, address):
                return link
        link = read_trusted_token(app, links.read_subject, text)
        if link is not None and link.purpose is Purpose.UNSUBSCRIBE:
            return link
    return None


def read_trusted_token(
    app: App, read: Callable[[str, list[LinkKey]], Link], text: str
) -> Link | None:
    try:
        return app.with_keys(lambda keys: read(text, keys))
    except LinkError:
        return None


# ----------------------------------------------------------------------------------------------
# requests and automatic answers


def _handle_request_or_answer(app: App, mail: InboundMail) -> Received:
    """Grant a request by the token in its subject; else leave the mail for people.

    An automatic answer proves that the message was accepted.
    """
    link = read_trusted_token(app, links.read_subject, mail.subject)
    if link is not None and (link.purpose is Purpose.UNSUBSCRIBE or mail.kind == "other"):
        return _grant_request(app, link, mail)
    answered = next(
        (
            bounce_link
            for address in mail.recipients
            if (bounce_link := read_trusted_token(app, links.read_bounce_address, address))
        ),
        None,
    )
    if mail.kind == "automatic" and answered is not None and not isinstance(answered, RevokedLink):
        with app.store.writing() as tx:
            reader = store.bounces.find_reader(tx, answered.message_id)
            if reader is not None and reader.id == answered.subscriber_id:
                mark_accepted(app, tx, answered.message_id, "an automatic answer to it came")
        return Received(
            outcome="ignored", why=mail.why, subscriber=reader, message=answered.message_id
        )
    return Received(outcome="other", why=mail.why)


def _grant_request(app: App, link: Link, mail: InboundMail) -> Received:
    """Do what a reader asks by mail: leave, confirm or vote.

    Votes count in the order in which they were written; the same mail read twice counts once.
    """
    try:
        match link.purpose:
            case Purpose.UNSUBSCRIBE:
                forgeable = isinstance(link, RevokedLink)
                reader = subscriptions.unsubscribe(app, link.subscriber_id, farewell=forgeable)
                outcome: Outcome = "unsubscribed"
            case Purpose.CONFIRM:
                if link.paper_id:
                    return _grant_move(app, link)
                reader = subscriptions.confirm(app, link.subscriber_id, origin="mail")
                log.info("confirm subscriber=%d status=%s via=mail", reader.id, reader.status.value)
                outcome = "confirmed"
            case _:
                reader = subscriptions.get(app, link.subscriber_id)
                outcome = _record_vote(app, link, mail, reader)
    except NotFoundError as error:
        return Received(outcome="ignored", why=str(error))
    if link.message_id and not isinstance(link, RevokedLink):
        with app.store.writing() as tx:
            mark_accepted(app, tx, link.message_id, "the reader answered it")
    why = "asked by mail" if outcome != "ignored" else "a thumb of a reader who has left"
    return Received(outcome=outcome, why=why, subscriber=reader, message=link.message_id)


def _grant_move(app: App, link: Link) -> Received:
    """Move a digest to the address that a mail confirms."""
    moved = subscriptions.confirm_move(app, link, origin="mail")
    if moved.outcome != "moved" or moved.subscriber is None:
        return Received(outcome="ignored", why="a change of address that is over or not possible")
    log.info("move subscriber=%d via=mail", moved.subscriber.id)
    return Received(outcome="confirmed", why="asked by mail", subscriber=moved.subscriber)


def _record_vote(app: App, link: Link, mail: InboundMail, reader: Subscriber) -> Outcome:
    if reader.status is SubscriberStatus.LEFT:
        return "ignored"
    mail_id = mail.message_id or mail.date or secrets.token_hex(16)
    form = f"{mail_id} {link.purpose} {link.paper_id}".encode("utf-8", "replace")
    pipeline.record_mail_feedback(
        app,
        link,
        _VOTES[link.purpose],
        form=hashlib.sha256(form).hexdigest(),
        at=mail.date,
    )
    return "voted"
