"""Requests of mail providers, with the shapes that they document and signatures of their kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.conftest import NOON

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c.pem"
CONFIRM = (
    "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    f"&TopicArn={TOPIC}&Token=0123456789"
)
MAILGUN_KEY = "key-of-mailgun-webhooks"
STAMP = str(int(NOON.timestamp()))


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---------------------------------------------------------------------------------- Amazon SNS


@cache
def sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def sns_certificate(days: int = 365) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(sns_key().public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=400))
        .not_valid_after(NOON + timedelta(days=days))
        .sign(sns_key(), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def sns(
    message: Any, *, kind: str = "Notification", version: str = "2", **changed: str
) -> dict[str, Any]:
    """Build a signed message of SNS; `changed` is changed before it is signed."""
    text = message if isinstance(message, str) else json.dumps(message)
    fields: dict[str, Any] = {
        "Type": kind,
        "MessageId": "5f0c9d1e-0000-4000-8000-000000000001",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": NOON.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
    }
    if kind != "Notification":
        fields |= {"Token": "0123456789", "SubscribeURL": CONFIRM}
    fields |= changed
    names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn"]
    content = "".join(f"{name}\n{fields[name]}\n" for name in [*names, "Type"] if name in fields)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = sns_key().sign(content.encode(), padding.PKCS1v15(), algorithm)
    return fields | {"Signature": base64.b64encode(signature).decode()}


def ses_mail(message_id: str = "", source: str = "digest@example.org") -> dict[str, Any]:
    return {
        "timestamp": "2026-06-09T11:59:00.000Z",
        "messageId": "0102018f-ses-own-id-000000",
        "source": source,
        "destination": ["alice@example.org"],
        "headersTruncated": False,
        "headers": [{"name": "Message-ID", "value": message_id}] if message_id else [],
        "commonHeaders": {"subject": "Papers"},
    }


def ses_bounce(
    email: str,
    kind: str = "Permanent",
    subtype: str = "General",
    status: str = "5.1.1",
    diagnosis: str = "smtp; 550 5.1.1 user unknown",
    **mail: str,
) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {
            "feedbackId": f"0102018f-feedback-{email}-{kind}",
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [
                {
                    "emailAddress": email,
                    "action": "failed",
                    "status": status,
                    "diagnosticCode": diagnosis,
                }
            ],
            "timestamp": "2026-06-09T12:00:00.000Z",
        },
        "mail": ses_mail(**mail),
    }


def ses_complaint(email: str, feedback: str = "abuse", **mail: str) -> dict[str, Any]:
    return {
        "notificationType": "Complaint",
        "complaint": {
            "feedbackId": f"0102018f-complaint-{email}",
            "complainedRecipients": [{"emailAddress": email}],
            "complaintFeedbackType": feedback,
            "timestamp": "2026-06-09T12:00:00.000Z",
        },
        "mail": ses_mail(**mail),
    }


# ---------------------------------------------------------------------------------- others


def postmark_bounce(email: str, kind: str = "HardBounce", ident: int = 42) -> bytes:
    return encode(
        {
            "RecordType": "Bounce",
            "ID": ident,
            "Type": kind,
            "TypeCode": 1,
            "Name": "Hard bounce",
            "MessageID": "00000000-0000-4000-8000-000000000000",
            "Description": "The server was unable to deliver the message.",
            "Details": "smtp;550 no such user here",
            "Email": email,
            "From": "digest@example.org",
            "BouncedAt": "2026-06-09T12:00:00Z",
            "Inactive": True,
            "MessageStream": "broadcast",
        }
    )


def mailgun(data: dict[str, Any], *, key: str = MAILGUN_KEY, stamp: str = STAMP) -> bytes:
    token = "f" * 50
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": stamp, "token": token, "signature": signature}
    return encode({"signature": signed, "event-data": data})


def mailgun_failed(email: str, message_id: str = "", **changed: Any) -> dict[str, Any]:
    return {
        "event": "failed",
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "severity": "permanent",
        "reason": "bounce",
        "timestamp": NOON.timestamp(),
        "recipient": email,
        "delivery-status": {
            "code": 550,
            "enhanced-code": "5.1.1",
            "message": "5.1.1 The mailbox does not exist",
            "description": "",
        },
        "envelope": {"sender": "digest@example.org", "targets": email},
        "message": {"headers": {"message-id": message_id, "to": email}},
    } | changed


@cache
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public() -> str:
    der = (
        sendgrid_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def sendgrid_headers(body: bytes, *, stamp: str = STAMP) -> dict[str, str]:
    signature = sendgrid_key().sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": stamp,
    }


def sendgrid_event(email: str, event: str = "bounce", **changed: Any) -> dict[str, Any]:
    return {
        "email": email,
        "timestamp": int(NOON.timestamp()),
        "event": event,
        "smtp-id": "<unknown@example.org>",
        "sg_event_id": f"event-{event}-{email}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 no such user",
    } | changed


def brevo_event(email: str, event: str = "hard_bounce", **changed: Any) -> dict[str, Any]:
    return {
        "event": event,
        "email": email,
        "id": 26224,
        "date": "2026-06-09 12:00:00",
        "ts": int(NOON.timestamp()),
        "ts_event": int(NOON.timestamp()),
        "message-id": "<202606091200.00000000000@smtp-relay.example.org>",
        "subject": "Papers",
        "reason": "550 no such user",
        "tag": "",
        "sending_ip": "192.0.2.7",
    } | changed
