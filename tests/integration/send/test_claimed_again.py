"""A claim that was lost and is made again by the same sender sends nothing twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest import pipeline, store
from digest.app import App
from digest.mail.mailer import Begin, Mailer
from digest.model import Delivery, Message, Phase, Queued
from digest.pipeline.steps.sending_limits import SendingLimits
from digest.store.ledger import LEASE
from tests.integration.send.conftest import S, counts


class PatientMailer:
    """Begins no message before it may; it takes as many at once as wait, and more."""

    def __init__(self, inner: Mailer) -> None:
        self._inner = inner
        self.connections = 40
        self.may_begin = False
        self.taken: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        while not self.may_begin:
            await asyncio.sleep(0.005)
        now = datetime.now(UTC)
        if not await begin():
            return Delivery(outcome="lost", server="", phase=Phase.DATA, started=now, ended=now)
        self.taken.append(message.message_id)
        await asyncio.sleep(0.005)
        return Delivery(outcome="accepted", server="here", phase=Phase.BODY, started=now, ended=now)


def test_what_is_claimed_again_while_it_waits_is_sent_once(
    many: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sender, whose clock is ahead, ends the claims of messages that have not begun."""
    mailer = PatientMailer(many.make_mailer())
    claim, claims = SendingLimits.claim, []

    def claim_again(limits: SendingLimits, tx: store.Connection) -> list[Queued]:
        if len(claims) == 1:
            clock = datetime.now(UTC) + 2 * LEASE
            assert store.ledger.recover(tx, dead=[], now=many.now(), clock=clock).planned == 30
        claimed = claim(limits, tx)
        claims.append(len(claimed))
        mailer.may_begin = not claimed
        return claimed

    monkeypatch.setattr(SendingLimits, "claim", claim_again)
    pipeline.send(replace(many, make_mailer=lambda: mailer))
    assert claims[:2] == [30, 30]
    assert (len(mailer.taken), len(set(mailer.taken))) == (30, 30)
    assert counts(many) == {S.ACCEPTED: 30}
