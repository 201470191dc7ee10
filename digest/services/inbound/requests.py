"""Grant what readers ask by mail, and read automatic answers."""

from __future__ import annotations

import hashlib
import logging
import secrets

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.mail import links
from digest.mail.bounces import InboundMail
from digest.model import Link, Purpose, RevokedLink, Subscriber, SubscriberStatus, Vote
from digest.services.inbound.reports import mark_accepted
from digest.services.inbound.tokens import read_trusted_token
from digest.services.inbound.values import Outcome, Received

log = logging.getLogger("digest.inbound")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}


def handle_request_or_answer(app: App, mail: InboundMail) -> Received:
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
