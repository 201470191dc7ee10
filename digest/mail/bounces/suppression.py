"""Decide when bounces are enough to stop writing to an address.

Whose fault a bounce was is known before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model import Bounced, SuppressionReason

#: the status of a mailbox that is disabled
_DISABLED = "5.2.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionPolicy:
    """How many soft bounces within how many days suppress an address."""

    soft: int = 5
    days: int = 14


def suppression_reason(
    history: Iterable[Bounced], *, now: datetime, policy: SuppressionPolicy
) -> SuppressionReason | None:
    """The reason to suppress an address, given its bounces; None = go on writing.

    An address that does not exist is suppressed at once, a disabled one at the second bounce, and
    one with soft bounces by the policy. Bounces about this service or the content of a mail never
    count.
    """
    bounces = list(history)
    if any(bounce.fault == "reader" for bounce in bounces):
        return SuppressionReason.HARD
    soft = [bounce for bounce in bounces if bounce.fault in ("mailbox", "busy")]
    if sum(bounce.enhanced == _DISABLED for bounce in soft) >= 2:
        return SuppressionReason.DISABLED
    since = now - timedelta(days=policy.days)
    recent = sum(bounce.at > since for bounce in soft)
    return SuppressionReason.SOFT if recent >= policy.soft else None
