"""`digest init` on a terminal: real keys, real answers, and what is written."""

from __future__ import annotations

import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.fakes.terminal import Terminal


def init(folder: Path, *words: str, **environment: str) -> Terminal:
    return Terminal(sys.executable, "-m", "digest", "init", *words, cwd=folder, env=environment)


def read_config(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "config.toml").read_text())


def test_a_server_field_sources_and_time_zone_are_asked_for(tmp_path: Path) -> None:
    with init(tmp_path, TZ="Europe/Berlin") as terminal:
        terminal.expect("Address that the mails come from")
        terminal.type("nobody")
        terminal.expect("'nobody' is no e-mail address")
        terminal.type("digest@uni.example")
        terminal.expect("Mail server:")
        terminal.type("smtp uni")
        terminal.expect("smtp.host = 'smtp uni'")
        terminal.type("smtp.uni.example:25")
        terminal.expect("without its port")
        terminal.type("smtp.uni.example")
        terminal.expect(r"Its port \(587\)")
        terminal.type("99999")
        terminal.expect("smtp.port = 99999")
        terminal.type("")
        terminal.expect("Login there")
        terminal.type("library")
        terminal.expect("Your field:")
        terminal.type("Machine Learning, neuroscience, ancient history")
        guessed = terminal.expect("Sources ")
        assert "Machine Learning: cs.LG (Machine Learning), stat.ML (Machine Learning)" in guessed
        assert "neuroscience: q-bio.NC" in guessed
        assert "ancient history: no category of arXiv, so Europe PMC is searched" in guessed
        terminal.expect(r"\(arxiv, biorxiv, europe-pmc\)")
        terminal.type("arxiv, crossref")
        terminal.expect("source 'crossref': is not among those")
        terminal.type("arxiv huggingface")
        terminal.expect(r"Time zone of your readers \(Europe/Berlin\)")
        terminal.type("Mars/Olympus")
        terminal.expect("no such time zone")
        terminal.type("")
        terminal.expect("Its password")
        terminal.type_hidden("correct horse")
        terminal.expect(r"Fetch the first papers now\?")
        terminal.type("n")
        assert terminal.finish() == 0
        assert "correct horse" not in terminal.shown
    written = read_config(tmp_path)
    assert written["mail"] == {"sender": "digest@uni.example"}
    assert written["smtp"] == {
        "host": "smtp.uni.example",
        "port": 587,
        "username": "library",
        "password_file": "smtp-password",
    }
    assert written["digest"] == {"timezone": "Europe/Berlin"}
    assert written["sources"] == [
        {"name": "arxiv", "kind": "arxiv-feed", "categories": ["cs.LG", "stat.ML", "q-bio.NC"]},
        {"name": "huggingface", "kind": "huggingface"},
    ]
    password = tmp_path / "smtp-password"
    assert password.read_text() == "correct horse\n"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


def test_a_guessed_provider_is_named_and_enter_takes_it(tmp_path: Path) -> None:
    with init(tmp_path, TZ="UTC") as terminal:
        terminal.expect("Address that the mails come from")
        terminal.type("jane@gmail.com")
        terminal.expect(r"gmail \(smtp.gmail.com:587\): gmail.com is Gmail or Google Workspace")
        terminal.expect(r"Mail server \(gmail\)")
        terminal.type("")
        terminal.expect("Your field:")
        terminal.type("")
        terminal.expect(r"\(UTC\)")
        terminal.type("")
        terminal.expect("with an app password")
        terminal.expect("Its password, or app password")
        terminal.type_hidden("")
        assert terminal.finish() == 0
    written = read_config(tmp_path)
    assert written["smtp"] == {
        "provider": "gmail",
        "username": "jane@gmail.com",
        "password_file": "smtp-password",
    }
    assert "sources" not in written
    assert "Until then nothing is sent" in terminal.shown


def test_where_passwords_have_ended_the_app_is_asked_for(tmp_path: Path) -> None:
    with init(tmp_path, "--field", "cs.RO", "--no-fetch", "--timezone", "UTC") as terminal:
        terminal.expect("Address that the mails come from")
        terminal.type("jane@outlook.com")
        terminal.expect(r"Mail server \(outlook\)")
        terminal.type("microsoft365")
        terminal.expect("Client id of your app")
        terminal.type("0a1b-2c3d")
        assert terminal.finish() == 0
    written = read_config(tmp_path)
    assert written["smtp"] == {
        "provider": "microsoft365",
        "username": "jane@outlook.com",
        "auth": "oauth2",
    }
    assert written["oauth"] == {"client_id": "0a1b-2c3d"}
    assert "To send mails as jane@outlook.com: run `digest login`" in terminal.shown
    assert "digest subscribe EMAIL --category cs.RO" in terminal.shown


def test_no_mail_server_is_an_answer(tmp_path: Path) -> None:
    with init(tmp_path, "--field", "cs.RO", "--no-fetch", "--timezone", "UTC") as terminal:
        terminal.expect("Address that the mails come from")
        terminal.type("jane@gmail.com")
        terminal.expect(r"Mail server \(gmail\)")
        terminal.type("none")
        assert terminal.finish() == 0
    assert read_config(tmp_path)["smtp"] == {}
    assert "Mails will be written to the folder outbox" in terminal.shown


def test_ctrl_c_at_any_question_leaves_nothing(tmp_path: Path) -> None:
    with init(tmp_path, "--sender", "jane@gmail.com", "--timezone", "UTC") as terminal:
        terminal.expect(r"Mail server \(gmail\)")
        terminal.type("")
        terminal.expect("Your field:")
        terminal.interrupt()
        assert terminal.finish() != 0
        assert "bug" not in terminal.shown
        assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []


def test_a_first_fetch_that_fails_keeps_the_config_and_says_so(tmp_path: Path) -> None:
    words = ("--sender", "", "--field", "cs.RO", "--timezone", "UTC")
    # the proxy answers nothing, so no host is reached
    proxy = "http://127.0.0.1:9"
    with init(tmp_path, *words, HTTPS_PROXY=proxy, DIGEST_FETCH__ATTEMPTS="1") as terminal:
        terminal.expect(r"Fetch the first papers now\?")
        terminal.type("")
        assert terminal.finish() == 1
    assert "`digest fetch` tries again" in terminal.shown
    assert read_config(tmp_path)["sources"][0]["categories"] == ["cs.RO"]
