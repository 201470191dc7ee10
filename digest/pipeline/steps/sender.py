"""One send at work: claimed messages are written, handed over on many connections, and settled.

One task claims, gathers and writes, a few messages ahead; as many tasks as the mailer has
connections take from it. What they begin and settle is committed in groups. Nothing here depends on
how many messages wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Literal

from digest import store
from digest.app import App
from digest.errors import DigestError, MailerError, StoreError
from digest.mail.mailer import ALL_DOMAINS, Mailer
from digest.model import Delivery, Message, MessageState, Phase, Queued, Subscriber
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.record_bounces import record_expired
from digest.pipeline.steps.shared_pauses import SharedPauses
from digest.pipeline.steps.write_messages import MessageSources, PaperCache, gather, write

log = logging.getLogger("digest.send")

#: seconds for which a send waits until its mail servers take something again
_PATIENCE_SECONDS = 60.0
#: troubles told one by one; the states count all
_TROUBLES_MAX = 100


@dataclass(kw_only=True, slots=True)
class SendReport:
    """What a send did, by the state that each message has now."""

    states: Counter[MessageState] = field(default_factory=Counter)
    #: (address, what went wrong) of the first messages that were not accepted
    troubles: list[tuple[str, str]] = field(default_factory=list)
    #: who would get what, where this was only a look: email, kind, key, state, papers
    due: list[dict[str, Any]] = field(default_factory=list)
    #: still waiting afterwards: due now, and at a later attempt
    waiting: int = 0
    later: int = 0
    #: why the whole send stopped, or ""
    error: str = ""
    #: it was asked to stop before it was done
    stopped: bool = False

    @property
    def json(self) -> dict[str, object]:
        return {
            **{
                state.value: self.states[state]
                for state in (
                    MessageState.ACCEPTED,
                    MessageState.DEFERRED,
                    MessageState.REJECTED,
                    MessageState.UNKNOWN,
                )
            },
            "expired": self.states[MessageState.EXPIRED],
            "skipped": self.states[MessageState.SKIPPED],
            "due": self.due,
            "waiting": self.waiting,
            "later": self.later,
            "troubles": [{"email": email, "reason": reason} for email, reason in self.troubles],
            "error": self.error,
            "stopped": self.stopped,
        }


class Sender:
    """A feeder, a task for each connection, and a clock that renews the claims."""

    def __init__(
        self,
        app: App,
        mailer: Mailer,
        ledger: GroupCommit,
        report: SendReport,
        *,
        owner: str,
        only: Subscriber | None,
        stop: Callable[[], bool],
        lease: timedelta,
    ) -> None:
        self.app, self.mailer, self.ledger, self.report = app, mailer, ledger, report
        self.owner, self.only, self.lease = owner, only, lease
        self._asked_to_stop = stop
        self._halted = False
        self._error: DigestError | None = None
        #: a short one: what is claimed and not begun is what a dead sender keeps from the living
        self._ready: asyncio.Queue[tuple[Queued, Message] | None] = asyncio.Queue(
            mailer.connections
        )
        self._lease_ends = monotonic() + lease.total_seconds()
        self._shelf = PaperCache(app)
        self._pauses = SharedPauses(app, mailer, ledger)

    async def run(self) -> None:
        """Until nothing is due or it has to stop.

        Whatever fails, all that is on its way ends first.

        Raises:
            MailerError: the way out was lost.
            StoreError: the database was.
        """
        await self._pauses.ask()
        beside = [asyncio.create_task(self._renew()), asyncio.create_task(self._pauses.keep())]
        try:
            await asyncio.gather(
                self._feed(), *(self._connection() for _ in range(self.mailer.connections))
            )
        finally:
            for task in beside:
                task.cancel()
        await self.ledger.write(
            lambda tx: store.ledger.release(tx, owner=self.owner, now=self.app.now())
        )
        await self._pauses.tell()
        if self._error:
            raise self._error

    def _stops(self) -> bool:
        if not self._halted and self._asked_to_stop():
            log.info("stopping: what is on its way ends, the rest is given back")
            self._halted = self.report.stopped = True
        return self._halted

    def _fail(self, error: DigestError) -> None:
        self._halted = True
        self._error = self._error or error

    async def _feed(self) -> None:
        """Claims, a batch at a time, with what they are written from."""
        only = None if self.only is None else [self.only.id]

        def claim(tx: store.Connection) -> list[Queued]:
            clock = datetime.now(UTC)
            return store.ledger.claim(
                tx, owner=self.owner, now=self.app.now(), clock=clock, lease=self.lease, only=only
            )

        try:
            while (
                not self._stops()
                and await self._open()
                and (claimed := await self.ledger.write(claim))
            ):
                wanted = await self._without_held(claimed)
                material = await self._gathered(wanted)
                for queued in wanted:
                    if message := await self._written(queued, material):
                        await self._ready.put((queued, message))
                        await asyncio.sleep(0)  # whose turn it is at a connection comes first
        except StoreError as error:
            self._fail(error)
        for _ in range(self.mailer.connections):
            await self._ready.put(None)

    async def _open(self) -> bool:
        """Wait for servers that pause; False: for longer than is worth waiting, and nothing more is
        claimed.
        """
        deadline = monotonic() + _PATIENCE_SECONDS
        while (until := self.mailer.paused_domains().get(ALL_DOMAINS)) and not self._stops():
            left = (until - datetime.now(UTC)).total_seconds()
            if monotonic() + left > deadline:
                self._fail(
                    MailerError(
                        f"every mail server pauses until {until:%H:%M:%S} UTC; what is not sent "
                        f"waits for the next send"
                    )
                )
                return False
            await asyncio.sleep(min(1.0, max(0.0, left)))
        return not self._stops()

    async def _without_held(self, claimed: list[Queued]) -> list[Queued]:
        """Messages whose domain pauses, or has its turn later, are put off before any work goes
        into them.
        """
        wanted: list[Queued] = []
        held: dict[datetime, list[Queued]] = defaultdict(list)
        going: Counter[str] = Counter()
        for queued in claimed:
            domain = queued.subscriber.email.rpartition("@")[2].lower()
            until = self.mailer.next_slot(domain, going[domain])
            going[domain] += until is None
            (wanted if until is None else held[until]).append(queued)
        if held:
            moved = await self.ledger.write(partial(self._postpone, held))
            self.report.states.update(moved)
        return wanted

    def _postpone(
        self, held: dict[datetime, list[Queued]], tx: store.Connection
    ) -> list[MessageState]:
        now, clock = self.app.now(), datetime.now(UTC)
        moved: dict[int, MessageState] = {}
        for until, some in held.items():
            moved |= store.ledger.postpone(
                tx, some, until=now + (until - clock), owner=self.owner, now=now
            )
        expired = [ident for ident, state in moved.items() if state is MessageState.EXPIRED]
        record_expired(self.app, tx, expired)
        return [MessageState(state) for state in moved.values()]

    async def _gathered(self, some: list[Queued]) -> MessageSources | None:
        """What messages are written from; None where something in it cannot be read, which must not
        stop the others: each is then read by itself.
        """
        try:
            return await asyncio.to_thread(gather, self.app, some, self._shelf)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001
            log.warning(
                "%d messages could not be read together, trying each by itself: %s",
                len(some),
                error,
            )
            return None

    async def _written(self, queued: Queued, material: MessageSources | None) -> Message | None:
        """Ahead of its connection, while others wait for the network and the disk."""
        started = datetime.now(UTC)
        if self._stops():
            return None
        try:
            if material is None:
                material = await asyncio.to_thread(gather, self.app, [queued], self._shelf)
            return write(self.app, queued, material)
        except StoreError:
            raise
        except DigestError as error:  # ours, not the reader's: it waits for a mended template
            log.warning("message %s cannot be written: %s", queued.message_id, error)
            problem = error
        except Exception as error:
            log.exception("message %s cannot be written, by a mistake of ours", queued.message_id)
            problem = DigestError(
                f"cannot be written, by a mistake of ours, and the log says more: "
                f"{type(error).__name__}: {error}"
            )
        delivery = _nothing_sent("deferred", problem, started)
        await self._settled(queued, delivery, self.ledger.settle(queued, delivery))
        return None

    async def _connection(self) -> None:
        """One message after the other; once this sender halts or has lost its claims, they are left
        for `release` or another sender.

        How one ended is committed with the beginning of the next, or before it: of no connection
        are two on record as being sent.
        """
        settling: asyncio.Task[None] | None = None
        while (one := await self._ready.get()) is not None:
            if not self._stops() and monotonic() < self._lease_ends:
                queued, message = one
                delivery = await self._delivered(queued, message)
                if settling:
                    await settling
                if delivery:
                    answer = self.ledger.settle(
                        queued, delivery
                    )  # now, not when the task begins: the next message may be faster
                    settling = asyncio.create_task(self._settled(queued, delivery, answer))
        if settling:
            await settling

    async def _delivered(self, queued: Queued, message: Message) -> Delivery | None:
        """How an attempt ended; None where the way out was lost, and nothing was attempted."""
        started = datetime.now(UTC)
        try:
            return await self.mailer.deliver(message, lambda: self.ledger.begin(queued))
        except MailerError as error:
            self._fail(error)
            with suppress(StoreError):
                await self.ledger.settle(queued, _nothing_sent("lost", error, started))
        except StoreError as error:
            self._fail(error)
        return None

    async def _settled(
        self, queued: Queued, delivery: Delivery, answer: Awaitable[MessageState | None]
    ) -> None:
        try:
            state = await answer
        except StoreError as error:
            self._fail(error)
            return
        if state is None:
            log.info("message %s is no longer stored", queued.message_id)
            return
        self.report.states[state] += 1
        if state is not MessageState.ACCEPTED and len(self.report.troubles) < _TROUBLES_MAX:
            told = f"{state.value}: {delivery.code or ''} {delivery.text}".replace(
                ":  ", ": "
            ).strip()
            self.report.troubles.append((queued.subscriber.email, told))
        log.info(
            "message %s to subscriber %s: %s", queued.message_id, queued.subscriber.id, state.value
        )

    async def _renew(self) -> None:
        """Keep the claims while this process lives; one that is frozen stops renewing and loses
        them.
        """
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            began = monotonic()
            try:
                await self.ledger.write(
                    lambda tx: store.ledger.renew(
                        tx, owner=self.owner, clock=datetime.now(UTC), lease=self.lease
                    )
                )
            except StoreError as error:  # the lease runs on; `begin` finds out if it ran out
                log.warning("claims not renewed: %s", error)
            else:
                self._lease_ends = began + self.lease.total_seconds()


def _nothing_sent(
    outcome: Literal["deferred", "lost"], error: DigestError, started: datetime
) -> Delivery:
    return Delivery(
        outcome=outcome,
        server="",
        phase=Phase.CONNECT,
        text=str(error),
        started=started,
        ended=datetime.now(UTC),
    )
