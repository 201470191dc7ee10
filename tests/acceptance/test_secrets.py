"""A secret in every setting that can hold one, and an error in every part.

No output may hold any of the secrets.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import json
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from pydantic import BaseModel

from digest import config, pipeline, redaction, services
from digest.app import App
from digest.config import LISTS, SECTIONS, find_secrets
from digest.config.secret_values import is_secret
from digest.config.sections import SUBLISTS, section_at
from digest.errors import ConfigError
from tests.acceptance.conftest import Run
from tests.conftest import NOON
from tests.fakes.parrot import Parrot
from tests.fakes.source_server import SourceServer

#: what a table needs beside its secrets to be valid; `sources` once for each kind with a key
NEEDED: dict[str, list[dict[str, Any]]] = {
    "smtp.more": [{"host": "127.0.0.1", "tls": "none", "username": "second"}],
    "sources": [
        {"name": "alex", "kind": "openalex"},
        {"name": "med", "kind": "pubmed", "query": "robot"},
    ],
    "subscribers": [{"email": "reader@example.org"}],
    "subscribers.interests": [],
}


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})


def secret(place: str) -> str:
    """Return a secret unlike all others.

    It holds characters that URLs, JSON, HTML and Python escape in their own ways.
    """
    return f"pw.{place}/+&<ü>\"'% {len(place)}="


def spellings(value: str) -> set[str]:
    """Return the ways in which a secret may be printed.

    Of Base64 only the part that does not depend on neighbouring bytes.
    """
    data = value.encode()
    packed = {base64.b64encode(bytes(n) + data).decode().rstrip("=")[4:-4] for n in range(3)}
    spelled = {value, quote(value), quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}
    return spelled | packed | {json.dumps(value)[1:-1], data.hex(), value.replace("&", "&amp;")}


def secret_keys(model: type[BaseModel]) -> list[str]:
    return [key for key, field in model.model_fields.items() if is_secret(field)]


def plant_secrets() -> tuple[dict[str, Any], dict[str, str]]:
    """Make settings with a secret in every place that can hold one.

    The places are found by type.

    Returns:
        The settings, and place -> secret.
    """
    values: dict[str, Any] = {}
    secrets: dict[str, str] = {}

    def fill(place: str, model: type[BaseModel], table: dict[str, Any]) -> dict[str, Any]:
        for key in secret_keys(model):
            made = secret(f"{place}.{key}")
            if key == "webhook_secret":  # the form of Standard Webhooks is checked
                made = base64.b64encode(hashlib.sha256(made.encode()).digest()).decode()
            secrets[f"{place}.{key}"] = table[key] = made
        return table

    for section in SECTIONS:
        model = section_at([section])
        assert model is not None
        if table := fill(section, model, {}):
            values[section] = table
    for (section, key), model in SUBLISTS.items():
        rows = NEEDED[f"{section}.{key}"]
        if section in SECTIONS and secret_keys(model):
            values.setdefault(section, {})[key] = [
                fill(f"{section}.{key}.{n}", model, dict(row)) for n, row in enumerate(rows)
            ]
    for section, model in LISTS.items():
        rows = NEEDED[section]
        values[section] = [fill(f"{section}.{n}", model, dict(row)) for n, row in enumerate(rows)]
    return values, secrets


def toml_of(values: dict[str, Any]) -> str:
    lines: list[str] = []
    for section, table in values.items():
        for row in table if isinstance(table, list) else [table]:
            lines.append(f"[[{section}]]" if isinstance(table, list) else f"[{section}]")
            inner = {
                k: v for k, v in row.items() if isinstance(v, list) and v and type(v[0]) is dict
            }
            lines += [f"{k} = {config.toml(v)}" for k, v in row.items() if k not in inner]
            for key, rows in inner.items():
                for inner_row in rows:
                    lines.append(f"[[{section}.{key}]]")
                    lines += [f"{k} = {config.toml(v)}" for k, v in inner_row.items()]
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------- settings


def test_settings_named_like_secrets_have_the_secret_type() -> None:
    """The type makes these tests cover a new setting."""
    called = re.compile(r"(?:^|_)(?:password|secret|token|(?<!public_)key|passphrase)$")
    models = [*(section_at([name]) for name in SECTIONS), *SUBLISTS.values(), *LISTS.values()]
    for model in models:
        assert model is not None
        for key, field in model.model_fields.items():
            assert not called.search(key) or is_secret(field), f"{model.__name__}.{key}"


def test_every_planted_secret_is_registered_and_shown_nowhere(tmp_path: Path) -> None:
    values, secrets = plant_secrets()
    assert {"smtp.password", "smtp.more.0.password", "mailbox.password", "sources.1.key"} <= set(
        secrets
    )
    values["smtp"]["host"] = values["mailbox"]["host"] = "127.0.0.1"
    values["mailbox"]["username"] = "ops"
    values["store"] = {"url": "postgresql://me:" + quote(secret("store.url")) + "@127.0.0.1:1/d"}
    values["sources"].append(
        {
            "name": "any",
            "kind": "url",
            "url": f"https://u:{quote(secret('url'), safe='')}@h.example/"
            f"?token={quote(secret('query'))}",
        }
    )
    secrets |= {place: secret(place) for place in ("store.url", "url", "query")}
    path = tmp_path / "config.toml"
    path.write_text(toml_of(values), encoding="utf-8")
    loaded = config.load(path, {})
    assert set(secrets.values()) <= set(find_secrets(loaded))
    for text in (
        repr(loaded),
        str(loaded),
        str(config.redacted_values(loaded)),
        str(loaded.sources[2]),
    ):
        for place, value in secrets.items():
            assert not [s for s in spellings(value) if s in text], place
    assert config.redacted_values(loaded)["smtp"]["password"] == redaction.COVER
    assert (
        config.redacted_values(loaded)["store"]["url"] == "postgresql://me:**********@127.0.0.1:1/d"
    )


WRONG: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("a number", lambda v: v["smtp"].update(password=12345678)),
    ("a list", lambda v: v["mailbox"].update(password=["12345678"])),
    ("beside", lambda v: v["smtp"].update(port=99999)),
    ("of a source", lambda v: v["sources"][0].update(days=0)),
    ("unknown", lambda v: v["smtp"].update(pasword="12345678")),
    (
        "of a kind without",
        lambda v: v["sources"].append({"name": "x", "kind": "oai", "key": "12345678"}),
    ),
    ("url", lambda v: v["sources"][0].update(url="ftp://me:12345678@h.example/?key=12345678")),
    ("base", lambda v: v.update(web={"base_url": "https://me:12345678@h.example"})),
    ("key of more", lambda v: v["smtp"].update(more=[{"host": "", "password": "12345678"}])),
]


@pytest.mark.parametrize(("what", "spoil"), WRONG)
def test_an_error_in_settings_shows_no_secret(
    run: Run, tmp_path: Path, what: str, spoil: Callable[[dict[str, Any]], object]
) -> None:
    values, secrets = plant_secrets()
    values["smtp"]["host"] = "127.0.0.1"
    spoil(values)
    path = tmp_path / "config.toml"
    path.write_text(toml_of(values), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        config.load(path, {})
    done = run("status", "--config", str(path), code=1)
    variable = run("status", DIGEST_SMTP__MORE='[{host="", password="12345678"}]', code=1)
    for text in (str(raised.value), repr(raised.value), *map(str, (done, variable))):
        assert "12345678" not in text
        assert not [place for place, value in secrets.items() if value in text]


@pytest.mark.parametrize("port", ["1", "5432"])
def test_an_unreachable_database_shows_no_password(run: Run, port: str) -> None:
    for url in (
        f"postgresql://nobody:{quote(secret('db'), safe='')}@127.0.0.1:{port}/nowhere",
        f"postgresql://127.0.0.1:{port}/nowhere?user=nobody&password={quote_plus(secret('db'))}",
        f"mysql://nobody:{quote(secret('db'), safe='')}@127.0.0.1/nowhere",
        f"nothing://nobody:{quote(secret('db'), safe='')}@127.0.0.1/nowhere",
        f"postgresql://nobody:{quote(secret('db'), safe='')}@127.0.0.1:port/nowhere",
    ):
        for words in (("status",), ("doctor", "--offline", "--json"), ("subscribers", "--json")):
            done = run(*words, code=1, DIGEST_STORE__URL=url, DIGEST_LOG__LEVEL="debug")
            output = done.stdout + done.stderr
            assert output
            assert not [s for s in spellings(secret("db")) if s in output], (url, words, output)


# ---------------------------------------------------------------------------------------- a service


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    with Parrot() as server:
        yield server


@pytest.fixture
def source() -> Iterator[SourceServer]:
    with SourceServer() as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, parrot: Parrot, source: SourceServer) -> tuple[Path, dict[str, str]]:
    """A config in which everything fails, with servers that echo the secrets."""
    values, secrets = plant_secrets()
    values["log"] = {"level": "debug"}
    values["alerts"] = {"to": "ops@example.org"}
    values["mail"] = values.get("mail", {}) | {"sender": "digest@example.org"}
    values["fetch"] = {"attempts": 1, "timeout": 5}
    server = {"port": parrot.smtp, "tls": "none", "username": "first", "host": "127.0.0.1"}
    values["smtp"] |= server
    values["smtp"]["more"][0]["port"] = parrot.smtp
    values["mailbox"] |= server | {"port": parrot.imap}
    values["subscribers"] = []
    login = quote(secret("login"), safe="")
    for entry, path in zip(values["sources"], ("/works", "/eutils"), strict=True):
        entry["url"] = source.url(path)
        source.fail(path, *["parrot"] * 40)
    for name, path, fault in (
        ("gone", "/gone", "404"),
        ("moved", "/to", "moved"),
        ("html", "/p", "html"),
    ):
        query = quote(secret(name), safe="")
        url = source.url(f"{path}?access_token={query}").replace("//", f"//me:{login}@")
        values["sources"].append({"name": name, "kind": "url", "url": url})
        source.fail(path, *[fault] * 40)
        source.moved = f"http://127.0.0.1:1/?access_token={query}"
        secrets[name] = secret(name)
    off = f"http://me:{login}@127.0.0.1:1/?key={quote(secret('off'), safe='')}"
    values["sources"].append({"name": "off", "kind": "url", "url": off})
    secrets |= {"login": secret("login"), "off": secret("off")}
    path = tmp_path / "config.toml"
    path.write_text(toml_of(values), encoding="utf-8")
    return path, secrets


def dump_database(path: Path) -> str:
    """Return all text in the database, except the key of the links."""
    connection = sqlite3.connect(path)
    try:
        return "\n".join(row for row in connection.iterdump() if "link_keys" not in row)
    finally:
        connection.close()


def read_mails(folder: Path) -> str:
    """Return all parts of all mails, decoded."""
    text = []
    for path in folder.rglob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text += [str(mail.items()), *(p.get_content() for p in mail.walk() if not p.is_multipart())]
    return "\n".join(text)


COMMANDS: list[tuple[int, tuple[str, ...]]] = [
    (0, ("config",)),
    (0, ("subscribe", "alice@example.org", "--keyword", "robot")),
    (0, ("ingest", "papers")),
    (1, ("fetch",)),
    (1, ("mailbox",)),
    (0, ("compose",)),
    (1, ("send",)),
    (1, ("run",)),
    (1, ("doctor",)),
    (0, ("status",)),
    (0, ("deliveries",)),
    (0, ("dumps",)),
    (0, ("rejects",)),
]


@pytest.mark.slow
def test_no_error_shows_a_secret(
    run: Run,
    papers: Path,
    tmp_path: Path,
    service: tuple[Path, dict[str, str]],
    source: SourceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    path, secrets = service
    outputs: dict[str, str] = {}
    for code, words in COMMANDS:
        for more in ((), ("--json",)):
            redaction._known.clear()  # each command is a process of its own
            done = run(*words, *more, code=code)
            outputs[" ".join((*words, *more))] = done.stdout + done.stderr
            assert not more or json.loads(done.stdout) is not None
    outbox = send_alarms(path, tmp_path)
    outputs |= {"the store": dump_database(tmp_path / "digest.sqlite"), "letters": outbox}
    for origin, text in outputs.items():
        for place, value in secrets.items():
            assert not [s for s in spellings(value) if s in text], f"{place} in {origin}:\n{text}"
    # they failed and named the cause
    assert "DEBUG httpcore" in outputs["fetch"]
    assert "INFO httpx HTTP Request: GET http" in outputs["fetch"]
    assert "bad key: /works?" in outputs["fetch --json"]
    assert "535 5.7.8 not so" in outputs["send"]
    assert "not so: " in outputs["mailbox --json"]
    assert "404" in outputs["fetch"]
    assert "bad key: " in outputs["the store"]
    assert "Source alex fails" in outbox
    assert source.requests[0].query["api_key"] == secret("sources.0.key")


def send_alarms(path: Path, tmp_path: Path) -> str:
    """Send the alarms of two days later, and return the mails to the operator."""
    loaded = config.load(path, {})
    loaded = loaded.model_copy(
        update={"smtp": loaded.smtp.model_copy(update={"host": "", "more": ()})}
    )
    later = datetime.now(NOON.tzinfo) + timedelta(days=3)
    app = App.open(loaded, now=lambda: later)
    try:
        kinds = services.watch(app).planned
        assert {"source", "mailbox"} <= set(kinds)
        pipeline.send(app)
    finally:
        app.close()
    return read_mails(tmp_path / "outbox")


def test_commands_without_a_service_log_without_secrets_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = secret("early")

    def examine(*_: object, **__: object) -> Iterator[object]:
        logging.getLogger("some.library").warning("login %s\nforged", password)
        yield from ()

    monkeypatch.setattr("digest.doctor.examine", examine)
    done = run("doctor", DIGEST_SMTP__PASSWORD=password, DIGEST_SMTP__HOST="h.example")
    assert done.stderr.endswith(" WARNING some.library login **********\\nforged\n")


def test_a_bug_in_a_command_is_shown_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = secret("crash")

    def fail(app: App) -> None:
        raise RuntimeError(f"line one {password}\nforged {app.config!r}")

    monkeypatch.setattr(services, "status", fail)
    done = run("status", code=1, DIGEST_SMTP__PASSWORD=password, DIGEST_SMTP__HOST="h.example")
    assert "digest stopped because of a bug:\n    Traceback" in done.stderr
    assert "RuntimeError: line one **********" in done.stderr
    assert not [s for s in spellings(password) if s in done.stderr]
    assert not [line for line in done.stderr.splitlines() if line.startswith("forged")]
