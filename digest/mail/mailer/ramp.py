"""How many messages a day a fresh sender may send: the rule, without clock or store.

Receivers distrust a domain or server that suddenly sends much. So the limit of a day begins small
and grows with what was really sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: after so many days without a message a sender is fresh again
FORGOTTEN_DAYS = 30
#: part of a day's limit that must be used, or the next day's does not grow
_USED = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Ramp:
    """What the operator allows."""

    #: messages on the first day; 0 = no ramp
    start: int = 0
    #: factor from one day to the next
    growth: float = 1.5
    #: messages a day at most; 0 = no limit
    most: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether a day has a limit at all."""
        return bool(self.start or self.most)

    def first_limit(self, busiest: int) -> int:
        """Return the limit of the first day.

        Args:
            busiest: messages of the busiest day that is known of an older sender; 0 = none.
        """
        if not self.start:
            return self.most
        return self._cap(max(self.start, math.ceil(busiest * self.growth)))

    def next_limit(self, limit: int, sent: int, days: int) -> int:
        """Return the limit of a day from that of the last day on which something was due.

        Args:
            limit: of that day.
            sent: messages of that day.
            days: from that day to this one, 1 or more.
        """
        if not self.start:
            return self.most
        if days >= FORGOTTEN_DAYS:
            return self.first_limit(0)
        is_used = sent >= limit * _USED
        return self._cap(max(self.start, math.ceil(limit * self.growth) if is_used else limit))

    def adjust(self, limit: int) -> int:
        """Return the limit of a day that has begun, after the operator's settings changed."""
        return self._cap(max(self.start, limit)) if self.start else self.most

    def _cap(self, limit: int) -> int:
        return min(limit, self.most) if self.most else limit
