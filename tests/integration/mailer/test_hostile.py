"""The mailer against a server that misbehaves at every step.

The mailer must never hang and never report a wrong outcome. The server says what is right:
accepted = it promised to keep the message, deferred and rejected = it did not, unknown = the body
had begun and no reply came. All cases of a table run at once in one event loop. Timeouts are short
only at the step where the server never answers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import MailerError
from digest.mail.mailer import RateLimiter, RateLimiters, SmtpMailer, Timeouts
from digest.model import Phase
from tests.fakes.smtp_server import Act, HostileSmtp, Step
from tests.integration.mailer.hostile_acts import (
    BODY,
    GUARD,
    PROPER,
    SOON,
    acts,
    contradiction,
    message,
    patience_for,
    send_one,
    should_be,
    to,
)

#: DIGEST_TEST_FUZZ_SECONDS makes the walk long, about so many seconds
MORE = max(1, int(os.environ.get("DIGEST_TEST_FUZZ_SECONDS", "0")))


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "step by step"])
@pytest.mark.parametrize("step", PROPER)
def test_every_answer_at_every_step_comes_to_what_is_true(step: Step, pipelining: bool) -> None:
    offers = ("PIPELINING", "8BITMIME") if pipelining else ("8BITMIME",)

    async def walk() -> list[str]:
        table = acts(PROPER[step])
        reports = await asyncio.gather(
            *(
                send_one(
                    HostileSmtp({step: [act] * 50}, offers=offers), timeouts=patience_for(step, act)
                )
                for act, _ in table.values()
            )
        )
        wrong = []
        for (name, (_, code)), report in zip(table.items(), reports, strict=True):
            right = should_be(step, code, name)
            if report.outcome not in right or contradiction(report):
                wrong.append(
                    f"{name}: {report.outcome}, not {right} {contradiction(report)} "
                    f"{report.delivery or report.error}"
                )
            elif (
                code
                and report.delivery
                and report.delivery.outcome != "accepted"
                and report.delivery.server
                and report.delivery.code not in (0, code)
            ):
                wrong.append(f"{name}: code {report.delivery.code}")
        return wrong

    assert asyncio.run(walk()) == []


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "step by step"])
def test_a_connection_lost_after_any_byte_of_the_body_is_unknown(pipelining: bool) -> None:
    whole = len(BODY) + 2 + 3  # two dots more, and the final one

    async def walk() -> list[str]:
        offers = ("PIPELINING",) if pipelining else ()
        reports = await asyncio.gather(
            *(send_one(HostileSmtp(drop_body_at=[at], offers=offers)) for at in range(whole + 1))
        )
        wrong = [
            f"at {at}: {report.outcome} {contradiction(report)}"
            for at, report in enumerate(reports)
            if (at and report.outcome != "unknown") or contradiction(report)
        ]
        if reports[0].outcome not in (
            "deferred",
            "unknown",
        ):  # the reply may be read before or after the body is written
            wrong.append(f"at 0: {reports[0].outcome}")
        return wrong

    assert asyncio.run(walk()) == []


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "step by step"])
@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("BANNER", b"220 hi\r\n250 ok\r\n", {"accepted", "error"}),
        ("EHLO", b"250 me\r\n250 ok\r\n250 ok\r\n", {"accepted"}),
        ("MAIL", b"250 ok\r\n250 ok\r\n", {"deferred"}),
        ("MAIL", b"250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n", {"deferred"}),
        ("MAIL", b"250 ok\r\n2", {"deferred"}),
        ("RCPT", b"250 ok\r\n250 ok\r\n", {"deferred"}),
        ("RCPT", b"250 ok\r\n354 go\r\n", {"deferred"}),
        ("RCPT", b"250 ok\r\n354 go\r\n250 kept\r\n", {"deferred"}),
        ("RCPT", b"550 5.1.1 no\r\n354 go\r\n", {"rejected"}),
        ("DATA", b"354 go\r\n250 kept\r\n", {"deferred"}),
        ("DATA", b"354 go\r\n421 closing\r\n", {"deferred"}),
        ("DATA", b"354 go\r\n2", {"deferred"}),
        ("DOT", b"250 kept\r\n554 no\r\n", {"accepted"}),
        ("DOT", b"554 no\r\n250 kept\r\n", {"rejected"}),
        ("DOT", b"451 no\r\n250 kept\r\n", {"deferred"}),
    ],
)
def test_unsolicited_replies_never_count_as_acceptance(
    step: Step, reply: bytes, outcome: set[str], pipelining: bool
) -> None:
    report = asyncio.run(
        send_one(
            HostileSmtp({step: [Act(say=reply)]}, offers=("PIPELINING",) if pipelining else ())
        )
    )
    assert (report.outcome in outcome, contradiction(report)) == (True, ""), report


def test_a_server_that_answers_before_it_has_the_message_keeps_nothing() -> None:
    """24 MB fit into no buffer, so the final dot is not yet sent when the 250 comes."""
    big = b"Subject: big\r\n\r\n" + (b"x" * 998 + b"\r\n") * 24_000
    act = Act(say=b"354 go\r\n", then="be deaf", at_last=b"250 kept\r\n")
    report = asyncio.run(send_one(HostileSmtp({"DATA": [act]}, receive_buffer=65536), data=big))
    assert (report.outcome, report.begun) == ("unknown", 1)


@pytest.mark.parametrize("parting", [b"", b"421 4.4.2 too slow\r\n"])
def test_a_server_that_disconnects_during_the_ledger_write_gets_nothing(parting: bytes) -> None:
    async def run() -> tuple[str, HostileSmtp]:
        async with HostileSmtp(
            {"DATA": [Act(say=b"354 go\r\n", then="be deaf", at_last=parting)]}
        ) as server:
            mailer = SmtpMailer([to(server)], patience=0)

            async def begin() -> bool:
                await asyncio.sleep(0.1)
                server.leave()
                while server.open_connections:
                    await asyncio.sleep(0)
                await asyncio.sleep(0.05)
                return True

            try:
                return (await mailer.deliver(message(), begin)).outcome, server
            finally:
                await mailer.close()

    outcome, server = asyncio.run(run())
    assert (outcome, server.bodies) == ("deferred", b"")


@pytest.mark.parametrize(
    "reply", [Act.reply("450 later"), Act.reply("550 5.1.1 nobody"), Act.reply("554 no")]
)
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "step by step"])
def test_after_a_refusal_the_next_message_goes_over_the_same_connection(
    step: Step, reply: Act, pipelining: bool
) -> None:
    async def run() -> tuple[list[str], HostileSmtp]:
        async with HostileSmtp(
            {step: [reply]}, offers=("PIPELINING",) if pipelining else ()
        ) as server:
            mailer = SmtpMailer([to(server)], patience=30)
            outcomes = [
                (await mailer.deliver(message(f"r@d{n}.example"), _yes)).outcome
                for n in range(1 if step == "MAIL" else 3)
            ]
            await mailer.close()
            return outcomes, server

    outcomes, server = asyncio.run(run())
    assert outcomes[1:] == ["accepted"] * len(outcomes[1:])
    assert server.connections == 1
    assert len(server.commands("RSET")) == (1 if len(outcomes) > 1 else 0), (
        "RSET only after a refusal"
    )


@pytest.mark.parametrize("refused", ["MAIL", "RCPT"])
def test_a_server_that_wants_the_body_of_a_refused_message_gets_nothing_more(refused: Step) -> None:
    """The server would read the next commands as the body."""

    async def run() -> tuple[list[str], HostileSmtp]:
        async with HostileSmtp(
            {
                refused: [Act.reply("550 5.1.1 nobody")],
                "DATA": [Act.reply("354 go on all the same")],
            }
        ) as server:
            mailer = SmtpMailer(
                [to(server)], RateLimiters(servers=RateLimiter(policy=SOON)), patience=GUARD
            )
            outcomes = [
                (await mailer.deliver(message(f"r@d{n}.example"), _yes)).outcome for n in range(2)
            ]
            await mailer.close()
            return outcomes, server

    outcomes, server = asyncio.run(run())
    assert outcomes[1] == "accepted"
    assert server.accepted_recipients == ["r@d1.example"]
    assert server.bodies == server.got[0].data.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    assert server.connections == 2


async def _yes() -> bool:
    return True


# ------------------------------------------------------------------------- random sequences of acts

WORDS = st.sampled_from(
    [
        Act.reply("250 ok"),
        Act.reply("354 go"),
        Act.reply("450 4.2.0 later"),
        Act.reply("421 closing"),
        Act.reply("550 5.1.1 nobody"),
        Act.reply("554 5.7.1 no"),
        Act.reply("junk"),
        Act.hang_up(),
        Act.silence(),
        Act(say=(b"250 ok\r\n250 ok\r\n")),
        Act(say=b"25"),
        Act.reply(("250 ok"), then=("hang up")),
        Act.reply("250-a\n250 ok", bytewise=True),
        Act(say=b"250 ok\r\n354 go\r\n"),
    ]
)


@settings(max_examples=40 * MORE, database=None)
@given(
    script=st.fixed_dictionaries(
        {},
        optional={
            step: st.lists(WORDS, min_size=1, max_size=4)
            for step in ("BANNER", "EHLO", "MAIL", "RCPT", "DOT", "RSET", "QUIT")
        },
    ),
    data=st.lists(st.one_of(st.just(Act.reply("354 go")), WORDS), max_size=4),
    drops=st.lists(st.one_of(st.none(), st.integers(0, 80)), max_size=4),
    pipelining=st.booleans(),
    together=st.booleans(),
    connections=st.integers(1, 3),
)
def test_outcomes_are_true_for_random_behaviour_of_the_server(
    script: dict[Step, Sequence[Act]],
    data: list[Act],
    drops: list[int | None],
    pipelining: bool,
    together: bool,
    connections: int,
) -> None:
    # The mailer detects a reply that comes together with 354. A reply that comes while the body
    # is sent looks like the reply to the body.
    full_script = {**script, "DATA": data}

    async def run() -> list[str]:
        short = Timeouts(connect=GUARD, greeting=0.1, mail=0.1, rcpt=0.1, data=0.1, dot=0.1)
        async with HostileSmtp(
            full_script, offers=("PIPELINING",) if pipelining else (), drop_body_at=drops
        ) as server:
            mailer = SmtpMailer([to(server, timeouts=short, connections=connections)], patience=0)
            begun: list[int] = []

            async def send(number: int) -> str:
                async def begin() -> bool:
                    begun.append(number)
                    return True

                try:
                    async with asyncio.timeout(GUARD):
                        return (
                            await mailer.deliver(message(f"r{number}@d{number}.example"), begin)
                        ).outcome
                except MailerError:
                    return "error"

            outcomes = (
                await asyncio.gather(*map(send, range(4)))
                if together
                else [await send(number) for number in range(4)]
            )
            await mailer.close()
            wrong = []
            for number, outcome in enumerate(outcomes):
                copies = server.accepted_recipients.count(f"r{number}@d{number}.example")
                times = begun.count(number)
                if (
                    copies > 1
                    or times > 1
                    or (outcome != "unknown" and (outcome == "accepted") != (copies == 1))
                    or (outcome == "unknown" and not times)
                ):
                    wrong.append(f"message {number}: {outcome}, kept {copies}, begun {times}")
            return wrong

    assert asyncio.run(run()) == []


# ------------------------------------------------------------------------- messages to the operator


@pytest.mark.parametrize(
    "text", ["550 5.1.1 \x1b[31mred\x07", "550 5.1.1 \x00nul", "550 5.1.1 \udcff"]
)
def test_replies_of_a_server_can_be_shown_and_stored(text: str) -> None:
    reply = Act(say=text.encode("utf-8", "surrogateescape") + b"\r\n")
    report = asyncio.run(send_one(HostileSmtp({"RCPT": [reply]})))
    assert report.delivery
    assert report.delivery.text.isprintable()
    assert report.delivery.text.encode()


@pytest.mark.parametrize("step", ["BANNER", "EHLO"])
def test_replies_before_a_login_can_be_shown_too(step: Step) -> None:
    report = asyncio.run(
        send_one(
            HostileSmtp(
                {
                    step: [Act(say=b"554 \x1b[31m\xff\x00no\r\n")] * 9,
                    "HELO": [Act(say=b"554 \x1b[31m\xff\x00no\r\n")] * 9,
                }
            )
        )
    )
    assert report.error.isprintable()
    assert report.error.encode()


def test_a_paused_server_says_until_when() -> None:
    report = asyncio.run(send_one(HostileSmtp({"BANNER": [Act.reply("421 4.3.2 too busy")] * 3})))
    assert report.delivery
    assert (report.delivery.outcome, report.delivery.fault, report.delivery.phase) == (
        "deferred",
        "busy",
        Phase.CONNECT,
    )
    assert report.delivery.retry_at
    assert report.delivery.retry_at > datetime.now(UTC)
    assert "too busy" in report.delivery.text
