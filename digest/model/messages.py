"""Messages, the states that the ledger keeps them in, and the attempts to deliver them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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


class MessageState(StrEnum):
    """The ledger's states; `deploy/README.md` has the arrows between them."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SKIPPED = "skipped"


#: stands for the operator where a message names its subscriber; no row has it
OPERATOR = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A message in the ledger, claimed by this sender and not rendered yet."""

    id: int
    kind: MessageKind
    #: for a letter to the operator one with the id OPERATOR and no address: the config knows it
    subscriber: Subscriber
    #: unique with kind and subscriber: the local date of a digest
    key: str
    #: deterministic, the same on every attempt
    message_id: str
    digest_id: int | None = None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One e-mail, ready for a mail server."""

    message_id: str
    #: envelope addresses
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    #: the whole message in wire form: headers and body, CRLF, not dot-stuffed
    data: bytes


class Phase(StrEnum):
    """How far a delivery got; after BODY has begun, silence means unknown."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


Outcome = Literal["accepted", "deferred", "rejected", "unknown", "lost"]
PauseKind = Literal["server", "domain"]
PauseReason = Literal["busy", "ours"]

#: Who is at fault for a refusal; it decides what follows for the reader, never what became of the
#: message.
#: reader  = there is no such address
#: mailbox = disabled, full, or refused without a clear reason: counted
#: content = this one message: its size, its form
#: ours    = login, policy, authentication, protocol: the operator's matter, never the reader's
#: busy    = the other side cannot now: too many, out of order, connection lost
Fault = Literal["", "reader", "mailbox", "content", "ours", "busy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounced:
    """A message that came back for good: whose fault it was, and when."""

    fault: Fault
    #: enhanced status code of RFC 3463 such as "5.1.1", "" where none was given
    enhanced: str = ""
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)


#: the longest pause of a server or domain, and how long a message may have to wait for one to end
PAUSE_MAX = timedelta(hours=4)
DEFERRED_MAX = PAUSE_MAX + timedelta(minutes=15)
#: how far the clocks of two machines may differ; a time further ahead than it can be is a wrong
#: clock's
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A mail server or a recipient domain that asked for quiet, and how it is written to
    afterwards.
    """

    kind: PauseKind
    name: str
    until: datetime
    #: busy = it said "later"; ours = it refuses what this service is or does, and an operator has
    #: to mend that
    reason: PauseReason
    #: what it said, without the address that it was about
    text: str
    #: steps of the growing pause
    strikes: int
    #: messages a minute from then on; None = as many as before
    rate: float | None = None

    def __post_init__(self) -> None:
        check_instant("until", self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt to hand a message to a mail server.

    `lost` = the message was no longer this sender's when the body was due: nothing was sent.
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
    #: before this, another attempt makes no sense; None where the mailer knows nothing better than
    #: the ledger
    retry_at: datetime | None = None
    started: datetime
    ended: datetime

    def __post_init__(self) -> None:
        check_instant("started", self.started)
        check_instant("ended", self.ended)
        check_instant("retry_at", self.retry_at)
