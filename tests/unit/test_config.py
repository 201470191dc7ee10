"""Settings: defaults, file, environment, and errors that a person can act on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from digest import config
from digest.errors import ConfigError
from tests.conftest import ROOT


def write_config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_file_is_what_the_code_would_write() -> None:
    assert (ROOT / "config.example.toml").read_text(encoding="utf-8") == config.example()


def test_the_example_file_is_valid_as_it_is_and_means_the_defaults(tmp_path: Path) -> None:
    assert config.load(write_config(tmp_path, config.example()), {}) == config.load(
        write_config(tmp_path, ""), {}
    )


def test_the_example_has_every_key_commented_at_its_default(tmp_path: Path) -> None:
    lines = config.example().splitlines()
    sections = {}
    for line in lines:
        if line.startswith("["):
            sections[line.strip("[]")] = current = {}
        elif line == "# [[smtp.more]]":
            more = current = {}
        elif (
            line.startswith("# ")
            and " = " in line
            and line[2:].split(" = ")[0].isidentifier()
            and sections
        ):
            try:
                current |= tomllib.loads(line[2:])
            except tomllib.TOMLDecodeError:
                continue  # a sentence that contains an equals sign
        if line == "# [[sources]]":
            break
    expected = {
        name: {key for key, field in model.annotation.model_fields.items() if not field.exclude}
        for name, model in config.Config.model_fields.items()
        if name not in config.LISTS
    }
    expected["smtp"] -= {"more"}
    assert set(more) == set(config.MoreServer.model_fields)
    assert {name: set(keys) for name, keys in sections.items()} == expected
    text = "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {config.toml(value)}" for key, value in keys.items())
        for name, keys in sections.items()
    )
    assert config.load(write_config(tmp_path, text), {}) == config.load(
        write_config(tmp_path, ""), {}
    )


@pytest.mark.parametrize(
    ("text", "message_parts"),
    [
        ("[smtp]\nprot = 25", ["config.toml", "smtp.prot", "unknown key", "port"]),
        ("[post]\nport = 25", ["config.toml", "post", "unknown key", "smtp"]),
        ('[smtp]\nport = "25"', ["config.toml", "smtp.port", "'25'", "integer"]),
        ("[smtp]\nport = 70000", ["config.toml", "smtp.port", "70000", "65535"]),
        ("[digest]\nhour = 24", ["config.toml", "digest.hour", "24", "23"]),
        ("[digest]\ndays = [0]", ["config.toml", "digest.days", "greater than or equal to 1"]),
        (
            '[digest]\ntimezone = "Mars/Olympus"',
            ["config.toml", "digest.timezone", "Mars/Olympus", "Europe/Berlin"],
        ),
        (
            '[web]\nbase_url = "example.org"',
            ["config.toml", "web.base_url", "example.org", "https://"],
        ),
        (
            '[web]\nbase_url = "https://a.example/?x=1"',
            ["config.toml", "web.base_url", "such as https://papers.example.org/digest"],
        ),
        ('[web]\nbase_url = "https:///digest"', ["config.toml", "web.base_url", "a host"]),
        ('[web]\nbase_url = "https://a.example:99999"', ["config.toml", "web.base_url", "a port"]),
        ('[web]\nbase_url = "https://[::1/x"', ["config.toml", "web.base_url", "a host"]),
        (
            '[web]\nbase_url = "https://me:secret@a.example"',
            ["config.toml", "web.base_url", "a host"],
        ),
        ('[web]\nbase_url = "https://a.example/ b"', ["config.toml", "web.base_url", "a path"]),
        ('[web]\nbind = "8025"', ["config.toml", "web.bind", "8025", "host:port"]),
        ('[[subscribers]]\nname = "nobody"', ["config.toml", "subscribers.0.email", "missing"]),
        (
            '[[subscribers]]\nemail = "a@b.example"\ncolour = 1',
            ["config.toml", "subscribers.0.colour", "unknown key", "keywords"],
        ),
        ('[[sources]]\nkind = "oai"', ["config.toml", "sources.0.name", "missing"]),
        (
            '[[sources]]\nname = "../x"\nkind = "oai"',
            ["config.toml", "sources.0.name", "'../x'", "small letters"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "gopher"',
            ["config.toml", "sources.0.kind", "'gopher'", "arxiv-feed"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "oai"\nurl = "file:///etc"',
            ["config.toml", "sources.0.url", "https://"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "url"',
            ["config.toml", "sources.0", "needs the setting url"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "dblp"',
            ["config.toml", "sources.0", "needs the setting query"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "oai"\ncategories = ["cs.LG"]',
            ["config.toml", "sources.0", "arxiv-feed, not oai"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "oai"\nurl = "imaps://jane@example.org"',
            ["config.toml", "sources.0", "url of kind oai must start with https://"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "mailbox"\nurl = "https://example.org"\n'
            'password_file = "p"',
            ["config.toml", "sources.0", "url of kind mailbox must start with imaps://"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "mailbox"\nurl = "imaps://example.org"',
            ["config.toml", "sources.0.url", "a login and a host"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "mailbox"\nurl = "imaps://jane@example.org"',
            ["config.toml", "sources.0", "needs the setting password_file"],
        ),
        (
            '[[sources]]\nname = "x"\nkind = "oai"\n[[sources]]\nname = "x"\nkind = "biorxiv"',
            ["config.toml", "sources", "more than once"],
        ),
        (
            '[fetch]\nholidays = ["Monday"]',
            ["config.toml", "fetch.holidays", "'Monday'", "YYYY-MM-DD"],
        ),
        (
            '[smtp]\nhello = "two words"',
            ["config.toml", "smtp.hello", "'two words'", "mail.example.org"],
        ),
        ('[smtp]\ntls = "ssl"', ["config.toml", "smtp.tls", "'ssl'", "starttls"]),
        ("[smtp]\nconnections = 0", ["config.toml", "smtp.connections = 0", "at the same time"]),
        ("[smtp]\nper_minute = -1", ["config.toml", "smtp.per_minute = -1", "messages a minute"]),
        (
            '[smtp]\nhost = "a"\nprocesses = 4\nconnections = 3',
            ["config.toml", "processes = 4", "[smtp] connections = 3", "lower processes"],
        ),
        (
            '[smtp]\nhost = "a"\nprocesses = 4\ndomain_per_minute = 2',
            ["processes = 4", "[smtp] domain_per_minute = 2"],
        ),
        (
            '[smtp]\nhost = "a"\nprocesses = 2\n[[smtp.more]]\nhost = "b"\nper_minute = 1',
            ["processes = 2", "[[smtp.more]] number 1: per_minute = 1"],
        ),
        (
            '[smtp]\nhost = "a"\n[[smtp.more]]\nport = 25',
            ["config.toml", "smtp.more.0.host", "missing"],
        ),
        (
            '[smtp]\nhost = "a"\n[[smtp.more]]\nhost = ""',
            ["config.toml", "smtp.more.0.host", "at least 1"],
        ),
        (
            '[smtp]\nhost = "a"\n[[smtp.more]]\nhost = "b"\nprot = 25',
            ["config.toml", "smtp.more.0.prot", "unknown key", "port"],
        ),
        (
            '[smtp]\nhost = "a"\n[[smtp.more]]\nhost = "b"\nport = 0',
            ["config.toml", "smtp.more.0.port = 0", "587 (STARTTLS)"],
        ),
        (
            '[smtp]\nhost = "a"\n[[smtp.more]]\nhost = "b"\noutbox = "x"',
            ["config.toml", "smtp.more.0.outbox", "unknown key"],
        ),
        ('[[smtp.more]]\nhost = "b"', ["config.toml", "smtp", "set host in [smtp]"]),
        (
            '[smtp]\nhost = "a"\nweight = 2\n[[smtp.more]]\nhost = "b"',
            ["config.toml", "smtp", "some servers have a weight"],
        ),
        (
            '[smtp]\nhost = "a"\nca_file = "x"\ntls = "none"',
            ["config.toml", "smtp", "ca_file needs TLS"],
        ),
        (
            '[smtp]\nhost = "smtp uni"',
            ["config.toml", "smtp.host", "'smtp uni'", "smtp.example.org"],
        ),
        ('[mailbox]\nhost = "imap.example.org:993"', ["mailbox.host", "without its port"]),
        ("[smtp]\nmore = 3", ["config.toml", "smtp.more"]),
        ("store = 1", ["config.toml", "store"]),
        ("[smtp", ["config.toml", "not TOML"]),
    ],
)
def test_a_bad_setting_names_file_key_value_and_remedy(
    tmp_path: Path, text: str, message_parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write_config(tmp_path, text), {})
    assert [part for part in message_parts if part not in str(caught.value)] == []


def test_all_bad_settings_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write_config(tmp_path, "[digest]\nhour = 99\nsize = 0"), {})
    assert len(str(caught.value).splitlines()) == 2


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write_config(tmp_path, "[smtp]\nport = 25\n[digest]\nsize = 5")
    loaded = config.load(
        path,
        {
            "DIGEST_SMTP__PORT": "2525",
            "DIGEST_DIGEST__DAYS": "[1, 2]",
            "DIGEST_WEB__SIGNUP": "false",
        },
    )
    assert (loaded.smtp.port, loaded.digest.size, loaded.digest.days, loaded.web.signup) == (
        2525,
        5,
        (1, 2),
        False,
    )


def test_a_text_from_the_environment_stays_text_even_if_it_looks_like_a_number() -> None:
    assert config.load(None, {"DIGEST_SMTP__USERNAME": "007"}).smtp.username == "007"


@pytest.mark.parametrize(
    ("name", "value", "message_parts"),
    [
        ("DIGEST_SMTP__PORT", "many", ["DIGEST_SMTP__PORT", "'many'", "integer"]),
        ("DIGEST_SMTP__PROT", "25", ["DIGEST_SMTP__PROT", "unknown key", "port"]),
        ("DIGEST_POST__PORT", "25", ["DIGEST_POST__PORT", "names no setting", "smtp"]),
        ("DIGEST_PORT", "25", ["DIGEST_PORT", "names no setting", "DIGEST_SECTION__KEY"]),
    ],
)
def test_an_invalid_variable_is_named(name: str, value: str, message_parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(None, {name: value})
    assert [part for part in message_parts if part not in str(caught.value)] == []


def test_other_environment_variables_are_ignored() -> None:
    assert config.load(
        None, {"PATH": "x", "DIGEST_TEST_POSTGRES": "x", "DIGEST_CONFIG": "x"}
    ) == config.load(None, {})


def test_a_password_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("swordfish\n", encoding="utf-8")
    loaded = config.load(write_config(tmp_path, '[smtp]\npassword_file = "secret"'), {})
    assert loaded.smtp.password.get_secret_value() == "swordfish"
    assert "swordfish" not in repr(loaded)
    assert "swordfish" not in str(config.redacted_values(loaded))


def test_more_servers_have_their_own_files_and_passwords_are_never_shown(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret").write_text("swordfish\n", encoding="utf-8")
    text = (
        '[smtp]\nhost = "a"\nusername = "u"\npassword = "trout"\n[[smtp.more]]\nhost = "b"\nport = '
        '25\npassword_file = "secret"'
    )
    loaded = config.load(write_config(tmp_path, text), {})
    assert [
        (server.host, server.port, server.password.get_secret_value())
        for server in loaded.smtp.more
    ] == [("b", 25, "swordfish")]
    assert loaded.smtp.more[0].password_file == tmp_path / "secret"
    for spoilt in (
        text + "\ncolour = 1",
        text + "\nport = 2",
        text + "\nweight = 1",
        text.replace('"trout"', "123454321"),
        text + "\nweight = -1",
    ):
        with pytest.raises(ConfigError) as caught:
            config.load(write_config(tmp_path, spoilt), {})
        assert not any(word in str(caught.value) for word in ("swordfish", "trout", "123454321"))
    assert not any(
        word in f"{config.redacted_values(loaded)} {loaded!r}" for word in ("swordfish", "trout")
    )


def test_more_servers_can_come_from_the_environment() -> None:
    loaded = config.load(
        None,
        {"DIGEST_SMTP__HOST": "a", "DIGEST_SMTP__MORE": '[{host = "b", weight = 0}, {host = "c"}]'},
    )
    assert [server.host for server in loaded.smtp.more] == ["b", "c"]


def test_a_missing_password_file_is_named_when_it_is_needed(tmp_path: Path) -> None:
    loaded = config.load(write_config(tmp_path, '[smtp]\npassword_file = "secret"'), {}).smtp
    with pytest.raises(ConfigError, match=r"smtp\.password_file.*secret.*cannot be read"):
        config.load_secret_files(loaded, "smtp")
    (tmp_path / "secret").write_text("swordfish\n", encoding="utf-8")
    assert config.load_secret_files(loaded, "smtp").password.get_secret_value() == "swordfish"


def test_missing_certificates_are_named_when_they_are_needed(tmp_path: Path) -> None:
    loaded = config.load(write_config(tmp_path, '[smtp]\nca_file = "absent.pem"'), {}).smtp
    with pytest.raises(ConfigError, match=r"smtp\.ca_file.*absent\.pem.*no certificates.*PEM"):
        config.load_secret_files(loaded, "smtp")


def test_a_bad_password_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write_config(tmp_path, "[smtp]\npassword = 12345678"), {})
    assert "12345678" not in str(caught.value)


def test_the_key_of_a_source_is_never_shown(tmp_path: Path) -> None:
    text = '[[sources]]\nname = "x"\nkind = "pubmed"\nquery = "robot"\nkey = "swordfish"'
    assert "swordfish" not in str(
        config.redacted_values(config.load(write_config(tmp_path, text), {}))
    )
    for spoilt in (
        text.replace("query", "sets"),
        text + "\ncolour = 1",
        text.replace('"swordfish"', "12345678"),
    ):
        with pytest.raises(ConfigError) as caught:
            config.load(write_config(tmp_path, spoilt), {})
        assert "swordfish" not in str(caught.value)
        assert "12345678" not in str(caught.value)


def test_a_source_needs_the_keys_of_its_kind(tmp_path: Path) -> None:
    loaded = config.load(
        write_config(tmp_path, '[[sources]]\nname = "x"\nkind = "folder"\nfolder = "in"'), {}
    )
    assert (loaded.sources[0].folder, loaded.sources[0].enabled, loaded.sources[0].every) == (
        tmp_path / "in",
        True,
        None,
    )


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = config.load(
        write_config(tmp_path, '[store]\nurl = "sqlite:///data.sqlite"\n[ingest]\ninbox = "in"'), {}
    )
    assert loaded.store.url == f"sqlite:///{tmp_path / 'data.sqlite'}"
    assert loaded.ingest.inbox == tmp_path / "in"


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    assert (
        config.load(
            write_config(tmp_path, '[store]\nurl = "sqlite:////var/data.sqlite"'), {}
        ).store.url
        == "sqlite:////var/data.sqlite"
    )


def test_the_error_of_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="digest init"):
        config.load(tmp_path / "absent.toml", {})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config.load(None, {}).smtp.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "shown_url"),
    [
        ("sqlite:////var/lib/digest/a:b@c.sqlite", "sqlite:////var/lib/digest/a:b@c.sqlite"),
        ("postgresql://db.example.org/digest", "postgresql://db.example.org/digest"),
        (
            "postgresql://digest@db.example.org:5433/digest",
            "postgresql://digest@db.example.org:5433/digest",
        ),
        (
            "postgresql://digest:swordfish@db.example.org/digest",
            "postgresql://digest:**********@db.example.org/digest",
        ),
        (
            "postgresql://digest:sword/f:i@sh@db.example.org:5433/digest",
            "postgresql://digest:**********@db.example.org:5433/digest",
        ),
        (
            "postgresql://db.example.org/digest?user=d&password=swordfish&x=1",
            "postgresql://db.example.org/digest?user=d&password=**********&x=1",
        ),
    ],
)
def test_the_password_of_the_database_is_not_shown(
    tmp_path: Path, url: str, shown_url: str
) -> None:
    assert (
        config.redacted_values(config.load(None, {"DIGEST_STORE__URL": url}))["store"]["url"]
        == shown_url
    )


def test_the_key_of_the_status_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "status.key").write_text("open sesame\nsecond line\n", encoding="utf-8")
    loaded = config.load(write_config(tmp_path, '[web]\nstatus_key_file = "status.key"'), {})
    assert loaded.web.status_key.get_secret_value() == "open sesame"
    assert loaded.web.status_key_file == tmp_path / "status.key"
    assert "sesame" not in str(config.redacted_values(loaded))
    loaded = config.load(None, {"DIGEST_WEB__STATUS_KEY": "0123"})
    assert loaded.web.status_key.get_secret_value() == "0123"


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    named = '["10.1.2.3", "10.1.2.3/8", "2001:db8::1/64"]'
    loaded = config.load(write_config(tmp_path, f"[web]\ntrusted_proxies = {named}"), {})
    assert loaded.web.trusted_proxies == ("10.1.2.3/32", "10.0.0.0/8", "2001:db8::/64")
    with pytest.raises(ConfigError, match=r"trusted_proxies.*such as 10\.0\.0\.5"):
        config.load(write_config(tmp_path, '[web]\ntrusted_proxies = ["proxy.example"]'), {})
