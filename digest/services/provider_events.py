"""Act on what mail providers report by HTTP, as `inbound` does on reports by mail.

A report counts once it was proven to come from the provider: by its signature, or by a secret that
only the operator and the provider know. It is about the message whose Message-ID or envelope
sender it names, else about the newest message to the address. The same event twice changes nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from digest import store, webhooks
from digest.app import App
from digest.mail import links
from digest.mail.bounces import InboundMail
from digest.mail.providers import (
    MalformedError,
    ProviderEvent,
    UnverifiedError,
    brevo,
    mailgun,
    postmark,
    sendgrid,
    ses,
)
from digest.model import RevokedLink, Subscriber, address_key
from digest.services.inbound import (
    mark_accepted,
    read_trusted_token,
    record_reported_bounce,
    record_reported_complaint,
)
from digest.subscriptions.lifecycle import leave

log = logging.getLogger("digest.inbound")

PROVIDERS = (ses.NAME, postmark.NAME, mailgun.NAME, sendgrid.NAME, brevo.NAME)
#: seconds for fetching a certificate of SNS, or confirming a subscription
_SNS_SECONDS = 10
#: seconds between two fetches after one failed, so that forged messages cannot cause many
_SNS_PAUSE = 30.0
_CERTIFICATES_MAX = 8


class UnknownProviderError(LookupError):
    """There is no such provider, or it is not configured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderRequest:
    """A request that claims to come from a provider."""

    provider: str
    body: bytes
    #: names in lower case
    headers: Mapping[str, str]
    #: the end of the address, "" where it has none
    secret: str = ""


@dataclass(kw_only=True, slots=True)
class ProviderReport:
    """What was done with a request: events by outcome.

    bounced, complained, unsubscribed = done; ignored = nothing to do, or nobody of ours;
    unknown = an event that this version does not know; repeated = it came before.
    """

    outcomes: Counter[str] = field(default_factory=Counter)


class SnsCertificates:
    """Certificates of SNS by address; each is fetched once."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._not_before = 0.0

    def get(self, url: str) -> bytes:
        """Return the certificate at a checked address of SNS, as PEM.

        Raises:
            UnverifiedError: it cannot be fetched now.
        """
        if url in self._known:
            return self._known[url]
        if time.monotonic() < self._not_before:
            raise UnverifiedError("the certificate of SNS could not be fetched a moment ago")
        # until it is here, nobody else fetches one
        self._not_before = time.monotonic() + _SNS_PAUSE
        reply = fetch_from_sns(url)
        if len(self._known) >= _CERTIFICATES_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[url] = reply
        self._not_before = 0.0
        return reply


_CERTIFICATES = SnsCertificates()


def fetch_from_sns(url: str) -> bytes:
    """Get a checked address of SNS.

    Raises:
        UnverifiedError: there is no good answer.
    """
    try:
        reply = asyncio.run(webhooks.fetch(url, seconds=_SNS_SECONDS))
    except (webhooks.RefusedAddressError, webhooks.TransportError) as error:
        raise UnverifiedError(f"SNS cannot be asked: {error}") from error
    if reply.status != 200:
        raise UnverifiedError(f"SNS answers {reply.status}")
    return reply.body


def receive_provider_request(
    app: App, request: ProviderRequest, certificates: SnsCertificates = _CERTIFICATES
) -> ProviderReport:
    """Verify a request of a provider, and act on each of its events.

    Raises:
        UnknownProviderError: there is no such provider, or it is not configured.
        UnverifiedError: it does not come from the provider.
        MalformedError: it does, and cannot be read.
        StoreError: the database does not answer; the provider should try again.
    """
    events = _read_verified(app, request, certificates)
    report = ProviderReport()
    for event in events:
        outcome = record_event(app, event)
        report.outcomes[outcome] += 1
        log.info("received provider=%s kind=%s outcome=%s", event.provider, event.kind, outcome)
    return report


# ----------------------------------------------------------------------------------------------
# who sent it


def _read_verified(
    app: App, request: ProviderRequest, certificates: SnsCertificates
) -> Sequence[ProviderEvent]:
    settings, body = app.config.providers, request.body
    match request.provider:
        case ses.NAME if settings.ses_topic:
            return _read_sns(app, body, certificates)
        case mailgun.NAME if key := settings.mailgun_key.get_secret_value():
            mailgun.verify(body, key.encode(), now=app.now())
            return mailgun.read(body)
        case sendgrid.NAME if settings.sendgrid_public_key:
            sendgrid.verify(body, request.headers, settings.sendgrid_public_key, now=app.now())
            return sendgrid.read(body)
        case postmark.NAME if secret := settings.postmark_secret.get_secret_value():
            _check_secret(request, secret)
            return postmark.read(body)
        case brevo.NAME if secret := settings.brevo_secret.get_secret_value():
            _check_secret(request, secret)
            return brevo.read(body)
    raise UnknownProviderError(request.provider)


def _check_secret(request: ProviderRequest, secret: str) -> None:
    """Check the secret in the path, as bearer token, or as the password of a login."""
    given = [request.secret]
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(value.strip())
    elif scheme.lower() == "basic":
        try:
            login = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            login = ""
        given.append(login.partition(":")[2])
    expected = secret.encode()
    # no early end: each comparison takes the same time
    matches = [
        hmac.compare_digest(text.encode("utf-8", "surrogatepass"), expected) for text in given
    ]
    if not any(matches):
        raise UnverifiedError("its secret is wrong or missing")


def _read_sns(app: App, body: bytes, certificates: SnsCertificates) -> Sequence[ProviderEvent]:
    topic = app.config.providers.ses_topic
    message = ses.read_message(body, topic)
    ses.verify(message, certificates.get(message.certificate_url), now=app.now())
    if message.type == "Notification":
        return ses.read(message)
    if message.type == "SubscriptionConfirmation":
        url = message.fields.get("SubscribeURL", "")
        if not ses.is_confirmation_url(url, topic):
            raise UnverifiedError("its address does not confirm this subscription")
        fetch_from_sns(url)
        log.info("SNS subscription confirmed topic=%s", topic)
    else:
        log.warning("SNS subscription ended topic=%s: by somebody there", topic)
    return []


# ----------------------------------------------------------------------------------------------
# what it says


def record_event(app: App, event: ProviderEvent) -> str:
    """Act on one verified event, once; return its outcome (`ProviderReport`)."""
    token_message = _find_token(app, event)
    with app.store.writing() as tx:
        if not store.provider_events.begin(tx, event.provider, event.id, now=app.now()):
            return "repeated"
        outcome = _act(app, tx, event, token_message)
        store.provider_events.set_outcome(tx, event.provider, event.id, outcome)
    return outcome


def _find_token(app: App, event: ProviderEvent) -> int | None:
    """Return the message that the bounce address of the event names, by the id of its row."""
    if not event.sender:
        return None
    link = read_trusted_token(app, links.read_bounce_address, event.sender)
    return None if link is None or isinstance(link, RevokedLink) else link.message_id


def _act(app: App, tx: store.Connection, event: ProviderEvent, token_message: int | None) -> str:
    if event.kind == "other":
        return "unknown"
    message, exact = _find_message(tx, event, token_message)
    reader = _find_reader(tx, event, message)
    if reader is None:
        return "ignored"
    why = f"{event.provider}: {event.name}"
    if event.kind == "unsubscribe":
        leave(app, tx, reader, farewell=False)
        return "unsubscribed"
    if message is None:
        return "ignored"
    mail = InboundMail(
        kind="bounce" if event.kind == "bounce" else "complaint",
        why=why,
        reported_recipient=event.recipient,
        enhanced=event.enhanced,
        code=event.code,
        text=event.text,
    )
    if event.kind == "bounce":
        record_reported_bounce(app, tx, mail, reader, message, via="http", hard=event.hard)
        return "bounced"
    if event.kind == "complaint":
        record_reported_complaint(app, tx, mail, reader, message, via="http")
        return "complained"
    if exact:
        mark_accepted(app, tx, message, f"{event.provider} delivered it")
    return "ignored"


def _find_message(
    tx: store.Connection, event: ProviderEvent, token_message: int | None
) -> tuple[int | None, bool]:
    """Find the message of an event; return its row's id, and whether the event names it."""
    if token_message is not None:
        return token_message, True
    for message_id in event.message_ids:
        row = store.deliveries.find_by_message_id(tx, message_id)
        if row is not None:
            return row["id"], True
    reader = store.subscribers.find_by_email(tx, event.recipient) if event.recipient else None
    newest = store.bounces.find_newest_message(tx, reader.id) if reader else None
    return newest, False


def _find_reader(
    tx: store.Connection, event: ProviderEvent, message: int | None
) -> Subscriber | None:
    """Find whom an event is about; None where nobody has that address any more."""
    if message is not None:
        reader = store.bounces.find_reader(tx, message)
    else:
        reader = store.subscribers.find_by_email(tx, event.recipient) if event.recipient else None
    if reader is None:
        return None
    if event.recipient and address_key(event.recipient) != address_key(reader.email):
        return None
    return reader


__all__ = [
    "PROVIDERS",
    "MalformedError",
    "ProviderReport",
    "ProviderRequest",
    "SnsCertificates",
    "UnknownProviderError",
    "UnverifiedError",
    "receive_provider_request",
    "record_event",
]
