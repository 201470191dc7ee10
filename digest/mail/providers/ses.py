"""Amazon SES through Amazon SNS.

SNS signs each message with the key of a certificate that it names; what it names is checked before
anything is fetched. SES puts its own notification as JSON into the text of the message.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from digest.mail.providers.values import (
    EventKind,
    ProviderEvent,
    UnverifiedError,
    check_age,
    code_of,
    object_of,
    objects_of,
    parse_object,
    text_of,
)

NAME = "ses"
#: fields that are signed, in this order; those that a message lacks are left out
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1": hashes.SHA1,
    "2": hashes.SHA256,
}
_HOST = re.compile(r"sns\.([a-z0-9-]{3,30})\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,80}\.pem")
_STATUS = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")

MessageType = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SnsMessage:
    """A message of SNS, not verified yet."""

    type: str
    fields: dict[str, str]
    #: where its certificate is, checked to be at SNS in the region of the topic
    certificate_url: str


def read_message(body: bytes, topic: str) -> SnsMessage:
    """Read a message of SNS and check everything but its signature.

    Args:
        topic: ARN of the only topic that is believed. SNS signs the messages of all its customers
            with the same key, so the signature alone says nothing about the sender.

    Raises:
        MalformedError: the body is no JSON object.
        UnverifiedError: it is of another topic, or names a certificate elsewhere.
    """
    values = parse_object(body)
    kind = text_of(values, "Type")
    if kind not in _SIGNED:
        raise UnverifiedError("this is no message of SNS")
    fields = {}
    for name in (*_SIGNED[kind], "SignatureVersion", "Signature", "SigningCertURL"):
        value = values.get(name)
        # an absent and a null subject are the same to SNS
        if isinstance(value, str):
            fields[name] = value
    if fields.get("TopicArn") != topic:
        raise UnverifiedError("it is of another topic than providers.ses_topic")
    url = fields.get("SigningCertURL", "")
    if not is_sns_url(url, topic) or not _CERTIFICATE_PATH.fullmatch(urlsplit(url).path):
        raise UnverifiedError("its certificate is not at SNS in the region of the topic")
    return SnsMessage(type=kind, fields=fields, certificate_url=url)


def is_sns_url(url: str, topic: str) -> bool:
    """Return whether a URL leads to SNS in the region of a topic, by https."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = _HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or host is None or port is not None:
        return False
    return host[1] == topic.split(":")[3]


def is_confirmation_url(url: str, topic: str) -> bool:
    """Return whether a URL confirms a subscription to a topic and does nothing else."""
    if not is_sns_url(url, topic):
        return False
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return (
        parts.path in ("", "/")
        and query.get("Action") == ["ConfirmSubscription"]
        and query.get("TopicArn") == [topic]
    )


def verify(message: SnsMessage, certificate: bytes, *, now: datetime) -> None:
    """Verify the signature of a message.

    Args:
        certificate: PEM, as fetched from `certificate_url`.

    Raises:
        UnverifiedError: the signature is not of this message, or the certificate has expired.
    """
    fields = message.fields
    content = "".join(
        f"{name}\n{fields[name]}\n" for name in _SIGNED[message.type] if name in fields
    )
    algorithm = _HASHES.get(fields.get("SignatureVersion", ""))
    if algorithm is None:
        raise UnverifiedError("its signature is of an unknown version")
    try:
        loaded = x509.load_pem_x509_certificate(certificate)
        key = loaded.public_key()
        signature = base64.b64decode(fields.get("Signature", ""), validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            raise UnverifiedError("its certificate holds no RSA key")
        key.verify(signature, content.encode("utf-8", "replace"), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise UnverifiedError("its signature is wrong") from error
    if not loaded.not_valid_before_utc <= now <= loaded.not_valid_after_utc:
        raise UnverifiedError("its certificate is not valid now")
    check_age(_parse_time(fields.get("Timestamp", "")), now)


def _parse_time(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnverifiedError("it does not say when it was sent") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def read(message: SnsMessage) -> list[ProviderEvent]:
    """Read the events of a notification, one for each recipient.

    Raises:
        MalformedError: its text is no JSON object.
    """
    values = parse_object(message.fields.get("Message", "").encode("utf-8", "replace"))
    name = text_of(values, "notificationType") or text_of(values, "eventType")
    mail = object_of(values, "mail")
    match name:
        case "Bounce":
            return _read_bounces(object_of(values, "bounce"), mail, message)
        case "Complaint":
            complaint = object_of(values, "complaint")
            feedback = text_of(complaint, "complaintFeedbackType")
            kind: EventKind = "other" if feedback == "not-spam" else "complaint"
            text = f"complaint by way of Amazon SES {feedback}".strip()
            return [
                _event(name, kind, recipient, complaint, mail, message, text=text)
                for recipient in objects_of(complaint, "complainedRecipients")
            ]
        case "Delivery":
            delivery = object_of(values, "delivery")
            recipients = delivery.get("recipients")
            return [
                _event(name, "delivered", {"emailAddress": email}, delivery, mail, message)
                for email in (recipients if isinstance(recipients, list) else [])
            ]
    return [_event(name or "unknown", "other", {}, {}, mail, message)]


def _read_bounces(
    bounce: dict[str, Any], mail: dict[str, Any], message: SnsMessage
) -> list[ProviderEvent]:
    kind, subtype = text_of(bounce, "bounceType"), text_of(bounce, "bounceSubType")
    events = []
    for recipient in objects_of(bounce, "bouncedRecipients"):
        diagnosis = text_of(recipient, "diagnosticCode")
        words = diagnosis.removeprefix("smtp;").strip()
        status = text_of(recipient, "status")
        events.append(
            _event(
                f"Bounce {kind}/{subtype}",
                "bounce",
                recipient,
                bounce,
                mail,
                message,
                hard=kind == "Permanent" and subtype in ("General", "NoEmail", "Suppressed"),
                enhanced=status if _STATUS.fullmatch(status) else "",
                code=code_of(words) or (0 if kind == "Permanent" else 450),
                text=words or f"{kind} bounce ({subtype}), says Amazon SES",
            )
        )
    return events


def _event(
    name: str,
    kind: EventKind,
    recipient: dict[str, Any],
    report: dict[str, Any],
    mail: dict[str, Any],
    message: SnsMessage,
    **more: Any,
) -> ProviderEvent:
    email = text_of(recipient, "emailAddress")
    # SES replaces the Message-ID, and keeps the one that it was given among the headers
    own_ids = [
        text_of(header, "value")
        for header in objects_of(mail, "headers")
        if text_of(header, "name").lower() == "message-id"
    ]
    ident = text_of(report, "feedbackId") or message.fields.get("MessageId", "")
    return ProviderEvent(
        provider=NAME,
        id=f"{ident} {kind} {email}",
        kind=kind,
        name=name,
        recipient=email,
        message_ids=tuple(filter(None, (*own_ids, text_of(mail, "commonHeaders", "messageId")))),
        sender=text_of(mail, "source"),
        **more,
    )
