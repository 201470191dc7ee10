"""The mailer against real conversations: aiosmtpd for the good days, a server of raw sockets for every way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from digest.demo.catcher import Catcher
from digest.errors import MailerError
from digest.mailer import FolderMailer, SmtpMailer, SmtpServer, Timeouts
from digest.model import Delivery, Message, Phase

DATA = b"Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nfirst\r\n.leading dot\r\n..two\r\nlast\r\n"


def message(recipient: str = "alice@example.org", data: bytes = DATA) -> Message:
    return Message(
        message_id="<1@example.org>", sender="digest@example.org", recipient=recipient, subject="hello", text="", html="", data=data
    )


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def server(port: int, **more: object) -> SmtpServer:
    timeouts = Timeouts(connect=2, greeting=2, mail=2, rcpt=2, data=2, dot=1)
    return SmtpServer(host="127.0.0.1", port=port, tls="none", timeouts=timeouts, **more)  # type: ignore[arg-type]


async def once(port: int, one: Message | None = None, begin: Callable[[], Awaitable[bool]] = yes, **more: object) -> Delivery:
    mailer = SmtpMailer([server(port, **more)], patience=0)
    try:
        await mailer.open()
        return await mailer.deliver(one or message(), begin)
    finally:
        await mailer.close()


# ---------------------------------------------------------------------------------------------- a server as it should be


def test_a_message_arrives_byte_for_byte(tmp_path: Path) -> None:
    with Catcher(tmp_path) as catcher:
        delivery = asyncio.run(once(catcher.port))
    assert (delivery.outcome, delivery.phase, delivery.code) == ("accepted", Phase.BODY, 250)
    assert [(c.sender, c.recipient, c.data) for c in catcher.caught] == [("digest@example.org", "alice@example.org", DATA)]


def test_many_messages_use_one_connection_and_all_arrive(tmp_path: Path) -> None:
    async def many(port: int) -> list[str]:
        mailer = SmtpMailer([server(port)], patience=0)
        await mailer.open()
        outcomes = [(await mailer.deliver(message(f"r{n}@example.org"), yes)).outcome for n in range(130)]
        await mailer.close()
        return outcomes

    with Catcher(tmp_path) as catcher:
        assert asyncio.run(many(catcher.port)) == ["accepted"] * 130
    assert [c.recipient for c in catcher.caught] == [f"r{n}@example.org" for n in range(130)]


def test_what_begin_refuses_never_leaves_and_the_next_message_does(tmp_path: Path) -> None:
    async def two(port: int) -> list[str]:
        mailer = SmtpMailer([server(port)], patience=0)
        await mailer.open()
        outcomes = [
            (await mailer.deliver(message("a@example.org"), no)).outcome,
            (await mailer.deliver(message("b@example.org"), yes)).outcome,
        ]
        await mailer.close()
        return outcomes

    with Catcher(tmp_path) as catcher:
        assert asyncio.run(two(catcher.port)) == ["lost", "accepted"]
    assert [c.recipient for c in catcher.caught] == ["b@example.org"]


def test_a_domain_of_any_script_goes_out_as_a_labels(tmp_path: Path) -> None:
    with Catcher(tmp_path) as catcher:
        asyncio.run(once(catcher.port, message("alice@bücher.example")))
    assert catcher.caught[0].recipient == "alice@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "recipient", ["no-at-sign", "two words@example.org", "a@b\r\nRCPT TO:<c@d>", "<x>@example.org", "@example.org", "a@"]
)
def test_an_address_that_is_none_is_rejected_and_nothing_is_sent(tmp_path: Path, recipient: str) -> None:
    with Catcher(tmp_path) as catcher:
        delivery = asyncio.run(once(catcher.port, message(recipient)))
    assert (delivery.outcome, delivery.phase, catcher.caught) == ("rejected", Phase.MAIL, [])


# ---------------------------------------------------------------------------------------------- a server that is not

Script = dict[str, bytes | None]
GOOD: Script = {
    "HELLO": b"220 hi\r\n",
    "EHLO": b"250 me\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go\r\n",
    "BODY": b"250 done\r\n",
}


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers each step as the script says: bytes, b"" for silence, None for hanging up. Yields the port and what it was told."""
    told: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def say(writer: asyncio.StreamWriter, step: str) -> bool:
        answer = script.get(step, b"250 ok\r\n")
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        going = await say(writer, "HELLO")
        while going and (line := await reader.readline()):
            told.append(line)
            step = line[:4].decode("latin-1").upper().strip()
            going = await say(writer, step)
            if step == "DATA" and going and script["DATA"] is not None and script["DATA"].startswith(b"354"):
                while (line := await reader.readline()) not in (b".\r\n", b""):
                    told.append(line)
                going = bool(line) and await say(writer, "BODY")
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], told
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def against(**script: bytes | None) -> tuple[Delivery, list[bytes]]:
    async def run() -> tuple[Delivery, list[bytes]]:
        async with scripted({**GOOD, **script}) as (port, told):
            return await once(port), told

    return asyncio.run(run())


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"450 later\r\n", "deferred"),
        (b"421 busy\r\n", "deferred"),
        (b"550 5.1.1 nobody\r\n", "rejected"),
        (None, "deferred"),
        (b"", "deferred"),
    ],
)
def test_before_the_body_a_refusal_is_told_apart_and_silence_is_harmless(step: str, answer: bytes | None, outcome: str) -> None:
    delivery, told = against(**{step: answer})
    if step == "MAIL":
        outcome = "deferred"  # the recipient was not named yet: this is about us, and the message waits until it is mended
    assert (delivery.outcome, delivery.phase) == (outcome, Phase(step.lower()))
    assert b"first\r\n" not in told
    if answer:
        assert delivery.code == int(answer[:3])


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"250 2.0.0 queued\r\n", "accepted"),
        (b"451 later\r\n", "deferred"),
        (b"421 busy\r\n", "deferred"),
        (b"554 spam\r\n", "rejected"),
        (None, "unknown"),
        (b"", "unknown"),
        (b"garbage\r\n", "unknown"),
        (b"354 again\r\n", "unknown"),
    ],
)
def test_after_the_body_only_a_reply_decides_and_anything_else_is_unknown(answer: bytes | None, outcome: str) -> None:
    delivery, told = against(BODY=answer)
    assert (delivery.outcome, delivery.phase) == (outcome, Phase.BODY)
    assert told.count(b"first\r\n") == 1
    assert b"..leading dot\r\n" in told


@pytest.mark.parametrize("script", [{"HELLO": None}, {"HELLO": b"554 go away\r\n"}, {"HELLO": b"junk\r\n"}, {"EHLO": None}])
def test_a_server_that_cannot_be_talked_to_is_an_error_and_nothing_was_sent(script: Script) -> None:
    with pytest.raises(MailerError, match=r"Nothing was sent"):
        against(**script)


def test_no_server_at_all_is_an_error_that_names_it() -> None:
    with pytest.raises(MailerError, match=r"127\.0\.0\.1:1:.*\[smtp\]"):
        asyncio.run(once(1))


def test_a_login_is_never_sent_where_tls_was_stripped() -> None:
    async def run() -> list[bytes]:
        async with scripted({**GOOD, "EHLO": b"250-me\r\n250 AUTH PLAIN LOGIN\r\n"}) as (port, told):
            mailer = SmtpMailer([SmtpServer(host="127.0.0.1", port=port, tls="auto", username="me", password="swordfish")])
            with pytest.raises(MailerError):
                await mailer.open()
            await mailer.close()
            return told

    assert not any(line.upper().startswith(b"AUTH") for line in asyncio.run(run()))


def test_letters_beyond_ascii_need_a_server_that_takes_them() -> None:
    async def run() -> Delivery:
        async with scripted(GOOD) as (port, _):
            return await once(port, message("jörg@example.org"))

    delivery = asyncio.run(run())
    assert delivery.outcome == "rejected"
    assert "SMTPUTF8" in delivery.text


def test_a_connection_lost_between_messages_is_opened_again() -> None:
    async def run() -> list[str]:
        async with scripted({**GOOD, "BODY": b"421 that was the last\r\n"}) as (port, _):
            mailer = SmtpMailer([server(port)], patience=0)
            await mailer.open()
            outcomes = [(await mailer.deliver(message(), yes)).outcome for _ in range(3)]
            await mailer.close()
            return outcomes

    assert asyncio.run(run()) == ["deferred"] * 3


# ---------------------------------------------------------------------------------------------- a folder


def test_a_folder_takes_each_message_as_a_file(tmp_path: Path) -> None:
    async def run() -> list[str]:
        mailer = FolderMailer(tmp_path / "out")
        await mailer.open()
        return [(await mailer.deliver(message(), yes)).outcome, (await mailer.deliver(message(), no)).outcome]

    assert asyncio.run(run()) == ["accepted", "lost"]
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "out").iterdir()] == [("1@example.org.eml", DATA)]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MailerError, match="cannot be made"):
        asyncio.run(FolderMailer(tmp_path / "file" / "out").open())
