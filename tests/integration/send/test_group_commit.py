"""Outcomes while the database is away or refuses one of them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.model import Delivery, MessageState, Phase, Queued
from digest.pipeline.steps.group_commit import GroupCommit
from tests.conftest import NOON
from tests.integration.send.conftest import S


def queued_digest(app: App) -> Queued:
    with app.store.writing() as tx:
        return store.ledger.claim(tx, owner="me", now=app.now(), clock=datetime.now(UTC), limit=1)[
            0
        ]


ACCEPTED = Delivery(outcome="accepted", server="office", phase=Phase.BODY, started=NOON, ended=NOON)


def test_an_outcome_waits_for_a_database_that_is_away(many: App) -> None:
    whole, tries = many.store.writing, []

    async def story() -> tuple[bool, bool, MessageState | None]:
        async with GroupCommit(many, "me", pause=0.01) as ledger:
            queued = queued_digest(many)
            began = await ledger.begin(queued)

            def away() -> Any:
                tries.append(threading.current_thread().name)
                if len(tries) < 4:
                    raise StoreError("away")
                return whole()

            many.store.writing = away  # type: ignore[method-assign]
            settled = ledger.settle(queued, ACCEPTED)
            refused = await ledger.begin(queued)
            return began, refused, await settled

    assert asyncio.run(story()) == (True, False, S.ACCEPTED)
    assert len(tries) == 4


def test_an_outcome_that_cannot_be_stored_is_an_error_in_the_end(many: App) -> None:
    async def story() -> None:
        async with GroupCommit(many, "me", patience=0) as ledger:
            queued = queued_digest(many)
            many.store.writing = lambda: (_ for _ in ()).throw(StoreError("gone"))  # type: ignore[method-assign,assignment]
            await ledger.settle(queued, ACCEPTED)

    with pytest.raises(StoreError, match="gone"):
        asyncio.run(story())


def test_one_failing_message_does_not_fail_its_group(many: App) -> None:
    async def story() -> list[object]:
        async with GroupCommit(many, "me") as ledger:
            first, second = queued_digest(many), queued_digest(many)
            assert await ledger.begin(first)
            assert await ledger.begin(second)
            poison = replace(ACCEPTED, server=b"no text")  # type: ignore[arg-type]
            poisoned = replace(poison, started=datetime(2026, 6, 9, tzinfo=UTC), text=object())  # type: ignore[arg-type]
            return await asyncio.gather(
                ledger.settle(first, ACCEPTED),
                ledger.settle(second, poisoned),
                return_exceptions=True,
            )

    good, bad = asyncio.run(story())
    assert good is S.ACCEPTED
    assert isinstance(bad, Exception)
