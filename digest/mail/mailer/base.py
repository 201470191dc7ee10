"""The interface of every way of delivering mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

from digest.model import Delivery, Message, Pause

#: commits that this message is being sent; False = another process took it, and no byte of the
#: body may leave
Begin = Callable[[], Awaitable[bool]]
#: the key in `paused_domains` for "no server takes anything, whatever the domain"
ALL_DOMAINS = "*"


class Mailer(Protocol):
    """One sender's connection to its mail servers.

    Call `open`, then `deliver` any number of times, then `close`; all in one event loop.
    """

    @property
    def connections(self) -> int:
        """How many deliveries at once are useful, 1 or more."""

    async def open(self) -> None:
        """Make ready.

        Raises:
            MailerError: no server could be reached or logged in to; nothing was sent.
        """

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        """Try once to deliver; deliveries may run at the same time.

        `begin` is awaited once, between the server's 354 and the first byte of the body. If it
        returns False, nothing is sent and the outcome is "lost". Anything else that goes wrong with
        this message is an outcome, too.

        Raises:
            MailerError: no server can be reached any more; nothing of this message was sent.
        """

    def paused_domains(self) -> dict[str, datetime]:
        """Recipient domains that `deliver` defers without asking a server, and until when.

        The key ALL_DOMAINS means that every server pauses.
        """

    def next_slot(self, domain: str, ahead: int) -> datetime | None:
        """When a message to a domain may be tried, after `ahead` others; None = now.

        So a message that `deliver` would defer need not be written.
        """

    def pauses(self) -> list[Pause]:
        """Servers and domains that pause, or took nothing since their pause; unordered."""

    def import_pauses(self, pauses: Iterable[Pause]) -> None:
        """Respect pauses that another sender learned, or this one before a restart."""

    async def close(self) -> None:
        """Close all connections; never raises."""
