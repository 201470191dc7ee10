"""Choose the mail server for the next message; avoid unreachable ones."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from time import monotonic

from digest.errors import MailerError
from digest.mail.mailer.pacing import RateLimiter, Wait
from digest.mail.mailer.pool import ConnectionPool
from digest.mail.mailer.server import SmtpServer
from digest.outages import Outage

log = logging.getLogger("digest.mailer")

#: seconds until an unreachable server is tried again: the first, which doubles, and the longest
_FIRST_DOWN, _MAX_DOWN = 5.0, 300.0


@dataclass(kw_only=True, slots=True)
class Route:
    """One server, its connections, and whether it can be reached."""

    pool: ConnectionPool
    #: not tried while it is left alone; it outlives the mailer
    outage: Outage
    #: the last failure; "" = none
    problem: str = ""
    #: what it is owed in the sharing by weight
    credit: int = 0

    @property
    def name(self) -> str:
        return self.pool.server.name


class Router:
    """Chooses among servers.

    Servers without weights stand in for each other in order. Servers with weights share the
    messages by smooth weighted round-robin.

    Args:
        servers: in order.
        limiter: of servers.
        outages: of servers by name; new ones are added.
    """

    def __init__(
        self,
        servers: Sequence[SmtpServer],
        limiter: RateLimiter,
        outages: MutableMapping[str, Outage],
    ) -> None:
        if not servers or len({server.weight > 0 for server in servers}) != 1:
            raise ValueError("one server or more, and either all of them have a weight or none")
        for server in servers:
            # of a single server, whoever sends tells
            outages.setdefault(
                server.name,
                Outage(
                    server=f"mail:{server.name}",
                    log=log,
                    first=_FIRST_DOWN,
                    longest=_MAX_DOWN,
                    quiet=len(servers) == 1,
                ),
            )
        self.routes = [
            Route(pool=ConnectionPool(server), outage=outages[server.name]) for server in servers
        ]
        self.weighted = servers[0].weight > 0
        self._limiter = limiter

    def is_usable(self, route: Route) -> bool:
        """Whether the server can be reached and does not pause."""
        if route.outage.seconds_left():
            return False
        return not self._limiter.current_pause(route.name, monotonic())

    def choose(self) -> Route | Wait:
        """The server for the next message; Wait = every server pauses.

        Raises:
            MailerError: no server can be reached.
        """
        usable = [route for route in self.routes if self.is_usable(route)]
        if not usable:
            return self._shortest_pause()
        if not self.weighted or len(usable) == 1:
            return usable[0]
        for route in usable:
            route.credit += route.pool.server.weight
        chosen = max(usable, key=lambda route: route.credit)
        chosen.credit -= sum(route.pool.server.weight for route in usable)
        return chosen

    def _shortest_pause(self) -> Wait:
        now = monotonic()
        pauses = {
            route.name: pause
            for route in self.routes
            if not route.outage.seconds_left()
            and (pause := self._limiter.current_pause(route.name, now))
        }
        if not pauses:
            raise self.unreachable_error()
        shortest = min(pauses.values(), key=lambda pause: pause.seconds)
        texts = "; ".join(f"{name}: {pause.text}" for name, pause in pauses.items())
        return Wait(shortest.seconds, shortest.reason, texts)

    def mark_down(self, route: Route, error: Exception) -> None:
        """Leave a server alone for a while, with exponential backoff."""
        route.problem = str(error) or type(error).__name__
        route.outage.fail(route.problem)

    def mark_up(self, route: Route) -> None:
        """Record that a server was reached."""
        route.problem = ""
        route.outage.succeed()

    def unreachable_error(self) -> MailerError:
        problems = "; ".join(
            f"mail server {route.name}: {route.problem or 'was down a moment ago'}"
            for route in self.routes
        )
        return MailerError(
            f"{problems}. Nothing was sent; check [smtp] host, port, tls, ca_file and the login"
        )
