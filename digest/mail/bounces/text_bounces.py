"""Bounces in plain text, without a DSN: qmail, Exim, Exchange, and providers of many countries.

flufl.bounce knows many formats and finds the address that failed; the words around that address
tell why. Reports in other languages and of no known format are known by their wording.
"""

from __future__ import annotations

import logging
import re
from email.message import Message as Mail
from typing import Literal

from flufl.bounce import all_failures

from digest.mail.bounces import mime, wording
from digest.mail.bounces.automatic import is_automatic_subject
from digest.mail.bounces.reports import ENHANCED, REPLY, has_status
from digest.mail.bounces.values import InboundMail, Kind

# it logs a line for every format that it tries
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

_MAIL_SYSTEMS = re.compile(
    r"mailer-?daemon|postmaster|mail ?delivery|mail ?system|postoffice|mdaemon|non-?delivery"
    r"|microsoft ?(?:outlook|exchange)",
    re.IGNORECASE,
)
#: the line before the returned message, in most formats
_RETURNED = re.compile(
    r"^[ -]*(?:(?:below this line|original|returned|undelivered|this is a copy "
    r"of)\b|-{3,}.*(?:message|mail|nachricht|wiadomo|mensaje|messaggio)"
    r"|return-path:|message-id:|from: .*<)",
    re.IGNORECASE,
)
_INLINE_HEADER = re.compile(
    r"^(?:list-unsubscribe|return-path):[ \t]*(.{0,2000}(?:\r?\n[ \t].{0,2000}){0,9})",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE_ID = re.compile(r"^message-id:", re.IGNORECASE | re.MULTILINE)
_MAX_TEXT = 1000
#: characters of a line that only leads to the next paragraph
_HEADING_MAX = 8


def read_text_bounce(mail: Mail, data: bytes, *, to_bounce_address: bool) -> InboundMail | None:
    """A bounce in plain text, else None.

    People quote bounces. So only mail from a mail system counts, and mail to a bounce address of
    ours, which only mail servers see, if a code or our own headers stand in it.

    Args:
        to_bounce_address: one of its recipients is spelled like a bounce address of ours.
    """
    is_from_system = _is_from_mail_system(mail)
    if not (is_from_system or to_bounce_address):
        return None
    body = mime.first_text(mail)
    report = _without_returned(body)
    outcome, recipient = _read_known_format(mail, data) if is_from_system else ("", "")
    if outcome:
        # Its formats do not tell a warning from a failure.
        outcome = "delayed" if wording.is_delayed(report) else outcome
    elif not is_automatic_subject(mime.header(mail, "subject")):
        outcome = _read_wording(mail, report, body)
        recipient = _find_recipient(mail, report)
    if outcome == "automatic":
        return InboundMail(kind=outcome, why="a challenge, which asks us to prove something")
    if not outcome:
        return None
    words = _words_about(body, recipient)
    enhanced = ENHANCED.search(words) or ENHANCED.search(report)
    reply = REPLY.search(words)
    return InboundMail(
        kind=outcome,
        why="a plain-text report of a mail server",
        reported_recipient=mime.one_line(recipient)[:320],
        enhanced=enhanced[0]
        if enhanced
        else wording.read_status(words) or wording.read_status(report),
        code=int(reply[0]) if reply else 0,
        text=mime.one_line(words)[:_MAX_TEXT],
        returned=tuple(mime.one_line(match[1]) for match in _INLINE_HEADER.finditer(body)),
    )


def _read_known_format(mail: Mail, data: bytes) -> tuple[Kind | Literal[""], str]:
    """The outcome and recipient by the formats that flufl.bounce knows; "" if it is none."""
    beginning = mime.parse_beginning(data)
    if beginning is None:
        return "", ""
    try:
        delayed, failed = all_failures(beginning)
    except mime.PARSE_ERRORS:
        return "", ""
    if not (delayed or failed):
        return "", ""
    recipient = min(failed or delayed).decode("ascii", "replace")
    return ("bounce" if failed else "delayed"), recipient


def _read_wording(mail: Mail, report: str, body: str) -> Kind | Literal[""]:
    """The outcome by the words of a mail; "" if they do not tell."""
    text = f"{mime.header(mail, 'subject')}\n{report}"
    # A DSN whose action is unknown stands for itself.
    outcome = "" if has_status(mail) else wording.read_outcome(text)
    if not outcome or _is_named_as_mail_system(mail):
        return outcome
    # A null sender, or a recipient that only servers know: also of programs that answer for people.
    if wording.is_challenge(text):
        return "automatic"
    has_evidence = (
        ENHANCED.search(report) or REPLY.search(report) or _INLINE_ID.search(body)
    ) or mime.returned_headers(mail) is not None
    return outcome if has_evidence else ""


def _find_recipient(mail: Mail, report: str) -> str:
    """The address that a report is about: the first one that is not its sender's."""
    sender = mime.addresses(mime.header(mail, "from"))
    named = [*mime.addresses(mime.header(mail, "x-failed-recipients")), *mime.addresses(report)]
    return next((address for address in named if address not in sender), "")


def _is_from_mail_system(mail: Mail) -> bool:
    return mime.header(mail, "return-path") == "<>" or _is_named_as_mail_system(mail)


def _is_named_as_mail_system(mail: Mail) -> bool:
    has_failed = mail.get("x-failed-recipients")
    return bool(has_failed or _MAIL_SYSTEMS.search(mime.header(mail, "from")))


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
    position = _find_address(report, recipient)
    if position < 0:
        return " ".join(report.split())
    paragraphs = re.split(r"\n\s*\n", report[position + len(recipient) :], maxsplit=3)[:3]
    # "<alice@example.org>:" and "because:" may stand alone above an empty line
    text = paragraphs.pop(0)
    while paragraphs and len(text.strip(" \n\t>:")) <= _HEADING_MAX:
        text += f" {paragraphs.pop(0)}"
    return " ".join(text.split()).lstrip(">: ")


def _find_address(report: str, recipient: str) -> int:
    """The position of the last line that begins with an address, else of its last occurrence.

    The report may name the message first and the failure after it. Within a line the address is
    part of what the server said.
    """
    lowered, sought = report.lower(), recipient.lower()
    at_begin = [match.end() for match in re.finditer(r"^[ \t<]*", lowered, re.MULTILINE)]
    positions = [place for place in at_begin if sought and lowered.startswith(sought, place)]
    return positions[-1] if positions else lowered.rfind(sought) if sought else -1
