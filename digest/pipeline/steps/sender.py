"""Claim messages, write them, deliver them on many connections and settle them.

One task claims and writes, a few messages ahead. As many tasks as the mailer has connections take
from its queue. What they begin and settle is committed in groups. Memory does not depend on how
many messages wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Literal

from digest import store
from digest.app import App
from digest.errors import DigestError, MailerError, StoreError
from digest.mail.mailer import ALL_DOMAINS, Mailer
from digest.model import Delivery, Message, MessageState, Phase, Queued, Subscriber
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.record_bounces import record_expired
from digest.pipeline.steps.send_report import MAX_TROUBLES, SendReport
from digest.pipeline.steps.sending_limits import SendingLimits
from digest.pipeline.steps.shared_pauses import SharedPauses
from digest.pipeline.steps.write_messages import (
    MessageSources,
    PaperCache,
    load_sources,
    write_message,
)
from digest.store.ledger import LEASE

log = logging.getLogger("digest.send")

#: seconds for which a send waits until its mail servers take something again
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SendOptions:
    """How a send runs."""

    #: this process, as the ledger knows it
    owner: str
    #: this reader's messages alone
    only: Subscriber | None = None
    #: asked before anything is begun
    stop: Callable[[], bool] = lambda: False
    #: how long a claim outlives a sender that fell silent on another machine
    lease: timedelta = LEASE


class Sender:
    """One send.

    One task fills a queue, one serves each connection, and one renews claims.
    """

    def __init__(
        self,
        app: App,
        mailer: Mailer,
        ledger: GroupCommit,
        report: SendReport,
        options: SendOptions,
    ) -> None:
        self.app, self.mailer, self.ledger, self.report = app, mailer, ledger, report
        self.owner, self.lease = options.owner, options.lease
        self._stop_requested = options.stop
        self._stopping = False
        self._error: DigestError | None = None
        #: short, since other senders must wait for what a dead sender has claimed
        self._ready: asyncio.Queue[tuple[Queued, Message] | None] = asyncio.Queue(
            mailer.connections
        )
        #: ids of messages that were claimed and are not settled yet. A claim that was lost, such as
        #: when the clock was set ahead, may be made again: the message must not be sent for both
        self._in_hand: set[int] = set()
        self._lease_ends = monotonic() + self.lease.total_seconds()
        self._papers = PaperCache(app)
        #: A signature takes a third of a message's time, and holds up no other thread.
        self._signing = ThreadPoolExecutor(1, thread_name_prefix="digest-signer")
        self._pauses = SharedPauses(app, mailer, ledger)
        self._limits = SendingLimits(
            app, owner=options.owner, lease=options.lease, only=options.only
        )

    async def run(self) -> None:
        """Send until nothing is due or it has to stop.

        Whatever fails, deliveries that have begun end first.

        Raises:
            MailerError: no mail server can be reached any more.
            StoreError: the database cannot be reached any more.
        """
        await self._pauses.load()
        background = [
            asyncio.create_task(self._renew_claims()),
            asyncio.create_task(self._pauses.synchronise()),
        ]
        try:
            await asyncio.gather(
                self._feed_queue(),
                *(self._send_from_queue() for _ in range(self.mailer.connections)),
            )
        finally:
            for task in background:
                task.cancel()
            self._signing.shutdown(wait=False)
        await self.ledger.write(
            lambda tx: store.ledger.release(tx, owner=self.owner, now=self.app.now())
        )
        await self._pauses.save()
        if self._error:
            raise self._error

    def _is_stopping(self) -> bool:
        if not self._stopping and self._stop_requested():
            log.info("stopping: deliveries that have begun end, the other claims are released")
            self._stopping = self.report.stopped = True
        return self._stopping

    def _fail(self, error: DigestError) -> None:
        self._stopping = True
        self._error = self._error or error

    async def _feed_queue(self) -> None:
        """Claim and write messages, a batch at a time."""
        try:
            while (
                not self._is_stopping()
                and await self._wait_for_servers()
                and (claimed := await self.ledger.write(self._limits.claim))
            ):
                fresh = [queued for queued in claimed if queued.id not in self._in_hand]
                sendable = await self._postpone_paused(fresh)
                self._in_hand.update(queued.id for queued in sendable)
                sources = await self._load_sources(sendable)
                for queued in sendable:
                    if message := await self._write_message(queued, sources):
                        await self._ready.put((queued, message))
                        await asyncio.sleep(0)  # let the connections go on
        except StoreError as error:
            self._fail(error)
        for _ in range(self.mailer.connections):
            await self._ready.put(None)

    async def _wait_for_servers(self) -> bool:
        """Wait while every mail server pauses; return False where that takes too long."""
        deadline = monotonic() + _PATIENCE_SECONDS
        while (until := self.mailer.paused_domains().get(ALL_DOMAINS)) and not self._is_stopping():
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
        return not self._is_stopping()

    async def _postpone_paused(self, claimed: list[Queued]) -> list[Queued]:
        """Postpone messages whose domain pauses or has no slot now; return the others."""
        sendable: list[Queued] = []
        held: dict[datetime, list[Queued]] = defaultdict(list)
        counts: Counter[str] = Counter()
        for queued in claimed:
            domain = queued.subscriber.email.rpartition("@")[2].lower()
            until = self.mailer.next_slot(domain, counts[domain])
            counts[domain] += until is None
            (sendable if until is None else held[until]).append(queued)
        if held:
            states = await self.ledger.write(partial(self._write_postponed, held))
            self.report.states.update(states)
        return sendable

    def _write_postponed(
        self, held: dict[datetime, list[Queued]], tx: store.Connection
    ) -> list[MessageState]:
        now, clock = self.app.now(), datetime.now(UTC)
        states: dict[int, MessageState] = {}
        for until, messages in held.items():
            states |= store.ledger.postpone(
                tx, messages, until=now + (until - clock), owner=self.owner, now=now
            )
        expired = [ident for ident, state in states.items() if state is MessageState.EXPIRED]
        record_expired(self.app, tx, expired)
        return [MessageState(state) for state in states.values()]

    async def _load_sources(self, messages: list[Queued]) -> MessageSources | None:
        """Load what messages are written from; None where the batch as a whole fails.

        Each message is then loaded by itself, so that one does not stop the others.
        """
        try:
            return await asyncio.to_thread(
                load_sources, self.app, messages, self._papers, self._signing
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001
            log.warning(
                "batch not read messages=%d: trying each by itself: %s",
                len(messages),
                error,
            )
            return None

    async def _write_message(
        self, queued: Queued, sources: MessageSources | None
    ) -> Message | None:
        """Write a message ahead of its connection; None where it cannot be written."""
        started = datetime.now(UTC)
        if self._is_stopping():
            self._in_hand.discard(queued.id)
            return None
        try:
            if sources is None:
                sources = await asyncio.to_thread(load_sources, self.app, [queued], self._papers)
            return write_message(self.app, queued, sources)
        except StoreError:
            raise
        except DigestError as error:  # the message waits until the template is corrected
            log.warning("message not written message=%s: %s", queued.message_id, error)
            problem = error
        except Exception as error:
            log.exception("message not written message=%s: a mistake of ours", queued.message_id)
            problem = DigestError(
                f"cannot be written, by a mistake of ours, and the log says more: "
                f"{type(error).__name__}: {error}"
            )
        delivery = _make_undelivered("deferred", problem, started)
        await self._await_settled(queued, delivery, self.ledger.settle(queued, delivery))
        return None

    async def _send_from_queue(self) -> None:
        """Deliver one message after the other on one connection.

        Once this sender stops or has lost its lease, messages are left to be released. An outcome
        is committed before or with the beginning of the next message, so the ledger never holds
        two messages as being sent on one connection.
        """
        settling: asyncio.Task[None] | None = None
        while (item := await self._ready.get()) is not None:
            queued, message = item
            if self._is_stopping() or monotonic() >= self._lease_ends:
                self._in_hand.discard(queued.id)
            else:
                delivery = await self._deliver(queued, message)
                if settling:
                    await settling
                if delivery:
                    # Called here, not in the task: the next message may begin before the task.
                    answer = self.ledger.settle(queued, delivery)
                    settling = asyncio.create_task(self._await_settled(queued, delivery, answer))
        if settling:
            await settling

    async def _deliver(self, queued: Queued, message: Message) -> Delivery | None:
        """Deliver a message; return None where no server could be reached.

        Nothing was sent then.
        """
        started = datetime.now(UTC)
        try:
            return await self.mailer.deliver(message, lambda: self.ledger.begin(queued))
        except MailerError as error:
            self._fail(error)
            with suppress(StoreError):
                await self.ledger.settle(queued, _make_undelivered("lost", error, started))
        except StoreError as error:
            self._fail(error)
        self._in_hand.discard(queued.id)
        return None

    async def _await_settled(
        self, queued: Queued, delivery: Delivery, answer: Awaitable[MessageState | None]
    ) -> None:
        try:
            state = await answer
        except StoreError as error:
            self._fail(error)
            return
        finally:
            self._in_hand.discard(queued.id)
        if state is None:
            log.info("message deleted message=%s: it was settled too late", queued.message_id)
            return
        self.report.states[state] += 1
        self.report.deliveries.observe((delivery.ended - delivery.started).total_seconds())
        if state is MessageState.ACCEPTED and queued.due_at is not None:
            self.report.latency.observe((self.app.now() - queued.due_at).total_seconds())
        if state is not MessageState.ACCEPTED and len(self.report.troubles) < MAX_TROUBLES:
            trouble = f"{state.value}: {delivery.code or ''} {delivery.text}".replace(
                ":  ", ": "
            ).strip()
            self.report.troubles.append((queued.subscriber.email, trouble))
        log.info(
            "delivery subscriber=%d state=%s message=%s",
            queued.subscriber.id,
            state.value,
            queued.message_id,
        )

    async def _renew_claims(self) -> None:
        """Renew the claims while this process lives; a frozen process loses them."""
        is_late = False
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            began = monotonic()
            try:
                await self.ledger.write(
                    lambda tx: store.ledger.renew(
                        tx, owner=self.owner, clock=datetime.now(UTC), lease=self.lease
                    )
                )
            except StoreError as error:  # `begin` finds out if the lease ran out
                log.log(
                    logging.DEBUG if is_late else logging.WARNING, "claims not renewed: %s", error
                )
                is_late = True
            else:
                is_late = False
                self._lease_ends = began + self.lease.total_seconds()


def _make_undelivered(
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
