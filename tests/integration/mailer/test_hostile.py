"""The mailer against a server that misbehaves at every step.

The mailer must never hang and never report a wrong outcome. The server says what is right:
accepted = it promised to keep the message, deferred and rejected = it did not, unknown = the body
had begun and no reply came. All cases of a table run at once in one event loop. Timeouts are short
only at the step where the server never answers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import MailerError
from digest.mail.mailer import RateLimiter, RateLimiters, SmtpMailer, SmtpServer, Timeouts
from digest.mail.mailer.pacing import Backoff, Policy
from digest.model import Delivery, Message, Phase
from tests.fakes.smtp_server import Act, HostileSmtp, Step

BODY = b"Subject: secret words\r\n\r\n.dots\r\n..and more\r\nsecret words\r\n"
#: DIGEST_TEST_FUZZ_SECONDS makes the walk long, about so many seconds
MORE = max(1, int(os.environ.get("DIGEST_TEST_FUZZ_SECONDS", "0")))
#: a guard against hanging, far beyond what anything here takes
GUARD = 240
#: what is waited for in vain
SHORT = 0.15
SOON = Policy(
    busy=Backoff(first=0.02, longest=0.02),
    ours=Backoff(first=0.02, longest=0.02),
    retry_during_probe=0.01,
    assumed_rate=1e9,
)
LONG = Timeouts(connect=GUARD, greeting=GUARD, mail=GUARD, rcpt=GUARD, data=GUARD, dot=GUARD)


def message(recipient: str = "alice@example.org", data: bytes = BODY) -> Message:
    return Message(
        message_id="<m1@example.org>",
        sender="b@example.org",
        recipient=recipient,
        subject="",
        data=data,
    )


def patience_for(step: Step, act: Act) -> Timeouts:
    """Return timeouts that are short only where the server never answers in full.

    All others are long, so that a slow machine changes nothing.
    """
    if act.then not in ("keep silent", "babble"):
        return LONG
    name = {"MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "DOT": "dot"}.get(step, "greeting")
    return replace(LONG, **{name: SHORT})


def to(server: HostileSmtp, **more: object) -> SmtpServer:
    return SmtpServer(
        **{"host": "127.0.0.1", "port": server.port, "tls": "none", "timeouts": LONG, **more}
    )  # type: ignore[arg-type]


@dataclass
class Report:
    """The outcome of one message, as the mailer and as the server see it."""

    delivery: Delivery | None
    error: str
    begun: int
    server: HostileSmtp

    @property
    def outcome(self) -> str:
        return self.delivery.outcome if self.delivery else "error"


async def send_one(server: HostileSmtp, *, data: bytes = BODY, **more: object) -> Report:
    begun = 0

    async def begin() -> bool:
        nonlocal begun
        begun += 1
        return True

    delivery, error = None, ""
    async with server:
        mailer = SmtpMailer([to(server, **more)], patience=0)
        try:
            async with asyncio.timeout(GUARD):
                await mailer.open()
                delivery = await mailer.deliver(message(data=data), begin)
        except MailerError as mails:
            error = str(mails)
        finally:
            await mailer.close()
    return Report(delivery, error, begun, server)


def contradiction(report: Report) -> str:
    """Return how an outcome contradicts the server, or ""."""
    stored, outcome = len(report.server.accepted_recipients), report.outcome
    if stored > 1 or (outcome != "unknown" and (outcome == "accepted") != (stored == 1)):
        return f"{outcome}, and the server keeps {stored}"
    if report.begun > 1:
        return f"begun {report.begun} times"
    if outcome == "unknown" and not report.begun:
        return "unknown, and nothing was begun"
    if report.server.bodies and not report.begun:
        return "a body left that was not begun"
    if any(b"secret words" in line for _, _, line in report.server.received):
        return "a body was sent as commands"
    if outcome == "error" and (report.begun or "Nothing was sent" not in report.error):
        return f"an error after the beginning: {report.error}"
    return ""


# -------------------------------------------------------------------------- every act at every step


def acts(proper: bytes) -> dict[str, tuple[Act, int]]:
    """Return the acts of a step by name, with the code the client reads (0 = none).

    `proper` is the correct reply to the step.
    """
    code = int(proper[:3])
    return {
        "as it should be": (Act(say=proper), code),
        "in several lines": (Act(say=proper[:3] + b"-one\r\n" + proper), code),
        "byte by byte": (Act(say=proper[:3] + b"-one\r\n" + proper, bytewise=True), code),
        "without text": (Act(say=proper[:3] + b"\r\n"), code),
        "with bare newlines": (Act(say=proper.replace(b"\r", b"")), code),
        "late": (Act(say=proper, delay=0.02), code),
        "and hangs up": (Act(say=proper, then="hang up"), code),
        "421": (Act.reply("421 4.3.2 closing", then="hang up"), 421),
        "421 and stays": (Act.reply("421 4.3.2 closing"), 421),
        "450": (Act.reply("450 4.2.0 later"), 450),
        "451 in lines": (Act.reply("451-4.7.1 later\n451 4.7.1 much later", bytewise=True), 451),
        "454": (Act.reply("454 4.7.0 not now"), 454),
        "500": (Act.reply("500 5.5.1 what"), 500),
        "550": (Act.reply("550 5.1.1 nobody"), 550),
        "554": (Act.reply("554 5.7.1 policy"), 554),
        "550 and hangs up": (Act.reply("550 5.1.1 nobody", then="hang up"), 550),
        "a code from nowhere": (Act.reply("299 what"), 299),
        "354 out of place": (Act.reply("354 go on"), 354),
        "100": (Act.reply("100 continue"), 0),
        "600": (Act.reply("600 no"), 0),
        "two digits": (Act.reply("25 ok"), 0),
        "letters": (Act.reply("OK"), 0),
        "a blank line": (Act(say=b"\r\n"), 0),
        "a code and no space": (Act.reply("250ok"), 0),
        "codes that differ": (Act.reply("250-ok\n550 no"), 0),
        "binary": (Act(say=bytes(range(256)) + b"\r\n"), 0),
        "hangs up": (Act.hang_up(), 0),
        "half a reply": (Act(say=proper[:-2], then="hang up"), 0),
        "a line of 100 kB": (Act(say=proper[:3] + b" " + b"x" * 100_000 + b"\r\n"), 0),
        "lines without end": (Act(say=b"250-more\r\n" * 100, then="babble"), 0),
        "a line without end": (Act(say=b"250 more" * 100, then="babble"), 0),
        "silence": (Act.silence(), 0),
        "half a reply and silence": (Act(say=proper[:-2], then="keep silent"), 0),
        "the first of many lines and silence": (
            Act(say=proper[:3] + b"-one\r\n", then="keep silent"),
            0,
        ),
    }


PROPER: Mapping[Step, bytes] = {
    "BANNER": (b"220 hi\r\n"),
    "EHLO": (b"250 me\r\n"),
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go\r\n",
    "DOT": b"250 kept\r\n",
}


def should_be(step: Step, code: int, name: str) -> set[str]:
    """Return the outcomes that RFC 5321 allows for an answer to a step."""
    hangs_up = "hangs up" in name
    if step == "DOT":
        return {
            "accepted"
            if 200 <= code <= 299
            else "deferred"
            if 400 <= code <= 499
            else "rejected"
            if code >= 500
            else "unknown"
        }
    fine = (
        code == 354
        if step == "DATA"
        else code == 220
        if step == "BANNER"
        else code == 250
        if step == "EHLO"
        else 200 <= code <= 299
    )
    if fine and hangs_up:  # if the end is seen only after the body began, the outcome is unknown
        return {"deferred", "unknown"} if step == "DATA" else {"deferred", "error"}
    if fine:
        return {"accepted"}
    if step in ("BANNER", "EHLO"):
        if step == "EHLO" and name in ("codes that differ", "a code and no space"):
            return {"accepted"}  # aiosmtplib reads this greeting and is lenient
        if step == "EHLO" and code >= 500 and not hangs_up:
            return {"accepted"}  # HELO does
        return {"deferred"} if 400 <= code <= 499 else {"error"}
    # A refusal of MAIL is about this service; the message waits until it is fixed.
    return {"rejected"} if code >= 500 and step != "MAIL" else {"deferred"}


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
