"""How a server may misbehave, and which outcomes of a message are then true."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from digest.errors import MailerError
from digest.mail.mailer import SmtpMailer, SmtpServer, Timeouts
from digest.mail.mailer.pacing import Backoff, Policy
from digest.model import Delivery, Message
from tests.fakes.smtp_server import Act, HostileSmtp, Step

BODY = b"Subject: secret words\r\n\r\n.dots\r\n..and more\r\nsecret words\r\n"
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
