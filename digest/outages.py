"""Outages of servers: when to ask again, and what to log.

A server that is down is asked with exponential backoff. The log tells it once when it is down, and
once when it is back.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Outage:
    """Whether one server is down, shared by all threads that ask it.

    Args:
        server: its name in the log.
        log: gets the two lines of each outage.
        first: seconds until it is asked again after the first failure; they double each time.
        longest: seconds at most.
        quiet: log for debugging only, where the caller tells of it.
        clock: returns monotonic seconds.
        jitter: returns a factor of each wait, so that several processes do not ask all at once.
    """

    server: str
    log: logging.Logger
    first: float
    longest: float
    quiet: bool = False
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.0)  # noqa: S311
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    #: failures since it last worked; 0 = it is not down
    _failures: int = 0
    #: steps of the backoff; they outlive an outage, so that one after the other counts as one
    _steps: int = 0
    _down_since: float = 0.0
    _next_try: float = 0.0
    _back_at: float = float("-inf")
    #: what the log tells of it already
    _kind: str = ""

    @property
    def is_down(self) -> bool:
        return self._failures > 0

    def seconds_left(self) -> float:
        """Return the seconds until it may be asked again; 0 = now."""
        return max(0.0, self._next_try - self.clock()) if self._failures else 0.0

    def ask_now(self) -> None:
        """Forget the wait: somebody may have mended it."""
        with self._lock:
            self._next_try, self._steps = 0.0, 0

    def fail(self, reason: str, *, kind: str = "") -> None:
        """Record that it did not work.

        Failures while it is left alone belong to requests that were under way: they count as one.

        Args:
            reason: in words, for the log.
            kind: what is wrong in one word. The log tells it again when the kind changes.
        """
        kind = kind or "down"
        with self._lock:
            now = self.clock()
            if not self._failures:
                self._down_since, self._kind = now, ""
                if now - self._back_at >= self.longest:
                    self._steps = 0
            elif now < self._next_try and kind == self._kind:
                return
            is_news = kind != self._kind
            wait = min(self.longest, self.first * 2.0 ** min(self._steps, 30))
            self._next_try = now + wait * self.jitter()
            self._failures, self._steps, self._kind = self._failures + 1, self._steps + 1, kind
        if is_news:
            level = logging.DEBUG if self.quiet else logging.WARNING
            self.log.log(level, "outage server=%s: %s", self.server, reason)

    def succeed(self) -> None:
        """Record that it works."""
        with self._lock:
            if not self._failures:
                return
            now = self.clock()
            seconds, tries = now - self._down_since, self._failures
            self._failures, self._next_try, self._back_at = 0, 0.0, now
        self.log.log(
            logging.DEBUG if self.quiet else logging.INFO,
            "outage over server=%s seconds=%.0f failed_tries=%d",
            self.server,
            seconds,
            tries,
        )
