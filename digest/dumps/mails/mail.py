"""Mails that list papers: one message (.eml), or many in a mailbox file (mbox).

arXiv's listing mails, alerts of Google Scholar, and those of `alerts`. Any other mail is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.mails.alerts import read_alert
from digest.dumps.mails.arxiv_mail import has_listing, read_listing
from digest.dumps.mails.html_text import parse_html
from digest.dumps.mails.mime import (
    Part,
    RawMessage,
    decode_text,
    is_message,
    read_headers,
    read_parts,
    split_messages,
)
from digest.dumps.stream import RAW_CAP, Row, Source, raw_text, reject_too_long
from digest.model import Record, Rejected, Skipped

_SKIPPED: Final = "a mail without a list of papers"


class Mail:
    """The format `mail`.

    Fields: those of `arxiv-mail`, or what the alert tells; `Date` = announced, but for cross-lists.
    """

    name = "mail"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.YES if is_message(head) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        for message in split_messages(source):
            yield from _read_message(source, message)


def _read_message(source: Source, message: RawMessage) -> Iterator[Record | Skipped | Rejected]:
    if message.is_too_long:
        yield reject_too_long(message.number)
        return
    headers, body = read_headers(message.rows)
    sent = parse_day(decode_text(headers.get("Date")), source.today)
    sender = parseaddr(decode_text(headers.get("From")))[1]
    parts = list(read_parts(headers, body))
    has_papers = False
    for part in parts:
        if part.content_type == "text/plain" and has_listing(part.rows):
            has_papers = True
            yield from read_listing(source, part.rows, announced=sent)
    if has_papers:
        return
    for part in parts:
        if part.content_type == "text/html":
            for entry in _read_html(source, part, sender, message.number):
                has_papers = True
                yield entry
    if not has_papers:
        raw = raw_text(_join(message.rows))
        yield Skipped(line=message.number, raw=raw, reason=_SKIPPED)


def _read_html(source: Source, part: Part, sender: str, line: int) -> Iterator[Record | Rejected]:
    data = _join(part.rows)
    text = source.decode(data)
    if text is None:
        yield Rejected(line=line, raw=raw_text(data), reason="not UTF-8")
        return
    root, problem = parse_html(text)
    if problem:
        yield Rejected(line=line, raw=text[:RAW_CAP], reason=problem)
        return
    yield from read_alert(root, sender, line=line)


def _join(rows: list[Row]) -> bytes:
    return b"\n".join(data for _, data, _ in rows if data is not None)


FORMAT = Mail()
