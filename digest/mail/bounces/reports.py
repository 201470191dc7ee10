"""Delivery status notifications (RFC 3464, 6533) and complaints (ARF, RFC 5965): the reports that
machines write for machines.
"""

from __future__ import annotations

import re
from email.message import Message as Mail

from digest.mail.bounces import parts
from digest.mail.bounces.values import InboundMail, Kind

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
#: "error" is what OpenSMTPD wrote for years
_ACTIONS: dict[str, Kind] = {
    "failed": "failed",
    "error": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
#: of those that a report has for its recipients, the one that counts for the message
_WEIGHT: tuple[Kind, ...] = ("failed", "delayed", "delivered")
ENHANCED = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
REPLY = re.compile(r"(?<![\d.])[45]\d\d(?=[ -])")
#: what the reader did; others (auth-failure, dmarc, virus, not-spam) are no word of the reader's
_COMPLAINTS = ("abuse", "fraud", "opt-out", "opt-out-list", "other")
_TEXT_MAX = 1000


def read_status(mail: Mail) -> InboundMail | None:
    """A delivery status notification, else None."""
    part = next((one for one in parts.walk(mail) if parts.kind_of(one) in _STATUS_PARTS), None)
    if part is None:
        return None
    reported = [one for block in parts.blocks(part) if (one := _recipient(block)) is not None]
    for kind in _WEIGHT:
        for one in reported:
            if one.kind == kind:
                return one
    return None


def _recipient(block: Mail) -> InboundMail | None:
    """One recipient's fields; None for the fields of the message, and for an action that nobody
    ever defined.
    """
    action = re.split(r"[\s(;]", parts.value(block, "action").lower(), maxsplit=1)[0]
    kind = _ACTIONS.get(action)
    if kind is None:
        return None
    named = parts.value(block, "original-recipient") or parts.value(block, "final-recipient")
    diagnostic = parts.value(block, "diagnostic-code")
    stated = ENHANCED.search(parts.value(block, "status"))
    told = ENHANCED.search(diagnostic)
    # Exim and others state 5.0.0 whatever the server said, which stands in the diagnostic.
    enhanced = (
        told[0]
        if told and (not stated or stated[0].endswith(".0.0"))
        else stated[0]
        if stated
        else ""
    )
    reply = REPLY.search(diagnostic)
    return InboundMail(
        kind=kind,
        why=f"delivery status: {action}",
        recipient=next(iter(parts.addresses(named)), ""),
        enhanced=enhanced,
        code=int(reply[0]) if reply else 0,
        text=re.sub(r"^(?:smtp|x-[\w.-]+)\s*;\s*", "", diagnostic, flags=re.IGNORECASE)[:_TEXT_MAX],
    )


def read_complaint(mail: Mail) -> InboundMail | None:
    """A complaint that a mailbox provider forwards, else None."""
    part = next(
        (one for one in parts.walk(mail) if parts.kind_of(one) == "message/feedback-report"), None
    )
    if part is None:
        return None
    fields = next(iter(parts.blocks(part)), None)
    kind = parts.value(fields, "feedback-type").lower() if fields else ""
    if fields is None or kind not in _COMPLAINTS:
        return InboundMail(kind="other", why=f"feedback report: {kind or 'of no kind'}")
    return InboundMail(
        kind="complaint",
        why=f"feedback report: {kind}",
        recipient=next(iter(parts.addresses(parts.value(fields, "original-rcpt-to"))), ""),
        returned=tuple(parts.values(fields, "original-mail-from")),
        text=f"{kind}, reported by {parts.value(fields, 'user-agent') or 'an unnamed agent'}"[
            :_TEXT_MAX
        ],
    )
