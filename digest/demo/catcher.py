"""A mail server that delivers nowhere: speaks real SMTP on this machine and keeps what it is
handed.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from ssl import SSLContext
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from digest import private
from digest.demo.listening import in_a_thread, letting_in
from digest.errors import MailerError


@dataclass(frozen=True, kw_only=True, slots=True)
class Caught:
    """A message as it came over the wire."""

    number: int
    sender: str
    recipient: str
    data: bytes

    @property
    def parsed(self) -> EmailMessage:
        message = email.message_from_bytes(self.data, policy=email.policy.default)
        if not isinstance(message, EmailMessage):
            raise TypeError("the default policy makes EmailMessage")
        return message

    def part(self, kind: str) -> str:
        """The "plain" or "html" part, decoded."""
        body = self.parsed.get_body((kind,))
        if body is None:
            return ""
        try:
            return str(body.get_content())
        except LookupError:  # a charset that nobody knows: other programs send here too
            return bytes(body.get_payload(decode=True)).decode("utf-8", "replace")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.parsed.items()]


class Catcher:
    """Context manager; `caught` grows in the order of arrival, and each message is also a file in
    the folder.

    Args:
        folder: made where it is not there; files in it stay.
        port: of this machine; 0 = any free one, which `port` tells once entered.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.caught: list[Caught] = []
        self.host, self.port = "127.0.0.1", port
        self._lock = threading.Lock()
        self._standing = ExitStack()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        with self._lock:
            for recipient in envelope.rcpt_tos:
                number = len(self.caught) + 1
                data = bytes(envelope.original_content or envelope.content)
                self.caught.append(
                    Caught(number=number, sender=envelope.mail_from, recipient=recipient, data=data)
                )
                self._before += 1
                name = f"{self._before:03d}-{recipient.replace('/', '_')}.eml"
                with private.create_file(self.folder / name) as file:
                    file.write(data)
        return f"250 2.0.0 kept as {len(self.caught)}"

    def __enter__(self) -> Self:
        private.make_folder(self.folder)
        self._before = sum(1 for _ in self.folder.glob("*.eml"))
        try:
            listening = socket.create_server((self.host, self.port))
        except OSError as error:
            raise MailerError(
                f"the catcher cannot listen on {self.host}:{self.port} ({error}). Try again, or "
                f"name another port"
            ) from error
        self.port = listening.getsockname()[1]
        self._standing.enter_context(in_a_thread(letting_in(listening, self._talk)))
        return self

    def __exit__(self, *_: object) -> None:
        self._standing.close()

    async def _talk(self, connection: socket.socket) -> None:
        await Server(self, hostname="localhost", enable_SMTPUTF8=True).talk(connection)


class Server(SMTP):
    """aiosmtpd's side of one conversation, which tells when it is over."""

    def __init__(self, handler: object, **how: Any) -> None:
        super().__init__(handler, loop=asyncio.get_running_loop(), **how)
        self._over = asyncio.Event()

    async def talk(self, connection: socket.socket, *, ssl: SSLContext | None = None) -> None:
        """Until either side ends it; `ssl` = under TLS from the first byte."""
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self, connection, ssl=ssl
            )
        except OSError:
            return
        try:
            await self._over.wait()
        finally:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._over.set()
