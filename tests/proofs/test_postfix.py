"""Digests sent through a real Postfix arrive unchanged, with valid signatures."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dkim as verifier
import pytest

from digest import pipeline, subscriptions
from digest.app import App
from digest.mail import bounces, links
from digest.mail.messages import dkim
from digest.model import MessageState, Purpose
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers, make_app, skip_or_fail
from tests.fakes.postfix import GONE, Postfix, why_not

#: titles that some mail server on the way could not leave alone: 8-bit text, lone dots, "From " at
#: a line's start, very long words
_ODD = (
    "Über größe",
    "语言模型的学习与推理",
    "From here to there",
    "." * 40,
    "x" * 250,
    "=?utf-8?q?forged?=",
    "a  b\tc   ",
    "$\\alpha_{i}$ & <b>bold</b>",
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    app: App
    #: by the address that a mail was for
    arrived: dict[str, bytes]
    #: what the mail server wrote back to our bounce address
    returned: list[bytes]
    #: name of a DNS record -> its text
    published: dict[str, str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """A round through Postfix for three readers, one of them without a mailbox."""
    if why := why_not():
        skip_or_fail(why)
    folder = tmp_path_factory.mktemp("postfix")
    published = {}
    for kind, selector in (("rsa", "digest"), ("ed25519", "digest-ed25519")):
        (folder / f"{kind}.pem").write_bytes(dkim.generate_key(kind))  # type: ignore[arg-type]
        published[f"{selector}._domainkey.papers.example.org"] = dkim.read_key(
            (folder / f"{kind}.pem").read_bytes()
        ).record
    with Postfix() as postfix:
        app = make_app(
            folder,
            smtp__host="127.0.0.1",
            smtp__port=str(postfix.port),
            smtp__tls="none",
            mail__sender="digest@papers.example.org",
            mail__bounce_domain="bounces.papers.example.org",
            mail__dkim_key_file=str(folder / "rsa.pem"),
            mail__dkim_ed25519_key_file=str(folder / "ed25519.pem"),
            web__base_url="https://papers.example.org",
        )
        rows = invent_papers(TODAY)
        for row, title in zip(rows, _ODD, strict=False):
            row["title"] = title
            row["abstract"] = f"{title}. {row['abstract']}"
        (folder / "dump.jsonl").write_text("".join(f"{line}\n" for line in map(json.dumps, rows)))
        assert not pipeline.ingest(app, [folder / "dump.jsonl"]).failed
        for email in ("alice@example.net", "bob@example.com", f"carol@{GONE}"):
            subscriptions.subscribe(
                app, SubscriptionRequest(email=email, size=16), origin="command"
            )
        report = pipeline.round(app)
        assert report.sent.states == {MessageState.ACCEPTED: 3}
        mails = postfix.mails(3)
        yield Outcome(
            app=app,
            arrived={
                str(_parse(data)["To"]): data
                for data in mails
                if not str(_parse(data)["To"]).startswith("b+")
            },
            returned=[data for data in mails if str(_parse(data)["To"]).startswith("b+")],
            published=published,
        )
        app.close()


def _parse(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def _remove_local_headers(data: bytes) -> bytes:
    """Remove the headers that the mail server wrote above a mail.

    A Maildir ends lines with a line feed alone.
    """
    return data[data.index(b"DKIM-Signature:") :].replace(b"\n", b"\r\n")


def test_each_reader_finds_one_digest_in_the_mailbox(outcome: Outcome) -> None:
    assert sorted(outcome.arrived) == ["alice@example.net", "bob@example.com"]
    for address, data in outcome.arrived.items():
        message = _parse(data)
        assert [message.get_all(name) for name in ("From", "To", "Delivered-To")] == [
            ["Digest <digest@papers.example.org>"],
            [address],
            [address],
        ]
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None
        assert html is not None
        assert html.get_content().count("<h2") == text.get_content().count("More like this:") >= 10
        odd = [
            title
            for title in ("语言模型的学习与推理", "From here to there", "Über größe")
            if title in text.get_content()
        ]
        assert len(odd) >= 2
        assert all(title in html.get_content() for title in odd)


def test_the_signatures_survive_the_relay(outcome: Outcome) -> None:
    def dns(name: bytes, timeout: int = 5) -> bytes:
        return outcome.published[name.decode().rstrip(".")].encode()

    for data in outcome.arrived.values():
        checked = verifier.DKIM(data.replace(b"\n", b"\r\n"))
        assert [checked.verify(index, dnsfunc=dns) for index in (0, 1)] == [True, True]


def test_opendkim_believes_both_signatures(outcome: Outcome, tmp_path: Path) -> None:
    if shutil.which("opendkim") is None:
        skip_or_fail("no OpenDKIM is installed")
    (tmp_path / "keys").write_text(
        "".join(f"{name} {text}\n" for name, text in outcome.published.items())
    )
    (tmp_path / "conf").write_text(f"Mode v\nTestPublicKeys {tmp_path}/keys\nSyslog no\n")

    def verdict_of(data: bytes) -> str:
        (tmp_path / "mail.eml").write_bytes(data)
        words = ["opendkim", "-x", str(tmp_path / "conf"), "-vv", "-t", str(tmp_path / "mail.eml")]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
        ).stdout

    for data in outcome.arrived.values():
        right = verdict_of(_remove_local_headers(data))
        assert right.count("dkim=pass") == 2
        assert "dkim=fail" not in right
        forged = verdict_of(_remove_local_headers(data).replace(b"\r\nTo: ", b"\r\nTo: x"))
        assert "dkim=pass" not in forged


def test_a_bounce_of_a_real_server_names_the_reader_and_the_message(outcome: Outcome) -> None:
    (data,) = outcome.returned
    sender = str(_parse(data)["To"])
    link = outcome.app.with_keys(lambda keys: links.read_bounce_address(sender, keys))
    assert link.purpose is Purpose.BOUNCE
    assert subscriptions.get(outcome.app, link.subscriber_id).email == f"carol@{GONE}"
    arrived = bounces.read(data)
    assert (arrived.kind, arrived.reported_recipient, arrived.enhanced) == (
        "bounce",
        f"carol@{GONE}",
        "5.1.1",
    )
    senders = {str(_parse(data)["Return-Path"]) for data in outcome.arrived.values()}
    assert len(senders | {sender}) == 3
