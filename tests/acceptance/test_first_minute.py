"""The first minute: settings that are wrong or incomplete, and empty folders."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digest.cli.commands import COMMANDS, load_command
from tests.acceptance.conftest import Run
from tests.conftest import TODAY

# ------------------------------------------------------------------------------ nothing there yet


def every_command() -> Iterator[tuple[str, ...]]:
    """Yield the words of each command, with values for required arguments and options."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*words, name))
        if not hasattr(command, "commands") or (words and command.invoke_without_command):
            required = [param for param in command.params if param.required]
            yield (*words, *(word for param in required for word in fill_in(param)))

    def fill_in(param: Any) -> tuple[str, ...]:
        value = VALUES[param.name]
        return (param.opts[0], value) if param.opts[0].startswith("-") else (value,)

    for name in COMMANDS:
        yield from walk(load_command(name), (name,))


VALUES = {
    "email": "alice@example.org",
    "file": "papers.bib",
    "paper": "arxiv:2606.00001",
    "vote": "up",
    "addresses": "alice@example.org",
    "key": "1",
    "records": "1",
    "number": "1",
    "ident": "1",
    "url": "https://example.org/hook",
    "event": "thumb",
    "name": "lab",
    "scope": "papers:read",
}
#: what may begin a service, or needs none
WRITERS = {
    "init",
    "login",
    "dev-mail",
    "bench",
    "demo",
    "serve",
    "fetch",
    "bounce",
    "mailbox",
    "subscribe",
    "ingest",
    "run",
    "db upgrade",
    "db restore",
    "db import",
    "keys rotate",
    "papers split",
    "suppressions add",
    "suppressions import",
    "webhooks add",
    "operator link",
    "api-keys create",
    "config",
    "dkim",
}
#: options without which a command does not begin, or with which a writer only reads
WITH = {
    "forget": ("--all", "--yes"),
    "delete": ("--yes",),
    "doctor": ("--offline",),
    "import-library": ("papers.bib",),
    "operator end": ("--all",),
}
READERS = [
    *(
        (*words, *WITH.get(" ".join(words[:2]), WITH.get(words[0], ())))
        for words in every_command()
        if words[0] not in WRITERS and " ".join(words[:2]) not in WRITERS
    ),
    ("run", "--dry-run"),
    ("compose", "--dry-run"),
    ("send", "--dry-run"),
    ("ingest", "--retry-rejected"),
]


def test_every_command_is_a_reader_or_a_writer() -> None:
    names = {" ".join(words[:2]) for words in every_command()} | {w[0] for w in every_command()}
    assert names >= WRITERS
    assert len(READERS) > 20


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_reading_command_creates_nothing_without_a_service(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run(*words, code=1)
    assert done.stdout == ""
    assert "neither a config.toml nor a database" in done.stderr
    assert all(
        remedy in done.stderr for remedy in ("digest init", "--config", "Change to the folder")
    )
    assert list(tmp_path.iterdir()) == []


#: how a command ends for which there is nobody, or too little
CODES = {
    **dict.fromkeys(("import-library", "unsubscribe", "delete", "rate"), 1),
    **dict.fromkeys(("explain", "forget", "preview", "suppressions release"), 1),
    "vectors train": 2,
    "vectors encode": 1,
    "keys revoke": 1,
    "papers show": 1,
    **dict.fromkeys(("picks remove", "submissions accept", "submissions refuse", "votes drop"), 1),
    **dict.fromkeys(("webhooks remove", "webhooks enable", "webhooks test", "export"), 1),
    "api-keys revoke": 1,
    "db backup": 1,
    "db export": 1,
}


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_reading_command_creates_no_database_and_says_so(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "config.toml").write_text("# all as it is by default\n")
    done = run(*words, code=CODES.get(" ".join(words[:2]), CODES.get(words[0], 0)))
    if words[0] == "doctor":
        assert "there is no database yet" in done.stdout
    else:
        assert "nothing is there yet" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_the_environment_can_name_the_service(run: Run, tmp_path: Path) -> None:
    done = run("subscribers", "--json", DIGEST_STORE__URL="sqlite:///elsewhere.sqlite")
    assert json.loads(done.stdout) == []
    assert "elsewhere.sqlite" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_settings_is_read(run: Run) -> None:
    run("subscribe", "alice@example.org")
    done = run("subscribers", "--json")
    assert len(json.loads(done.stdout)) == 1
    assert done.stderr == ""


# ------------------------------------------------------------------------------ init


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "smtp.example.org", "--port", "99999"), "smtp.port = 99999"),
        (("--port", "0"), "smtp.port = 0"),
        (("--host", "smtp uni"), "smtp.host = 'smtp uni'"),
        (("--host", "smtp.example.org:587"), "without its port"),
        (("--host", "smtp://smtp.example.org"), "must be a name"),
        (("--sender", "nobody"), "'nobody' is no e-mail address"),
        (("--sender", "a b@example.org"), "is no e-mail address"),
        (("--base-url", "papers.example.org"), "web.base_url"),
        (("no/such/config.toml",), "its folder does not exist"),
    ],
)
def test_an_invalid_value_is_reported_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    assert message in run("init", *words, code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_an_inbox_that_is_not_a_folder_is_reported_first(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("mine")
    assert "is not a folder" in run("init", code=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]


def test_a_failed_write_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", fail)
    assert "No space left" in run("init", "--sender", "digest@example.org", code=2).stderr
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------- a password for later


def test_all_works_but_sending_while_the_password_is_missing(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    output = run("init", "--sender", "somebody@gmail.com").stdout
    assert "Until then nothing is sent" in output
    day = ("--date", str(TODAY))
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("preview", "alice@example.org", *day)
    run("status", *day)
    run("compose", *day)
    for command in ("run", "send"):
        ended = run(command, *day, code=1)
        assert "smtp.password_file" in ended.stderr
        assert "Put the secret on its first line" in ended.stderr
    status = json.loads(run("status", "--json", *day).stdout)
    assert (status["waiting"], status["messages"]) == (1, {"planned": 1})
    findings = json.loads(run("doctor", "--json", "--offline", code=1).stdout)["findings"]
    assert [
        finding["level"] for finding in findings if "smtp.password_file" in finding["what"]
    ] == ["bad"]
    (tmp_path / "smtp-password").write_text("\n")
    assert "is empty" in run("send", *day, code=1).stderr


def test_all_works_but_sending_while_the_key_is_missing(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(
        '[mail]\nsender = "digest@papers.example.org"\ndkim_key_file = "dkim.pem"\n'
    )
    day = ("--date", str(TODAY))
    run("ingest", "--seen", "name", str(papers))
    run("subscribe", "alice@example.org", "--keyword", "robot")
    run("preview", "alice@example.org", *day)
    ended = run("run", *day, code=1)
    assert "mail.dkim_key_file" in ended.stderr
    assert "digest dkim" in ended.stderr
    assert not (tmp_path / "outbox").exists()
    assert "mail.dkim_key_file" in run("doctor", "--offline", code=1).stdout
    run("dkim")
    run("send", *day)
    (mail,) = (tmp_path / "outbox").iterdir()
    assert b"DKIM-Signature" in mail.read_bytes()


def test_all_works_but_the_mailbox_while_its_password_is_missing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[mailbox]\nhost = "imap.example.org"\nusername = "u"\npassword_file = "secret"\n'
    )
    run("subscribe", "alice@example.org")
    ended = run("mailbox", code=1)
    assert "mailbox.password_file" in ended.stderr
    report = json.loads(run("run", "--json", code=1).stdout)
    assert "mailbox.password_file" in report["mailbox"]["error"]
    assert "mailbox" in [
        alarm["kind"] for alarm in json.loads(run("status", "--json").stdout)["alarms"]
    ]


def test_missing_certificates_stop_only_sending(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[smtp]\nhost = "smtp.example.org"\nca_file = "ca.pem"\n[mail]\nsender = "d@example.org"\n'
    )
    run("subscribe", "alice@example.org")
    assert "smtp.ca_file" in run("doctor", code=1).stdout


def test_files_of_init_are_private_with_every_umask(run: Run, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("init", "--sender", "digest@example.org")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "inbox").stat().st_mode) == 0o700
    assert not stat.S_IMODE((tmp_path / "config.toml").stat().st_mode) & 0o022
