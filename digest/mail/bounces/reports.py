"""DSNs (RFC 3464, 6533) and feedback loop reports (ARF, RFC 5965)."""

from __future__ import annotations

import re
from email.message import Message as Mail

from digest.mail.bounces import mime
from digest.mail.bounces.values import InboundMail, Kind

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
#: "error" is what OpenSMTPD wrote for years
_ACTIONS: dict[str, Kind] = {
    "failed": "bounce",
    "error": "bounce",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
#: which of a report's recipients counts for the message, the first ones before the others
_PRECEDENCE: tuple[Kind, ...] = ("bounce", "delayed", "delivered")
ENHANCED = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
REPLY = re.compile(r"(?<![\d.])[45]\d\d(?=[ :-])")
#: types that a reader causes; others (auth-failure, dmarc, virus, not-spam) say nothing of readers
_COMPLAINTS = ("abuse", "fraud", "opt-out", "opt-out-list", "other")
_MAX_TEXT = 1000


def read_status(mail: Mail) -> InboundMail | None:
    """A delivery status notification, else None."""
    part = _first_part(mail, *_STATUS_PARTS)
    if part is None:
        return None
    statuses = [
        status
        for fields in mime.field_groups(part)
        if (status := _read_recipient(fields)) is not None
    ]
    for kind in _PRECEDENCE:
        for status in statuses:
            if status.kind == kind:
                return status
    return None


def has_status(mail: Mail) -> bool:
    """Return whether a mail has a part in the format of a DSN."""
    return _first_part(mail, *_STATUS_PARTS) is not None


def _first_part(mail: Mail, *content_types: str) -> Mail | None:
    parts = (part for part in mime.walk(mail) if mime.content_type(part) in content_types)
    return next(parts, None)


def _read_recipient(fields: Mail) -> InboundMail | None:
    """The status of one recipient; None for other fields or unknown actions."""
    action = re.split(r"[\s(;]", mime.header(fields, "action").lower(), maxsplit=1)[0]
    kind = _ACTIONS.get(action)
    if kind is None:
        return None
    recipient = mime.header(fields, "original-recipient") or mime.header(fields, "final-recipient")
    diagnostic = mime.header(fields, "diagnostic-code")
    reply = REPLY.search(diagnostic)
    return InboundMail(
        kind=kind,
        why=f"delivery status: {action}",
        reported_recipient=next(iter(mime.addresses(recipient)), ""),
        enhanced=_enhanced_code(mime.header(fields, "status"), diagnostic),
        code=int(reply[0]) if reply else 0,
        text=re.sub(r"^(?:smtp|x-[\w.-]+)\s*;\s*", "", diagnostic, flags=re.IGNORECASE)[:_MAX_TEXT],
    )


def _enhanced_code(status: str, diagnostic: str) -> str:
    """The enhanced status code; "" if there is none."""
    in_status, in_diagnostic = ENHANCED.search(status), ENHANCED.search(diagnostic)
    # Exim and others state 5.0.0 whatever the server said; the diagnostic has the server's code.
    if in_diagnostic and (not in_status or in_status[0].endswith(".0.0")):
        return in_diagnostic[0]
    return in_status[0] if in_status else ""


def read_envelope_ids(mail: Mail) -> list[str]:
    """The ids that we gave the message with its envelope (ENVID, RFC 3461), as DSNs return them."""
    part = _first_part(mail, *_STATUS_PARTS)
    groups = [] if part is None else mime.field_groups(part)[:1]
    return [mime.header(fields, "original-envelope-id") for fields in groups]


def read_complaint(mail: Mail) -> InboundMail | None:
    """A complaint from a mailbox provider's feedback loop, else None."""
    part = _first_part(mail, "message/feedback-report")
    if part is None:
        return _read_microsoft_complaint(mail)
    fields = next(iter(mime.field_groups(part)), None)
    kind = mime.header(fields, "feedback-type").lower() if fields else ""
    if fields is None or kind not in _COMPLAINTS:
        return InboundMail(kind="other", why=f"feedback report: {kind or 'of no kind'}")
    return InboundMail(
        kind="complaint",
        why=f"feedback report: {kind}",
        reported_recipient=next(iter(mime.addresses(mime.header(fields, "original-rcpt-to"))), ""),
        returned=tuple(mime.headers(fields, "original-mail-from")),
        text=f"{kind}, reported by {mime.header(fields, 'user-agent') or 'an unnamed agent'}"[
            :_MAX_TEXT
        ],
    )


def _read_microsoft_complaint(mail: Mail) -> InboundMail | None:
    """A complaint of outlook.com (JMRP), which returns the message with one header of its own."""
    returned = mime.returned_headers(mail)
    recipient = "" if returned is None else mime.header(returned, "x-hmxmroriginalrecipient")
    if not recipient:
        return None
    return InboundMail(
        kind="complaint",
        why="feedback report: outlook.com",
        reported_recipient=next(iter(mime.addresses(recipient)), ""),
        text="abuse, reported by outlook.com",
    )
