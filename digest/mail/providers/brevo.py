"""Brevo. It signs nothing: the secret is a bearer token, a login, or stands in the address."""

from __future__ import annotations

from typing import Any

from digest.mail.providers.values import EventKind, ProviderEvent, code_of, parse_objects, text_of

NAME = "brevo"
#: words of the documentation, and of older accounts
_KINDS: dict[str, EventKind] = {
    "hard_bounce": "bounce",
    "hardbounce": "bounce",
    "soft_bounce": "bounce",
    "softbounce": "bounce",
    "invalid_email": "bounce",
    "invalid": "bounce",
    "spam": "complaint",
    "complaint": "complaint",
    "unsubscribed": "unsubscribe",
    "unsubscribe": "unsubscribe",
    "delivered": "delivered",
}
_HARD = frozenset({"hard_bounce", "hardbounce", "invalid_email", "invalid"})


def read(body: bytes) -> list[ProviderEvent]:
    """Read the events of a request: one, or an array where the webhook is batched.

    Raises:
        MalformedError: the body is no JSON object or array.
    """
    return [_read_event(values) for values in parse_objects(body)]


def _read_event(values: dict[str, Any]) -> ProviderEvent:
    name = text_of(values, "event").lower()
    own_id, recipient = text_of(values, "message-id"), text_of(values, "email")
    reason, hard = text_of(values, "reason"), name in _HARD
    time = text_of(values, "ts_event") or text_of(values, "ts") or text_of(values, "date")
    return ProviderEvent(
        provider=NAME,
        # its "id" names the webhook, not the event
        id=f"{name} {own_id} {recipient} {time}",
        kind=_KINDS.get(name, "other"),
        name=name or "unknown",
        recipient=recipient,
        message_ids=(own_id,) if own_id else (),
        hard=hard,
        code=code_of(reason) or (550 if hard else 450),
        text=reason or f"Brevo: {name}",
    )
