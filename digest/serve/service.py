"""What the parts of a running service share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from digest.app import App
from digest.outages import Outage
from digest.scheduler import STALLED_AFTER, Scheduler, Verb
from digest.serve.database_gate import DatabaseGate
from digest.serve.pulse import Pulse

log = logging.getLogger("digest.serve")


class Service:
    """The app of a running service, and how its parts begin, advance and stop.

    Args:
        app: a reload replaces it as a whole; a verb that runs goes on with the one it began with.
        pulse: of the process.
    """

    def __init__(self, app: App, pulse: Pulse | None = None) -> None:
        self.app = app
        self.pulse = pulse or Pulse()
        self.stopping = threading.Event()
        self.gate = DatabaseGate(app.store, log)
        #: of servers, which a reload lets be asked at once
        self.outages: list[Outage] = []

    def make_outage(self, server: str, *, first: float, longest: float) -> Outage:
        """Make the outage of a server; the arguments are those of `Outage`."""
        outage = Outage(server=server, log=log, first=first, longest=longest)
        self.outages.append(outage)
        return outage

    def make_clock(
        self, name: str, seconds: Callable[[], float], *make: Callable[[Loop], Verb]
    ) -> Scheduler:
        """Make the scheduler of some verbs, which are one loop of the pulse."""
        loop = Loop(service=self, advance=self.pulse.add_loop(name))
        return Scheduler(
            [make_verb(loop) for make_verb in make],
            seconds=seconds,
            advance=loop.advance,
            gate=self.gate,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """What the verbs of one clock work with."""

    service: Service
    #: called with the seconds within which the next call comes
    advance: Callable[[float], None] = field(repr=False)

    @property
    def app(self) -> App:
        return self.service.app

    def stop(self) -> bool:
        """Return whether to stop; to ask is a sign of life."""
        self.advance(STALLED_AFTER)
        return self.service.stopping.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        self.advance(seconds + STALLED_AFTER)
        self.service.stopping.wait(seconds)
