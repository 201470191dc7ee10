"""The demonstration, and the mail server for development."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import httpx

from digest.demo.mail_sink import MailSink
from tests.acceptance.conftest import Run


def test_a_mail_in_an_unknown_charset_is_shown(
    mail_sink: MailSink,
) -> None:
    with smtplib.SMTP(mail_sink.host, mail_sink.port) as client:
        client.sendmail(
            "a@example.org",
            "b@example.org",
            b"Content-Type: text/plain; charset=bogus\r\n\r\nh\xc3\xa9\r\n",
        )
    assert mail_sink.mails[0].part("plain").strip() == "hé"


def test_mails_are_caught_and_shown_instead_of_delivered(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "digest",
        "dev-mail",
        "--port",
        "0",
        "--web-port",
        "0",
        "--folder",
        "mail",
    ]
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    ) as process:
        try:
            assert process.stdout is not None
            output = ""
            while "/inbox" not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            port, address = (
                int(re.findall(r"port = (\d+)", output)[0]),
                re.findall(r"http://\S+", output)[0],
            )
            assert "No mail yet" in httpx.get(address, trust_env=False).text
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                client.sendmail(
                    "b@example.org",
                    ["alice@example.org", "bob@example.org"],
                    "Subject: a <caught> mail\r\n\r\nwords\r\n",
                )
            page = httpx.get(
                address.removesuffix("/inbox"), trust_env=False, follow_redirects=True
            ).text
            assert page.count("a &lt;caught&gt; mail") == 2
            assert "words" in httpx.get(f"{address}/1", trust_env=False).text
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert sorted(path.name for path in (tmp_path / "mail").iterdir()) == [
        "001-alice@example.org.eml",
        "002-bob@example.org.eml",
    ]


def test_the_demonstration_ignores_settings_from_outside_and_ends_well(
    process: Run, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("this is not even TOML")
    output = process(
        "demo",
        "--no-serve",
        "--folder",
        "show",
        DIGEST_SMTP__PORT="nonsense",
        DIGEST_STORE__URL="nonsense",
    ).stdout
    assert "10 mails were delivered over SMTP" in output
    mails = sorted(path.name for path in (tmp_path / "show" / "mail").iterdir())
    assert len(mails) == 10
    assert output.count("more like this") == 5
    assert "strong match" in output  # nobody has rated enough for numbers
    assert "None" not in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "show"]


def test_a_folder_with_something_in_it_is_not_used_for_the_demonstration(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "mine").write_text("precious")
    assert "is not empty" in run("demo", "--no-serve", "--folder", "show", code=2).stderr
