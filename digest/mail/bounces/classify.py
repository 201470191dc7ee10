"""Classify an inbound mail.

The kinds are tried by how certain they are: DSN and ARF reports, bounces in plain text, then
automatic replies. Everything else is for people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from digest.mail.bounces import mime
from digest.mail.bounces.automatic import automatic_evidence
from digest.mail.bounces.reports import read_complaint, read_status
from digest.mail.bounces.text_bounces import read_text_bounce
from digest.mail.bounces.values import InboundMail

#: headers with the envelope recipient, the most reliable first; To is written by the sender
_RECIPIENT_HEADERS = (
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
_MAX_ADDRESSES = 20
#: headers of the returned message that hold a token of ours
_TOKEN_HEADERS = ("return-path", "list-unsubscribe")


def read(data: bytes, recipients: tuple[str, ...] = ()) -> InboundMail:
    """Parse and classify a mail. Never fails: an unreadable mail is "other".

    Args:
        data: the mail as it came; only the first MAX_SIZE bytes are read.
        recipients: the envelope's recipients, if they are known.
    """
    mail = mime.parse(data)
    if mail is None:
        return InboundMail(kind="other", why="unreadable")
    try:
        return _classify(mail, data, recipients)
    except mime.PARSE_ERRORS as error:
        return InboundMail(
            kind="other", why=f"unreadable: {type(error).__name__}", recipients=recipients
        )


def _classify(mail: Mail, data: bytes, envelope_recipients: tuple[str, ...]) -> InboundMail:
    subject = mime.header(mail, "subject")
    inbound = read_status(mail) or read_complaint(mail) or read_text_bounce(mail, data)
    if inbound is None:
        evidence = automatic_evidence(mail, subject)
        inbound = InboundMail(
            kind="automatic" if evidence else "other",
            why=evidence or "written by a person, as far as can be told",
        )
    returned: list[str] = []
    if inbound.kind in ("bounce", "complaint"):
        token_headers = (*inbound.returned, *_token_headers(mime.returned_headers(mail)))
        returned = [mime.one_line(unquote(header)) for header in token_headers]
    return replace(
        inbound,
        recipients=_list_recipients(mail, envelope_recipients),
        subject=subject,
        date=_parse_date(mime.header(mail, "date")),
        message_id=mime.header(mail, "message-id")[:1000],
        returned=tuple(dict.fromkeys(returned)),
    )


def _parse_date(date: str) -> datetime | None:
    """The time in a Date header; None if it is malformed or has no time zone."""
    try:
        parsed = parsedate_to_datetime(date)
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _token_headers(returned: Mail | None) -> list[str]:
    if returned is None:
        return []
    return [header for name in _TOKEN_HEADERS for header in mime.headers(returned, name)]


def _list_recipients(mail: Mail, envelope_recipients: tuple[str, ...]) -> tuple[str, ...]:
    addresses = [
        address
        for name in _RECIPIENT_HEADERS
        for header in mime.headers(mail, name)
        for address in mime.addresses(header)
    ]
    return tuple(dict.fromkeys([*envelope_recipients, *addresses]))[:_MAX_ADDRESSES]
