"""Bounces in plain text, without a DSN: qmail, Exim, Exchange and others.

flufl.bounce knows their formats and finds the address that failed; the words around that address
tell why.
"""

from __future__ import annotations

import logging
import re
from email.message import Message as Mail

from flufl.bounce import all_failures

from digest.mail.bounces import mime
from digest.mail.bounces.reports import ENHANCED, REPLY
from digest.mail.bounces.values import InboundMail

# it logs a line for every format that it tries
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

_MAIL_SYSTEMS = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|mail system|postoffice|mdaemon|non-?delivery",
    re.IGNORECASE,
)
#: the line before the returned message, in most formats
_RETURNED = re.compile(
    r"^[ -]*(?:(?:below this line|original|returned|undelivered|this is a copy "
    r"of)\b|-{3,}.*(?:message|mail)|return-path:)",
    re.IGNORECASE,
)
_INLINE_HEADER = re.compile(
    r"^(?:list-unsubscribe|return-path):[ \t]*(.{0,2000}(?:\r?\n[ \t].{0,2000}){0,9})",
    re.IGNORECASE | re.MULTILINE,
)
_MAX_TEXT = 1000


def read_text_bounce(mail: Mail, data: bytes) -> InboundMail | None:
    """A bounce in plain text, else None.

    Only mail from a mail system counts, since people quote bounces.
    """
    beginning = mime.parse_beginning(data) if _is_from_mail_system(mail) else None
    if beginning is None:
        return None
    try:
        delayed, failed = all_failures(beginning)
    except mime.PARSE_ERRORS:
        return None
    if not (delayed or failed):
        return None
    recipient = min(failed or delayed).decode("ascii", "replace")
    body = mime.first_text(mail)
    words = _words_about(body, recipient)
    enhanced = ENHANCED.search(words) or ENHANCED.search(_without_returned(body))
    reply = REPLY.search(words)
    return InboundMail(
        kind="bounce" if failed else "delayed",
        why="a plain-text report of a mail server",
        reported_recipient=mime.one_line(recipient)[:320],
        enhanced=enhanced[0] if enhanced else "",
        code=int(reply[0]) if reply else 0,
        text=mime.one_line(words)[:_MAX_TEXT],
        returned=tuple(mime.one_line(match[1]) for match in _INLINE_HEADER.finditer(body)),
    )


def _is_from_mail_system(mail: Mail) -> bool:
    if mail.get("x-failed-recipients"):
        return True
    sender = mime.header(mail, "return-path")
    return sender == "<>" or bool(_MAIL_SYSTEMS.search(mime.header(mail, "from")))


def _without_returned(body: str) -> str:
    """The text before the returned message, which may contain "quota" itself."""
    lines = body.splitlines()
    end = next(
        (number for number, line in enumerate(lines) if number and _RETURNED.match(line)),
        len(lines),
    )
    return "\n".join(lines[:end])


def _words_about(body: str, recipient: str) -> str:
    """The words from the address to the end of its paragraph, else the whole report."""
    report = _without_returned(body)
    # the last occurrence: the report may name the message first and the failure after it
    position = report.lower().rfind(recipient.lower())
    if position < 0:
        return " ".join(report.split())
    paragraphs = re.split(r"\n\s*\n", report[position + len(recipient) :], maxsplit=2)
    # "<alice@example.org>:" may stand alone above an empty line
    is_alone = len(paragraphs[0].strip(" \n>:")) <= 3
    text = " ".join(paragraphs[:2]) if is_alone else paragraphs[0]
    return " ".join(text.split()).lstrip(">: ")
