"""Rate limiters of servers and domains, which outlive a round's connections."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from digest.mail.mailer.pacing import Backoff, PauseState, Policy, RateLimiter
from digest.model import Pause, PauseKind
from digest.outages import Outage

_SERVER_POLICY = Policy(
    assumed_rate=240.0, retry_during_probe=2.0, busy=Backoff(first=30.0, longest=900.0)
)


@dataclass(kw_only=True)
class RateLimiters:
    """What was learned about servers and domains, kept from mailer to mailer."""

    servers: RateLimiter = field(default_factory=lambda: RateLimiter(policy=_SERVER_POLICY))
    domains: RateLimiter = field(default_factory=RateLimiter)
    #: servers by name that could not be reached
    outages: dict[str, Outage] = field(default_factory=dict)
    #: ends of imported pauses: importing one again would say nothing new
    _imported: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def export_pauses(self) -> list[Pause]:
        """Pauses for other processes, unordered."""
        now, clock = datetime.now(UTC), monotonic()
        return [
            Pause(
                kind=kind,
                name=name,
                until=now + timedelta(seconds=state.seconds),
                reason=state.reason,
                text=state.text,
                strikes=state.strikes,
                rate=None if state.rate == math.inf else state.rate,
            )
            for kind, limiter in self._by_kind().items()
            for name, state in limiter.export_pauses(clock).items()
        ]

    def import_pause(self, pause: Pause) -> None:
        """Take over what another process learned."""
        if self._imported.get((pause.kind, pause.name)) == pause.until:
            return
        self._imported[pause.kind, pause.name] = pause.until
        state = PauseState(
            seconds=(pause.until - datetime.now(UTC)).total_seconds(),
            reason=pause.reason,
            text=pause.text,
            strikes=pause.strikes,
            rate=math.inf if pause.rate is None else pause.rate,
        )
        self._by_kind()[pause.kind].import_pause(pause.name, monotonic(), state)

    def _by_kind(self) -> dict[PauseKind, RateLimiter]:
        return {"server": self.servers, "domain": self.domains}
