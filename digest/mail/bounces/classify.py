"""Classify an inbound mail.

The kinds are tried by how certain they are: DSN and ARF reports, bounces in plain text, then
automatic replies. Everything else is for people.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from digest.mail import links
from digest.mail.bounces import mime
from digest.mail.bounces.automatic import automatic_evidence
from digest.mail.bounces.reports import read_complaint, read_envelope_ids, read_status
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
#: headers of a report that name the message it answers
_REPLY_HEADERS = ("in-reply-to", "references")
#: kind, key, reader and install of a Message-ID, as `App.message_id` writes it
_OWN_ID = re.compile(
    r"(?<![\w.-])[a-z]+\.[a-z0-9.]{1,64}\.s\d{1,13}(?:\.[a-z0-9]{1,16})?@[a-z0-9.-]{1,255}",
    re.IGNORECASE,
)
_MAX_IDS = 5
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
    recipients = _list_recipients(mail, envelope_recipients)
    to_bounce_address = any(map(links.is_spelled_as_bounce_address, recipients))
    inbound = (
        read_status(mail)
        or read_complaint(mail)
        or read_text_bounce(mail, data, to_bounce_address=to_bounce_address)
    )
    if inbound is None:
        evidence = automatic_evidence(mail, subject)
        inbound = InboundMail(
            kind="automatic" if evidence else "other",
            why=evidence or "written by a person, as far as can be told",
        )
    returned: list[str] = []
    if inbound.kind in ("bounce", "complaint"):
        returned_message = mime.returned_headers(mail)
        token_headers = (*inbound.returned, *_token_headers(returned_message))
        returned = [mime.one_line(unquote(header)) for header in token_headers]
        inbound = replace(
            inbound,
            quoted_ids=_list_quoted_ids(mail, returned_message),
            named=_list_named(mail, returned_message, inbound.reported_recipient),
        )
    return replace(
        inbound,
        recipients=recipients,
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


def _list_quoted_ids(mail: Mail, returned: Mail | None) -> tuple[str, ...]:
    """Everything in a report that is spelled like a Message-ID of ours, the best evidence first."""
    texts = [
        *(mime.headers(returned, "message-id") if returned is not None else ()),
        *read_envelope_ids(mail),
        *(header for name in _REPLY_HEADERS for header in mime.headers(mail, name)),
        mime.first_text(mail),
    ]
    ids = (match[0] for text in texts for match in _OWN_ID.finditer(text))
    return tuple(dict.fromkeys(ids))[:_MAX_IDS]


def _list_named(mail: Mail, returned: Mail | None, reported: str) -> tuple[str, ...]:
    texts = [
        reported,
        mime.header(mail, "x-failed-recipients"),
        mime.header(returned, "to") if returned is not None else "",
        mime.first_text(mail),
    ]
    named = (mime.one_line(address) for text in texts for address in mime.addresses(text))
    return tuple(dict.fromkeys(named))[:_MAX_ADDRESSES]


def _list_recipients(mail: Mail, envelope_recipients: tuple[str, ...]) -> tuple[str, ...]:
    addresses = [
        address
        for name in _RECIPIENT_HEADERS
        for header in mime.headers(mail, name)
        for address in mime.addresses(header)
    ]
    return tuple(dict.fromkeys([*envelope_recipients, *addresses]))[:_MAX_ADDRESSES]
