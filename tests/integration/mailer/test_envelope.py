"""MAIL and RCPT parameters for servers with different extensions."""

from __future__ import annotations

import pytest

from digest.mail.mailer import SmtpMailer
from digest.model import Delivery, Message, Phase
from tests.fakes.smtp_server import HostileSmtp
from tests.integration.mailer.conftest import BODY, message, run, to, yes


def send_to(offers: tuple[str, ...], mail: Message) -> tuple[Delivery, HostileSmtp]:
    async def work() -> tuple[Delivery, HostileSmtp]:
        async with HostileSmtp(offers=offers) as server:
            mailer = SmtpMailer([to(server.port)], patience=0)
            delivery = await mailer.deliver(mail, yes)
            await mailer.close()
            return delivery, server

    return run(work())


def test_only_offered_extensions_are_used() -> None:
    _, plain = send_to((), message("a+b=c@example.org"))
    assert plain.commands("MAIL") == ["MAIL FROM:<b@example.org>"]
    assert plain.commands("RCPT") == ["RCPT TO:<a+b=c@example.org>"]
    _, rich = send_to(
        ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 1000000"), message("a+b=c@example.org")
    )
    assert rich.commands("MAIL") == [
        f"MAIL FROM:<b@example.org> SIZE={len(BODY)} RET=HDRS ENVID=m+2B1@example.org"
    ]
    assert rich.commands("RCPT") == [
        "RCPT TO:<a+b=c@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@example.org"
    ]


def test_eight_bits_and_letters_beyond_ascii_are_announced() -> None:
    mail = message("jörg+x@bücher.example", data="Subject: ü\r\n\r\nü\r\n".encode())
    delivery, server = send_to(("8BITMIME", "SMTPUTF8", "DSN"), mail)
    assert delivery.outcome == "accepted"
    assert server.commands("MAIL") == [
        "MAIL FROM:<b@example.org> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=m+2B1@example.org"
    ]
    assert server.commands("RCPT") == [
        "RCPT TO:<jörg+x@xn--bcher-kva.example> NOTIFY=FAILURE,DELAY "
        "ORCPT=utf-8;jörg\\x{2B}x@xn--bcher-kva.example"
    ]


@pytest.mark.parametrize(
    ("offers", "mail", "fault", "enhanced"),
    [
        (("8BITMIME",), message("jörg@example.org"), "content", "5.6.7"),
        (("SIZE 20",), message(), "content", "5.3.4"),
        ((), message(data=b"Subject: x\r\n\r\nbare\n.\r\nRSET\r\n"), "content", "5.6.0"),
        ((), message(data=b"Subject: x\r\n\r\nbare\r.\r\n"), "content", "5.6.0"),
        ((), message(f"{'a' * 65}@example.org"), "reader", "5.1.3"),
        ((), message(f"a@{'b.' * 130}example"), "reader", "5.1.3"),
        ((), message("a@xn--\ud800.example"), "reader", "5.1.3"),
        ((), message("a@ü..example"), "reader", "5.1.3"),
        ((), message(sender="no sender"), "ours", "5.1.7"),
    ],
)
def test_an_unsendable_message_never_reaches_the_server(
    offers: tuple[str, ...], mail: Message, fault: str, enhanced: str
) -> None:
    delivery, server = send_to(offers, mail)
    assert (delivery.outcome, delivery.fault, delivery.enhanced, delivery.phase) == (
        "rejected",
        fault,
        enhanced,
        Phase.MAIL,
    )
    assert server.commands("MAIL") == []


def test_an_empty_return_path_can_be_sent() -> None:
    delivery, server = send_to((), message(sender=""))
    assert (delivery.outcome, server.commands("MAIL")) == ("accepted", ["MAIL FROM:<>"])


@pytest.mark.parametrize("limit", ["SIZE", "SIZE 0", "SIZE much", "SIZE " + "9" * 400])
def test_a_size_without_a_number_is_no_limit(limit: str) -> None:
    assert send_to((limit,), message())[0].outcome == "accepted"
