"""Classify a server's reply: outcome, fault, and what has to slow down.

Tables and a pure function, no socket.

Where the code, the enhanced code and the words disagree, the least harmful reading wins. If any of
them says "later", the message is retried, which costs one more attempt. An address is given up at
once only if the reply clearly says that it does not exist. A reply that may be about this service
never counts against an address.
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

#: "class.subject.detail" at the start of the text (RFC 2034), or in a quotation of another server
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")

#: (subject, detail) -> fault where the class is 5; detail None = any other
_FAULTS: dict[tuple[int, int | None], Fault] = {
    (1, None): "mailbox",
    (1, 1): "reader",  # bad destination mailbox
    # bad destination system: a relay with a broken resolver says it of every reader
    (1, 2): "mailbox",
    (1, 3): "reader",  # bad destination mailbox syntax
    (1, 6): "reader",  # moved, no forwarding address
    (1, 7): "ours",  # bad sender's mailbox syntax
    (1, 8): "ours",  # bad sender's system
    (1, 10): "reader",  # the domain says by null MX that it takes no mail (RFC 7505)
    (2, None): "mailbox",
    (2, 3): "content",  # longer than this mailbox takes
    (3, None): "busy",  # their system is out of order
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

#: words of replies without a clear enhanced code; policy is tested first, since a block must never
#: look like an address that does not exist
_POLICY = re.compile(
    r"spam|block|black ?list|deny ?list|dnsbl|rbl\b|reputation|polic(?:y|ies)|relay|rcpthosts"
    r"|\bspf\b|\bdkim\b|\bdmarc\b|authenticat|not authori[sz]ed"
    r"|\bptr\b|reverse dns|access denied|banned|unsolicited|\b(?:start)?tls\b|encrypt"
    r"|\blog ?in\b|credential",
    re.IGNORECASE,
)
#: the server does not relay for this service, or not to this domain; the message was not examined
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
#: greylisting delays this one message; slowing its domain would delay the others as well
_GREYLIST = re.compile(r"gr[ea]y-?list", re.IGNORECASE)
_RATE = re.compile(r"\brate\b|throttl|too (?:many|much|fast)|slow down|too quickly", re.IGNORECASE)

#: addresses, hosts and links in replies; their names mean nothing: "antispam.example.org said: user
#: unknown"
_QUOTED = re.compile(r"\S*\w[.@]\w\S*")

#: a 5xx that is a temporary limit, such as "550 5.4.5 Daily user sending limit exceeded"
_QUOTA_EXCEEDED = re.compile(
    r"(?:daily|hourly|sending|submission|messages?|e?mails?)\b.{0,40}\b(?:limit|quota|rate|"
    r"allowance)s?\b.{0,20}\b(?:exceeded|reached|hit|used)"
    r"|exceeded .{0,40}\b(?:daily|hourly|sending|messages?)\b.{0,20}\b(?:limit|quota|rate)|too "
    r"many (?:messages|e?mails)|throttl|\brate limit"
    r"|credits? exceeded",
    re.IGNORECASE,
)

#: codes about the conversation or the login, in any phase
_LOGIN = frozenset({530, 534, 535, 538})
_PROTOCOL = frozenset({500, 502, 503, 504, 555}) | _LOGIN


def classify(phase: Phase, code: int, text: str) -> Verdict:
    """Classify a reply to MAIL, RCPT, DATA or the final dot (BODY).

    Code 0 stands for no reply: deferred before the body, `unknown` after it.
    """
    if phase is Phase.BODY and not 400 <= code <= 599:
        return _ACCEPTED if 200 <= code <= 299 else Verdict(outcome="unknown")
    match = _ENHANCED.search(text)
    enhanced = match[0] if match and match[1] in "45" else ""
    if not 400 <= code <= 599:
        # a 2xx or 3xx out of place, or no reply: do not send this server a body
        return _busy(phase, enhanced)
    status = tuple(int(part) for part in enhanced.split(".")) if enhanced else None
    words = _QUOTED.sub(" ", text)
    if code < 500 or (status and status[0] == 4):
        return _classify_transient(code, words, enhanced, status)
    if status and 1 <= status[1] <= 7:
        fault = _fault_by_status(status[1], status[2], words)
    else:
        fault = _fault_by_words(phase, code, words)
    if fault not in ("reader", "content") and _QUOTA_EXCEEDED.search(words):
        return _busy(phase, enhanced)
    return _classify_permanent(phase, code, words, enhanced, fault)


def _busy(phase: Phase, enhanced: str) -> Verdict:
    slow: Slow = "server" if phase is Phase.MAIL else "domain"
    return Verdict(outcome="deferred", fault="busy", enhanced=enhanced, slow=slow)


def _classify_permanent(
    phase: Phase, code: int, words: str, enhanced: str, fault: Fault
) -> Verdict:
    if phase is Phase.MAIL and fault not in ("content", "busy"):
        # The recipient was not named yet: this is about us and would meet every message. They wait
        # until the operator has fixed it.
        return Verdict(outcome="deferred", fault="ours", enhanced=enhanced, slow="server")
    if fault == "ours":
        refuses_relay = code in _LOGIN or _RELAY.search(words)
        deferred = phase is Phase.RCPT and refuses_relay
        outcome: Outcome = "deferred" if deferred else "rejected"
        return Verdict(outcome=outcome, fault="ours", enhanced=enhanced, slow="domain")
    return Verdict(outcome="rejected", fault=fault, enhanced=enhanced)


def _classify_transient(
    code: int, words: str, enhanced: str, status: tuple[int, ...] | None
) -> Verdict:
    if code == 421:
        return Verdict(outcome="deferred", fault="busy", enhanced=enhanced, slow="server")
    subject, detail = (status[1], status[2]) if status else (0, 0)
    is_full = (subject, detail) == (2, 2) or (subject not in (3, 7) and bool(_FULL.search(words)))
    # 450 5.1.1: the code says later, so it counts as a soft bounce only
    is_gone = status is not None and status[0] == 5 and subject in (1, 2)
    if (is_full or is_gone) and not _RATE.search(words):
        return Verdict(outcome="deferred", fault="mailbox", enhanced=enhanced)
    if code == 452 and subject != 7 and not _RATE.search(words):
        # short of storage for this message
        return Verdict(outcome="deferred", fault="busy", enhanced=enhanced)
    slow: Slow = "" if _GREYLIST.search(words) else "domain"
    return Verdict(outcome="deferred", fault="busy", enhanced=enhanced, slow=slow)


def _fault_by_status(subject: int, detail: int, words: str) -> Fault:
    if (subject, detail) == (5, 0) and _UNAVAILABLE.search(words):
        # outlook.com says "5.5.0 mailbox unavailable" of addresses that it does not know
        return "mailbox"
    return _FAULTS.get((subject, detail)) or _FAULTS[subject, None]


def _fault_by_words(phase: Phase, code: int, words: str) -> Fault:
    """The fault in a reply without an enhanced code.

    RFC 5321 uses 550 both for "no such mailbox" and for "rejected for policy reasons", so only the
    words can tell. Without telling words a refused recipient counts as a soft bounce: giving up at
    once would drop every reader behind a block list, never giving up would go on writing to
    addresses that do not exist. A refused body counts against the message.
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
