"""A mail that arrives -> what it is.

The order is by how sure each shape is: reports first, letters of mail servers, then what says of
itself that no person wrote it. The rest is for people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from digest.mail.bounces import parts
from digest.mail.bounces.automatic import why_automatic
from digest.mail.bounces.letters import read_letter
from digest.mail.bounces.reports import read_complaint, read_status
from digest.mail.bounces.values import InboundMail

#: where mail servers note the envelope, the surest first; To is written by the sender
_CAME_TO = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "x-rcpt-to",
    "apparently-to",
    "to",
    "cc",
)
_ADDRESSES_MAX = 20
#: headers of the returned message that carry a token of ours
_SIGNED = ("return-path", "list-unsubscribe")


def read(data: bytes, to: tuple[str, ...] = ()) -> InboundMail:
    """What a mail is. Never fails: what cannot be read is "other".

    Args:
        data: the mail as it came; what is beyond a megabyte is not looked at.
        to: the envelope's recipients, where they are known.
    """
    mail = parts.parse(data)
    if mail is None:
        return InboundMail(kind="other", why="unreadable")
    try:
        return _read(mail, data, to)
    except parts.TROUBLE as error:
        return InboundMail(kind="other", why=f"unreadable: {type(error).__name__}", to=to)


def _read(mail: Mail, data: bytes, to: tuple[str, ...]) -> InboundMail:
    subject = parts.value(mail, "subject")
    found = read_status(mail) or read_complaint(mail) or read_letter(mail, data)
    if found is None:
        why = why_automatic(mail, subject)
        found = InboundMail(
            kind="automatic" if why else "other",
            why=why or "written by a person, as far as can be told",
        )
    signed = (
        [parts.plain(unquote(one)) for one in (*found.returned, *_signed(parts.returned(mail)))]
        if found.kind in ("failed", "complaint")
        else []
    )
    return replace(
        found,
        to=_came_to(mail, to),
        subject=subject,
        written=_written(parts.value(mail, "date")),
        message_id=parts.value(mail, "message-id")[:1000],
        returned=tuple(dict.fromkeys(signed)),
    )


def _written(date: str) -> datetime | None:
    """A Date header's time; None for one that is none, or names no zone."""
    try:
        written = parsedate_to_datetime(date)
        return written.astimezone(UTC) if written.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _signed(mail: Mail | None) -> list[str]:
    return [] if mail is None else [one for name in _SIGNED for one in parts.values(mail, name)]


def _came_to(mail: Mail, to: tuple[str, ...]) -> tuple[str, ...]:
    named = [
        address
        for name in _CAME_TO
        for header in parts.values(mail, name)
        for address in parts.addresses(header)
    ]
    return tuple(dict.fromkeys([*to, *named]))[:_ADDRESSES_MAX]
