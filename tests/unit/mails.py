"""A service, a reader, a paper and a digest of it, for tests of mails.

Also a mail as a mail program reads it, and a template of the operator's.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from digest.mail.messages import (
    Listed,
    Mailing,
    MessageContext,
    PaperLinks,
    ReaderLinks,
    write_alert,
    write_confirm,
    write_digest,
    write_goodbye,
    write_welcome,
)
from digest.model import Message, Paper, Provenance, Subscriber

NOW = datetime(2026, 6, 12, 5, tzinfo=UTC)
MAILING = Mailing(
    from_address="digest@papers.example.org",
    name="Digest of Papers",
    domain="papers.example.org",
    base_url="https://papers.example.org",
    bounce_address="bounces@papers.example.org",
)
ALICE = Subscriber(id=7, email="alice@example.net", name="Alice Example", created=NOW)
LINKS = ReaderLinks(
    manage="https://papers.example.org/s/abc",
    unsubscribe="https://papers.example.org/u/" + "k5qxm2" * 20,
)
MADE = Provenance(
    model="thumbs",
    features="words-1",
    thumbs_up=9,
    thumbs_down=2,
    candidates=1200,
    dumps=("monday", "tuesday"),
    at=NOW,
)
CONTEXT = MessageContext(
    mailing=MAILING, message_id="digest.20260612.7@papers.example.org", date=NOW
)
BY_MAIL = "mailto:help@papers.example.org?subject=Unsubscribe%20" + "k5qxm2vtr7" * 5 + "abcde"


def make_listed(
    number: int = 1,
    *,
    seen_before: bool = False,
    read: str = "https://example.org/paper",
    **fields: Any,
) -> Listed:
    defaults: dict[str, Any] = {
        "title": f"Title {number}",
        "abstract": "An abstract.",
        "authors": ("Jane Doe",),
        "first_seen": date(2026, 6, 11),
    }
    return Listed(
        paper=Paper(id=number, **(defaults | fields)),
        reason=f"Reason {number}.",
        label="good match",
        links=PaperLinks(
            read=read,
            up=f"https://papers.example.org/t/up{number}",
            down=f"https://papers.example.org/t/down{number}",
        ),
        seen_before=seen_before,
    )


def digest(*papers: Listed, **changes: Any) -> Message:
    """Write a digest of `papers`; `changes` replace fields of context or arguments."""
    fields = {field.name for field in dataclasses.fields(MessageContext)}
    context = {name: value for name, value in changes.items() if name in fields}
    arguments: dict[str, Any] = {
        "subscriber": ALICE,
        "local_date": date(2026, 6, 12),
        "made": MADE,
        "links": LINKS,
        "listed": papers or (make_listed(),),
    }
    arguments |= {name: value for name, value in changes.items() if name not in fields}
    return write_digest(dataclasses.replace(CONTEXT, **context), **arguments)


def parse_mail(message: Message) -> EmailMessage:
    parsed = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    plain, rich = parsed.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == message.text
    assert rich.get_content().replace("\r\n", "\n") == message.html
    assert parsed["Subject"] == message.subject
    return parsed


def head(message: Message) -> str:
    return message.data.partition(b"\r\n\r\n")[0].decode("ascii")


def make_confirm() -> Message:
    return write_confirm(
        CONTEXT,
        subscriber=ALICE,
        confirm="https://papers.example.org/c/x",
        asked="the page at papers.example.org",
    )


def make_welcome() -> Message:
    return write_welcome(CONTEXT, subscriber=ALICE, links=LINKS, first=f"{LINKS.manage}/first")


def make_goodbye() -> Message:
    return write_goodbye(
        CONTEXT,
        subscriber=ALICE,
        come_back="https://papers.example.org/s/x",
    )


def make_alert() -> Message:
    return write_alert(
        CONTEXT,
        recipient="operator@example.net",
        what="No dump came.",
        remedy="Look.\nThen fetch.",
    )


def put(folder: Path, name: str, text: str) -> tuple[Path, ...]:
    """Write a template into the operator's folder.

    Returns:
        The value for `folders`.
    """
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return (folder,)
