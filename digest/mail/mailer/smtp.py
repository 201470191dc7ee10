"""Deliver messages to mail servers, and learn from their replies.

Learned rates and pauses live in `RateLimiters`, which outlives the mailer; connections do not.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from digest.mail.mailer.base import ALL_DOMAINS, Begin
from digest.mail.mailer.envelope import Envelope, UnsendableError, domain_key, make_envelope
from digest.mail.mailer.limits import RateLimiters
from digest.mail.mailer.pacing import RateLimiter, Wait
from digest.mail.mailer.replies import Verdict
from digest.mail.mailer.routing import Route, Router
from digest.mail.mailer.server import ConnectError, SmtpServer, StaleError
from digest.mail.mailer.session import Result
from digest.model import Delivery, Message, Pause, PauseReason, Phase

log = logging.getLogger("digest.mailer")

#: seconds that a delivery waits for a server's next slot before the message is deferred
PATIENCE = 60.0

_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A message on its way."""

    envelope: Envelope
    message: Message
    begin: Begin
    #: monotonic time after which it is deferred instead of waiting longer
    deadline: float


class SmtpMailer:
    """Connections to one or more servers; further deliveries wait their turn."""

    def __init__(
        self,
        servers: Sequence[SmtpServer],
        limiters: RateLimiters | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._servers = tuple(servers)
        self._limiters = limiters or RateLimiters()
        self._router = Router(servers, self._limiters.servers, self._limiters.outages)
        self._limiters.servers.max_rates.update(
            {server.name: server.per_minute or math.inf for server in servers}
        )
        self._patience = patience

    @property
    def connections(self) -> int:
        counts = [server.connections for server in self._servers]
        return sum(counts) if self._router.weighted else max(counts)

    def paused_domains(self) -> dict[str, datetime]:
        now, clock = datetime.now(UTC), monotonic()
        paused = {
            domain: now + timedelta(seconds=seconds)
            for domain, seconds in self._limiters.domains.paused(clock).items()
        }
        pauses = [
            self._limiters.servers.current_pause(route.name, clock) for route in self._router.routes
        ]
        if all(pauses):
            shortest = min(pause.seconds for pause in pauses if pause)
            paused[ALL_DOMAINS] = now + timedelta(seconds=shortest)
        return paused

    def next_slot(self, domain: str, ahead: int) -> datetime | None:
        wait = self._limiters.domains.peek(domain_key(domain), monotonic(), ahead)
        return None if wait is None else datetime.now(UTC) + timedelta(seconds=wait.seconds)

    def pauses(self) -> list[Pause]:
        return self._limiters.export_pauses()

    def import_pauses(self, pauses: Iterable[Pause]) -> None:
        for pause in pauses:
            self._limiters.import_pause(pause)

    async def open(self) -> None:
        # One that was down a moment ago is asked if no other one answers.
        for route in sorted(self._router.routes, key=lambda route: route.outage.is_down):
            try:
                session = await route.pool.acquire()
            except ConnectError as error:
                self._connection_failed(route, error)
                continue
            if session is not None:
                route.pool.release(session)
                self._router.mark_up(route)
            return
        if all(route.problem for route in self._router.routes):
            raise self._router.unreachable_error()

    async def close(self) -> None:
        await asyncio.gather(
            *(route.pool.close() for route in self._router.routes), return_exceptions=True
        )

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        started = datetime.now(UTC)
        try:
            envelope = make_envelope(message)
        except UnsendableError as error:
            verdict = Verdict(outcome="rejected", fault=error.fault, enhanced=error.enhanced)
            return _delivery("", Result(Phase.MAIL, verdict, 0, str(error)), started)
        domains, domain = self._limiters.domains, envelope.domain
        slot = domains.take(domain, monotonic())
        if isinstance(slot, Wait):
            return _defer(f"{domain} takes nothing now: {slot.text}", slot, started)
        attempt = _Attempt(envelope, message, begin, monotonic() + self._patience)
        try:
            route, result = await self._hand_over(attempt)
        except BaseException:
            domains.release_probe(domain)
            raise
        if isinstance(result, Wait):
            domains.release_probe(domain)
            return _defer(f"no mail server takes anything now: {result.text}", result, started)
        retry_seconds = self._learn(route, domain, result)
        return _delivery(route.name if route else "", result, started, retry_seconds)

    # ------------------------------------------------------------------------------------------
    # one message

    async def _hand_over(self, attempt: _Attempt) -> tuple[Route | None, Result | Wait]:
        """Deliver over any server; Wait = none takes it before the deadline.

        Raises:
            MailerError: no server can be reached.
        """
        while True:
            route = self._router.choose()
            if isinstance(route, Wait):
                if monotonic() + route.seconds > attempt.deadline:
                    return None, route
                await asyncio.sleep(route.seconds)
                continue
            try:
                result = await self._try_route(route, attempt)
            except (ConnectError, StaleError) as error:
                self._limiters.servers.release_probe(route.name)
                if isinstance(error, ConnectError):
                    self._connection_failed(route, error)
                continue
            except BaseException:
                self._limiters.servers.release_probe(route.name)
                raise
            finally:
                # whoever was woken and could not use the connection wakes the next waiter
                route.pool.wake()
            if isinstance(result, Wait):
                if monotonic() + result.seconds > attempt.deadline:
                    return None, result
                await asyncio.sleep(result.seconds)
            elif result is not None and not self._can_try_another(route, result):
                return route, result

    async def _try_route(self, route: Route, attempt: _Attempt) -> Result | Wait | None:
        """Deliver over one connection of this server.

        Returns:
            Wait if the server's rate limit says so; None if there was no connection to be had.
        """
        session = await route.pool.acquire()
        if session is None:
            return None
        self._router.mark_up(route)
        try:
            now = monotonic()
            slot = self._limiters.servers.take(
                route.name, now, patience=max(0.0, attempt.deadline - now)
            )
            if isinstance(slot, Wait):
                return slot
            if slot.after:
                await asyncio.sleep(slot.after)
            return await session.deliver(attempt.envelope, attempt.message, attempt.begin)
        finally:
            route.pool.release(session)

    def _can_try_another(self, route: Route, result: Result) -> bool:
        """Whether another server may take the message, as this one got no body."""
        if result.verdict.slow != "server" or result.phase is Phase.BODY:
            return False
        self._strike(self._limiters.servers, route.name, result)
        return any(self._router.is_usable(other) for other in self._router.routes)

    def _learn(self, route: Route | None, domain: str, result: Result) -> float | None:
        """Adjust the rate limits to the reply.

        Returns:
            Seconds after which this message may be tried again, if that is known.
        """
        servers, domains = self._limiters.servers, self._limiters.domains
        verdict, now = result.verdict, monotonic()
        if route is None:
            return None
        if verdict.slow == "server":
            domains.release_probe(domain)
            return self._strike(servers, route.name, result)
        if result.code:
            self._record_success(servers, route.name)
        elif verdict.outcome != "unknown":
            servers.release_probe(route.name)
        else:
            was_probing = servers.is_probing(route.name)
            seconds = servers.record_unanswered(route.name, now, _log_text(result))
            if seconds is not None:
                log.log(
                    logging.DEBUG if was_probing else logging.WARNING,
                    "sending paused kind=server name=%s seconds=%.0f: no answers for messages: %s",
                    route.name,
                    seconds,
                    _log_text(result),
                )
        if verdict.slow == "domain":
            return self._strike(domains, domain, result)
        if verdict.outcome in ("accepted", "rejected") and result.code:
            self._record_success(domains, domain)
        else:
            domains.release_probe(domain)
        return None

    def _record_success(self, limiter: RateLimiter, key: str) -> None:
        was_probing = limiter.is_probing(key)
        limiter.record_success(key, monotonic())
        if was_probing and not limiter.is_probing(key):
            log.info("sending again kind=%s name=%s", self._kind(limiter), key)

    def _kind(self, limiter: RateLimiter) -> str:
        return "server" if limiter is self._limiters.servers else "domain"

    def _strike(self, limiter: RateLimiter, key: str, result: Result) -> float:
        """Pause a server or domain; returns the seconds of the pause.

        The log tells the first pause, and when something was taken again.
        """
        now = monotonic()
        was_paused, was_probing = limiter.current_pause(key, now), limiter.is_probing(key)
        reason: PauseReason = "ours" if result.verdict.fault == "ours" else "busy"
        seconds = limiter.record_strike(key, now, reason, _log_text(result))
        if not was_paused:
            log.log(
                logging.DEBUG if was_probing else logging.WARNING,
                "sending paused kind=%s name=%s seconds=%.0f: %s",
                self._kind(limiter),
                key,
                seconds,
                _log_text(result),
            )
        return seconds

    def _connection_failed(self, route: Route, error: ConnectError) -> None:
        if error.busy:
            verdict = Verdict(outcome="deferred", fault="busy", slow="server")
            result = Result(Phase.CONNECT, verdict, 0, str(error))
            self._strike(self._limiters.servers, route.name, result)
        else:
            self._router.mark_down(route, error)


def _log_text(result: Result) -> str:
    """The reply without e-mail addresses, for logs and stored pauses."""
    return " ".join(
        part for part in (str(result.code or ""), _ADDRESS.sub("...@...", result.text)) if part
    )


def _defer(text: str, wait: Wait, started: datetime) -> Delivery:
    result = Result(Phase.CONNECT, Verdict(outcome="deferred", fault=wait.reason), 0, text)
    return _delivery("", result, started, wait.seconds)


def _delivery(
    server: str, result: Result, started: datetime, retry_seconds: float | None = None
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
        retry_at=None if retry_seconds is None else ended + timedelta(seconds=retry_seconds),
        started=started,
        ended=ended,
    )
