"""What is known of the service, and the alarms that `alarm_rules` finds in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from digest.model import Fault, Webhook
from digest.pipeline import DayLimit
from digest.store.sending import Stop

#: dumps     = none came by the expected time, or none ever did
#: parsing   = a dump gave nothing, or was not read to its end
#: source    = a live source fails
#: send      = the last send stopped, or messages wait that should be gone
#: stopped   = all sending stopped by itself, since too much came back
#: refused   = mail servers refuse us for a fault of ours
#: unknown   = nobody can say what became of messages
#: silence   = nothing that was to be sent got through
#: mailbox   = what comes back cannot be read
#: disk      = nearly full
#: readers   = nobody is subscribed
#: signups   = as many strangers as are allowed ask for a digest
#: webhooks  = a receiver was turned off, or fails for hours
Kind = Literal[
    "dumps",
    "parsing",
    "source",
    "send",
    "stopped",
    "refused",
    "unknown",
    "silence",
    "mailbox",
    "disk",
    "readers",
    "signups",
    "webhooks",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """Something that an operator should look at."""

    kind: Kind
    #: in one sentence, without its full stop
    what: str
    remedy: str
    details: tuple[str, ...] = ()
    #: whether it is worth a letter, beside being shown
    urgent: bool = True

    def __str__(self) -> str:
        more = f" ({'; '.join(self.details)})" if self.details else ""
        return f"{self.what}{more}. {self.remedy}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """The file system that a folder of ours is on."""

    path: str
    free_mb: int
    #: the machine that it belongs to, since several may share the database
    host: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """A source or mailbox that could not be read the last time."""

    name: str
    error: str
    #: the first failure since it last worked; None where that is not known
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The facts that alarms are derived from."""

    now: datetime
    #: the newest first, as `store.dumps.list_latest` has them
    dumps: Sequence[dict[str, Any]]
    #: by the sources' calendar one is missing; None where no calendar says
    dump_missing: bool | None
    sources: Sequence[Failing]
    active_readers: int
    #: the newest round of sending
    sent: dict[str, Any] | None
    waiting: int
    #: the time since which the longest waiting message could have been sent; None when nothing
    #: waits
    waiting_since: datetime | None
    #: (fault, what a server last said, how many) of the last day, where nothing was accepted since
    faults: Sequence[tuple[Fault, str, int]]
    #: mails of the last day that came back, after they were accepted, for a fault of ours: how
    #: many, and what the last one said
    returned: tuple[int, str]
    unknown: int
    #: messages that came to an end within the last day, by state
    ended: dict[str, int]
    mailbox: Failing | None
    disks: Sequence[Disk]
    least_mb: int
    #: by page and API within the last hour, and how many there may be; 0 = no limit
    signups: int = 0
    signups_max: int = 0
    webhooks: Sequence[Webhook] = ()
    #: all sending is stopped; None = it goes on
    stop: Stop | None = None
    #: how much may be sent today; None = there is no limit
    day_limit: DayLimit | None = None
