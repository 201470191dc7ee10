"""Messages, their states in the ledger, and the attempts to deliver them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from enum import StrEnum
from typing import Literal

from digest.model.instants import check_instant
from digest.model.subscribers import Subscriber


class MessageKind(StrEnum):
    DIGEST = "digest"
    CONFIRM = "confirm"
    WELCOME = "welcome"
    GOODBYE = "goodbye"
    ALERT = "alert"
    #: to the old address of a reader who moves
    NOTICE = "notice"


class MessageState(StrEnum):
    """States of a message; `deploy/guarantees.md` shows the transitions."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SKIPPED = "skipped"


#: the subscriber id of messages to the operator; no row has it
OPERATOR = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A message claimed by this sender and not rendered yet."""

    id: int
    kind: MessageKind
    #: for an alert: id OPERATOR and no address, which the config knows
    subscriber: Subscriber
    #: unique together with kind and subscriber; for a digest its local date
    key: str
    #: deterministic, the same on every attempt
    message_id: str
    digest_id: int | None = None
    attempts: int = 0
    #: since when it may be sent; None where it is only shown
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """An e-mail, ready for a mail server."""

    message_id: str
    #: envelope addresses
    sender: str
    recipient: str
    subject: str
    #: the whole message in wire form: headers and body, CRLF, not dot-stuffed
    data: bytes
    #: waits for headers that a thread makes meanwhile and that go in front; None = there are none
    signature: Callable[[], bytes] | None = None
    #: whoever wrote it vouches that each line ends with CRLF and none begins with a dot, so that
    #: SMTP need not look at them
    has_plain_lines: bool = False

    @property
    def signed(self) -> bytes:
        """The whole message with its signature."""
        return self.data if self.signature is None else self.signature() + self.data

    @property
    def text(self) -> str:
        """The text part, "" without one; read anew at each call."""
        return self._read_part("plain")

    @property
    def html(self) -> str:
        """The HTML part, "" without one; read anew at each call."""
        return self._read_part("html")

    def _read_part(self, kind: Literal["plain", "html"]) -> str:
        mail = message_from_bytes(self.data, policy=policy.default)
        for part in mail.walk():
            if part.get_content_type() == f"text/{kind}":
                raw = part.get_payload(decode=True)
                return raw.decode().replace("\r\n", "\n") if isinstance(raw, bytes) else ""
        return ""


class Phase(StrEnum):
    """How far a delivery got; once BODY has begun, no reply means unknown."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


Outcome = Literal["accepted", "deferred", "rejected", "unknown", "lost"]
PauseKind = Literal["server", "domain"]
PauseReason = Literal["busy", "ours"]

#: Who is at fault for a refusal. It decides what follows for the reader, not the message's state.
#: reader  = there is no such address
#: mailbox = disabled, full, or refused without a clear reason; such bounces are counted
#: content = this one message: its size, its form
#: ours    = login, policy, authentication, protocol: for the operator to fix
#: busy    = temporary: too many connections, out of order, connection lost
Fault = Literal["", "reader", "mailbox", "content", "ours", "busy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounced:
    """A permanent bounce: who is at fault, and when it came."""

    fault: Fault
    #: enhanced status code of RFC 3463 such as "5.1.1", "" where none was given
    enhanced: str = ""
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)


#: the longest pause of a server or domain, and the longest wait of a message for its end
PAUSE_MAX = timedelta(hours=4)
DEFERRED_MAX = PAUSE_MAX + timedelta(minutes=15)
#: clock skew allowed between two machines; a time further ahead comes from a wrong clock
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A pause of a mail server or recipient domain, and the rate after it.

    Repeated pauses grow by exponential backoff.
    """

    kind: PauseKind
    name: str
    until: datetime
    #: busy = it said "later"; ours = it refuses this service, which an operator has to fix
    reason: PauseReason
    #: its reply, without the address that it was about
    text: str
    #: step of the backoff
    strikes: int
    #: messages a minute after the pause; None = as before
    rate: float | None = None

    def __post_init__(self) -> None:
        check_instant("until", self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An attempt to hand a message to a mail server.

    The outcome `lost` means that the claim was lost before the body: nothing was sent.
    """

    outcome: Outcome
    server: str
    phase: Phase
    #: SMTP reply code, 0 where none was read
    code: int = 0
    text: str = ""
    #: enhanced status code of RFC 3463 such as "5.1.1", "" where the reply has none
    enhanced: str = ""
    fault: Fault = ""
    #: earliest time for another attempt; None = the ledger decides
    retry_at: datetime | None = None
    started: datetime
    ended: datetime

    def __post_init__(self) -> None:
        check_instant("started", self.started)
        check_instant("ended", self.ended)
        check_instant("retry_at", self.retry_at)
