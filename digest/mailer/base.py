"""What every way of delivering offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from digest.model import Delivery, Message

#: commits that this message is being sent; False = it is not ours any more, and no byte of it may leave
Begin = Callable[[], Awaitable[bool]]


class Mailer(Protocol):
    """One sender's way out. Use it as: open, any number of deliver, close."""

    async def open(self) -> None:
        """Make ready.

        Raises:
            MailerError: no server could be reached or logged in to; nothing was sent.
        """

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        """Try once. Whatever goes wrong with this message is an outcome.

        Raises:
            MailerError: the way out is lost and could not be opened again; nothing of this message was sent.
        """

    async def close(self) -> None:
        """Part in order; never raises."""
