"""`doctor` against real mail servers: with faults, and unreachable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from digest import config as settings
from digest import doctor
from digest.mail.messages import dkim
from tests.fakes import certificates
from tests.fakes.smtp_server import Act, HostileSmtp, serving
from tests.integration.doctor_findings import (
    examine,
    findings_in,
    levels,
    make_config,
)


@pytest.fixture
def key(tmp_path: Path) -> dkim.Key:
    pem = dkim.generate_key()
    (tmp_path / "dkim.pem").write_bytes(pem)
    (tmp_path / "dkim.pem").chmod(0o600)
    return dkim.read_key(pem)


def test_a_mail_server_is_checked_with_tls_and_login(tmp_path: Path) -> None:
    trusted = certificates.make(tmp_path)
    offers = ("STARTTLS", "AUTH PLAIN LOGIN", "8BITMIME", "DSN")
    with serving(HostileSmtp(offers=offers, tls=trusted.server)) as server:
        how = {
            "smtp__host": "127.0.0.1",
            "smtp__port": str(server.port),
            "smtp__ca_file": str(trusted.ca_file),
        }
        findings = examine(
            make_config(tmp_path, **how, smtp__username="digest", smtp__password="secret")
        )
        assert findings_in(findings, "mail server") == [
            (
                "good",
                f"127.0.0.1:{server.port}: answers with TLS, and logs in digest; it offers "
                f"8BITMIME, DSN",
            )
        ]
        assert server.got == [], "no mail is sent unasked"


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (
            HostileSmtp(
                script={"AUTH": [Act.reply("535 5.7.8 wrong password")]},
                offers=("STARTTLS", "AUTH PLAIN"),
            ),
            "wrong password",
        ),
        (HostileSmtp(offers=("AUTH PLAIN",)), "STARTTLS"),
        (HostileSmtp(script={"BANNER": [Act.reply("554 5.7.1 go away")]}), "go away"),
    ],
    ids=["login", "no-tls", "banner"],
)
def test_a_failed_login_is_bad(tmp_path: Path, server: HostileSmtp, message: str) -> None:
    trusted = certificates.make(tmp_path)
    server.tls = trusted.server
    with serving(server):
        how = {
            "smtp__host": "127.0.0.1",
            "smtp__port": str(server.port),
            "smtp__ca_file": str(trusted.ca_file),
        }
        findings = examine(
            make_config(tmp_path, **how, smtp__username="digest", smtp__password="secret")
        )
    ((level, what),) = findings_in(findings, "mail server")
    assert (level, message in what, "secret" in what) == ("bad", True, False)
    assert doctor.has_failures(findings)


def test_every_server_is_checked_and_an_unreachable_one_is_bad(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[mail]\nsender = "digest@papers.example.org"\n[smtp]\nhost = "127.0.0.1"\nport = '
        '1\n[[smtp.more]]\nhost = "127.0.0.1"\nport = 2\n'
    )
    findings = examine(settings.load(tmp_path / "config.toml", {}))
    assert [
        (level, what.split(" ")[0]) for level, what in findings_in(findings, "mail server")
    ] == [
        ("bad", "127.0.0.1:1:"),
        ("bad", "127.0.0.1:2:"),
    ]


def test_a_clock_in_a_greeting_is_compared(tmp_path: Path) -> None:
    for apart, level in ((0, "good"), (20, "warning"), (3000, "bad")):
        now = format_datetime(datetime.now(UTC) - timedelta(seconds=apart))
        banners = [Act.reply(f"220 mx ESMTP Exim 4.96 {now}")] * 2
        with serving(HostileSmtp(script={"BANNER": banners})) as server:
            findings = examine(
                make_config(
                    tmp_path, smtp__host="127.0.0.1", smtp__port=str(server.port), smtp__tls="none"
                )
            )
        assert levels(findings, "clock") == [level]


def test_a_test_mail_is_signed_and_its_outcome_is_reported(tmp_path: Path, key: dkim.Key) -> None:
    how = {
        "mail__dkim_key_file": str(tmp_path / "dkim.pem"),
        "smtp__host": "127.0.0.1",
        "smtp__tls": "none",
    }
    with serving(HostileSmtp()) as server:
        findings = examine(
            make_config(tmp_path, **how, smtp__port=str(server.port)), send="me@example.net"
        )
    (got,) = server.got
    assert (got.recipient, got.data.startswith(b"DKIM-Signature:")) == ("me@example.net", True)
    assert levels(findings, "mail server") == ["good", "note"]
    refusing = HostileSmtp(script={"RCPT": [Act.reply("550 5.1.1 nobody here")]})
    with serving(refusing) as server:
        findings = examine(
            make_config(tmp_path, **how, smtp__port=str(server.port)), send="me@example.net"
        )
    assert findings_in(findings, "mail server")[1] == (
        "bad",
        f"127.0.0.1:{server.port}: the test mail was rejected: 550 5.1.1 nobody here",
    )
