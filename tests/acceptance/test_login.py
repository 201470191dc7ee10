"""The command login, as an operator uses it: codes, pages, and what is asked again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import Run
from tests.conftest import TODAY
from tests.fakes.bearer_smtp import BearerSmtp
from tests.fakes.token_server import TokenServer

JANE = "jane@example.org"


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with TokenServer() as listening:
        yield listening


def write_config(folder: Path, tokens: TokenServer, port: int = 2525) -> None:
    (folder / "config.toml").write_text(
        f'{tokens.settings}[mail]\nsender = "{JANE}"\n[smtp]\nhost = "127.0.0.1"\nport = {port}\n'
        f'tls = "none"\nusername = "{JANE}"\nauth = "oauth2"\n'
    )


def test_a_day_with_a_login_by_code_instead_of_a_password(
    run: Run, papers: Path, tmp_path: Path, tokens: TokenServer
) -> None:
    day = ("--date", str(TODAY))
    with BearerSmtp(tokens.is_valid) as server:
        write_config(tmp_path, tokens, server.port)
        run("ingest", "--seen", "name", str(papers))
        run("subscribe", "alice@example.org", "--keyword", "robot")
        # Everything works but sending, as with a missing password.
        assert "not logged in yet. Run `digest login`" in run("run", *day, code=1).stderr
        assert json.loads(run("status", "--json", *day).stdout)["waiting"] == 1
        shown = run("login").stdout
        assert "https://login.example.org/device" in shown
        assert "WDJB-MJHT" in shown
        run("send", *day)
        assert server.recipients == ["alice@example.org"]
        # A login that works is left alone, unless it is named.
        assert run("login").stdout.startswith(f"{JANE} is logged in.")
        assert "WDJB-MJHT" in run("login", JANE).stdout
        tokens.revoke()
        (tmp_path / "tokens" / f"{JANE}.json").unlink()
        assert "WDJB-MJHT" in run("login").stdout


def test_the_page_sends_the_browser_back_or_its_address_is_pasted(
    tmp_path: Path, tokens: TokenServer
) -> None:
    write_config(tmp_path, tokens)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")
    }

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "digest", "login", JANE, "--browser"],
            cwd=tmp_path,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if tokens.url("/authorize") in line:
                return process, line.strip()
        raise AssertionError("no page was named")

    process, page = start()
    assert httpx.get(tokens.agree_in_browser(page), trust_env=False).status_code == 200
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    first = (tmp_path / "tokens" / f"{JANE}.json").read_bytes()

    process, page = start()
    pasted = tokens.agree_in_browser(page)
    output, _ = process.communicate(f"http://localhost/?state=wrong\n{pasted}\n", timeout=30)
    assert process.returncode == 0, output
    assert "this is not the address of this login" in output
    assert (tmp_path / "tokens" / f"{JANE}.json").read_bytes() != first


@pytest.mark.parametrize(
    ("config", "words", "code", "message"),
    [
        ("", (), 1, 'no server has auth = "oauth2"'),
        (None, ("nobody@example.org",), 2, "no server has this username"),
        (
            '[smtp]\nprovider = "microsoft365"\nusername = "j@example.org"\n',
            (),
            1,
            "needs [oauth] client_id",
        ),
        (
            f'[smtp]\nhost = "mail.example.org"\nauth = "oauth2"\nusername = "{JANE}"\n'
            '[oauth]\nclient_id = "app"\n',
            (),
            1,
            "the provider of mail.example.org is not known",
        ),
        (
            f'[smtp]\nprovider = "gmail"\nauth = "oauth2"\nusername = "{JANE}"\n[mailbox]\n'
            'provider = "microsoft365"\nusername = "j@example.org"\n[oauth]\nclient_id = "app"\n',
            (),
            1,
            "two providers cannot share the one app",
        ),
        (
            '[smtp]\nprovider = "microsoft365"\nusername = "j@example.org"\npassword = "secret"\n',
            (),
            1,
            'auth = "oauth2" takes no password',
        ),
        (
            '[[sources]]\nname = "lists"\nkind = "mailbox"\nauth = "oauth2"\n'
            'url = "imaps://j@mail.example.org/L"\npassword_file = "p"\n',
            (),
            1,
            "takes no password_file",
        ),
        ('[smtp]\nprovider = "gmail"\n', (), 1, 'provider = "gmail": needs the setting username'),
        ('[mailbox]\nprovider = "ses"\n', (), 1, "Amazon SES has no mailbox to read"),
        ('[smtp]\nprovider = "gmial"\n', (), 1, "no such provider"),
    ],
)
def test_what_is_missing_is_named(
    run: Run,
    tmp_path: Path,
    tokens: TokenServer,
    config: str | None,
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    if config is None:
        write_config(tmp_path, tokens)
    else:
        (tmp_path / "config.toml").write_text(config)
    error = run("login", *words, code=code).stderr
    assert message in re.sub(r"\s+", " ", error)
    assert not (tmp_path / "tokens").exists()


def test_a_declined_consent_ends_with_an_error(
    run: Run, tmp_path: Path, tokens: TokenServer
) -> None:
    write_config(tmp_path, tokens)
    tokens.consent = "denied"
    assert "the request was declined" in run("login", code=1).stderr
    assert not (tmp_path / "tokens").exists()


def test_a_client_secret_comes_from_a_file_and_is_not_shown(
    run: Run, tmp_path: Path, tokens: TokenServer
) -> None:
    tokens.client_secret = "swordfish"
    write_config(tmp_path, tokens)
    text = (tmp_path / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(
        text.replace("[oauth]\n", '[oauth]\nclient_secret_file = "app-key"\n')
    )
    assert "app-key': cannot be read" in run("login", code=1).stderr
    (tmp_path / "app-key").write_text("swordfish\n")
    assert "is logged in" in run("login").stdout
    assert "swordfish" not in run("config", "--json").stdout
