"""Whoever signs up on the pages of the demonstration gets their mails in its inbox."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from digest import demo, subscriptions
from digest.demo.mail_sink import MailSink
from digest.demo.servers import free_port
from digest.subscriptions import SubscriptionRequest


def test_a_sign_up_gets_its_mail_while_the_demonstration_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with MailSink(tmp_path / "mail") as mail_sink:
        app = demo._open_app(tmp_path, mail_sink, free_port())

        def wait_for_mail() -> None:
            request = SubscriptionRequest(email="ada@example.org")
            subscriptions.sign_up(app, request, origin="page", client="127.0.0.1")
            deadline = time.monotonic() + 20
            while not mail_sink.mails and time.monotonic() < deadline:
                time.sleep(0.05)

        monkeypatch.setattr(demo, "wait_for_signal", wait_for_mail)
        try:
            demo._serve(app, "http://127.0.0.1:1")
        finally:
            app.close()
        (mail,) = mail_sink.mails
    assert mail.recipient == "ada@example.org"
    assert "confirm" in mail.parsed["subject"]
    assert "http://127.0.0.1:1/inbox" in capsys.readouterr().out
