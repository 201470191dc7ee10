"""One day as an operator lives it: the real command, in a folder of its own."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkim
import httpx
import msgspec
import pytest
import typer

from digest.cli import app, main
from digest.demo.catcher import Catcher
from tests.conftest import ROOT, TODAY, invented

Run = Callable[..., "Done"]


@dataclass(frozen=True, kw_only=True)
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Runs `digest ...` as a process in tmp_path, with no settings from outside."""

    def call(*words: str, **environment: str) -> Done:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        done = subprocess.run(
            [sys.executable, "-m", "digest", *words],
            cwd=tmp_path,
            env=clean | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"digest {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return Done(stdout=done.stdout, stderr=done.stderr)

    return call


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The same in this process, which spares loading everything anew for each command."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0, stdin: str = "", **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["digest", *words])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            for name, value in environment.items():
                patch.setenv(name, value)
            ended: int | str | None = 0
            try:
                main()
            except SystemExit as end:
                ended = end.code or 0
        told = capfd.readouterr()
        assert ended == code, f"digest {' '.join(words)} ended with {ended}:\n{told.out}\n{told.err}"
        return Done(stdout=told.out, stderr=told.err)

    return call


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / f"{TODAY}.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in invented(TODAY)))
    return folder


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    with Catcher(tmp_path / "caught") as listening:
        yield listening


def test_a_day_from_init_to_a_learned_preview(run: Run, papers: Path, catcher: Catcher, tmp_path: Path) -> None:
    run("init", "--sender", "digest@example.org", "--host", "127.0.0.1", "--port", str(catcher.port))
    told = json.loads(run("ingest", "--seen", "name", "--json", str(papers)).stdout)
    assert {kind: told[kind] for kind in ("read", "new", "updated", "duplicate", "skipped", "rejected")} == {
        "read": 16,
        "new": 16,
        "updated": 0,
        "duplicate": 0,
        "skipped": 0,
        "rejected": 0,
    }
    assert json.loads(run("ingest", "--json", str(papers)).stdout)["duplicate"] == 16
    run("subscribe", "alice@example.org", "--keyword", "robot", "--category", "cs.RO", "--size", "3")
    day = ("--date", str(TODAY))
    first = json.loads(run("preview", "alice@example.org", "--json", *day).stdout)
    assert json.loads(run("preview", "alice@example.org", "--json", *day).stdout) == first
    assert all("robot" in paper["title"] for paper in first["papers"])
    report = json.loads(run("run", "--json", *day).stdout)
    assert (report["compose"]["planned"], report["send"]["accepted"]) == (1, 1)
    again = json.loads(run("run", "--json", *day).stdout)
    assert (again["compose"]["planned"], again["send"]["accepted"], len(catcher.caught)) == (0, 0, 1)
    assert catcher.caught[0].parsed["To"] == "alice@example.org"
    run("rate", "alice@example.org", first["papers"][0]["paper"], "up")
    status = json.loads(run("status", "--json", *day).stdout)
    assert (status["thumbs"], status["messages"], status["alarms"]) == ({"up": 1, "down": 0}, {"accepted": 1}, [])
    assert json.loads(run("preview", "alice@example.org", "--json", "--date", "2026-06-10").stdout)["made"]["thumbs_up"] == 1


def test_the_stages_of_a_round_one_by_one(run: Run, papers: Path, tmp_path: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    day = ("--date", str(TODAY))
    assert json.loads(run("compose", "--dry-run", "--json", *day).stdout)["planned"] == 1
    assert json.loads(run("send", "--json", *day).stdout)["accepted"] == 0
    assert json.loads(run("compose", "--json", *day).stdout)["planned"] == 1
    looked = json.loads(run("send", "--dry-run", "--json", *day).stdout)
    assert (looked["waiting"], looked["accepted"]) == (1, 0)
    assert looked["due"] == [{"email": "alice@example.org", "kind": "digest", "key": str(TODAY), "state": "planned", "papers": 10}]
    assert "alice@example.org" in run("send", "--dry-run", *day).stdout
    assert json.loads(run("send", "--json", *day).stdout)["accepted"] == 1
    assert [path.suffix for path in (tmp_path / "outbox").iterdir()] == [".eml"]


def test_a_preview_as_html_and_text(run: Run, papers: Path, tmp_path: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    text = run("preview", "alice@example.org", "--date", str(TODAY), "--html", "out.html", "--text").stdout
    assert (tmp_path / "out.html").read_text().lower().startswith("<!doctype html>")
    assert "More like this:" in text


def test_a_mail_is_previewed_as_it_is_sent_and_signed(run: Run, papers: Path, tmp_path: Path) -> None:
    setting = {"DIGEST_MAIL__SENDER": "digest@papers.example.org", "DIGEST_MAIL__DKIM_KEY_FILE": "dkim.pem"}
    told = json.loads(run("dkim", "--json", **setting).stdout)
    assert (told["made"], told["name"], told["type"]) == (True, "digest._domainkey.papers.example.org", "TXT")
    shown = run("dkim", **setting)
    assert told["value"] in shown.stdout
    assert "there already" in shown.stdout
    run("ingest", "--seen", "name", str(papers), **setting)
    run("subscribe", "alice@example.org", "--keyword", "robot", **setting)
    run("preview", "alice@example.org", "--date", str(TODAY), "--eml", "preview.eml", **setting)
    run("run", "--date", str(TODAY), **setting)
    previewed, (sent,) = (tmp_path / "preview.eml").read_bytes(), [path.read_bytes() for path in (tmp_path / "outbox").iterdir()]
    for data in (previewed, sent):
        assert dkim.verify(data, dnsfunc=lambda name, timeout=5: told["value"].encode())

    def masked(data: bytes) -> bytes:  # another time, and tokens that name another message
        return re.sub(rb"(?m)^Date: .*$", b"", re.sub(rb"(?:=\r\n|[a-z2-7]){55,}", b"", data.partition(b"\r\nFrom: ")[2]))

    assert masked(previewed) == masked(sent)


def test_a_preview_that_cannot_be_written_says_so(run: Run, papers: Path) -> None:
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    assert (
        "no/such.html: cannot be written"
        in run("preview", "alice@example.org", "--date", str(TODAY), "--html", "no/such.html", code=2).stderr
    )


def test_dkim_needs_an_address_of_ones_own(run: Run) -> None:
    assert "mail.sender is not set" in run("dkim", code=1).stderr


def test_keys_of_links_are_listed_and_rotated(run: Run) -> None:
    assert [(key["id"], key["signs"]) for key in json.loads(run("keys", "list", "--json").stdout)] == [(1, True)]
    assert [(key["id"], key["signs"]) for key in json.loads(run("keys", "rotate", "--json").stdout)] == [(1, False), (2, True)]
    assert "is still taken" in run("keys", "list").stdout


def test_standard_input_is_a_dump_too(run: Run, papers: Path) -> None:
    text = next(papers.iterdir()).read_text()
    assert json.loads(run("ingest", "-", "--json", stdin=text).stdout)["new"] == 16


def test_readers_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "readers.csv").write_text(
        'email,name,hour,days,keywords\nalice@example.org,Alice,6,"1,2;3","robot; graph neural network"\nnobody,,,,\nbob@example.org,Bob,99,,\n'
    )
    told = json.loads(run("subscribe", "--file", "readers.csv", "--json").stdout)
    assert (told["new"], told["rejected"]) == (1, 2)
    assert [(row["line"], row["reason"].split(":")[0]) for row in told["rejects"]] == [
        (3, "'nobody' is no e-mail address"),
        (4, "hour 99 must be 0 to 23"),
    ]
    (alice,) = json.loads(run("subscribers", "--json").stdout)
    assert (alice["hour"], alice["days"], alice["interests"][0]["keywords"]) == (6, [1, 2, 3], ["robot", "graph neural network"])
    rows = ['{"email": "carol@example.org", "size": 5, "categories": ["cs.LG"]}', "not json", '{"email": "d@example.org", "colour": 1}']
    (tmp_path / "more.jsonl").write_text("\n".join(rows))
    told = json.loads(run("subscribe", "--file", "more.jsonl", "--json").stdout)
    assert (told["new"], [row["line"] for row in told["rejects"]]) == (1, [2, 3])


def test_whoever_left_is_not_brought_back_by_a_file(run: Run, tmp_path: Path) -> None:
    run("subscribe", "alice@example.org")
    run("unsubscribe", "alice@example.org")
    (tmp_path / "readers.csv").write_text("email\nalice@example.org\n")
    assert json.loads(run("subscribe", "--file", "readers.csv", "--json").stdout)["left"] == 1
    assert json.loads(run("subscribe", "alice@example.org", "--json").stdout)["outcome"] == "back"


def test_what_servers_and_files_say_is_shown_as_it_is(run: Run, papers: Path, tmp_path: Path) -> None:
    said = "550 [/b] no :smile: [red]user[/]"
    run("suppressions", "add", "alice@example.org", "--evidence", said)
    assert said in run("suppressions").stdout
    odd = tmp_path / "a [b] :x: [].jsonl"
    next(papers.iterdir()).rename(odd)
    for words in (("ingest", odd.name), ("status",)):
        assert odd.name in run(*words).stdout


@pytest.mark.parametrize(
    "words",
    [("suppressions", "export", "no/such/x.csv"), ("suppressions", "export", "no/such/x.jsonl"), ("init", "no/such/x.toml")],
)
def test_a_file_that_cannot_be_written_is_told_with_the_remedy(run: Run, words: tuple[str, ...]) -> None:
    assert "Check the folder" in run(*words, code=2).stderr


def test_a_caught_mail_in_a_charset_that_nobody_knows_is_shown_all_the_same(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.sendmail("a@example.org", "b@example.org", b"Content-Type: text/plain; charset=bogus\r\n\r\nh\xc3\xa9\r\n")
    assert catcher.caught[0].part("plain").strip() == "hé"


def test_help_shows_all_of_its_words() -> None:
    markup = re.compile(r"(?<!\\)\[[a-z\[/]")
    waiting: list[Any] = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        words = [command.help or "", *(getattr(one, "help", None) or "" for one in command.params)]
        assert not [text for text in words if markup.search(text)], command.name


def test_suppressed_addresses_are_listed_taken_over_written_out_and_released(run: Run, tmp_path: Path) -> None:
    run("subscribe", "alice@example.org")
    told = json.loads(run("suppressions", "add", "Alice@example.org", "bob@example.org", "--evidence", "by phone", "--json").stdout)
    assert told == {"added": 2, "known": 0}
    assert json.loads(run("subscribers", "--json").stdout)[0]["standing"] == "suppressed"
    assert "digest suppressions release" in run("subscribe", "bob@example.org", code=1).stderr
    (tmp_path / "more.csv").write_text(
        "address,reason,since\ncarol@example.org,hard,2026-01-02\nbob@example.org,,\nnobody,,\nd@example.org,odd,\n"
    )
    told = json.loads(run("suppressions", "import", "more.csv", "--json").stdout)
    assert {what: told[what] for what in ("added", "known", "rejected")} == {"added": 1, "known": 1, "rejected": 2}
    assert [row["line"] for row in told["rejects"]] == [4, 5]
    for name in ("all.csv", "all.jsonl"):
        run("suppressions", "export", name)
        assert json.loads(run("suppressions", "import", name, "--json").stdout)["known"] == 3
    assert run("suppressions", "export").stdout == (tmp_path / "all.csv").read_text()
    run("suppressions", "release", "alice@example.org", "bob@example.org", "carol@example.org")
    assert json.loads(run("suppressions", "--json").stdout) == []
    assert json.loads(run("suppressions", "import", "all.jsonl", "--json").stdout)["added"] == 3
    listed = json.loads(run("suppressions", "list", "--json").stdout)
    assert listed[0] == {"address": "carol@example.org", "reason": "hard", "since": "2026-01-02T00:00:00+00:00", "evidence": ""}
    assert "is not suppressed" in run("suppressions", "release", "zoe@example.org", code=1).stderr
    (tmp_path / "odd.jsonl").write_text('{"address": 5}\n{"address": "e@example.org", "since": 7}\n[]\n')
    assert json.loads(run("suppressions", "import", "odd.jsonl", "--json", code=1).stdout)["rejected"] == 3


def test_a_bounce_through_the_pipe_of_a_mail_server(run: Run, papers: Path, catcher: Catcher, tmp_path: Path) -> None:
    settings = {
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(catcher.port),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_MAIL__BOUNCE_DOMAIN": "bounces.example.org",
    }
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org")
    run("run", "--date", str(TODAY), **settings)
    (mail,) = catcher.caught
    report = (
        f"Return-Path: <>\nTo: {mail.sender}\nSubject: Undelivered\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.1.1\n--b--\n"
    )
    told = json.loads(run("bounce", "--json", stdin=report, **settings).stdout)
    assert (told["outcome"], told["email"], told["suppressed"]) == ("bounced", "alice@example.org", "hard")
    assert json.loads(run("subscribers", "--json").stdout)[0]["standing"] == "suppressed"
    # what the header does not say, the envelope may
    run("suppressions", "release", "alice@example.org")
    hidden = report.replace(f"To: {mail.sender}\n", "").replace("5.1.1", "5.2.2")
    assert "untrusted" in run("bounce", stdin=hidden, code=67, **settings).stdout
    assert "bounced" in run("bounce", "--to", mail.sender, stdin=hidden, **settings).stdout


def test_a_mail_for_people_through_the_pipe_is_refused_or_kept_and_never_lost(run: Run, tmp_path: Path) -> None:
    mail = "From: bob@example.net\nSubject: hello\n\nHow are you?\n"
    run("bounce", stdin=mail, code=67)
    run("bounce", "--keep", "for-people/mail", stdin=mail)
    (kept,) = (tmp_path / "for-people" / "mail").iterdir()
    assert (kept.suffix, kept.read_text()) == (".eml", mail)


def test_the_pipe_tells_a_mail_server_to_come_again_or_that_it_is_misconfigured(run: Run, tmp_path: Path) -> None:
    run("bounce", stdin="", code=78, DIGEST_SMTP__PORT="many")
    (tmp_path / "digest.sqlite").write_text("this is no database")
    assert "digest.sqlite" in run("bounce", stdin="", code=75).stderr
    (tmp_path / "digest.sqlite").unlink()
    (tmp_path / "file").write_text("in the way")
    run("bounce", "--keep", "file/mail", stdin="", code=75)


def test_a_mailbox_has_to_be_configured(run: Run) -> None:
    assert "[mailbox] host" in run("mailbox", code=1).stderr
    assert "needs the key username" in run("mailbox", code=1, DIGEST_MAILBOX__HOST="imap.example.org").stderr


def test_readers_of_the_config_are_applied(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[[subscribers]]\nemail = "alice@example.org"\nkeywords = ["robot"]\n')
    assert [reader["email"] for reader in json.loads(run("subscribers", "--apply", "--json").stdout)] == ["alice@example.org"]


def test_settings_come_from_the_environment_without_a_file(run: Run) -> None:
    shown = json.loads(run("config", "--json", DIGEST_SMTP__PORT="2525").stdout)
    assert shown["smtp"]["port"] == 2525


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("frobnicate",), 2, "No such command"),
        (("subscribe",), 2, "either one EMAIL or --file"),
        (("subscribe", "nobody"), 2, "is no e-mail address"),
        (("subscribe", "--file", "absent.csv"), 2, "absent.csv"),
        (("rate", "a@example.org", "2606.00001", "sideways"), 2, "up, down or clear"),
        (("run", "--date", "yesterday"), 2, "YYYY-MM-DD"),
        (("ingest", "x", "--seen", "soon"), 2, "YYYY-MM-DD"),
        (("ingest", "absent.jsonl"), 1, "absent.jsonl"),
        (("preview", "a@example.org"), 1, "nobody subscribes"),
        (("status", "--config", "absent.toml"), 1, "digest init"),
        (("serve", "--only", "barber"), 2, "is no role"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_with_the_right_exit_code(run: Run, words: tuple[str, ...], code: int, told: str) -> None:
    done = run(*words, code=code)
    assert told in re.sub(r"[│\s]+", " ", done.stderr + done.stdout)


def test_init_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    run("init", code=2)
    assert (tmp_path / "config.toml").read_text() == "# mine\n"


def test_a_known_mailbox_provider_is_guessed(run: Run, tmp_path: Path) -> None:
    told = run("init", "--sender", "somebody@gmail.com").stdout
    text = (tmp_path / "config.toml").read_text()
    assert 'host = "smtp.gmail.com"' in text
    assert 'username = "somebody@gmail.com"' in text
    assert "smtp-password" in told


def test_a_database_of_another_version_is_refused_until_upgraded(run: Run, tmp_path: Path) -> None:
    import sqlite3

    run("subscribers")
    with sqlite3.connect(tmp_path / "digest.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ancient'")
    assert "newer than this version" in run("status", code=1).stderr
    with sqlite3.connect(tmp_path / "digest.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "up to date" in run("db", "upgrade").stdout


def test_mails_are_caught_and_shown_instead_of_delivered(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "digest", "catch", "--port", "0", "--web-port", "0", "--folder", "mail"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"COLUMNS": "200"}
    ) as process:
        try:
            assert process.stdout is not None
            told = ""
            while "/inbox" not in told:
                line = process.stdout.readline()
                assert line, told
                told += line
            port, address = int(re.findall(r"port = (\d+)", told)[0]), re.findall(r"http://\S+", told)[0]
            assert "Nothing was caught yet" in httpx.get(address, trust_env=False).text
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                client.sendmail("b@example.org", ["alice@example.org", "bob@example.org"], "Subject: a <caught> mail\r\n\r\nwords\r\n")
            page = httpx.get(address.removesuffix("/inbox"), trust_env=False, follow_redirects=True).text
            assert page.count("a &lt;caught&gt; mail") == 2
            assert "words" in httpx.get(f"{address}/1", trust_env=False).text
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert sorted(path.name for path in (tmp_path / "mail").iterdir()) == ["001-alice@example.org.eml", "002-bob@example.org.eml"]


# ---------------------------------------------------------------------------------------------- the demonstration


def test_the_demonstration_ignores_settings_from_outside_and_ends_well(process: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("this is not even TOML")
    told = process("demo", "--no-serve", "--folder", "show", DIGEST_SMTP__PORT="nonsense", DIGEST_STORE__URL="nonsense").stdout
    assert "10 mails were delivered over SMTP" in told
    mails = sorted(path.name for path in (tmp_path / "show" / "mail").iterdir())
    assert len(mails) == 10
    assert told.count("more like this") == 5
    assert "strong match" in told  # nobody has rated enough for numbers
    assert "None" not in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "show"]


def test_a_folder_with_something_in_it_is_not_used_for_the_demonstration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "mine").write_text("precious")
    assert "is not empty" in run("demo", "--no-serve", "--folder", "show", code=2).stderr


# ---------------------------------------------------------------------------------------------- what is documented


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {"ingest", "subscribe", "run", "serve", "status", "demo"} <= set(commands)
    for name, command in commands.items():
        assert command.help, f"digest {name} has no help"
        assert f"digest {name}" in readme, f"README.md says nothing about `digest {name}`"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"digest {name}: {parameter.name} has no help"


def test_the_readme_stays_short_and_shows_the_commands_first() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 250
    assert any(line.startswith("    python3 -m venv") for line in lines[:25])


def test_deliveries_are_listed_and_settled(run: Run, papers: Path, catcher: Catcher) -> None:
    run("init", "--sender", "digest@example.org", "--host", "127.0.0.1", "--port", str(catcher.port))
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("run", "--date", str(TODAY))
    assert "no such messages" in run("deliveries", "--state", "unknown").stdout
    (told,) = json.loads(run("deliveries", "alice@example.org", "--json").stdout)
    assert (told["email"], told["state"], told["kind"], told["key"]) == ("alice@example.org", "accepted", "digest", str(TODAY))
    assert [(one["outcome"], one["phase"], one["code"]) for one in told["deliveries"]] == [("accepted", "body", 250)]
    shown = run("deliveries").stdout
    assert told["message_id"] in shown
    assert "body: accepted 250" in shown
    assert "only an unknown one" in run("deliveries", "--resolve", told["message_id"], "rejected", code=2).stderr
    run("deliveries", "--resolve", "<nobody@example.org>", "accepted", code=1)
    run("deliveries", "--resolve", told["message_id"], "lost", code=2)
    run("deliveries", "nobody@example.org", code=1)
