"""A local SMTP server that keeps every message and delivers none."""

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
from digest.demo.servers import accept_connections, run_in_thread
from digest.errors import MailerError


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMail:
    """A message as it was received."""

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
        except LookupError:  # an unknown charset: other programs send here, too
            return bytes(body.get_payload(decode=True)).decode("utf-8", "replace")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.parsed.items()]


class MailSink:
    """Context manager; `mails` are in order of arrival, each also a file.

    Args:
        folder: created if missing; files in it stay.
        port: 0 = any free one; the attribute `port` has its number once entered.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.mails: list[ReceivedMail] = []
        self.host, self.port = "127.0.0.1", port
        self._lock = threading.Lock()
        self._stack = ExitStack()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        with self._lock:
            for recipient in envelope.rcpt_tos:
                number = len(self.mails) + 1
                data = bytes(envelope.original_content or envelope.content)
                self.mails.append(
                    ReceivedMail(
                        number=number, sender=envelope.mail_from, recipient=recipient, data=data
                    )
                )
                self._file_count += 1
                name = f"{self._file_count:03d}-{recipient.replace('/', '_')}.eml"
                with private.create_file(self.folder / name) as file:
                    file.write(data)
        return f"250 2.0.0 kept as {len(self.mails)}"

    def __enter__(self) -> Self:
        private.make_folder(self.folder)
        self._file_count = sum(1 for _ in self.folder.glob("*.eml"))
        try:
            listener = socket.create_server((self.host, self.port))
        except OSError as error:
            raise MailerError(
                f"the mail server cannot listen on {self.host}:{self.port} ({error}). Try again, "
                f"or name another port"
            ) from error
        self.port = listener.getsockname()[1]
        self._stack.enter_context(run_in_thread(accept_connections(listener, self._talk)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def _talk(self, connection: socket.socket) -> None:
        await Server(self, hostname="localhost", enable_SMTPUTF8=True).talk(connection)


class Server(SMTP):
    """aiosmtpd's side of one conversation; `talk` returns when it is over."""

    def __init__(self, handler: object, **options: Any) -> None:
        super().__init__(handler, loop=asyncio.get_running_loop(), **options)
        self._over = asyncio.Event()

    async def talk(self, connection: socket.socket, *, ssl: SSLContext | None = None) -> None:
        """Serve until either side ends the conversation; `ssl` = with implicit TLS."""
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
