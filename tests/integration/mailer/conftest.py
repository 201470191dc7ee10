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
def trusted_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("trusted_certificates"))


@pytest.fixture(scope="module")
def foreign_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of an authority that nobody trusts."""
    return certificates.make(tmp_path_factory.mktemp("foreign_certificates"))


@pytest.fixture(scope="module")
def misnamed_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("misnamed_certificates"), "mail.example.org")


def message(
    recipient: str = "alice@example.org", data: bytes = BODY, sender: str = "b@example.org"
) -> Message:
    return Message(
        message_id="<m+1@example.org>",
        sender=sender,
        recipient=recipient,
        subject="",
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
    async def run_with_timeout() -> T:
        async with asyncio.timeout(GUARD):
            return await work

    return asyncio.run(run_with_timeout())
