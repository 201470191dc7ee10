"""Write messages as .eml files, for trials or for another program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from digest import private
from digest.errors import MailerError
from digest.mail.mailer.base import Begin
from digest.model import Delivery, Message, Pause, Phase


class FolderMailer:
    """Writes each message to a file named after its Message-ID."""

    #: files are written one by one on the event loop
    connections = 1

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def open(self) -> None:
        try:
            private.make_folder(self.folder)
        except OSError as error:
            raise MailerError(
                f"smtp.outbox {self.folder}: cannot be made ({error.strerror}). Check the path and "
                f"its permissions"
            ) from error

    async def deliver(self, message: Message, begin: Begin) -> Delivery:
        started = datetime.now(UTC)
        name = re.sub(r"[^A-Za-z0-9.@_-]", "_", message.message_id.strip("<>")) + ".eml"
        if not await begin():
            return Delivery(
                outcome="lost",
                server=str(self.folder),
                phase=Phase.DATA,
                started=started,
                ended=datetime.now(UTC),
            )
        part = self.folder / f".{name}.part"
        try:
            with private.create_file(part) as file:
                file.write(message.signed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / name)
        except OSError as error:
            with suppress(OSError):  # a disk that became read-only keeps it; the next try writes it
                part.unlink(missing_ok=True)
            return Delivery(
                outcome="deferred",
                server=str(self.folder),
                phase=Phase.BODY,
                text=error.strerror or str(error),
                fault="busy",
                started=started,
                ended=datetime.now(UTC),
            )
        return Delivery(
            outcome="accepted",
            server=str(self.folder),
            phase=Phase.BODY,
            code=250,
            text=name,
            started=started,
            ended=datetime.now(UTC),
        )

    def paused_domains(self) -> dict[str, datetime]:
        return {}

    def next_slot(self, domain: str, ahead: int) -> datetime | None:
        return None

    def pauses(self) -> list[Pause]:
        return []

    def import_pauses(self, pauses: Iterable[Pause]) -> None:
        return

    async def close(self) -> None:
        return
