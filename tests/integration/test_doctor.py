"""The examination: against real name servers, mail servers and databases that are well, ill or
away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from digest import config as settings
from digest import doctor
from digest.config import Config
from digest.doctor import Finding
from digest.doctor.resolver import Resolver
from digest.errors import ResolverError
from digest.mail.messages import dkim
from tests.conftest import build_sqlite_file
from tests.fakes import certificates
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_server import Act, HostileSmtp, serving

DOMAIN = "papers.example.org"
LIMIT = 2.0


def configured(folder: Path, **more: str) -> Config:
    values = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_INGEST__INBOX": str(folder),
        "DIGEST_SMTP__OUTBOX": str(folder),
        "DIGEST_MAIL__SENDER": f"digest@{DOMAIN}",
        **{f"DIGEST_{name.upper()}": value for name, value in more.items()},
    }
    return settings.load(None, values)


def of(found: Sequence[Finding], area: str) -> list[tuple[str, str]]:
    return [(one.level, one.what) for one in found if one.area == area]


def levels(found: Sequence[Finding], area: str) -> list[str]:
    return [level for level, _ in of(found, area)]


def examined(config: Config, **how: object) -> list[Finding]:
    return list(doctor.examine(config, **how))  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------- the
# DNS


def zone(record: str, **more: Sequence[str]) -> dict[tuple[str, str], Sequence[str]]:
    """Everything as it should be for one domain."""
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


def looked_up(config: Config, server: DnsServer, *, ip: str = "") -> list[Finding]:
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
    """What is found last of the record, for a server of our own at 8.8.8.8."""
    config = configured(folder, **({"smtp__host": "smtp.example.org"} | settings))
    table: dict[tuple[str, str], Sequence[str]] = {
        (DOMAIN, "TXT"): [f'"{record}"'],
        ("smtp.example.org", "A"): ["8.8.8.8", "10.0.0.3"],
        **(more or {}),
    }
    with DnsServer(table) as server:
        return [one for one in looked_up(config, server, ip=ip) if "SPF" in one.what][-1]


def test_a_configured_domain_is_good(tmp_path: Path, key: dkim.Key) -> None:
    config = configured(
        tmp_path,
        smtp__host="smtp.example.org",
        mail__dkim_key_file=str(tmp_path / "dkim.pem"),
        mail__dkim_selector="d1",
    )
    with DnsServer(zone(key.record)) as server:
        found = looked_up(config, server)
    assert levels(found, "dns") == ["good"] * 6
    assert [what for _, what in of(found, "dns")] == [
        f"SPF of {DOMAIN}: v=spf1 mx include:_spf.example.net -all",
        f"SPF of {DOMAIN}: 8.8.8.8 (smtp.example.org:587) may send for it, by "
        f"include:_spf.example.net > a:smtp.example.org",
        f"DKIM key at d1._domainkey.{DOMAIN}: it is the one that signs",
        f"DMARC of {DOMAIN}: p=quarantine",
        f"replies for {DOMAIN} go to mx.example.org, backup.example.org",
        "8.8.8.8 is called smtp.example.org, which leads back to it",
    ]


def test_an_unconfigured_domain_gets_the_records_to_publish(tmp_path: Path, key: dkim.Key) -> None:
    config = configured(
        tmp_path,
        smtp__host="smtp.example.org",
        mail__dkim_key_file=str(tmp_path / "dkim.pem"),
        mail__dkim_selector="d1",
        mail__bounce_domain="bounces.example.net",
    )
    with DnsServer({("smtp.example.org", "A"): ["8.8.8.8"]}) as server:
        found = looked_up(config, server)
    # SPF, alignment, DKIM, DMARC, MX of bounces, MX of answers, PTR
    assert levels(found, "dns") == ["bad", "warning", "bad", "warning", "bad", "warning", "warning"]
    assert all(one.remedy for one in found)
    assert key.record in found[2].remedy


PROVIDER = {"smtp__username": "me@example.org", "smtp__password": "x"}


@pytest.mark.parametrize(
    ("record", "settings", "ip", "level", "told", "remedy"),
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
    told: str,
    remedy: str,
) -> None:
    found = spf_of(
        tmp_path,
        record,
        ip=ip,
        more={("_spf.example.net", "TXT"): ['"v=spf1 mx:example.com ~all"']},
        **settings,
    )
    assert found.level == level
    assert told in found.what
    assert remedy in found.remedy


def test_look_ups_of_included_records_count_even_where_our_server_stands_first(
    tmp_path: Path,
) -> None:
    names = [f"s{number}.example.net" for number in range(4)]
    more = {(name, "TXT"): ['"v=spf1 a:a.example.net a:b.example.net -all"'] for name in names}
    record = f"v=spf1 a:smtp.example.org {' '.join(f'include:{name}' for name in names)} -all"
    config = configured(tmp_path, smtp__host="smtp.example.org")
    with DnsServer(
        {(DOMAIN, "TXT"): [f'"{record}"'], ("smtp.example.org", "A"): ["8.8.8.8"], **more}
    ) as server:
        found = [one for one in looked_up(config, server) if "SPF" in one.what]
    assert [one.level for one in found] == ["good", "warning", "good"]
    assert "needs 13 look-ups" in found[1].what
    with DnsServer(
        {
            (DOMAIN, "TXT"): [f'"{record.replace("a:smtp.example.org ", "")}"'],
            ("smtp.example.org", "A"): ["8.8.8.8"],
            **more,
        }
    ) as server:
        found = [one for one in looked_up(config, server) if "SPF" in one.what]
    assert [one.level for one in found] == ["good", "bad"]
    assert "needs 12 look-ups" in found[1].what


def test_the_policy_of_the_domain_above_counts_and_a_null_mx_takes_no_mail(tmp_path: Path) -> None:
    config = configured(tmp_path, smtp__host="127.0.0.1")
    table: dict[tuple[str, str], Sequence[str]] = {
        ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject"'],
        (DOMAIN, "TXT"): ['"v=spf1 -all"'],
        (DOMAIN, "MX"): ["0 ."],
    }
    with DnsServer(table) as server:
        found = looked_up(config, server)
    assert of(found, "dns")[2] == ("good", f"DMARC of {DOMAIN}: p=reject, from example.org")
    assert levels(found, "dns")[3] == "warning"


def test_a_failing_name_server_is_only_a_warning(tmp_path: Path) -> None:
    config = configured(tmp_path, smtp__host="127.0.0.1")
    with DnsServer(
        {(f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=none"']}, failing=[DOMAIN]
    ) as server:
        found = looked_up(config, server)
        resolver = Resolver([server.address], seconds=LIMIT)
        with pytest.raises(ResolverError):
            resolver.txt(DOMAIN)
        assert resolver.txt("nobody.example.net") == []
    assert [one.level for one in found if "no answer" in one.what] == ["warning", "warning"]
    assert not doctor.has_failures(found)


def test_a_silent_name_server_times_out(tmp_path: Path) -> None:
    with DnsServer({}, silent=["slow.example.net"]) as server, pytest.raises(ResolverError):
        Resolver([server.address], seconds=0.2).mx("slow.example.net")


# ----------------------------------------------------------------------------------------------
# mail servers


def test_a_mail_server_is_checked_with_tls_and_login(tmp_path: Path) -> None:
    trusted = certificates.make(tmp_path)
    offers = ("STARTTLS", "AUTH PLAIN LOGIN", "8BITMIME", "DSN")
    with serving(HostileSmtp(offers=offers, tls=trusted.server)) as server:
        how = {
            "smtp__host": "127.0.0.1",
            "smtp__port": str(server.port),
            "smtp__ca_file": str(trusted.ca_file),
        }
        found = examined(
            configured(tmp_path, **how, smtp__username="digest", smtp__password="secret")
        )
        assert of(found, "mail server") == [
            (
                "good",
                f"127.0.0.1:{server.port}: answers with TLS, and logs in digest; it offers "
                f"8BITMIME, DSN",
            )
        ]
        assert server.got == [], "no mail is sent unasked"


@pytest.mark.parametrize(
    ("server", "told"),
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
def test_a_failed_login_is_bad(tmp_path: Path, server: HostileSmtp, told: str) -> None:
    trusted = certificates.make(tmp_path)
    server.tls = trusted.server
    with serving(server):
        how = {
            "smtp__host": "127.0.0.1",
            "smtp__port": str(server.port),
            "smtp__ca_file": str(trusted.ca_file),
        }
        found = examined(
            configured(tmp_path, **how, smtp__username="digest", smtp__password="secret")
        )
    ((level, what),) = of(found, "mail server")
    assert (level, told in what, "secret" in what) == ("bad", True, False)
    assert doctor.has_failures(found)


def test_every_server_is_checked_and_an_unreachable_one_is_bad(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[mail]\nsender = "digest@papers.example.org"\n[smtp]\nhost = "127.0.0.1"\nport = '
        '1\n[[smtp.more]]\nhost = "127.0.0.1"\nport = 2\n'
    )
    found = examined(settings.load(tmp_path / "config.toml", {}))
    assert [(level, what.split(" ")[0]) for level, what in of(found, "mail server")] == [
        ("bad", "127.0.0.1:1:"),
        ("bad", "127.0.0.1:2:"),
    ]


def test_a_clock_in_a_greeting_is_compared(tmp_path: Path) -> None:
    for apart, level in ((0, "good"), (20, "warning"), (3000, "bad")):
        now = format_datetime(datetime.now(UTC) - timedelta(seconds=apart))
        banners = [Act.reply(f"220 mx ESMTP Exim 4.96 {now}")] * 2
        with serving(HostileSmtp(script={"BANNER": banners})) as server:
            found = examined(
                configured(
                    tmp_path, smtp__host="127.0.0.1", smtp__port=str(server.port), smtp__tls="none"
                )
            )
        assert levels(found, "clock") == [level]


def test_a_test_mail_is_signed_and_its_outcome_is_reported(tmp_path: Path, key: dkim.Key) -> None:
    how = {
        "mail__dkim_key_file": str(tmp_path / "dkim.pem"),
        "smtp__host": "127.0.0.1",
        "smtp__tls": "none",
    }
    with serving(HostileSmtp()) as server:
        found = examined(
            configured(tmp_path, **how, smtp__port=str(server.port)), send="me@example.net"
        )
    (got,) = server.got
    assert (got.recipient, got.data.startswith(b"DKIM-Signature:")) == ("me@example.net", True)
    assert levels(found, "mail server") == ["good", "note"]
    refusing = HostileSmtp(script={"RCPT": [Act.reply("550 5.1.1 nobody here")]})
    with serving(refusing) as server:
        found = examined(
            configured(tmp_path, **how, smtp__port=str(server.port)), send="me@example.net"
        )
    assert of(found, "mail server")[1] == (
        "bad",
        f"127.0.0.1:{server.port}: the test mail was rejected: 550 5.1.1 nobody here",
    )


# ----------------------------------------------------------------------------------------------
# without the network


def offline(config: Config, path: Path | None = None) -> list[Finding]:
    return examined(config, path=path, offline=True)


def test_offline_contacts_no_server(tmp_path: Path) -> None:
    found = offline(
        configured(
            tmp_path,
            smtp__host="127.0.0.1",
            smtp__port="1",
            mailbox__host="127.0.0.1",
            mailbox__port="1",
            mailbox__username="x",
        )
    )
    assert {one.area for one in found} == {"config", "files", "store", "templates"}


def test_a_fresh_service_is_good_and_no_database_is_created(tmp_path: Path) -> None:
    assert not doctor.has_failures(offline(configured(tmp_path)))
    assert not (tmp_path / "digest.sqlite").exists()


@pytest.fixture
def with_store(tmp_path: Path) -> Path:
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    return tmp_path / "digest.sqlite"


def test_a_sound_database_is_good(tmp_path: Path, with_store: Path) -> None:
    found = offline(configured(tmp_path))
    assert levels(found, "store") == ["good", "note"]


def test_a_damaged_database_is_found(tmp_path: Path, with_store: Path) -> None:
    data = bytearray(with_store.read_bytes())
    for start in range(
        4096 * 3, len(data), 4096
    ):  # every page: which of them hold rows changes with the schema
        data[start + 8 : start + 200] = b"\xff" * 192
    with_store.write_bytes(bytes(data))
    found = offline(configured(tmp_path))
    assert "bad" in levels(found, "store")


def test_broken_foreign_keys_are_found(tmp_path: Path, with_store: Path) -> None:
    with closing(sqlite3.connect(with_store)) as connection, connection:
        connection.execute(
            "INSERT INTO identities (kind, value, paper_id) VALUES ('arxiv', '2606.00001', 99)"
        )
    connection.close()
    assert any(
        "rows point" in what
        for level, what in of(offline(configured(tmp_path)), "store")
        if level == "bad"
    )


def test_an_older_schema_is_found_with_its_remedy(tmp_path: Path, with_store: Path) -> None:
    with closing(sqlite3.connect(with_store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    (found,) = [one for one in offline(configured(tmp_path)) if one.area == "store"]
    assert (found.level, "digest db upgrade" in found.remedy) == ("bad", True)


def test_a_database_server_is_examined_and_its_clock_compared(
    tmp_path: Path, store_url: str
) -> None:
    server = store_url.startswith("postgresql")
    found = offline(
        configured(
            tmp_path,
            store__url=store_url + ("?options=-c%20synchronous_commit%3Don" if server else ""),
        )
    )
    assert levels(found, "store")[0] == "good"
    assert levels(found, "clock") == (["good"] if server else [])
    if server:  # those of the tests do not wait for the disk
        level, told = of(offline(configured(tmp_path, store__url=store_url)), "store")[0]
        assert (level, "synchronous_commit is off, not on" in told) == ("warning", True)


def test_secrets_that_others_may_read_are_found(tmp_path: Path) -> None:
    password = tmp_path / "smtp-password"
    password.write_text("secret\n")
    for mode, level in ((0o600, "good"), (0o640, "warning")):
        password.chmod(mode)
        found = offline(
            configured(tmp_path, smtp__host="smtp.example.org", smtp__password_file=str(password))
        )
        assert levels(found, "files")[0] == level
    config = tmp_path / "config.toml"
    config.write_text('[smtp]\nhost = "smtp.example.org"\npassword = "secret"\n')
    config.chmod(0o644)
    found = offline(settings.load(config, {}), config)
    assert any(
        "holds a password" in what for level, what in of(found, "files") if level == "warning"
    )


def test_a_disk_nearly_full_is_bad(tmp_path: Path) -> None:
    assert "bad" in levels(offline(configured(tmp_path, alerts__disk_mb="999999")), "files")


@pytest.mark.parametrize(
    ("name", "text", "level", "told"),
    [
        ("email/digest/subject.txt", "{{ unclosed", "bad", "subject.txt"),
        ("email/digest/subject.txt", "{{ no_such_value }}", "bad", "no_such_value"),
        ("email/weekly/subject.txt", "{{ nobody_gave_this }}", "bad", "nobody_gave_this"),
        ("email/digest/subject.txt", "{{ product }} for you", "good", "all 6 kinds of mail"),
        ("email/digets/subject.txt", "a misspelt folder", "warning", "digets"),
        ("web/front.html", "{% block %}", "bad", "front.html"),
    ],
)
def test_own_templates_are_checked(
    tmp_path: Path, name: str, text: str, level: str, told: str
) -> None:
    file = tmp_path / "templates" / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    found = offline(configured(tmp_path, mail__templates=str(tmp_path / "templates")))
    assert any(
        told in what for found_level, what in of(found, "templates") if found_level == level
    ), of(found, "templates")


@pytest.mark.parametrize(
    ("more", "level", "told"),
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
    tmp_path: Path, more: dict[str, str], level: str, told: str
) -> None:
    found = [
        one
        for one in offline(configured(tmp_path, **more))
        if one.area == "config" and one.level == level
    ]
    assert any(told in f"{one.what} {one.remedy}" for one in found), found


def test_what_does_not_work_comes_with_a_remedy(tmp_path: Path) -> None:
    for one in offline(configured(tmp_path, smtp__host="smtp.example.org")):
        assert one.remedy or one.level in ("good", "note")
        assert "\n" not in one.what
