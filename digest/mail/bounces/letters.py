"""Bounces that older mail servers write as letters: qmail, Exim, Exchange and many more.

flufl.bounce knows their shapes and finds the address that failed; the words around that address
tell why.
"""

from __future__ import annotations

import logging
import re
from email.message import Message as Mail

from flufl.bounce import all_failures

from digest.mail.bounces import parts
from digest.mail.bounces.reports import ENHANCED, REPLY
from digest.mail.bounces.values import InboundMail

logging.getLogger("flufl.bounce").setLevel(
    logging.CRITICAL
)  # it logs a line for every shape that it tries

_MACHINES = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|mail system|postoffice|mdaemon|non-?delivery",
    re.IGNORECASE,
)
#: where the message that came back begins, in most letters
_RETURNED = re.compile(
    r"^[ -]*(?:(?:below this line|original|returned|undelivered|this is a copy "
    r"of)\b|-{3,}.*(?:message|mail)|return-path:)",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"^(?:list-unsubscribe|return-path):[ \t]*(.{0,2000}(?:\r?\n[ \t].{0,2000}){0,9})",
    re.IGNORECASE | re.MULTILINE,
)
_TEXT_MAX = 1000


def read_letter(mail: Mail, data: bytes) -> InboundMail | None:
    """A bounce written as a letter, else None.

    Only mail from a mail server is looked at: people quote such letters.
    """
    narrow = parts.narrow(data) if _from_machine(mail) else None
    if narrow is None:
        return None
    try:
        later, failed = all_failures(narrow)
    except parts.TROUBLE:
        return None
    if not (later or failed):
        return None
    recipient = min(failed or later).decode("ascii", "replace")
    body = parts.body(mail)
    words = _about(body, recipient)
    enhanced, reply = (
        ENHANCED.search(words) or ENHANCED.search(_report_only(body)),
        REPLY.search(words),
    )
    return InboundMail(
        kind="failed" if failed else "delayed",
        why="a letter from a mail server",
        recipient=parts.plain(recipient)[:320],
        enhanced=enhanced[0] if enhanced else "",
        code=int(reply[0]) if reply else 0,
        text=parts.plain(words)[:_TEXT_MAX],
        returned=tuple(parts.plain(found[1]) for found in _INLINE.finditer(body)),
    )


def _from_machine(mail: Mail) -> bool:
    if mail.get("x-failed-recipients"):
        return True
    sender = parts.value(mail, "return-path")
    return sender == "<>" or bool(_MACHINES.search(parts.value(mail, "from")))


def _report_only(body: str) -> str:
    """Without the message that came back: a digest about quotas must not read like a
    full mailbox."""
    lines = body.splitlines()
    end = next(
        (number for number, line in enumerate(lines) if number and _RETURNED.match(line)),
        len(lines),
    )
    return "\n".join(lines[:end])


def _about(body: str, recipient: str) -> str:
    """From the address to the end of its paragraph, on one line; all that the server says where the
    address is not in it.
    """
    report = _report_only(body)
    place = report.lower().rfind(
        recipient.lower()
    )  # the message that failed may be told of first, and the failure after it
    if place < 0:
        return " ".join(report.split())
    paragraph = re.split(r"\n\s*\n", report[place + len(recipient) :], maxsplit=2)
    # "<alice@example.org>:" may stand alone above an empty line
    said = paragraph[0] if len(paragraph[0].strip(" \n>:")) > 3 else " ".join(paragraph[:2])
    return " ".join(said.split()).lstrip(">: ")
