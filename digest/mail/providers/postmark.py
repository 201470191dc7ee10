"""Postmark. It signs nothing: the secret stands in the webhook's address or login."""

from __future__ import annotations

from typing import Any

from digest.mail.providers.values import EventKind, ProviderEvent, parse_object, text_of

NAME = "postmark"
_HARD = frozenset({"HardBounce", "BadEmailAddress"})
#: refused for what was sent or who sent it, which says nothing about the address
_POLICY = frozenset({"Blocked", "SpamNotification", "DMARCPolicy", "SMTPApiError"})
_SOFT = frozenset({"Transient", "DnsError", "SoftBounce", "Unknown"})


def read(body: bytes) -> list[ProviderEvent]:
    """Read the event of a request.

    Raises:
        MalformedError: the body is no JSON object.
    """
    values = parse_object(body)
    match text_of(values, "RecordType"):
        case "Bounce":
            return [_read_bounce(values)]
        case "SpamComplaint":
            return [_event("SpamComplaint", "complaint", values, "ID")]
        case "Delivery":
            return [_event("Delivery", "delivered", values, "DeliveredAt")]
        case "SubscriptionChange":
            by_reader = text_of(values, "Origin") == "Recipient"
            manual = text_of(values, "SuppressionReason") == "ManualSuppression"
            left = values.get("SuppressSending") is True and by_reader and manual
            kind: EventKind = "unsubscribe" if left else "other"
            return [_event("SubscriptionChange", kind, values, "ChangedAt")]
    return [_event(text_of(values, "RecordType") or "unknown", "other", values, "ID")]


def _read_bounce(values: dict[str, Any]) -> ProviderEvent:
    name = text_of(values, "Type")
    if name == "SpamComplaint":
        return _event(name, "complaint", values, "ID")
    if name == "Unsubscribe":
        return _event(name, "unsubscribe", values, "ID")
    if name in _POLICY:
        return _event(name, "bounce", values, "ID", code=550, enhanced="5.7.1")
    if name in _HARD or name in _SOFT:
        hard = name in _HARD
        return _event(name, "bounce", values, "ID", code=550 if hard else 450, hard=hard)
    return _event(name or "unknown", "other", values, "ID")


def _event(
    name: str, kind: EventKind, values: dict[str, Any], own: str, **more: Any
) -> ProviderEvent:
    recipient = text_of(values, "Email") or text_of(values, "Recipient")
    ident = f"{kind} {text_of(values, own)} {text_of(values, 'MessageID')} {recipient}"
    text = text_of(values, "Details") or text_of(values, "Description") or f"Postmark: {name}"
    return ProviderEvent(
        provider=NAME,
        id=ident,
        kind=kind,
        name=name,
        recipient=recipient,
        text=text,
        **more,
    )
