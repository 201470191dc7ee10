"""SendGrid. It signs time and body: ECDSA on P-256 with SHA-256, the key being in its settings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from digest.mail.providers.values import (
    EventKind,
    ProviderEvent,
    UnverifiedError,
    check_age,
    code_of,
    parse_objects,
    text_of,
)

NAME = "sendgrid"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_KINDS: dict[str, EventKind] = {
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
    "delivered": "delivered",
    "bounce": "bounce",
    "dropped": "other",
}
#: why SendGrid did not even try -> what that says about the reader
_DROPPED: dict[str, EventKind] = {
    "bounced address": "bounce",
    "invalid": "bounce",
    "spam reporting address": "complaint",
    "unsubscribed address": "unsubscribe",
}


def verify(body: bytes, headers: Mapping[str, str], key: str, *, now: datetime) -> None:
    """Verify the signature of a request.

    Args:
        headers: names in lower case.
        key: the verification key, Base64 of a SubjectPublicKeyInfo.

    Raises:
        UnverifiedError: the signature is wrong or old, or the key cannot be used.
    """
    timestamp = headers.get(TIMESTAMP, "")
    try:
        public = load_der_public_key(base64.b64decode(key, validate=True))
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise UnverifiedError("providers.sendgrid_public_key is no ECDSA key")
        public.verify(signature, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise UnverifiedError("its signature is wrong") from error
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        raise UnverifiedError("it does not say when it was sent")
    check_age(datetime.fromtimestamp(int(timestamp), UTC), now)


def read(body: bytes) -> list[ProviderEvent]:
    """Read the events of a request.

    Raises:
        MalformedError: the body is no JSON object or array.
    """
    return [_read_event(values) for values in parse_objects(body)]


def _read_event(values: dict[str, Any]) -> ProviderEvent:
    name, reason = text_of(values, "event"), text_of(values, "reason")
    kind = _KINDS.get(name, "other")
    hard = False
    if name == "bounce":
        # "blocked" is about who sent it or for a while; "bounce" is about the address
        hard = text_of(values, "type") != "blocked"
    elif name == "dropped":
        kind = _DROPPED.get(reason.lower(), "other")
        hard = kind == "bounce"
    own_id, recipient = text_of(values, "smtp-id"), text_of(values, "email")
    ident = text_of(values, "sg_event_id")
    return ProviderEvent(
        provider=NAME,
        id=ident or f"{name} {own_id} {recipient} {text_of(values, 'timestamp')}",
        kind=kind,
        name=name or "unknown",
        recipient=recipient,
        message_ids=(own_id,) if own_id else (),
        hard=hard,
        enhanced=text_of(values, "status"),
        code=code_of(reason) or (550 if hard else 450),
        text=reason or f"SendGrid: {name}",
    )
