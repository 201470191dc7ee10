"""Messages to mail servers: which server, when, and what a reply changes for the messages after it.

The rates and pauses that were learned live in `Paces`, which outlives the mailer; connections live
and end with it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from digest.errors import MailerError
from digest.mail.mailer.base import EVERYWHERE, Begin
from digest.mail.mailer.envelope import Envelope, UnsendableError, address, paced
from digest.mail.mailer.pacing import Learned, Limits, Pace, Pauses, Wait
from digest.mail.mailer.pool import Pool
from digest.mail.mailer.replies import Verdict
from digest.mail.mailer.session import ConnectError, Result, SmtpServer, StaleError
from digest.model import Delivery, Message, Pause, PauseKind, Phase

log = logging.getLogger("digest.mailer")

#: seconds for which a delivery waits for its server's turn before the message goes back
PATIENCE = 60.0
#: seconds after which a server that could not be reached is tried again: the first, which doubles,
#: and the longest
_DOWN_FIRST, _DOWN_LONGEST = 5.0, 300.0

_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")

_SERVER_LIMITS = Limits(guess=240.0, behind=2.0, busy=Pauses(first=30.0, longest=900.0))


@dataclass(kw_only=True)
class Paces:
    """What was learned of servers and of recipient domains; shared by the mailers of one process,
    one after the other.
    """

    servers: Pace = field(default_factory=lambda: Pace(limits=_SERVER_LIMITS))
    domains: Pace = field(default_factory=Pace)
    #: ends of pauses that were heeded: heard again, they say nothing new
    _heeded: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def learned(self) -> list[Pause]:
        """What complaints taught, for other processes; in no order."""
        now, clock = datetime.now(UTC), monotonic()
        return [
            Pause(
                kind=kind,
                name=name,
                until=now + timedelta(seconds=one.seconds),
                reason=one.why,
                text=one.text,
                strikes=one.strikes,
                rate=None if one.rate == math.inf else one.rate,
            )
            for kind, pace in self._kinds()
            for name, one in pace.learned(clock).items()
        ]

    def heed(self, pause: Pause) -> None:
        """Take over what another process learned."""
        if self._heeded.get((pause.kind, pause.name)) == pause.until:
            return
        self._heeded[pause.kind, pause.name] = pause.until
        seconds = (pause.until - datetime.now(UTC)).total_seconds()
        rate = math.inf if pause.rate is None else pause.rate
        learned = Learned(
            seconds=seconds, why=pause.reason, text=pause.text, strikes=pause.strikes, rate=rate
        )
        dict(self._kinds())[pause.kind].heed(pause.name, monotonic(), learned)

    def _kinds(self) -> tuple[tuple[PauseKind, Pace], ...]:
        return ("server", self.servers), ("domain", self.domains)


@dataclass(kw_only=True, slots=True)
class _Route:
    """One server, and what is known of the way to it."""

    pool: Pool
    #: not tried before this, since it could not be reached, and why
    down_until: float = -math.inf
    failures: int = 0
    problem: str = ""
    #: what it is owed in the sharing by weight
    credit: int = 0

    @property
    def name(self) -> str:
        return self.pool.server.name


class SmtpMailer:
    """Connections to one or more servers; as many deliveries at once as `connections`, more wait
    for their turn.

    Servers without weights stand in for each other in order; with weights they share the messages.
    """

    def __init__(
        self,
        servers: Sequence[SmtpServer],
        paces: Paces | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        if not servers or len({server.weight > 0 for server in servers}) != 1:
            raise ValueError("one server or more, and either all of them have a weight or none")
        self._servers = tuple(servers)
        self._routes = [_Route(pool=Pool(server)) for server in servers]
        self._weighted = servers[0].weight > 0
        self._paces = paces or Paces()
        self._paces.servers.ceilings.update(
            {server.name: server.per_minute or math.inf for server in servers}
        )
        self._patience = patience

    @property
    def connections(self) -> int:
        each = [server.connections for server in self._servers]
        return sum(each) if self._weighted else max(each)

    def holds(self) -> dict[str, datetime]:
        now, clock = datetime.now(UTC), monotonic()
        held = {
            domain: now + timedelta(seconds=seconds)
            for domain, seconds in self._paces.domains.holds(clock).items()
        }
        pauses = [self._paces.servers.pause(route.name, clock) for route in self._routes]
        if all(pauses):
            held[EVERYWHERE] = now + timedelta(
                seconds=min(pause.seconds for pause in pauses if pause)
            )
        return held

    def turn(self, domain: str, before: int) -> datetime | None:
        wait = self._paces.domains.queued(paced(domain), monotonic(), before)
        return None if wait is None else datetime.now(UTC) + timedelta(seconds=wait.seconds)

    def pauses(self) -> list[Pause]:
        return self._paces.learned()

    def heed(self, pauses: Iterable[Pause]) -> None:
        for pause in pauses:
            self._paces.heed(pause)

    async def open(self) -> None:
        for route in self._routes:
            try:
                session = await route.pool.acquire()
            except ConnectError as error:
                self._trouble(route, error)
                continue
            if session is not None:
                route.pool.release(session)
            return
        if all(route.problem for route in self._routes):
            raise self._unreachable()

    async def close(self) -> None:
        await asyncio.gather(
            *(route.pool.close() for route in self._routes), return_exceptions=True
        )

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        started = datetime.now(UTC)
        try:
            envelope = address(message)
        except UnsendableError as error:
            verdict = Verdict(outcome="rejected", fault=error.fault, enhanced=error.enhanced)
            return _delivery("", Result(Phase.MAIL, verdict, 0, str(error)), started)
        domains, domain = self._paces.domains, envelope.domain
        turn = domains.take(domain, monotonic())
        if isinstance(turn, Wait):
            return _held(f"{domain} takes nothing now: {turn.text}", turn, started)
        try:
            route, result = await self._hand_over(envelope, message, begin)
        except BaseException:
            domains.silent(domain)
            raise
        if isinstance(result, Wait):
            domains.silent(domain)
            return _held(f"no mail server takes anything now: {result.text}", result, started)
        seconds = self._learn(route, domain, result)
        return _delivery(route.name if route else "", result, started, seconds)

    # ------------------------------------------------------------------------------------------ one
    # message

    async def _hand_over(
        self, envelope: Envelope, message: Message, begin: Begin
    ) -> tuple[_Route | None, Result | Wait]:
        """Over whichever server takes it. Wait: none will, for so long.

        Raises:
            MailerError: no server can be reached.
        """
        deadline = monotonic() + self._patience
        while True:
            route = self._choose()
            if isinstance(route, Wait):
                if monotonic() + route.seconds > deadline:
                    return None, route
                await asyncio.sleep(route.seconds)
                continue
            try:
                result = await self._over(route, deadline, envelope, message, begin)
            except (ConnectError, StaleError) as error:
                self._paces.servers.silent(route.name)
                if isinstance(error, ConnectError):
                    self._trouble(route, error)
                continue
            except BaseException:
                self._paces.servers.silent(route.name)
                raise
            finally:
                # whoever was woken and could not use it, or was cancelled, passes the turn on
                route.pool.wake()
            if isinstance(result, Wait):
                if monotonic() + result.seconds > deadline:
                    return None, result
                await asyncio.sleep(result.seconds)
            elif result is not None and not self._goes_elsewhere(route, result):
                return route, result

    async def _over(
        self, route: _Route, deadline: float, envelope: Envelope, message: Message, begin: Begin
    ) -> Result | Wait | None:
        """Over one connection of this server.

        Wait: it is not this message's turn; None: there was no connection, choose again.
        """
        session = await route.pool.acquire()
        if session is None:
            return None
        route.failures, route.problem, route.down_until = 0, "", -math.inf
        try:
            turn = self._paces.servers.take(
                route.name, monotonic(), patience=max(0.0, deadline - monotonic())
            )
            if isinstance(turn, Wait):
                return turn
            if turn.after:
                await asyncio.sleep(turn.after)
            return await session.deliver(envelope, message, begin)
        finally:
            route.pool.release(session)

    def _goes_elsewhere(self, route: _Route, result: Result) -> bool:
        """Whether another server may take the same message: this one takes nothing now, and got
        nothing of it.
        """
        if result.verdict.slow != "server" or result.phase is Phase.BODY:
            return False
        self._slow_server(route, result)
        return any(self._usable(other) for other in self._routes)

    def _learn(self, route: _Route | None, domain: str, result: Result) -> float | None:
        """What the reply changes for the next messages; seconds after which this one may come back,
        where that is known.
        """
        domains, verdict, now = self._paces.domains, result.verdict, monotonic()
        if route is None:
            return None
        if verdict.slow == "server":
            domains.silent(domain)
            return self._slow_server(route, result)
        if result.code:
            self._paces.servers.well(route.name, now)
        elif verdict.outcome != "unknown":
            self._paces.servers.silent(route.name)
        elif (seconds := self._paces.servers.vanished(route.name, now, _words(result))) is not None:
            log.warning(
                "mail server %s is paused for %.0f s, it does not answer for messages: %s",
                route.name,
                seconds,
                _words(result),
            )
        if verdict.slow == "domain":
            return self._slow_domain(domain, result)
        if verdict.outcome in ("accepted", "rejected") and result.code:
            domains.well(domain, now)
        else:
            domains.silent(domain)
        return None

    def _slow_domain(self, domain: str, result: Result) -> float:
        domains, now = self._paces.domains, monotonic()
        already = domains.pause(domain, now)
        seconds = domains.slow(
            domain, now, "ours" if result.verdict.fault == "ours" else "busy", _words(result)
        )
        if not already:
            log.warning("%s is paused for %.0f s: %s", domain, seconds, _words(result))
        return seconds

    def _slow_server(self, route: _Route, result: Result) -> float:
        servers, now = self._paces.servers, monotonic()
        already = servers.pause(route.name, now)
        seconds = servers.slow(
            route.name, now, "ours" if result.verdict.fault == "ours" else "busy", _words(result)
        )
        if not already:
            log.warning(
                "mail server %s is paused for %.0f s: %s", route.name, seconds, _words(result)
            )
        return seconds

    # ------------------------------------------------------------------------------------------
    # servers and connections

    def _usable(self, route: _Route) -> bool:
        now = monotonic()
        return now >= route.down_until and not self._paces.servers.pause(route.name, now)

    def _choose(self) -> _Route | Wait:
        """The server whose turn it is.

        Raises:
            MailerError: none can be reached.
        """
        usable = [route for route in self._routes if self._usable(route)]
        if not usable:
            now = monotonic()
            reached = [route.name for route in self._routes if now >= route.down_until]
            pauses = {
                name: pause for name in reached if (pause := self._paces.servers.pause(name, now))
            }
            if not pauses:
                raise self._unreachable()
            first = min(pauses.values(), key=lambda pause: pause.seconds)
            return Wait(
                first.seconds,
                first.why,
                "; ".join(f"{name}: {pause.text}" for name, pause in pauses.items()),
            )
        if not self._weighted or len(usable) == 1:
            return usable[0]
        for route in usable:
            route.credit += route.pool.server.weight
        chosen = max(usable, key=lambda route: route.credit)
        chosen.credit -= sum(route.pool.server.weight for route in usable)
        return chosen

    def _trouble(self, route: _Route, error: ConnectError) -> None:
        """No connection to this server: it is busy, or cannot be reached or logged in to."""
        now = monotonic()
        if error.busy:
            verdict = Verdict(outcome="deferred", fault="busy", slow="server")
            self._slow_server(route, Result(Phase.CONNECT, verdict, 0, str(error)))
        elif now >= route.down_until:
            route.problem = str(error) or type(error).__name__
            route.down_until = now + min(
                _DOWN_LONGEST, _DOWN_FIRST * 2.0 ** min(route.failures, 20)
            )
            route.failures += 1
            log.warning("mail server %s cannot be used: %s", route.name, error)

    def _unreachable(self) -> MailerError:
        told = "; ".join(f"mail server {route.name}: {route.problem}" for route in self._routes)
        return MailerError(
            f"{told}. Nothing was sent; check [smtp] host, port, tls, ca_file and the login"
        )


def _words(result: Result) -> str:
    """The reply for the log and for what else is held back by it: without the address that it was
    about, which is nobody's there.
    """
    return " ".join(
        part for part in (str(result.code or ""), _ADDRESS.sub("...@...", result.text)) if part
    )


def _held(text: str, wait: Wait, started: datetime) -> Delivery:
    return _delivery(
        "",
        Result(Phase.CONNECT, Verdict(outcome="deferred", fault=wait.why), 0, text),
        started,
        wait.seconds,
    )


def _delivery(
    server: str, result: Result, started: datetime, seconds: float | None = None
) -> Delivery:
    ended = datetime.now(UTC)
    return Delivery(
        outcome=result.verdict.outcome,
        server=server,
        phase=result.phase,
        code=result.code,
        text=result.text,
        enhanced=result.verdict.enhanced,
        fault=result.verdict.fault,
        retry_at=None if seconds is None else ended + timedelta(seconds=seconds),
        started=started,
        ended=ended,
    )
