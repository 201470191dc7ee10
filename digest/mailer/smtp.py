"""Messages to mail servers over a few connections that are kept: which server, which connection, when, and what a reply changes for the next.

The rates and pauses that were learned live in `Paces`, which outlives the mailer; connections live and end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from digest.errors import MailerError
from digest.mailer.base import EVERYWHERE, Begin
from digest.mailer.envelope import Envelope, UnsendableError, address
from digest.mailer.pacing import Limits, Pace, Pauses, Wait
from digest.mailer.replies import Verdict
from digest.mailer.session import ConnectError, Result, Session, SmtpServer, StaleError
from digest.model import Delivery, Fault, Message, Phase

log = logging.getLogger("digest.mailer")

#: seconds for which a delivery waits for its server's turn before the message goes back
PATIENCE = 60.0
#: seconds after which a server that could not be reached is tried again: the first, which doubles, and the longest
_DOWN_FIRST, _DOWN_LONGEST = 5.0, 300.0
#: seconds for which a server that refused one more connection is not asked for more
_LIMIT_BELIEVED = 60.0

_SERVER_LIMITS = Limits(guess=240.0, behind=2.0, busy=Pauses(first=30.0, longest=900.0))


@dataclass(kw_only=True)
class Paces:
    """What was learned of servers and of recipient domains; shared by the mailers of one process, one after the other."""

    servers: Pace = field(default_factory=lambda: Pace(limits=_SERVER_LIMITS))
    domains: Pace = field(default_factory=Pace)


@dataclass(kw_only=True, slots=True)
class _Route:
    """One server and the connections to it."""

    server: SmtpServer
    #: connections at once that the server was found to allow, and until when that is believed
    limit: int
    limit_until: float = -math.inf
    idle: list[Session] = field(default_factory=list)
    #: connections that stand, idle or in use, and those being made
    live: int = 0
    opening: int = 0
    #: not tried before this, since it could not be reached, and why
    down_until: float = -math.inf
    failures: int = 0
    problem: str = ""
    #: what it is owed in the sharing by weight
    credit: int = 0
    context: ssl.SSLContext | None = None


class SmtpMailer:
    """Connections to one or more servers; as many deliveries at once as `connections`, more wait for their turn.

    Servers without weights stand in for each other in order; with weights they share the messages.
    """

    def __init__(self, servers: Sequence[SmtpServer], paces: Paces | None = None, *, patience: float = PATIENCE) -> None:
        if not servers or len({server.weight > 0 for server in servers}) != 1:
            raise ValueError("one server or more, and either all of them have a weight or none")
        self._routes = [_Route(server=server, limit=server.connections) for server in servers]
        self._weighted = servers[0].weight > 0
        self._paces = paces or Paces()
        self._paces.servers.ceilings.update({server.name: server.per_minute or math.inf for server in servers})
        self._patience = patience
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._parting: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        each = [route.server.connections for route in self._routes]
        return sum(each) if self._weighted else max(each)

    def holds(self) -> dict[str, datetime]:
        now, clock = datetime.now(UTC), self._now()
        held = {domain: now + timedelta(seconds=seconds) for domain, seconds in self._paces.domains.holds(clock).items()}
        pauses = [self._paces.servers.pause(route.server.name, clock) for route in self._routes]
        if all(pauses):
            held[EVERYWHERE] = now + timedelta(seconds=min(pause.seconds for pause in pauses if pause))
        return held

    async def open(self) -> None:
        for route in self._routes:
            try:
                route.idle.append(await self._connect(route))
            except ConnectError as error:
                self._trouble(route, error)
            else:
                return
        if all(route.problem for route in self._routes):
            raise self._unreachable()

    async def close(self) -> None:
        sessions = [session for route in self._routes for session in route.idle]
        for route in self._routes:
            route.live -= len(route.idle)
            route.idle.clear()
        await asyncio.gather(*(session.close() for session in sessions), *self._parting, return_exceptions=True)

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        started = datetime.now(UTC)
        try:
            envelope = address(message)
        except UnsendableError as error:
            verdict = Verdict(outcome="rejected", fault=error.fault, enhanced=error.enhanced)
            return _delivery("", Result(Phase.MAIL, verdict, 0, str(error)), started)
        domains, domain = self._paces.domains, envelope.domain
        turn = domains.take(domain, self._now())
        if isinstance(turn, Wait):
            return _held(f"{domain} is paused: {turn.text}", turn, started)
        try:
            route, result = await self._hand_over(envelope, message, begin)
        except BaseException:
            domains.silent(domain)
            raise
        if isinstance(result, Wait):
            domains.silent(domain)
            return _held(f"no mail server takes anything now: {result.text}", result, started)
        seconds = self._learn(route, domain, result)
        return _delivery(route.server.name if route else "", result, started, seconds)

    # ------------------------------------------------------------------------------------------ one message

    async def _hand_over(self, envelope: Envelope, message: Message, begin: Begin) -> tuple[_Route | None, Result | Wait]:
        """Over whichever connection takes it. Wait: none will, for so long.

        Raises:
            MailerError: no server can be reached.
        """
        try:
            return await self._until_taken(envelope, message, begin)
        finally:
            self._wake()  # whoever was woken for this and could not use it passes the turn on

    async def _until_taken(self, envelope: Envelope, message: Message, begin: Begin) -> tuple[_Route | None, Result | Wait]:
        deadline = self._now() + self._patience
        while True:
            route = self._choose()
            if isinstance(route, Wait):
                if self._now() + route.seconds > deadline:
                    return None, route
                self._wake()
                await asyncio.sleep(route.seconds)
                continue
            session = await self._acquire(route)
            if session is None:
                continue
            try:
                turn = self._paces.servers.take(route.server.name, self._now(), patience=deadline - self._now())
                if isinstance(turn, Wait):
                    if self._now() + turn.seconds > deadline:
                        return None, turn
                    self._release(route, session)
                    session = None
                    await asyncio.sleep(turn.seconds)
                    continue
                if turn.after:
                    await asyncio.sleep(turn.after)
                result = await session.deliver(envelope, message, begin)
            except StaleError:
                self._paces.servers.silent(route.server.name)
                continue
            except BaseException:
                self._paces.servers.silent(route.server.name)
                raise
            finally:
                if session is not None:
                    self._release(route, session)
            if result.verdict.slow == "server" and result.phase is not Phase.BODY and self._elsewhere(route, result):
                continue
            return route, result

    def _elsewhere(self, route: _Route, result: Result) -> bool:
        """Pause a server that takes nothing now; whether another may take the same message, of which nothing was sent."""
        self._slow_server(route, result)
        return any(self._usable(other) for other in self._routes)

    def _learn(self, route: _Route | None, domain: str, result: Result) -> float | None:
        """What the reply changes for the next messages; seconds after which this one may come back, where that is known."""
        domains, servers, verdict, now = self._paces.domains, self._paces.servers, result.verdict, self._now()
        if route is None:
            return None
        name = route.server.name
        if verdict.slow == "server":
            domains.silent(domain)
            return self._slow_server(route, result)
        if result.code:
            servers.well(name, now)
        else:
            servers.silent(name)
        if verdict.slow == "domain":
            already = domains.pause(domain, now)
            seconds = domains.slow(domain, now, "ours" if verdict.fault == "ours" else "busy", _words(result))
            if not already:
                log.warning("%s is paused for %.0f s: %s", domain, seconds, _words(result))
            return seconds if verdict.outcome == "deferred" else None
        if verdict.outcome in ("accepted", "rejected") and result.code:
            domains.well(domain, now)
        else:
            domains.silent(domain)
        return None

    def _slow_server(self, route: _Route, result: Result) -> float:
        servers, name, now = self._paces.servers, route.server.name, self._now()
        already = servers.pause(name, now)
        seconds = servers.slow(name, now, "ours" if result.verdict.fault == "ours" else "busy", _words(result))
        if not already:
            log.warning("mail server %s is paused for %.0f s: %s", name, seconds, _words(result))
        return seconds

    # ------------------------------------------------------------------------------------------ servers and connections

    def _usable(self, route: _Route) -> bool:
        now = self._now()
        return now >= route.down_until and not self._paces.servers.pause(route.server.name, now)

    def _choose(self) -> _Route | Wait:
        """The server whose turn it is.

        Raises:
            MailerError: none can be reached.
        """
        usable = [route for route in self._routes if self._usable(route)]
        if not usable:
            now = self._now()
            reached = [route.server.name for route in self._routes if now >= route.down_until]
            pauses = {name: pause for name in reached if (pause := self._paces.servers.pause(name, now))}
            if not pauses:
                raise self._unreachable()
            first = min(pauses.values(), key=lambda pause: pause.seconds)
            return Wait(first.seconds, first.why, "; ".join(f"{name}: {pause.text}" for name, pause in pauses.items()))
        if not self._weighted or len(usable) == 1:
            return usable[0]
        for route in usable:
            route.credit += route.server.weight
        chosen = max(usable, key=lambda route: route.credit)
        chosen.credit -= sum(route.server.weight for route in usable)
        return chosen

    async def _acquire(self, route: _Route) -> Session | None:
        """A connection of this server; None = something changed meanwhile, choose again."""
        while route.idle:
            session = route.idle.pop()  # the one used last: the others may end by their own custom
            if not session.over:
                return session
            self._end(route, session)
        allowed = route.limit if self._now() < route.limit_until else route.server.connections
        if route.live + route.opening < allowed:
            try:
                return await self._connect(route)
            except ConnectError as error:
                self._trouble(route, error)
                return None
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()  # it was this one's turn; pass it on
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
        return None

    async def _connect(self, route: _Route) -> Session:
        server = route.server
        route.opening += 1
        try:
            if route.context is None and server.tls != "none":
                route.context = _context(server)
            session = await Session.open(server, route.context)
        finally:
            route.opening -= 1
            self._wake()
        route.live += 1
        route.failures, route.problem, route.down_until = 0, "", -math.inf
        return session

    def _trouble(self, route: _Route, error: ConnectError) -> None:
        """No connection: where others stand, the server allows no more than those; else it is busy or cannot be reached."""
        now = self._now()
        if route.live:
            route.limit, route.limit_until = route.live, now + _LIMIT_BELIEVED
        elif error.busy:
            verdict = Verdict(outcome="deferred", fault="busy", slow="server")
            self._slow_server(route, Result(Phase.CONNECT, verdict, 0, str(error)))
        elif now >= route.down_until:
            route.problem = str(error)
            route.down_until = now + min(_DOWN_LONGEST, _DOWN_FIRST * 2.0 ** min(route.failures, 20))
            route.failures += 1
            log.warning("mail server %s cannot be used: %s", route.server.name, error)
        self._wake(everybody=True)

    def _release(self, route: _Route, session: Session) -> None:
        if session.over:
            self._end(route, session)
        else:
            route.idle.append(session)
        self._wake()

    def _end(self, route: _Route, session: Session) -> None:
        route.live -= 1
        task = asyncio.get_running_loop().create_task(session.close())
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    def _wake(self, *, everybody: bool = False) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                if not everybody:
                    return

    def _unreachable(self) -> MailerError:
        told = "; ".join(f"mail server {route.server.name}: {route.problem}" for route in self._routes)
        return MailerError(f"{told}. Nothing was sent; check [smtp] host, port, tls and the login")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _context(server: SmtpServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise ConnectError(f"ca_file {server.ca_file}: no certificates can be read from it ({error})") from error


def _words(result: Result) -> str:
    return " ".join(part for part in (str(result.code or ""), result.text) if part)


def _held(text: str, wait: Wait, started: datetime) -> Delivery:
    fault: Fault = wait.why
    return _delivery("", Result(Phase.CONNECT, Verdict(outcome="deferred", fault=fault), 0, text), started, wait.seconds)


def _delivery(server: str, result: Result, started: datetime, seconds: float | None = None) -> Delivery:
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
