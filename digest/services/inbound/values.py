"""What was done with an incoming mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from digest.model import Fault, Subscriber, SuppressionReason

#: bounced, complained, unsubscribed, voted, confirmed = done
#: ignored   = about a message of ours, and nothing to do
#: untrusted = a report without a valid token of ours: left for people
#: other     = neither a report nor a request: left for people
Outcome = Literal[
    "bounced", "complained", "unsubscribed", "voted", "confirmed", "ignored", "untrusted", "other"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What was done with an incoming mail."""

    outcome: Outcome
    #: how it was recognised, or why nothing was done
    why: str
    subscriber: Subscriber | None = None
    #: id of the message's row, or 0
    message: int = 0
    fault: Fault = ""
    enhanced: str = ""
    #: why all mail to the address stops because of this mail
    suppressed: SuppressionReason | None = None

    @property
    def handled(self) -> bool:
        """Whether no person needs to read it."""
        return self.outcome not in ("untrusted", "other")

    @property
    def json(self) -> dict[str, object]:
        return {
            "outcome": self.outcome,
            "why": self.why,
            "email": self.subscriber.email if self.subscriber else None,
            "message": self.message or None,
            "fault": self.fault or None,
            "enhanced": self.enhanced or None,
            "suppressed": self.suppressed.value if self.suppressed else None,
        }
