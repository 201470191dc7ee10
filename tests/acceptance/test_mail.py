"""Sent and returned mail, as the operator follows and settles it."""

from __future__ import annotations

import json
from pathlib import Path

from digest.demo.mail_sink import MailSink
from tests.acceptance.conftest import Run
from tests.conftest import TODAY


def test_suppressions_are_listed_imported_exported_and_released(run: Run, tmp_path: Path) -> None:
    run("subscribe", "alice@example.org")
    report = json.loads(
        run(
            "suppressions",
            "add",
            "Alice@example.org",
            "bob@example.org",
            "--evidence",
            "by phone",
            "--json",
        ).stdout
    )
    assert report == {"added": 2, "known": 0}
    assert json.loads(run("subscribers", "--json").stdout)[0]["standing"] == "suppressed"
    assert "digest suppressions release" in run("subscribe", "bob@example.org", code=1).stderr
    (tmp_path / "more.csv").write_text(
        "address,reason,since\ncarol@example.org,hard,2026-01-02\nbob@example.org,,\nnobody,,\nd@example.org,odd,\n"
    )
    report = json.loads(run("suppressions", "import", "more.csv", "--json", code=1).stdout)
    assert {name: report[name] for name in ("added", "known", "rejected")} == {
        "added": 1,
        "known": 1,
        "rejected": 2,
    }
    assert [row["line"] for row in report["rejects"]] == [4, 5]
    for name in ("all.csv", "all.jsonl"):
        run("suppressions", "export", name)
        assert json.loads(run("suppressions", "import", name, "--json").stdout)["known"] == 3
    assert run("suppressions", "export").stdout == (tmp_path / "all.csv").read_text()
    run("suppressions", "release", "alice@example.org", "bob@example.org", "carol@example.org")
    assert json.loads(run("suppressions", "--json").stdout) == []
    assert json.loads(run("suppressions", "import", "all.jsonl", "--json").stdout)["added"] == 3
    suppressions = json.loads(run("suppressions", "list", "--json").stdout)
    assert suppressions[0] == {
        "address": "carol@example.org",
        "reason": "hard",
        "since": "2026-01-02T00:00:00+00:00",
        "evidence": "",
    }
    assert "is not suppressed" in run("suppressions", "release", "zoe@example.org", code=1).stderr
    (tmp_path / "odd.jsonl").write_text(
        '{"address": 5}\n{"address": "e@example.org", "since": 7}\n[]\n'
    )
    assert (
        json.loads(run("suppressions", "import", "odd.jsonl", "--json", code=1).stdout)["rejected"]
        == 3
    )


def test_a_bounce_through_the_pipe_of_a_mail_server(
    run: Run, papers: Path, mail_sink: MailSink, tmp_path: Path
) -> None:
    settings = {
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(mail_sink.port),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_MAIL__BOUNCE_DOMAIN": "bounces.example.org",
    }
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    run("run", "--date", str(TODAY), **settings)
    (mail,) = mail_sink.mails
    report = (
        f"Return-Path: <>\nTo: {mail.sender}\nSubject: Undelivered\nContent-Type: "
        f"multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.1.1\n--b--\n"
    )
    outcome = json.loads(run("bounce", "--json", stdin=report, **settings).stdout)
    assert (outcome["outcome"], outcome["email"], outcome["suppressed"]) == (
        "bounced",
        "alice@example.org",
        "hard",
    )
    assert json.loads(run("subscribers", "--json").stdout)[0]["standing"] == "suppressed"
    # without the header the envelope names the message
    run("suppressions", "release", "alice@example.org")
    hidden = report.replace(f"To: {mail.sender}\n", "").replace("5.1.1", "5.2.2")
    assert "untrusted" in run("bounce", stdin=hidden, code=67, **settings).stdout
    assert "bounced" in run("bounce", "--to", mail.sender, stdin=hidden, **settings).stdout


def test_a_mail_for_people_through_the_pipe_is_refused_or_kept_and_never_lost(
    run: Run, tmp_path: Path
) -> None:
    mail = "From: bob@example.net\nSubject: hello\n\nHow are you?\n"
    run("bounce", stdin=mail, code=67)
    run("bounce", "--keep", "for-people/mail", stdin=mail)
    (file,) = (tmp_path / "for-people" / "mail").iterdir()
    assert (file.suffix, file.read_text()) == (".eml", mail)


def test_the_pipe_exits_with_try_later_or_misconfigured(run: Run, tmp_path: Path) -> None:
    run("bounce", stdin="", code=78, DIGEST_SMTP__PORT="many")
    (tmp_path / "digest.sqlite").write_text("this is no database")
    assert "digest.sqlite" in run("bounce", stdin="", code=75).stderr
    (tmp_path / "digest.sqlite").unlink()
    (tmp_path / "file").write_text("in the way")
    run("bounce", "--keep", "file/mail", stdin="", code=75)


def test_a_mailbox_has_to_be_configured(run: Run) -> None:
    assert "[mailbox] host" in run("mailbox", code=1).stderr
    assert (
        "needs the setting username"
        in run("mailbox", code=1, DIGEST_MAILBOX__HOST="imap.example.org").stderr
    )


def test_deliveries_are_listed_and_settled(run: Run, papers: Path, mail_sink: MailSink) -> None:
    run(
        "init",
        "--sender",
        "digest@example.org",
        "--host",
        "127.0.0.1",
        "--port",
        str(mail_sink.port),
    )
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("run", "--date", str(TODAY))
    assert "no such messages" in run("deliveries", "--state", "unknown").stdout
    (message,) = json.loads(run("deliveries", "alice@example.org", "--json").stdout)
    assert (message["email"], message["state"], message["kind"], message["key"]) == (
        "alice@example.org",
        "accepted",
        "digest",
        str(TODAY),
    )
    assert [
        (delivery["outcome"], delivery["phase"], delivery["code"])
        for delivery in message["deliveries"]
    ] == [("accepted", "body", 250)]
    shown = run("deliveries").stdout
    assert message["message_id"] in shown
    assert "body: accepted 250" in shown
    assert (
        "only an unknown one"
        in run("deliveries", "--resolve", message["message_id"], "rejected", code=2).stderr
    )
    run("deliveries", "--resolve", "<nobody@example.org>", "accepted", code=1)
    run("deliveries", "--resolve", message["message_id"], "lost", code=2)
    run("deliveries", "nobody@example.org", code=1)
