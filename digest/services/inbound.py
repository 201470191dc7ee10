"""Mail that arrives, from a pipe or the mailbox: bounces and complaints suppress, requests are
granted, the rest is left for people.

Whoever can send mail can write anything in it. So nothing counts but what a token of ours proves:
the address of the bounce, the signed link in the headers that a report returns, or the token in a
request's subject. Each of them went to one reader, and is good for that reader alone; what somebody
forges without one is left for people. The same mail twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.errors import LinkError, MailboxError, NotFoundError, StoreError
from digest.mail import bounces, links
from digest.mail.bounces import InboundMail
from digest.mail.imap import ImapServer, Mailbox
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
from digest.pipeline.steps.record_bounces import record_bounce, suppress
from digest.store.mailboxes import MailboxPosition

log = logging.getLogger("digest.inbound")

#: bounced, complained, unsubscribed, voted, confirmed = done, and noted ignored = about a message
#: of ours, and says nothing that counts untrusted = a report without a token of ours, or with one
#: of a reader or message that is no longer stored: left for people other = no report and no
#: request: left for people
Outcome = Literal[
    "bounced", "complained", "unsubscribed", "voted", "confirmed", "ignored", "untrusted", "other"
]

#: mails read in one go, so that a flood cannot keep a round waiting
_MOST = 500
#: mail servers try for up to five days (RFC 5321 4.5.4.1); reports about a mail come no later than
#: that
_IN_FLIGHT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of a mail that arrived."""

    outcome: Outcome
    #: how it was recognised, or why it was left
    why: str
    subscriber: Subscriber | None = None
    #: of the message's row
    message: int = 0
    fault: Fault = ""
    enhanced: str = ""
    #: set when this mail was enough to stop all mail to the address
    suppressed: SuppressionReason | None = None

    @property
    def handled(self) -> bool:
        """Whether no person needs to see it."""
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


def receive(app: App, data: bytes, *, to: tuple[str, ...] = ()) -> Received:
    """Read one mail and do what it proves.

    Args:
        data: the mail as it came.
        to: its recipients, where the mail server names them.

    Raises:
        StoreError: the database does not answer; nothing was done, and the mail may come again.
    """
    arrived = bounces.read(data, to)
    received = (
        _report(app, arrived)
        if arrived.kind not in ("other", "automatic")
        else _letter(app, arrived)
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


def _report(app: App, arrived: InboundMail) -> Received:
    """A bounce or complaint, of a message that a token proves."""
    link = _proven(app, arrived)
    if link is None:
        return Received(outcome="untrusted", why=f"{arrived.why}, without a token of ours")
    with app.store.writing() as tx:
        reader = store.bounces.find_reader(tx, link.message_id)
        if reader is None or reader.id != link.subscriber_id:
            return Received(
                outcome="untrusted", why=f"{arrived.why}, of a message that is no longer stored"
            )
        if isinstance(link, RevokedLink):
            return _of_revoked_key(app, tx, arrived, reader, link)
        match arrived.kind:
            case "failed":
                return _bounced(app, tx, arrived, reader, link.message_id)
            case "complaint":
                return _complained(app, tx, arrived, reader, link.message_id)
            case "delivered":
                _arrived(app, tx, link.message_id, arrived.why)
        return Received(
            outcome="ignored", why=arrived.why, subscriber=reader, message=link.message_id
        )


def _of_revoked_key(
    app: App, tx: store.Connection, arrived: InboundMail, reader: Subscriber, link: RevokedLink
) -> Received:
    """A report that whoever has a revoked key may have made up, and that may be of a mail that was
    on its way.

    It counts for as long as mail servers try, about a message that they had been given; it
    suppresses nobody. A complaint makes the reader leave, which a forged link to leave would do as
    well.
    """
    in_time = app.now() - link.revoked_at <= _IN_FLIGHT
    if not in_time or not store.bounces.was_sent(tx, link.message_id, before=link.revoked_at):
        return Received(
            outcome="untrusted", why=f"{arrived.why}, with a token of a key that was revoked"
        )
    if arrived.kind == "failed":
        return _bounced(app, tx, arrived, reader, link.message_id, trusted=False)
    if arrived.kind == "complaint":
        if reader.status is SubscriberStatus.SUPPRESSED:
            store.suppressions.mark_left(tx, reader.email)
        else:
            store.subscribers.set_status(tx, reader.id, SubscriberStatus.LEFT, now=app.now())
            store.ledger.skip_waiting(tx, reader.id, now=app.now())
        return Received(
            outcome="unsubscribed", why=arrived.why, subscriber=reader, message=link.message_id
        )
    return Received(outcome="ignored", why=arrived.why, subscriber=reader, message=link.message_id)


def _bounced(
    app: App,
    tx: store.Connection,
    arrived: InboundMail,
    reader: Subscriber,
    message: int,
    *,
    trusted: bool = True,
) -> Received:
    fault = _fault(arrived)
    text = arrived.text or arrived.why
    made = record_bounce(
        app,
        tx,
        message=message,
        email=reader.email,
        fault=fault,
        enhanced=arrived.enhanced,
        text=text,
        via="mail",
        trusted=trusted,
    )
    evidence = f"came back: {arrived.enhanced} {text}".replace(":  ", ": ")
    store.ledger.resolve(tx, message, MessageState.REJECTED, evidence, now=app.now())
    return Received(
        outcome="bounced",
        why=arrived.why,
        subscriber=reader,
        message=message,
        fault=fault,
        enhanced=arrived.enhanced,
        suppressed=made.reason if made else None,
    )


def _fault(arrived: InboundMail) -> Fault:
    """By the table that reads replies.

    A report speaks of the end, also where its last reply said "later".
    """
    code = arrived.code or (450 if arrived.enhanced.startswith("4") else 550)
    text = (
        arrived.text if arrived.enhanced in arrived.text else f"{arrived.enhanced} {arrived.text}"
    )
    if arrived.enhanced[2:3] in ("5", "6", "7"):
        # protocol, content and policy: whether for now or for good, it is about us and not about
        # the address
        code = 550
        text = f"5{arrived.enhanced[1:]} {arrived.text}"
    return classify(Phase.RCPT, code, text).fault


def _complained(
    app: App, tx: store.Connection, arrived: InboundMail, reader: Subscriber, message: int
) -> Received:
    bounced = Bounced(fault="", at=app.now())
    new = store.bounces.record_complaint(
        tx, bounced, message=message, email=reader.email, text=arrived.text, via="mail"
    )
    # Read again after the reader came back by their own link, an old complaint is no new one.
    made = (
        suppress(app, tx, reader.email, SuppressionReason.COMPLAINT, arrived.text) if new else None
    )
    _arrived(app, tx, message, "the reader complained of it")
    return Received(
        outcome="complained",
        why=arrived.why,
        subscriber=reader,
        message=message,
        suppressed=made.reason if made else None,
    )


def _arrived(app: App, tx: store.Connection, message: int, evidence: str) -> None:
    store.ledger.resolve(tx, message, MessageState.ACCEPTED, evidence, now=app.now())


def _proven(app: App, arrived: InboundMail) -> Link | None:
    """The message that a report is about, by the first token of ours: in the address that it came
    to, or in the headers that it returns.
    """
    for address in arrived.to:
        if link := _read(app, links.read_bounce_address, address):
            return link
    for text in arrived.returned:
        for address in text.replace("<", " ").replace(">", " ").split():
            if link := _read(app, links.read_bounce_address, address):
                return link
        link = _read(app, links.read_subject, text)
        if link is not None and link.purpose is Purpose.UNSUBSCRIBE:
            return link
    return None


def _read(app: App, read: Callable[[str, list[LinkKey]], Link], text: str) -> Link | None:
    try:
        return app.with_keys(lambda keys: read(text, keys))
    except LinkError:
        return None


# ----------------------------------------------------------------------------------------------
# letters


def _letter(app: App, arrived: InboundMail) -> Received:
    """A request by the token in its subject; else an automatic answer, which proves that the
    message came; else a letter for people.
    """
    link = _read(app, links.read_subject, arrived.subject)
    if link is not None and (link.purpose is Purpose.UNSUBSCRIBE or arrived.kind == "other"):
        return _request(app, link, arrived)
    answered = next(
        (
            found
            for address in arrived.to
            if (found := _read(app, links.read_bounce_address, address))
        ),
        None,
    )
    if (
        arrived.kind == "automatic"
        and answered is not None
        and not isinstance(answered, RevokedLink)
    ):
        with app.store.writing() as tx:
            reader = store.bounces.find_reader(tx, answered.message_id)
            if reader is not None and reader.id == answered.subscriber_id:
                _arrived(app, tx, answered.message_id, "an automatic answer to it came")
        return Received(
            outcome="ignored", why=arrived.why, subscriber=reader, message=answered.message_id
        )
    return Received(outcome="other", why=arrived.why)


def _request(app: App, link: Link, arrived: InboundMail) -> Received:
    """What a reader asks by mail. A machine may ask to leave, as the button of a mail program does;
    only people vote and confirm.

    Votes count in the order in which they were written; the same mail read twice is one.
    """
    votes: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}
    try:
        if link.purpose is Purpose.UNSUBSCRIBE:
            reader = subscriptions.unsubscribe(
                app, link.subscriber_id, farewell=isinstance(link, RevokedLink)
            )
            received = Received(
                outcome="unsubscribed",
                why="asked by mail",
                subscriber=reader,
                message=link.message_id,
            )
        elif link.purpose is Purpose.CONFIRM:
            reader = subscriptions.confirm(app, link.subscriber_id)
            log.info("confirm subscriber=%d status=%s via=mail", reader.id, reader.status.value)
            received = Received(
                outcome="confirmed", why="asked by mail", subscriber=reader, message=link.message_id
            )
        elif (reader := subscriptions.get(app, link.subscriber_id)).status is SubscriberStatus.LEFT:
            received = Received(
                outcome="ignored",
                why="a thumb of a reader who has left",
                subscriber=reader,
                message=link.message_id,
            )
        else:
            mark = (
                f"{arrived.message_id or arrived.date or secrets.token_hex(16)} {link.purpose} "
                f"{link.paper_id}"
            )
            form = hashlib.sha256(mark.encode("utf-8", "replace")).hexdigest()
            pipeline.record_mail_feedback(
                app, link, votes[link.purpose], form=form, at=arrived.date
            )
            received = Received(
                outcome="voted", why="asked by mail", subscriber=reader, message=link.message_id
            )
    except NotFoundError as error:
        return Received(outcome="ignored", why=str(error))
    if link.message_id and not isinstance(link, RevokedLink):
        with app.store.writing() as tx:
            _arrived(app, tx, link.message_id, "the reader answered it")
    return received


# ---------------------------------------------------------------------------------------------- the
# mailbox


@dataclass(kw_only=True, slots=True)
class MailboxReport:
    """What one look into the mailbox brought."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    #: mails that could not be dealt with through a mistake of ours; they are left for people, and
    #: the log says more
    failed: int = 0
    #: the bound of one look was reached: there may be more
    more: bool = False
    #: why the mailbox could not be read, or ""
    error: str = ""
    #: no mailbox is configured
    absent: bool = False

    @property
    def json(self) -> dict[str, object]:
        return {
            **{str(name): n for name, n in self.outcomes.items()},
            "failed": self.failed,
            "more": self.more,
            "error": self.error,
        }


def poll(app: App, *, stop: Callable[[], bool] = lambda: False, most: int = _MOST) -> MailboxReport:
    """Read what came to the mailbox since the last look, `most` mails at most.

    One that cannot be read is told in `error`, and noted.

    The first look takes the unread mails, later ones all that are new, so that a mail program that
    opens them hides nothing. A mail is marked as looked at once it was dealt with: killed in
    between, it is read again, which changes nothing.

    Raises:
        StoreError: the database does not answer.
    """
    report = MailboxReport()
    server = app.imap
    if server is None:
        report.absent = True
        return report
    try:
        with Mailbox(app.open_imap() or server) as mailbox:
            _read_new(app, mailbox, report, stop, most)
    except MailboxError as error:
        report.error = str(error)
        log.warning("%s", error)
        with app.store.reading() as tx:
            place = store.mailboxes.load(tx, server.name)
        _keep(app, server, replace(place, error=report.error))
    return report


def _read_new(
    app: App, mailbox: Mailbox, report: MailboxReport, stop: Callable[[], bool], most: int
) -> None:
    with app.store.reading() as tx:
        place = store.mailboxes.load(tx, mailbox.server.name)
    if place.uid_validity != mailbox.uid_validity:
        place = MailboxPosition(uid_validity=mailbox.uid_validity)
    uids = mailbox.find_uids(place.last_uid, unread=not place.caught_up, limit=most)
    for uid in uids:
        if stop():
            return
        handled = _deal_with(app, mailbox, uid, report)
        place = replace(place, last_uid=uid)
        _keep(app, mailbox.server, place)
        if handled:
            try:
                mailbox.mark_processed(uid)
            except MailboxError as error:  # it was dealt with, wherever it lies
                report.error = str(error)
    report.more = len(uids) == most
    if not report.more:
        place = replace(place, caught_up=True, last_uid=max(mailbox.next_uid - 1, place.last_uid))
    _keep(app, mailbox.server, replace(place, error=report.error, read_at=app.now()))


def _deal_with(app: App, mailbox: Mailbox, uid: int, report: MailboxReport) -> bool:
    """Whether the mail was dealt with; one that trips us up is left for people, and does not keep
    the others waiting.
    """
    data = mailbox.fetch(uid, bounces.MAX_SIZE)
    if data is None:
        return False
    try:
        received = receive(app, data)
    except StoreError:
        raise
    except Exception:
        log.exception(
            "mail %d of %s could not be dealt with, by a mistake of ours", uid, mailbox.server.name
        )
        report.failed += 1
        return False
    report.outcomes[received.outcome] += 1
    return received.handled


def _keep(app: App, server: ImapServer, place: MailboxPosition) -> None:
    with app.store.writing() as tx:
        store.mailboxes.save(tx, server.name, place, now=app.now())
