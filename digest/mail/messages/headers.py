"""Header lines: addresses, subject, mailing list (RFC 2919, 8058)."""

from __future__ import annotations

import re
from functools import lru_cache

from digest.mail.messages import assemble, texts
from digest.mail.messages.values import Mailing, ReaderLinks
from digest.model import MessageKind, Subscriber

#: the list's name below the operator's domain, in List-Id and Feedback-ID
_LIST = "digest"
#: octets of a List-Id (RFC 2919, 3)
_MAX_LIST_ID = 255


def header_lines(
    kind: MessageKind,
    mailing: Mailing,
    recipient: Subscriber,
    subject: str,
    links: ReaderLinks | None,
    campaign: str,
) -> list[str]:
    """Everything before Date and Message-ID.

    Args:
        links: None for a mail to somebody who is not subscribed.
        campaign: what Feedback-ID groups complaints by; "" = the kind of mail.

    Raises:
        AddressError: an address cannot be written.
    """
    sender = assemble.ascii_address(mailing.from_address)
    reply_to = mailing.reply_to and assemble.ascii_address(mailing.reply_to)
    return [
        _from_header(mailing.name, sender),
        assemble.mailbox_header("To", recipient.name, assemble.reader_address(recipient.email)),
        *([assemble.mailbox_header("Reply-To", "", reply_to)] if reply_to else []),
        assemble.text_header("Subject", subject),
        *_list_headers(kind, mailing, links, campaign),
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
    ]


def _list_headers(
    kind: MessageKind, mailing: Mailing, links: ReaderLinks | None, campaign: str
) -> list[str]:
    """Feedback-ID for all mail to readers, List-* and Precedence for subscribers only."""
    if kind is MessageKind.ALERT:
        return []
    domain = assemble.ascii_domain(mailing.domain).lower()
    name = mailing.name
    feedback_id, list_id = _list_names(
        domain, mailing.install_id, f"{campaign or kind}:{kind}", name
    )
    if links is None:
        return [feedback_id]
    lines = [feedback_id, list_id]
    page = links.unsubscribe if texts.is_public_url(links.unsubscribe) else ""
    if urls := [f"<{url}>" for url in (page, links.unsubscribe_by_mail) if url]:
        lines.append(assemble.list_header("List-Unsubscribe", urls))
    if page.startswith("https:"):
        # RFC 8058 allows one-click for https only
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    lines.append("Precedence: bulk")
    return lines


@lru_cache(maxsize=16)
def _from_header(name: str, sender: str) -> str:
    return assemble.mailbox_header("From", texts.one_line(name), sender)


@lru_cache(maxsize=16)
def _list_names(domain: str, install_id: str, campaign: str, name: str) -> tuple[str, str]:
    # Feedback-ID needs 5 to 15 characters that name the sender; it must not identify a reader.
    sender_id = re.sub(r"[^a-z0-9]", "", domain)[:15].ljust(5, "0")
    feedback_id = assemble.exact_header("Feedback-ID", f"{campaign}:{_LIST}:{sender_id}")
    return feedback_id, assemble.list_id_header(name, list_label(domain, install_id))


def list_label(domain: str, install_id: str) -> str:
    """The identifier in List-Id (RFC 2919), below the operator's domain.

    Below localhost, which the RFC reserves for unmanaged names, if the domain is an address literal
    or the label would be too long.
    """
    if not install_id:
        return f"{_LIST}.{domain}"
    label = f"{_LIST}.{install_id}.{domain}"
    valid = not domain.startswith("[") and len(label) <= _MAX_LIST_ID
    return label if valid else f"{_LIST}.{install_id}.localhost"
