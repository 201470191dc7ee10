"""`doctor` without the network: databases, files, templates and settings."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from digest import config as settings
from digest import doctor, subscriptions
from digest.app import App
from digest.config import Config
from digest.doctor import Finding
from digest.model import MessageKind
from digest.store import tables
from digest.subscriptions import SubscriptionRequest, lifecycle
from tests.conftest import build_sqlite_file, make_app
from tests.integration.doctor_findings import (
    examine,
    findings_in,
    levels,
    make_config,
)


def offline(config: Config, path: Path | None = None) -> list[Finding]:
    return examine(config, path=path, offline=True)


def test_offline_contacts_no_server(tmp_path: Path) -> None:
    findings = offline(
        make_config(
            tmp_path,
            smtp__host="127.0.0.1",
            smtp__port="1",
            mailbox__host="127.0.0.1",
            mailbox__port="1",
            mailbox__username="x",
        )
    )
    assert {finding.area for finding in findings} == {"config", "files", "store", "templates"}


def test_a_fresh_service_is_good_and_no_database_is_created(tmp_path: Path) -> None:
    assert not doctor.has_failures(offline(make_config(tmp_path)))
    assert not (tmp_path / "digest.sqlite").exists()


@pytest.fixture
def with_store(tmp_path: Path) -> Path:
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    return tmp_path / "digest.sqlite"


def test_a_sound_database_is_good(tmp_path: Path, with_store: Path) -> None:
    findings = offline(make_config(tmp_path))
    assert levels(findings, "store") == ["good", "note"]


def accept_messages(app: App, count: int, *, ago: timedelta) -> None:
    """Store that a server accepted so many; to the ramp it is all one whose they are."""
    began = datetime.now(UTC) - ago
    with app.store.writing() as tx:
        (message_id,) = tx.execute(select(tables.messages.c.id)).scalars()
        for number in range(count):
            at = began + timedelta(seconds=number)
            row = {"started_at": at, "ended_at": at, "outcome": "accepted", "phase": "body"}
            words = {"server": "here", "code": 250, "enhanced": "", "fault": "", "text": ""}
            tx.execute(insert(tables.deliveries).values(message_id=message_id, **row, **words))


def test_many_readers_of_a_fresh_sender_are_told_of_the_ramp(tmp_path: Path) -> None:
    def hints(**more: str) -> list[str]:
        found = offline(make_config(tmp_path, **more))
        return [finding.remedy for finding in found if "ramp_start" in finding.remedy]

    host = {"smtp__host": "127.0.0.1", "smtp__port": "1"}
    app = make_app(tmp_path)
    for number in range(51):
        request = SubscriptionRequest(email=f"reader{number}@example.org")
        reader = subscriptions.subscribe(app, request, origin="command").subscriber
    assert hints() == [], "mails are only written"
    assert hints(**host, smtp__ramp_start="9") == hints(**host, smtp__per_day="9") == []
    (remedy,) = hints(**host)
    assert "[smtp] ramp_start = 50" in remedy
    subscriptions.pause(app, reader.id, paused=True)
    assert hints(**host) == [], "so many may come at once"
    subscriptions.pause(app, reader.id, paused=False)
    with app.store.writing() as tx:
        lifecycle.plan_letter(app, tx, MessageKind.NOTICE, reader)
    accept_messages(app, 50, ago=timedelta(days=2))
    accept_messages(app, 50, ago=timedelta(days=31))
    assert len(hints(**host)) == 1
    accept_messages(app, 1, ago=timedelta(days=3))
    assert hints(**host) == [], "it has sent as much before"
    app.close()


def test_a_damaged_database_is_found(tmp_path: Path, with_store: Path) -> None:
    data = bytearray(with_store.read_bytes())
    for start in range(
        4096 * 3, len(data), 4096
    ):  # every page: which of them hold rows changes with the schema
        data[start + 8 : start + 200] = b"\xff" * 192
    with_store.write_bytes(bytes(data))
    findings = offline(make_config(tmp_path))
    assert "bad" in levels(findings, "store")


def test_broken_foreign_keys_are_found(tmp_path: Path, with_store: Path) -> None:
    with closing(sqlite3.connect(with_store)) as connection, connection:
        connection.execute(
            "INSERT INTO identities (kind, value, paper_id) VALUES ('arxiv', '2606.00001', 99)"
        )
    connection.close()
    assert any(
        "rows point" in what
        for level, what in findings_in(offline(make_config(tmp_path)), "store")
        if level == "bad"
    )


def test_an_older_schema_is_found_with_its_remedy(tmp_path: Path, with_store: Path) -> None:
    with closing(sqlite3.connect(with_store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    (findings,) = [finding for finding in offline(make_config(tmp_path)) if finding.area == "store"]
    assert (findings.level, "digest db upgrade" in findings.remedy) == ("bad", True)


def test_a_database_server_is_examined_and_its_clock_compared(
    tmp_path: Path, store_url: str
) -> None:
    server = store_url.startswith("postgresql")
    findings = offline(
        make_config(
            tmp_path,
            store__url=store_url + ("?options=-c%20synchronous_commit%3Don" if server else ""),
        )
    )
    assert levels(findings, "store")[0] == "good"
    assert levels(findings, "clock") == (["good"] if server else [])
    if server:  # the test servers run with synchronous_commit off
        level, message = findings_in(offline(make_config(tmp_path, store__url=store_url)), "store")[
            0
        ]
        assert (level, "synchronous_commit is off, not on" in message) == ("warning", True)


def test_secrets_that_others_may_read_are_found(tmp_path: Path) -> None:
    password = tmp_path / "smtp-password"
    password.write_text("secret\n")
    for mode, level in ((0o600, "good"), (0o640, "warning")):
        password.chmod(mode)
        findings = offline(
            make_config(tmp_path, smtp__host="smtp.example.org", smtp__password_file=str(password))
        )
        assert levels(findings, "files")[0] == level
    config = tmp_path / "config.toml"
    config.write_text('[smtp]\nhost = "smtp.example.org"\npassword = "secret"\n')
    config.chmod(0o644)
    findings = offline(settings.load(config, {}), config)
    assert any(
        "holds a password" in what
        for level, what in findings_in(findings, "files")
        if level == "warning"
    )


def test_a_disk_nearly_full_is_bad(tmp_path: Path) -> None:
    assert "bad" in levels(offline(make_config(tmp_path, alerts__disk_mb="999999")), "files")


@pytest.mark.parametrize(
    ("name", "text", "level", "expected"),
    [
        ("email/digest/subject.txt", "{{ unclosed", "bad", "subject.txt"),
        ("email/digest/subject.txt", "{{ no_such_value }}", "bad", "no_such_value"),
        ("email/weekly/subject.txt", "{{ nobody_gave_this }}", "bad", "nobody_gave_this"),
        ("email/digest/subject.txt", "{{ product }} for you", "good", "all 8 kinds of mail"),
        ("email/digets/subject.txt", "a misspelt folder", "warning", "digets"),
        ("web/front.html", "{% block %}", "bad", "front.html"),
    ],
)
def test_own_templates_are_checked(
    tmp_path: Path, name: str, text: str, level: str, expected: str
) -> None:
    file = tmp_path / "templates" / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    findings = offline(make_config(tmp_path, mail__templates=str(tmp_path / "templates")))
    assert any(
        expected in what
        for found_level, what in findings_in(findings, "templates")
        if found_level == level
    ), findings_in(findings, "templates")


@pytest.mark.parametrize(
    ("more", "level", "expected"),
    [
        (
            {"mail__sender": "digest@localhost", "smtp__host": "smtp.example.org"},
            "bad",
            "not an address on the internet",
        ),
        ({"web__base_url": "https://papers.example.org"}, "good", "one-click"),
        ({"web__base_url": "http://papers.example.org"}, "warning", "is not https"),
        ({"smtp__host": "smtp.example.org"}, "warning", "on this machine"),
        ({"smtp__host": "smtp.example.org", "smtp__tls": "none"}, "warning", "unencrypted"),
        ({"smtp__host": "127.0.0.1", "smtp__tls": "none"}, "good", "mails come from"),
        ({"smtp__host": "smtp.example.org"}, "warning", "bounces are lost"),
        (
            {"smtp__host": "smtp.example.org", "mail__bounce_domain": "b.example.org"},
            "note",
            "no mailbox is read",
        ),
        (
            {
                "smtp__host": "s.example.org",
                "mailbox__host": "i.example.org",
                "mailbox__username": "x",
            },
            "note",
            "bounce_domain",
        ),
        (
            {
                "smtp__host": "s.example.org",
                "mailbox__host": "i.example.org",
                "mailbox__username": "x",
                "mail__bounce_domain": "b.example.org",
            },
            "good",
            "are read from i.example.org",
        ),
        (
            {"smtp__host": "s.example.org", "mail__reply_to": "answers@papers.org"},
            "warning",
            "unsubscribe by mail to answers@papers.org",
        ),
        ({"alerts__to": ""}, "warning", "[alerts] to"),
    ],
)
def test_missing_settings_are_reported(
    tmp_path: Path, more: dict[str, str], level: str, expected: str
) -> None:
    findings = [
        finding
        for finding in offline(make_config(tmp_path, **more))
        if finding.area == "config" and finding.level == level
    ]
    assert any(expected in f"{finding.what} {finding.remedy}" for finding in findings), findings


def test_every_problem_has_a_remedy(tmp_path: Path) -> None:
    for finding in offline(make_config(tmp_path, smtp__host="smtp.example.org")):
        assert finding.remedy or finding.level in ("good", "note")
        assert "\n" not in finding.what
