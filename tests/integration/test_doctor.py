"""`doctor` against real name servers, mail servers and databases.

Each is tested in order, with faults, and unreachable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from digest import config as settings
from digest import doctor, subscriptions
from digest.app import App
from digest.config import Config
from digest.doctor import Finding
from digest.doctor.resolver import Resolver
from digest.errors import ResolverError
from digest.mail.messages import dkim
from digest.model import MessageKind
from digest.store import tables
from digest.subscriptions import SubscriptionRequest, lifecycle
from tests.conftest import build_sqlite_file, make_app
from tests.fakes import certificates
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_server import Act, HostileSmtp, serving

DOMAIN = "papers.example.org"
LIMIT = 2.0


def make_config(folder: Path, **more: str) -> Config:
    values = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_INGEST__INBOX": str(folder),
        "DIGEST_SMTP__OUTBOX": str(folder),
        "DIGEST_MAIL__SENDER": f"digest@{DOMAIN}",
        **{f"DIGEST_{name.upper()}": value for name, value in more.items()},
    }
    return settings.load(None, values)


def findings_in(findings: Sequence[Finding], area: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.what) for finding in findings if finding.area == area]


def levels(findings: Sequence[Finding], area: str) -> list[str]:
    return [level for level, _ in findings_in(findings, area)]


def examine(config: Config, **how: object) -> list[Finding]:
    return list(doctor.examine(config, **how))  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------- DNS


def zone(record: str, **more: Sequence[str]) -> dict[tuple[str, str], Sequence[str]]:
    """Build the DNS records of a domain that is set up correctly."""
    cut = [record[start : start + 200] for start in range(0, len(record), 200)]
    return {
        (DOMAIN, "TXT"): ['"something else"', '"v=spf1 mx include:_spf.example.net -all"'],
        ("_spf.example.net", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 " "a:smtp.example.org ?all"'],
        (DOMAIN, "MX"): ["20 backup.example.org.", "10 mx.example.org."],
        (f"d1._domainkey.{DOMAIN}", "TXT"): [" ".join(f'"{part}"' for part in cut)],
        (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=quarantine"'],
        ("mx.example.org", "A"): ["203.0.113.7"],
        ("smtp.example.org", "A"): ["8.8.8.8"],
        ("8.8.8.8.in-addr.arpa", "PTR"): ["smtp.example.org."],
    } | {tuple(name.split("/")): value for name, value in more.items()}  # type: ignore[misc]


@pytest.fixture
def key(tmp_path: Path) -> dkim.Key:
    pem = dkim.generate_key()
    (tmp_path / "dkim.pem").write_bytes(pem)
    (tmp_path / "dkim.pem").chmod(0o600)
    return dkim.read_key(pem)


def check_records(config: Config, server: DnsServer, *, ip: str = "") -> list[Finding]:
    from digest.doctor.dns_records import check_dns

    return list(check_dns(config, Resolver([server.address], seconds=LIMIT), ip=ip))


def spf_of(
    folder: Path,
    record: str,
    *,
    ip: str = "",
    more: dict[tuple[str, str], Sequence[str]] | None = None,
    **settings: str,
) -> Finding:
    """Return the last SPF finding of a record, for a mail server at 8.8.8.8."""
    config = make_config(folder, **({"smtp__host": "smtp.example.org"} | settings))
    table: dict[tuple[str, str], Sequence[str]] = {
        (DOMAIN, "TXT"): [f'"{record}"'],
        ("smtp.example.org", "A"): ["8.8.8.8", "10.0.0.3"],
        **(more or {}),
    }
    with DnsServer(table) as server:
        return [
            finding for finding in check_records(config, server, ip=ip) if "SPF" in finding.what
        ][-1]


def test_a_configured_domain_is_good(tmp_path: Path, key: dkim.Key) -> None:
    config = make_config(
        tmp_path,
        smtp__host="smtp.example.org",
        mail__dkim_key_file=str(tmp_path / "dkim.pem"),
        mail__dkim_selector="d1",
    )
    with DnsServer(zone(key.record)) as server:
        findings = check_records(config, server)
    assert levels(findings, "dns") == ["good"] * 6
    assert [what for _, what in findings_in(findings, "dns")] == [
        f"SPF of {DOMAIN}: v=spf1 mx include:_spf.example.net -all",
        f"SPF of {DOMAIN}: 8.8.8.8 (smtp.example.org:587) may send for it, by "
        f"include:_spf.example.net > a:smtp.example.org",
        f"DKIM key at d1._domainkey.{DOMAIN}: it is the one that signs",
        f"DMARC of {DOMAIN}: p=quarantine",
        f"replies for {DOMAIN} go to mx.example.org, backup.example.org",
        "8.8.8.8 is called smtp.example.org, which leads back to it",
    ]


def test_an_unconfigured_domain_gets_the_records_to_publish(tmp_path: Path, key: dkim.Key) -> None:
    config = make_config(
        tmp_path,
        smtp__host="smtp.example.org",
        mail__dkim_key_file=str(tmp_path / "dkim.pem"),
        mail__dkim_selector="d1",
        mail__bounce_domain="bounces.example.net",
    )
    with DnsServer({("smtp.example.org", "A"): ["8.8.8.8"]}) as server:
        findings = check_records(config, server)
    # SPF, alignment, DKIM, DMARC, MX of bounces, MX of answers, PTR
    assert levels(findings, "dns") == [
        "bad",
        "warning",
        "bad",
        "warning",
        "bad",
        "warning",
        "warning",
    ]
    assert all(finding.remedy for finding in findings)
    assert key.record in findings[2].remedy


PROVIDER = {"smtp__username": "me@example.org", "smtp__password": "x"}


@pytest.mark.parametrize(
    ("record", "settings", "ip", "level", "expected", "remedy"),
    [
        (
            ("v=spf1 a:smtp.example.org -all"),
            {},
            "",
            "good",
            "8.8.8.8 (smtp.example.org:587) may send for it, by a:smtp",
            "",
        ),
        ("v=spf1 mx -all", {}, "", "warning", "mail from there gets fail, by -all", "ip4:8.8.8.8"),
        ("v=spf1 mx -all", PROVIDER, "", "note", "mail from there gets fail", "--send"),
        (
            ("v=spf1 mx ~all"),
            {},
            "2001:4860:4860::8888",
            "warning",
            ("2001:4860:4860::8888 (--ip): mail from there gets softfail"),
            "ip6:2001:4860",
        ),
        (
            ("v=spf1 mx -all"),
            PROVIDER,
            "8.8.4.4",
            "bad",
            "8.8.4.4 (--ip): mail from there gets fail",
            "ip4:8.8.4.4",
        ),
        (
            ("v=spf1 ip4:8.8.4.0/24 -all"),
            PROVIDER,
            "8.8.4.4",
            "good",
            "8.8.4.4 (--ip) may send for it, by ip4:8.8.4.0/24",
            "",
        ),
        (
            ("v=spf1 ip4:8.8.4.0/24 -all"),
            {"smtp__host": "127.0.0.1"},
            "",
            "note",
            "not known here",
            "--ip",
        ),
        (
            ("v=spf1 ip4:8.8.4.0/24 -all"),
            {"smtp__host": "127.0.0.1"},
            "8.8.4.4",
            "good",
            "may send for it",
            "",
        ),
        (
            ("v=spf1 include:gone.example.net -all"),
            {},
            "",
            "bad",
            "includes gone.example.net, which has no record",
            "Correct",
        ),
        (
            ("v=spf1 redirect=_spf.example.net"),
            {},
            "",
            "warning",
            "gets softfail, by redirect=_spf.example.net > ~all",
            "ip4:8.8.8.8",
        ),
    ],
)
def test_the_spf_record_is_checked_for_the_mail_server(
    tmp_path: Path,
    record: str,
    settings: dict[str, str],
    ip: str,
    level: str,
    expected: str,
    remedy: str,
) -> None:
    findings = spf_of(
        tmp_path,
        record,
        ip=ip,
        more={("_spf.example.net", "TXT"): ['"v=spf1 mx:example.com ~all"']},
        **settings,
    )
    assert findings.level == level
    assert expected in findings.what
    assert remedy in findings.remedy


def test_look_ups_of_included_records_count_even_where_our_server_stands_first(
    tmp_path: Path,
) -> None:
    names = [f"s{number}.example.net" for number in range(4)]
    more = {(name, "TXT"): ['"v=spf1 a:a.example.net a:b.example.net -all"'] for name in names}
    record = f"v=spf1 a:smtp.example.org {' '.join(f'include:{name}' for name in names)} -all"
    config = make_config(tmp_path, smtp__host="smtp.example.org")
    with DnsServer(
        {(DOMAIN, "TXT"): [f'"{record}"'], ("smtp.example.org", "A"): ["8.8.8.8"], **more}
    ) as server:
        findings = [finding for finding in check_records(config, server) if "SPF" in finding.what]
    assert [finding.level for finding in findings] == ["good", "warning", "good"]
    assert "needs 13 look-ups" in findings[1].what
    with DnsServer(
        {
            (DOMAIN, "TXT"): [f'"{record.replace("a:smtp.example.org ", "")}"'],
            ("smtp.example.org", "A"): ["8.8.8.8"],
            **more,
        }
    ) as server:
        findings = [finding for finding in check_records(config, server) if "SPF" in finding.what]
    assert [finding.level for finding in findings] == ["good", "bad"]
    assert "needs 12 look-ups" in findings[1].what


def test_the_policy_of_the_domain_above_counts_and_a_null_mx_takes_no_mail(tmp_path: Path) -> None:
    config = make_config(tmp_path, smtp__host="127.0.0.1")
    table: dict[tuple[str, str], Sequence[str]] = {
        ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject"'],
        (DOMAIN, "TXT"): ['"v=spf1 -all"'],
        (DOMAIN, "MX"): ["0 ."],
    }
    with DnsServer(table) as server:
        findings = check_records(config, server)
    assert findings_in(findings, "dns")[2] == (
        "good",
        f"DMARC of {DOMAIN}: p=reject, from example.org",
    )
    assert levels(findings, "dns")[3] == "warning"


def test_a_failing_name_server_is_only_a_warning(tmp_path: Path) -> None:
    config = make_config(tmp_path, smtp__host="127.0.0.1")
    with DnsServer(
        {(f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=none"']}, failing=[DOMAIN]
    ) as server:
        findings = check_records(config, server)
        resolver = Resolver([server.address], seconds=LIMIT)
        with pytest.raises(ResolverError):
            resolver.txt(DOMAIN)
        assert resolver.txt("nobody.example.net") == []
    assert [finding.level for finding in findings if "no answer" in finding.what] == [
        "warning",
        "warning",
    ]
    assert not doctor.has_failures(findings)


def test_a_silent_name_server_times_out(tmp_path: Path) -> None:
    with DnsServer({}, silent=["slow.example.net"]) as server, pytest.raises(ResolverError):
        Resolver([server.address], seconds=0.2).mx("slow.example.net")


# ------------------------------------------------------------------------------------- mail servers


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


# ------------------------------------------------------------------------------ without the network


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
