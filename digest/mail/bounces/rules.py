"""When what comes back from an address is enough to stop writing to it.

Whose fault a bounce was is settled before it comes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model import Bounced, SuppressionReason

#: the status that says of a mailbox that it is switched off
_DISABLED = "5.2.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """When soft bounces are enough: so many messages that came back within so many days."""

    soft: int = 5
    days: int = 14


def decide(history: Iterable[Bounced], *, now: datetime, rule: Rule) -> SuppressionReason | None:
    """Whether what came back from an address is enough, and for which reason; None = go on writing.

    An address that does not exist is given up at once, one that is switched off at the second
    bounce, all else that may be about the mailbox by the rule. What is about this service or the
    content of a mail never counts.
    """
    bounced = list(history)
    if any(one.fault == "reader" for one in bounced):
        return SuppressionReason.HARD
    soft = [one for one in bounced if one.fault in ("mailbox", "busy")]
    if sum(one.enhanced == _DISABLED for one in soft) >= 2:
        return SuppressionReason.DISABLED
    since = now - timedelta(days=rule.days)
    return SuppressionReason.SOFT if sum(one.at > since for one in soft) >= rule.soft else None
