"""Group commit: ledger writes of many connections share one transaction.

Whatever is requested while a transaction runs goes into the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Generic, Self, TypeVar

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.model import Delivery, MessageState, Queued
from digest.pipeline.steps.record_bounces import record_refusal

log = logging.getLogger("digest.send")

T = TypeVar("T")
#: how long an outcome is tried again while the database is locked or away, and the pause between
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 1.0
#: how long a commit waits for other writes to join it, and how long an idle moment is
_JOIN_SECONDS, _IDLE_SECONDS = 0.025, 0.001


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    """A write that is requested, and the future of its result."""

    queued: Queued
    answer: asyncio.Future[T]

    def resolve(self, answer: T) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Begin(_Request[bool]):
    pass


@dataclass(frozen=True, slots=True)
class _Settle(_Request[MessageState | None]):
    delivery: Delivery


class GroupCommit:
    """The ledger for all connections of one sender.

    Use it as: `async with GroupCommit(...) as ledger`.

    All writes go through one thread, one transaction after the other; on SQLite, writes in
    parallel would only wait for each other.

    Args:
        owner: this sender.
        connections: how many may wait at once.
        patience: seconds for which outcomes are tried again while the database refuses them.
        pause: seconds between two tries.
    """

    def __init__(
        self,
        app: App,
        owner: str,
        *,
        connections: int = 1,
        patience: float = _PATIENCE_SECONDS,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self._app, self._owner, self._patience, self._pause = app, owner, patience, pause
        self._connections = connections
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="digest-ledger")
        self._begins: list[_Begin] = []
        self._settles: list[_Settle] = []
        self._requested = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._commit())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._thread.shutdown()

    async def begin(self, queued: Queued) -> bool:
        """Commit that a message is being sent; False: nothing of it may be sent."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._begins.append(_Begin(queued, answer))
        self._requested.set()
        return await answer

    def settle(self, queued: Queued, delivery: Delivery) -> asyncio.Future[MessageState | None]:
        """Commit how an attempt ended.

        This happens before or with whatever is requested after this call.

        The result is the state of the message now; None when it is no longer stored.

        Raises:
            StoreError: the database did not take it within the patience.
        """
        answer: asyncio.Future[MessageState | None] = asyncio.get_running_loop().create_future()
        self._settles.append(_Settle(queued, answer, delivery))
        self._requested.set()
        return answer

    async def write(self, work: Callable[[store.Connection], T]) -> T:
        """Do other work in a transaction of its own; after a rollback it is tried again."""
        commit = partial(self._app.store.commit, work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, commit)

    async def _commit(self) -> None:
        while True:
            await self._requested.wait()
            await self._wait_for_others()
            self._requested.clear()
            begins, self._begins = self._begins, []
            settles, self._settles = self._settles, []
            try:
                await self._commit_group(begins, settles)
            # One message at fault must not take the others with it.
            except Exception as error:  # noqa: BLE001
                log.warning("ledger group not written: trying each by itself: %s", error)
                await self._commit_each([*settles, *begins])

    async def _wait_for_others(self) -> None:
        """Wait a moment for other writes to join, as long as other tasks are running.

        Most of the time, a settled message waits for the next one of its connection to begin.
        """
        ends = monotonic() + _JOIN_SECONDS
        while len(self._begins) < self._connections and monotonic() < ends:
            waiting = len(self._begins) + len(self._settles)
            began = monotonic()
            await asyncio.sleep(_IDLE_SECONDS)
            if (
                len(self._begins) + len(self._settles) == waiting
                and monotonic() - began < 2 * _IDLE_SECONDS
            ):
                return  # nothing joined and nothing ran: the others wait for the network

    async def _commit_each(self, requests: Sequence[_Begin | _Settle]) -> None:
        for request in requests:
            try:
                await self._commit_group(
                    [request] if isinstance(request, _Begin) else [],
                    [request] if isinstance(request, _Settle) else [],
                )
            except Exception as error:  # noqa: BLE001
                request.fail(error)

    async def _commit_group(self, begins: list[_Begin], settles: list[_Settle]) -> None:
        waited = 0.0
        while True:
            try:
                began, states = await self.write(partial(self._write_group, begins, settles))
            except StoreError as error:
                # Once for each outage.
                log.log(
                    logging.DEBUG if waited else logging.WARNING, "ledger not written: %s", error
                )
                for begin in begins:  # nothing was sent yet, so these can be claimed again
                    begin.resolve(False)
                begins = []
                # Of what was not sent, the claim ends by itself: there is no outcome to save.
                sent = any(settle.delivery.outcome != "lost" for settle in settles)
                if not sent or waited >= self._patience:
                    for settle in settles:
                        settle.fail(error)
                    return
                await asyncio.sleep(self._pause)
                waited += self._pause
            else:
                for begin in begins:
                    begin.resolve(begin.queued.id in began)
                for settle in settles:
                    settle.resolve(states.get(settle.queued.id))
                return

    def _write_group(
        self, begins: list[_Begin], settles: list[_Settle], tx: store.Connection
    ) -> tuple[set[int], dict[int, MessageState]]:
        now = self._app.now()
        outcomes = [(settle.queued, settle.delivery) for settle in settles]
        states = store.ledger.settle(tx, outcomes, owner=self._owner, now=now) if outcomes else {}
        for queued, delivery in outcomes:
            if states.get(queued.id) in (MessageState.REJECTED, MessageState.EXPIRED):
                record_refusal(self._app, tx, queued, delivery)
        starting = [begin.queued for begin in begins]
        began = (
            store.ledger.begin(tx, starting, owner=self._owner, now=now, clock=datetime.now(UTC))
            if starting
            else set()
        )
        return began, states
