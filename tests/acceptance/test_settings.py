"""Settings from a file, from the environment, and written by `init`.

Also the database that they name.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from tests.acceptance.conftest import Run
from tests.conftest import HEAD


def test_readers_of_the_config_are_applied(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[[subscribers]]\nemail = "alice@example.org"\nkeywords = ["robot"]\n'
    )
    assert [
        reader["email"] for reader in json.loads(run("subscribers", "--apply", "--json").stdout)
    ] == ["alice@example.org"]


def test_settings_come_from_the_environment_without_a_file(run: Run) -> None:
    shown = json.loads(run("config", "--json", DIGEST_SMTP__PORT="2525").stdout)
    assert shown["smtp"]["port"] == 2525


def test_init_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    run("init", code=2)
    assert (tmp_path / "config.toml").read_text() == "# mine\n"


def test_a_known_mailbox_provider_is_guessed(run: Run, tmp_path: Path) -> None:
    output = run("init", "--sender", "somebody@gmail.com").stdout
    text = (tmp_path / "config.toml").read_text()
    assert 'host = "smtp.gmail.com"' in text
    assert 'username = "somebody@gmail.com"' in text
    assert "smtp-password" in output


def test_a_database_of_another_version_is_refused_until_upgraded(run: Run, tmp_path: Path) -> None:
    import sqlite3

    run("subscribe", "alice@example.org")
    with closing(sqlite3.connect(tmp_path / "digest.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ancient'")
    assert "newer than this version" in run("status", code=1).stderr
    with closing(sqlite3.connect(tmp_path / "digest.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))
    assert "up to date" in run("db", "upgrade").stdout
