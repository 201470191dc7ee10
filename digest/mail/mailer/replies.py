"""What a server's reply means: the outcome, who is at fault, and what has to slow down.

Tables and a pure function, no socket.

Where the code, the enhanced code and the words disagree, the reading that does less harm wins. A
message may come back as long as any of them says "later": nothing was stored, so it costs one more
attempt. An address is given up at once only where the reply says clearly that there is none, and is
never counted against where the reply may be about this service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from digest.model import Fault, Outcome, Phase

#: what a reply asks to slow down: nothing, the recipient's domain, or the whole server
Slow = Literal["", "domain", "server"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What follows from one reply."""

    outcome: Outcome
    fault: Fault = ""
    enhanced: str = ""
    slow: Slow = ""


_ACCEPTED = Verdict(outcome="accepted")

#: "class.subject.detail" at the start of the text, as RFC 2034 has it, or behind the words of a
#: relay that quotes another server
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")

#: (subject, detail) -> fault where the class is 5; detail None = any other
_FAULTS: dict[tuple[int, int | None], Fault] = {
    (1, None): "mailbox",
    (1, 1): "reader",  # bad destination mailbox
    # bad destination system: one broken resolver at the relay would say it of every reader
    (1, 2): "mailbox",
    (1, 3): "reader",  # bad destination mailbox syntax
    (1, 6): "reader",  # moved, no forwarding address
    (1, 7): "ours",  # bad sender's mailbox syntax
    (1, 8): "ours",  # bad sender's system
    (1, 10): "reader",  # the domain says by null MX that it takes no mail (RFC 7505)
    (2, None): "mailbox",
    (2, 3): "content",  # longer than this mailbox takes
    (3, None): "busy",  # their system is out of order, and says so for good
    (3, 4): "content",  # too big
    (4, None): "busy",
    (4, 1): "mailbox",  # Microsoft 365 says 5.4.1 of recipients whom it does not know
    (4, 4): "mailbox",  # no route: like 5.1.2
    (4, 6): "mailbox",  # loop
    (4, 14): "mailbox",  # loop, at Exchange
    (5, None): "ours",
    (6, None): "content",
    (7, None): "ours",
}

#: words of replies without a telling enhanced code; policy first, since a block must never look
#: like an address that is gone
_POLICY = re.compile(
    r"spam|block|black ?list|deny ?list|dnsbl|rbl\b|reputation|polic(?:y|ies)|relay|rcpthosts"
    r"|\bspf\b|\bdkim\b|\bdmarc\b|authenticat|not authori[sz]ed"
    r"|\bptr\b|reverse dns|access denied|banned|unsolicited|\b(?:start)?tls\b|encrypt"
    r"|\blog ?in\b|credential",
    re.IGNORECASE,
)
#: the server does not let this service write to anybody, or not to this domain; the message itself
#: was not looked at
_RELAY = re.compile(
    r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not|prohibited)|(?:not|unable to|cannot|no) "
    r"relay|authentication (?:is )?required",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:user|recipient|mailbox|account|address|addressee)s? (?:is |was )?(?:unknown|not found|not "
    r"known|does(?: not|n't) exist|invalid)"
    r"|(?:unknown|invalid|no such|not a valid|nonexistent|non-existent) (?:local "
    r")?(?:user|recipient|mailbox|account|address|person)"
    r"|no (?:mailbox|account) (?:here )?(?:by|with) that name|does(?: not|n't) have "
    r"an?\b.{0,40}\baccount|nobody here by that name",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"quota|mailbox (?:is )?full|over ?size|insufficient (?!system\b).*storage|out of "
    r"storage|storage allocation",
    re.IGNORECASE,
)
_UNAVAILABLE = re.compile(r"mailbox (?:is )?unavailable", re.IGNORECASE)
_TOO_BIG = re.compile(
    r"too (?:big|large|long)|message size|size limit|exceeds .*(?:size|limit)", re.IGNORECASE
)
#: a greylist wants this one message later; slowing its domain would only delay everybody behind it
_GREYLIST = re.compile(r"gr[ea]y-?list", re.IGNORECASE)
_RATE = re.compile(r"\brate\b|throttl|too (?:many|much|fast)|slow down|too quickly", re.IGNORECASE)

#: addresses, hosts and links are quoted in replies, and their names mean nothing:
#: "antispam.example.org said: user unknown"
_QUOTED = re.compile(r"\S*\w[.@]\w\S*")

#: a 5xx that is a limit of time all the same, as of the account that sends: "550 5.4.5 Daily user
#: sending limit exceeded"
_USED_UP = re.compile(
    r"(?:daily|hourly|sending|submission|messages?|e?mails?)\b.{0,40}\b(?:limit|quota|rate|allowance)s?\b.{0,20}\b(?:exceeded|reached|hit|used)"
    r"|exceeded .{0,40}\b(?:daily|hourly|sending|messages?)\b.{0,20}\b(?:limit|quota|rate)|too "
    r"many (?:messages|e?mails)|throttl|\brate limit"
    r"|credits? exceeded",
    re.IGNORECASE,
)

#: codes without an enhanced one that speak of the conversation or the login, whatever the phase
_LOGIN = frozenset({530, 534, 535, 538})
_PROTOCOL = frozenset({500, 502, 503, 504, 555}) | _LOGIN


def classify(phase: Phase, code: int, text: str) -> Verdict:
    """Read a server's reply to MAIL, RCPT, DATA or to the final dot (BODY).

    Code 0 stands for no reply at all: before the body that is "later", after it `unknown`.
    """
    if phase is Phase.BODY and not 400 <= code <= 599:
        return _ACCEPTED if 200 <= code <= 299 else Verdict(outcome="unknown")
    found = _ENHANCED.search(text)
    enhanced = found.group(0) if found and found.group(1) in "45" else ""
    if (
        not 400 <= code <= 599
    ):  # a 2xx or 3xx out of place, or silence: not to be trusted with a body
        return Verdict(
            outcome="deferred",
            fault="busy",
            enhanced=enhanced,
            slow="server" if phase is Phase.MAIL else "domain",
        )
    status = tuple(int(part) for part in enhanced.split(".")) if enhanced else None
    words = _QUOTED.sub(" ", text)
    if code < 500 or (status and status[0] == 4):
        return _later(code, words, enhanced, status)
    fault = (
        _by_status(status[1], status[2], words)
        if status and status[1] in (1, 2, 3, 4, 5, 6, 7)
        else _by_words(phase, code, words)
    )
    if fault not in ("reader", "content") and _USED_UP.search(words):
        return Verdict(
            outcome="deferred",
            fault="busy",
            enhanced=enhanced,
            slow="server" if phase is Phase.MAIL else "domain",
        )
    if phase is Phase.MAIL and fault not in ("content", "busy"):
        # The recipient was not named yet: this is about us, and would meet every message. They wait
        # until it is mended.
        return Verdict(outcome="deferred", fault="ours", enhanced=enhanced, slow="server")
    if phase is Phase.RCPT and fault == "ours" and (code in _LOGIN or _RELAY.search(words)):
        return Verdict(outcome="deferred", fault="ours", enhanced=enhanced, slow="domain")
    return Verdict(
        outcome="rejected", fault=fault, enhanced=enhanced, slow="domain" if fault == "ours" else ""
    )


def _later(code: int, words: str, enhanced: str, status: tuple[int, ...] | None) -> Verdict:
    if code == 421:
        return Verdict(outcome="deferred", fault="busy", enhanced=enhanced, slow="server")
    subject, detail = (status[1], status[2]) if status else (0, 0)
    full = (subject, detail) == (2, 2) or (subject not in (3, 7) and bool(_FULL.search(words)))
    gone = (
        status is not None and status[0] == 5 and subject in (1, 2)
    )  # 450 5.1.1: the code says later, so it is counted only
    if (full or gone) and not _RATE.search(words):
        return Verdict(outcome="deferred", fault="mailbox", enhanced=enhanced)
    if code == 452 and subject != 7 and not _RATE.search(words):  # short of room for this one
        return Verdict(outcome="deferred", fault="busy", enhanced=enhanced)
    return Verdict(
        outcome="deferred",
        fault="busy",
        enhanced=enhanced,
        slow="" if _GREYLIST.search(words) else "domain",
    )


def _by_status(subject: int, detail: int, words: str) -> Fault:
    if (subject, detail) == (5, 0) and _UNAVAILABLE.search(words):
        # outlook.com says "5.5.0 mailbox unavailable" of addresses that it does not know
        return "mailbox"
    return _FAULTS.get((subject, detail)) or _FAULTS[subject, None]


def _by_words(phase: Phase, code: int, words: str) -> Fault:
    """A bare code: RFC 5321 gives 550 alike to "no such mailbox" and to "rejected for policy
    reasons", so only words can tell.

    Without such words a refused recipient counts against the mailbox: at once would drop every
    reader whom a block list hits, never would go on writing to addresses that are gone. A refused
    body counts against the message.
    """
    if code in _PROTOCOL or _POLICY.search(words):
        return "ours"
    if _FULL.search(words) and phase is not Phase.MAIL:
        return "mailbox"
    if code in (523, 552) or _TOO_BIG.search(words):
        return "mailbox" if code == 552 and phase is Phase.RCPT else "content"
    if _NOBODY.search(words) or code == 556:
        return "reader"
    if phase is Phase.BODY:
        return "content"
    return "ours" if code == 554 and phase is Phase.DATA else "mailbox"
