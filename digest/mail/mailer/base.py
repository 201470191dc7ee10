"""What every way of delivering offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

from digest.model import Delivery, Message, Pause

#: commits that this message is being sent; False = it is not ours any more, and no byte of it may
#: leave
Begin = Callable[[], Awaitable[bool]]
#: the domain under which `holds` tells that no server takes anything, whatever the domain
EVERYWHERE = "*"


class Mailer(Protocol):
    """One sender's way out.

    Use it as: open, any number of deliver, close; all in one event loop.
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
        """Try once; may be called while other deliveries are under way.

        Whatever goes wrong with this message is an outcome.

        `begin` is awaited once, after the server's word to go on and before the first byte of the
        body. False: nothing is sent, "lost".

        Raises:
            MailerError: the way out is lost and could not be opened again; nothing of this message
            was sent.
        """

    def holds(self) -> dict[str, datetime]:
        """Recipient domains that take nothing at the moment, and until when: what `deliver` defers
        without asking a server.

        The name "*" stands for all of them: no server takes anything.
        """

    def turn(self, domain: str, before: int) -> datetime | None:
        """When a message to a recipient domain may go, so many others to it being about to go;
        None: it may be tried now.

        What `deliver` would put off is so known before the message is written.
        """

    def pauses(self) -> list[Pause]:
        """Servers and domains that asked for quiet: those that pause, and those that took nothing
        since. In no order.
        """

    def heed(self, pauses: Iterable[Pause]) -> None:
        """Keep pauses that another sender was told, or this one before it was started again."""

    async def close(self) -> None:
        """Part in order; never raises."""
