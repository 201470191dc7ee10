"""`digest init` by options alone: providers, fields, guesses, and files for systemd and Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from digest import config as settings
from digest.cli.setup.fields import parse_field, propose_sources
from digest.cli.setup.mail_servers import guess_mail_servers
from digest.sources import KINDS
from tests.acceptance.conftest import Run
from tests.conftest import TODAY
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_server import Act, HostileSmtp, serving
from tests.fakes.source_server import SourceServer


def read_config(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "config.toml").read_text())


# ------------------------------------------------------------------------------------ mail servers


@pytest.mark.parametrize("name", settings.PROVIDERS)
def test_every_provider_can_be_named(run: Run, tmp_path: Path, name: str) -> None:
    provider = settings.PROVIDERS[name]
    words = ["--sender", "digest@papers.example.org", "--provider", name]
    words += ["--region", "eu-central-1"] if name == "ses" else []
    if not (provider.by_address or provider.username):
        assert f"{provider.title} wants" in run("init", *words, code=2).stderr
        assert list(tmp_path.iterdir()) == []
        words += ["--username", "key"]
    run("init", *words)
    written = read_config(tmp_path)["smtp"]
    assert written["provider"] == name
    shown = json.loads(run("config", "--json").stdout)["smtp"]
    assert shown["host"] == provider.smtp.host.format(region="eu-central-1")
    assert (shown["port"], shown["tls"]) == (provider.smtp.port, provider.smtp.tls)
    assert shown["username"]
    assert ("password_file" in written) == (shown["auth"] == "password")
    assert shown["auth"] == ("oauth2" if provider.needs_oauth else "password")


def test_what_the_config_says_itself_wins_over_the_provider(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[smtp]\nprovider = "gmail"\nport = 465\ntls = "tls"\nusername = "j@example.org"\n'
        '[mailbox]\nprovider = "gmail"\nusername = "j@example.org"\n'
    )
    shown = json.loads(run("config", "--json", DIGEST_SMTP__HOST="relay.example.org").stdout)
    assert (shown["smtp"]["host"], shown["smtp"]["port"]) == ("relay.example.org", 465)
    assert (shown["mailbox"]["host"], shown["mailbox"]["port"]) == ("imap.gmail.com", 993)


def test_the_mail_server_is_guessed_from_the_domain_the_dns_and_this_machine() -> None:
    records = {
        ("uni.edu", "MX"): ["10 uni-edu.mail.protection.outlook.com."],
        ("lab.edu", "MX"): ["10 aspmx.l.google.com.", "20 alt1.aspmx.l.google.com."],
        ("own.edu", "MX"): ["10 mail.own.edu."],
    }
    banner = Act.reply("220 mail.own.edu ESMTP Postfix (Debian/GNU)")
    with DnsServer(records) as dns, serving(HostileSmtp({"BANNER": [banner] * 3})) as local:

        def guess(sender: str) -> list[tuple[str, str]]:
            guesses = guess_mail_servers(sender, name_servers=[dns.address], local_port=local.port)
            return [(guess.answer, guess.reason) for guess in guesses]

        here = ("localhost", "a mail server answers on this machine: Postfix")
        assert guess("me@uni.edu") == [
            ("microsoft365", "the mail of uni.edu is at Microsoft 365"),
            here,
        ]
        assert guess("me@lab.edu")[0][0] == "gmail"
        assert guess("me@own.edu") == [here]
        assert guess("me@gmail.com") == [("gmail", "gmail.com is Gmail or Google Workspace")]


def test_no_guess_is_made_where_nothing_answers() -> None:
    with serving(HostileSmtp({"BANNER": [Act.reply("554 go away")]})) as local:
        dead = ("127.0.0.1", 9)
        assert guess_mail_servers("me@u.edu", name_servers=[dead], local_port=local.port) == []
    assert guess_mail_servers("me@u.test", name_servers=[dead], local_port=local.port) == []


# ------------------------------------------------------------------------------- field and sources


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("cs.LG", ["arxiv"]),
        ("machine learning; robotics", ["arxiv"]),
        ("q-bio.NC", ["arxiv", "biorxiv"]),
        ("epidemiology", ["biorxiv", "medrxiv"]),
        ("mediaeval law", ["europe-pmc"]),
        ("", []),
    ],
)
def test_a_field_names_its_sources(text: str, sources: list[str]) -> None:
    assert propose_sources(parse_field([text])) == sources


def test_field_sources_and_time_zone_are_written_and_the_first_papers_fetched(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SourceServer() as server:
        monkeypatch.setattr(KINDS["arxiv-feed"], "base_url", server.url("/rss"))
        shown = run(
            *("init", "--field", "machine learning", "--field", "cs.RO"),
            *("--timezone", "Asia/Tokyo", "--fetch"),
        ).stdout
        assert server.requests
    assert read_config(tmp_path)["digest"] == {"timezone": "Asia/Tokyo"}
    assert "machine learning: cs.LG (Machine Learning), stat.ML (Machine Learning)" in shown
    assert "1 dump read" in shown
    assert "digest subscribe EMAIL --category cs.LG --category stat.ML --category cs.RO" in shown
    assert json.loads(run("dumps", "--json").stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--timezone", "Mars"), "no such time zone"),
        (("--provider", "gmial"), "no such provider"),
        (("--provider", "ses", "--username", "key"), "needs the setting region"),
        (("--source", "arxiv"), "source arxiv: needs a field"),
        (("--source", "openalex"), "source 'openalex': is not among those"),
        (("--fetch",), "there is no source to fetch from"),
        (("--provider", "sendgrid", "--client-id", "app"), "has no app for it"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    error = run("init", *words, code=2).stderr
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_without_options_and_terminal_all_is_as_ever(run: Run, tmp_path: Path) -> None:
    run("init")
    assert (tmp_path / "config.toml").read_text() == settings.example()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "inbox"]


# --------------------------------------------------------------------------------- systemd, Docker


def read_unit(path: Path) -> dict[str, str]:
    return dict(
        line.split("=", 1)
        for line in path.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )


def test_a_unit_has_the_real_paths_and_runs_what_it_names(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / 'my "papers" 100%'
    folder.mkdir()
    run("init", str(folder / "config.toml"), "--systemd", str(tmp_path / "units"))
    unit = tmp_path / "units" / "digest.service"
    values = read_unit(unit)
    escaped = str(folder).replace("%", "%%")
    quoted = escaped.replace('"', '\\"')
    assert values["WorkingDirectory"] == escaped
    assert values["ReadWritePaths"] == f'"{quoted}"'
    assert values["ExecStart"].endswith(f' serve --config "{quoted}/config.toml"')
    program = values["ExecStart"].split(" serve ")[0].split()
    done = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("digest ")
    if verifier := shutil.which("systemd-analyze"):
        done = subprocess.run(
            [verifier, "verify", str(unit)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    # A second time it is the same; another one is not overwritten.
    run("init", str(folder / "config.toml"), "--systemd", str(tmp_path / "units"))
    unit.write_text(unit.read_text() + "# mine\n")
    again = run("init", str(folder / "config.toml"), "--systemd", str(tmp_path / "units"), code=2)
    assert "exists and is another one" in again.stderr
    assert unit.read_text().endswith("# mine\n")


def test_the_unit_of_a_user_has_neither_user_nor_sandbox(run: Run, tmp_path: Path) -> None:
    run("init", "--systemd", "systemd/user")
    values = read_unit(tmp_path / "systemd" / "user" / "digest.service")
    assert values["WantedBy"] == "default.target"
    assert not {"User", "ProtectSystem", "CapabilityBoundingSet"} & set(values)


def test_folders_elsewhere_and_low_ports_are_in_the_unit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "service" / "config.toml").write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/data/digest.sqlite"\n'
        '[web]\nbind = "127.0.0.1:80"\n[smtp]\nhost = "localhost"\n'
    )
    before = (tmp_path / "service" / "config.toml").read_text()
    run("init", "service/config.toml", "--systemd", ".", "--docker", "box")
    values = read_unit(tmp_path / "digest.service")
    assert set(values["ReadWritePaths"].split()) == {f"{tmp_path}/data", f"{tmp_path}/service"}
    assert values["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert (tmp_path / "service" / "config.toml").read_text() == before
    compose = yaml.safe_load((tmp_path / "box" / "compose.yaml").read_text())
    service = compose["services"]["digest"]
    # Its mail server is this machine's, which a network of its own would hide.
    assert service["network_mode"] == "host"
    assert "ports" not in service
    assert f"{tmp_path}/data:{tmp_path}/data" in service["volumes"]


def test_a_container_holds_this_program_and_this_service(run: Run, tmp_path: Path) -> None:
    run("init", "--sender", "digest@papers.example.org", "--docker", "box")
    service = yaml.safe_load((tmp_path / "box" / "compose.yaml").read_text())["services"]["digest"]
    assert service["ports"] == ["127.0.0.1:8025:8025"]
    assert service["environment"] == {
        "DIGEST_CONFIG": f"{tmp_path}/config.toml",
        "DIGEST_WEB__BIND": "0.0.0.0:8025",
    }
    assert service["volumes"] == [f"{tmp_path}:{tmp_path}"]
    owner = tmp_path.stat()
    assert service["user"] == f"{owner.st_uid}:{owner.st_gid}"
    dockerfile = (tmp_path / "box" / "Dockerfile").read_text()
    assert f"USER {owner.st_uid}:{owner.st_gid}" in dockerfile
    # What is copied is there, and pip finds a project in it.
    copied = re.findall(r'COPY --from=source \["([^"]+)", "/source/\1"\]', dockerfile)
    if copied:
        source = Path(service["build"]["additional_contexts"]["source"])
        assert all((source / name).exists() for name in copied)
        assert "pyproject.toml" in copied or copied[0].endswith(".whl")
    else:  # installed from the package index
        assert "digest-of-papers" in dockerfile
    # The check of its health is a program that runs.
    assert service["healthcheck"]["test"][:3] == ["CMD", "python", "-c"]
    compile(service["healthcheck"]["test"][3], "health", "exec")


def test_a_unit_written_by_root_warns(run: Run, tmp_path: Path) -> None:
    shown = run("init", "--systemd", ".").stdout
    assert ("would run as root" in shown) == (tmp_path.stat().st_uid == 0)
    assert (os.geteuid() == 0) == (read_unit(tmp_path / "digest.service")["User"] == "root")


def test_a_day_of_the_service_that_init_made(run: Run, papers: Path, tmp_path: Path) -> None:
    run("init", "--field", "robotics", "--no-fetch", "--timezone", "UTC")
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("run", "--date", str(TODAY))
    assert list((tmp_path / "outbox").glob("*.eml"))
