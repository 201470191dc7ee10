"""Whether the loops of a process advance.

Each loop says again and again within how many seconds it will be heard of next. One that is overdue
is stalled: the watchdog gets no more pings, and the health checks say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from digest.web.health import Condition

State = Literal["starting", "running", "stopping"]


class Pulse:
    """The loops of a process by name, and when each is to be heard of next.

    Args:
        roles: of the process.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, roles: tuple[str, ...] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.roles = roles
        self.state: State = "starting"
        self._clock = clock
        self._lock = threading.Lock()
        #: loop -> (when it was heard of last, when it is overdue)
        self._loops: dict[str, tuple[float, float]] = {}

    def add_loop(self, name: str) -> Callable[[float], None]:
        """Return what the loop calls with the seconds until its next call, at most."""

        def advance(seconds: float) -> None:
            now = self._clock()
            with self._lock:
                self._loops[name] = now, now + seconds

        return advance

    def remove_loop(self, name: str) -> None:
        """Expect nothing more of a loop."""
        with self._lock:
            self._loops.pop(name, None)

    def find_stalled(self) -> dict[str, float]:
        """Return the overdue loops, with the seconds since they were heard of."""
        now = self._clock()
        with self._lock:
            return {
                name: now - heard for name, (heard, overdue) in self._loops.items() if now > overdue
            }

    def describe(self) -> Condition:
        """Return the condition of the process for its health checks."""
        if stalled := self.find_stalled():
            texts = [f"{name} has not advanced for {age:.0f} s" for name, age in stalled.items()]
            return Condition(roles=self.roles, reason="stalled", detail="; ".join(texts))
        return Condition(roles=self.roles, reason="" if self.state == "running" else self.state)
