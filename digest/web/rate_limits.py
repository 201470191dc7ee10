"""Token buckets: how many requests of each caller are answered.

They are kept in memory, so each process that serves the API counts for itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

#: callers that are remembered; the one that was not seen for longest is forgotten first
_CALLERS_MAX = 10_000
#: seconds in which an empty bucket is full again
WINDOW = 60
#: what rounding may take from a token
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """Whether a request may be answered, and what is left."""

    limit: int
    remaining: int
    #: seconds until the bucket is full again
    reset: int
    #: seconds until the next request may be answered; 0 = this one may
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset}',
        } | ({"Retry-After": str(self.retry_after)} if self.retry_after else {})


class RateLimits:
    """A bucket for each caller, which holds the requests of a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        #: caller -> (tokens, when they were counted)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, limit: int) -> Allowance:
        """Take a token of a caller.

        Args:
            limit: tokens of a full bucket, which fills in a minute.
        """
        per_second = limit / WINDOW
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.get(caller, (float(limit), now))
            tokens = min(limit, tokens + max(0.0, now - since) * per_second)
            allowed = tokens >= 1 - _ROUNDING
            if allowed:
                tokens = max(0.0, tokens - 1)
            self._buckets[caller] = (tokens, now)
            self._buckets.move_to_end(caller)
            while len(self._buckets) > _CALLERS_MAX:
                self._buckets.popitem(last=False)
        return Allowance(
            limit=limit,
            remaining=int(tokens),
            reset=math.ceil((limit - tokens) / per_second),
            retry_after=0 if allowed else max(1, math.ceil((1 - tokens) / per_second)),
        )
