"""Mailgun. It signs a time and a token: HMAC-SHA256 with the account's webhook signing key."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from digest.mail.providers.values import (
    EventKind,
    ProviderEvent,
    UnverifiedError,
    check_age,
    code_of,
    object_of,
    parse_object,
    text_of,
)

NAME = "mailgun"
_KINDS: dict[str, EventKind] = {
    "complained": "complaint",
    "unsubscribed": "unsubscribe",
    "delivered": "delivered",
}
#: the address bounced or complained before, and Mailgun did not try again
_HARD_REASONS = frozenset({"bounce", "suppress-bounce"})


def verify(body: bytes, key: bytes, *, now: datetime) -> None:
    """Verify the signature of a request.

    It covers no content, so the key's secrecy and https protect the rest.

    Raises:
        MalformedError: the body is no JSON object.
        UnverifiedError: the signature is wrong or old.
    """
    signature = object_of(parse_object(body), "signature")
    timestamp, token = text_of(signature, "timestamp"), text_of(signature, "token")
    expected = hmac.new(key, f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    given = text_of(signature, "signature")
    if not token or not hmac.compare_digest(given.encode(), expected.encode()):
        raise UnverifiedError("its signature is wrong")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        raise UnverifiedError("it does not say when it was sent")
    check_age(datetime.fromtimestamp(int(timestamp), UTC), now)


def read(body: bytes) -> list[ProviderEvent]:
    """Read the event of a request.

    Raises:
        MalformedError: the body is no JSON object.
    """
    data = object_of(parse_object(body), "event-data")
    name = text_of(data, "event")
    kind = _KINDS.get(name, "other")
    if name != "failed":
        return [_event(data, name or "unknown", kind, text=f"Mailgun: {name}")]
    reason, severity = text_of(data, "reason"), text_of(data, "severity")
    status = object_of(data, "delivery-status")
    if severity != "permanent":
        return [_event(data, f"failed {severity}", "other")]
    if reason == "suppress-complaint":
        return [_event(data, "failed suppress-complaint", "complaint")]
    if reason == "suppress-unsubscribe":
        return [_event(data, "failed suppress-unsubscribe", "unsubscribe")]
    return [
        _event(
            data,
            f"failed {reason}".strip(),
            "bounce",
            hard=reason in _HARD_REASONS,
            enhanced=text_of(status, "enhanced-code"),
            code=code_of(text_of(status, "code")) or 550,
            text=text_of(status, "message")
            or text_of(status, "description")
            or f"Mailgun gave it up ({reason})",
        )
    ]


def _event(data: dict[str, Any], name: str, kind: EventKind, **more: Any) -> ProviderEvent:
    own_id = text_of(data, "message", "headers", "message-id")
    recipient = text_of(data, "recipient")
    ident = text_of(data, "id") or f"{name} {own_id} {recipient} {text_of(data, 'timestamp')}"
    return ProviderEvent(
        provider=NAME,
        id=ident,
        kind=kind,
        name=name,
        recipient=recipient,
        message_ids=(own_id,) if own_id else (),
        sender=text_of(data, "envelope", "sender"),
        **more,
    )
