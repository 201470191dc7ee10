"""`doctor` against real name servers: right, wrong, failing and silent ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from digest import doctor
from digest.config import Config
from digest.doctor import Finding
from digest.doctor.resolver import Resolver
from digest.errors import ResolverError
from digest.mail.messages import dkim
from tests.fakes.dns_server import DnsServer
from tests.integration.doctor_findings import (
    DOMAIN,
    LIMIT,
    findings_in,
    levels,
    make_config,
)


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
