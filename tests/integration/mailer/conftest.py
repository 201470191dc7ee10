"""Servers to send to, their certificates, and a loop that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from digest.mail.mailer import SmtpMailer, SmtpServer, Timeouts
from digest.model import Delivery, Message
from tests.fakes import certificates
from tests.fakes.certificates import Certificates

T = TypeVar("T")
GUARD = 240
TIMEOUTS = Timeouts(connect=GUARD, greeting=GUARD, mail=GUARD, rcpt=GUARD, data=GUARD, dot=GUARD)
BODY = b"Subject: hello\r\n\r\nsecret words\r\n"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made the same way by somebody else."""
    return certificates.make(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def misnamed(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("misnamed"), "mail.example.org")


def message(
    recipient: str = "alice@example.org", data: bytes = BODY, sender: str = "b@example.org"
) -> Message:
    return Message(
        message_id="<m+1@example.org>",
        sender=sender,
        recipient=recipient,
        subject="",
        text="",
        html="",
        data=data,
    )


def to(port: int, **more: Any) -> SmtpServer:
    return SmtpServer(
        **{"host": "127.0.0.1", "port": port, "tls": "none", "timeouts": TIMEOUTS, **more}
    )


async def yes() -> bool:
    return True


async def send(mailer: SmtpMailer, *recipients: str) -> list[Delivery]:
    return [await mailer.deliver(message(recipient), yes) for recipient in recipients]


def run(work: Coroutine[Any, Any, T]) -> T:
    async def guarded() -> T:
        async with asyncio.timeout(GUARD):
            return await work

    return asyncio.run(guarded())
