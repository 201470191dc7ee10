"""A mailer without a network, with several connections and set replies.

It records the messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from digest.app import App
from digest.errors import MailerError
from digest.mail.mailer import Begin
from digest.model import Delivery, Message, Pause, Phase


class PostOffice:
    """A mailer for tests: use it as `office.serving(app)`, then check `taken`."""

    def __init__(self, connections: int = 4) -> None:
        self.connections = connections
        #: Message-IDs whose body was sent, in order
        self.taken: list[str] = []
        #: the most deliveries at once
        self.most = 0
        #: pauses by name
        self.paused: dict[str, Pause] = {}
        self._under_way = 0
        self._replies: dict[str, dict[str, Any]] = {}
        self._held: dict[str, datetime] = {}
        self._forgetful = False
        self._breaks_after: int | None = None
        self._before_body: dict[str, Callable[[], object]] = {}

    def serving(self, app: App) -> App:
        return replace(app, make_mailer=lambda: self)

    def set_reply(self, recipient: str, **reply: Any) -> None:
        """Set the reply to the body for a recipient: fields of a Delivery."""
        self._replies[recipient] = reply

    def call_before_body(self, recipient: str, happens: Callable[[], object]) -> None:
        """Call a function between DATA and the body of the message to a recipient."""
        self._before_body[recipient] = happens

    def hold_domain(self, domain: str, until: datetime) -> None:
        self._held[domain] = until

    def forget_ended_holds(self) -> None:
        self._forgetful = True

    def break_after(self, messages: int) -> None:
        """Lose every connection after so many messages."""
        self._breaks_after = messages

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    def paused_domains(self) -> dict[str, datetime]:
        now = datetime.now(UTC)
        return {
            domain: until
            for domain, until in self._held.items()
            if not self._forgetful or until > now
        }

    def next_slot(self, domain: str, ahead: int) -> datetime | None:
        return self.paused_domains().get(domain)

    def pauses(self) -> list[Pause]:
        return list(self.paused.values())

    def import_pauses(self, pauses: Iterable[Pause]) -> None:
        self.paused |= {pause.name: pause for pause in pauses}

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        started = datetime.now(UTC)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await asyncio.sleep(0)
            if self._breaks_after is not None and len(self.taken) >= self._breaks_after:
                raise MailerError("the line is dead")
            if message.recipient in self._before_body:
                await asyncio.to_thread(self._before_body[message.recipient])
            if not await begin():
                return Delivery(
                    outcome="lost",
                    server="office",
                    phase=Phase.DATA,
                    started=started,
                    ended=datetime.now(UTC),
                )
            self.taken.append(message.message_id)
            await asyncio.sleep(0)
            reply: dict[str, Any] = {
                "outcome": "accepted",
                "code": 250,
                "text": "ok",
            } | self._replies.get(message.recipient, {})
            return Delivery(
                server="office", phase=Phase.BODY, started=started, ended=datetime.now(UTC), **reply
            )
        finally:
            self._under_way -= 1
