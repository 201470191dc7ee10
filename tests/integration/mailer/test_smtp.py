"""The mailer with a real aiosmtpd and with a folder, without faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from digest.demo.mail_sink import MailSink
from digest.errors import MailerError
from digest.mail.mailer import FolderMailer, SmtpMailer, SmtpServer, Timeouts
from digest.model import Delivery, Message, Phase

DATA = (
    b"Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nfirst\r\n.leading "
    b"dot\r\n..two\r\nlast\r\n"
)


def message(recipient: str = "alice@example.org", data: bytes = DATA) -> Message:
    return Message(
        message_id="<1@example.org>",
        sender="digest@example.org",
        recipient=recipient,
        subject="hello",
        data=data,
    )


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def server(port: int, **more: object) -> SmtpServer:
    timeouts = Timeouts(connect=2, greeting=2, mail=2, rcpt=2, data=2, dot=1)
    return SmtpServer(host="127.0.0.1", port=port, tls="none", timeouts=timeouts, **more)  # type: ignore[arg-type]


async def once(
    port: int,
    mail: Message | None = None,
    begin: Callable[[], Awaitable[bool]] = yes,
    **more: object,
) -> Delivery:
    mailer = SmtpMailer([server(port, **more)], patience=0)
    try:
        await mailer.open()
        return await mailer.deliver(mail or message(), begin)
    finally:
        await mailer.close()


# ------------------------------------------------------------------------------------ a good server


def test_a_message_arrives_byte_for_byte(tmp_path: Path) -> None:
    with MailSink(tmp_path) as mail_sink:
        delivery = asyncio.run(once(mail_sink.port))
    assert (delivery.outcome, delivery.phase, delivery.code) == ("accepted", Phase.BODY, 250)
    assert [(c.sender, c.recipient, c.data) for c in mail_sink.mails] == [
        ("digest@example.org", "alice@example.org", DATA)
    ]


def test_many_messages_use_one_connection_and_all_arrive(tmp_path: Path) -> None:
    async def many(port: int) -> list[str]:
        mailer = SmtpMailer([server(port)], patience=0)
        await mailer.open()
        outcomes = [
            (await mailer.deliver(message(f"r{n}@example.org"), yes)).outcome for n in range(130)
        ]
        await mailer.close()
        return outcomes

    with MailSink(tmp_path) as mail_sink:
        assert asyncio.run(many(mail_sink.port)) == ["accepted"] * 130
    assert [c.recipient for c in mail_sink.mails] == [f"r{n}@example.org" for n in range(130)]


def test_a_message_that_begin_refuses_is_not_sent_and_the_next_is(tmp_path: Path) -> None:
    async def two(port: int) -> list[str]:
        mailer = SmtpMailer([server(port)], patience=0)
        await mailer.open()
        outcomes = [
            (await mailer.deliver(message("a@example.org"), no)).outcome,
            (await mailer.deliver(message("b@example.org"), yes)).outcome,
        ]
        await mailer.close()
        return outcomes

    with MailSink(tmp_path) as mail_sink:
        assert asyncio.run(two(mail_sink.port)) == ["lost", "accepted"]
    assert [c.recipient for c in mail_sink.mails] == ["b@example.org"]


def test_a_domain_of_any_script_goes_out_as_a_labels(tmp_path: Path) -> None:
    with MailSink(tmp_path) as mail_sink:
        asyncio.run(once(mail_sink.port, message("alice@bücher.example")))
    assert mail_sink.mails[0].recipient == "alice@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "recipient",
    [
        "no-at-sign",
        "two words@example.org",
        "a@b\r\nRCPT TO:<c@d>",
        "<x>@example.org",
        "@example.org",
        "a@",
    ],
)
def test_an_invalid_address_is_rejected_and_nothing_is_sent(tmp_path: Path, recipient: str) -> None:
    with MailSink(tmp_path) as mail_sink:
        delivery = asyncio.run(once(mail_sink.port, message(recipient)))
    assert (delivery.outcome, delivery.phase, mail_sink.mails) == ("rejected", Phase.MAIL, [])


def test_no_server_at_all_is_an_error_that_names_it() -> None:
    with pytest.raises(MailerError, match=r"127\.0\.0\.1:1:.*Nothing was sent.*\[smtp\]"):
        asyncio.run(once(1))


# ----------------------------------------------------------------------------------------- a folder


def test_each_message_becomes_a_file_of_the_folder(tmp_path: Path) -> None:
    async def run() -> list[str]:
        mailer = FolderMailer(tmp_path / "out")
        await mailer.open()
        return [
            (await mailer.deliver(message(), yes)).outcome,
            (await mailer.deliver(message(), no)).outcome,
        ]

    assert asyncio.run(run()) == ["accepted", "lost"]
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "out").iterdir()] == [
        ("1@example.org.eml", DATA)
    ]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MailerError, match="cannot be made"):
        asyncio.run(FolderMailer(tmp_path / "file" / "out").open())
