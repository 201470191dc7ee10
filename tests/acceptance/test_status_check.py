"""`digest status --check`, as Nagios calls it: the exit code and the first line say how it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.model import MessageState
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app


def check(folder: Path, *words: str) -> Result:
    variables = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_INGEST__INBOX": str(folder / "inbox"),
        "DIGEST_SMTP__OUTBOX": str(folder / "outbox"),
        "COLUMNS": "80",
    }
    return CliRunner().invoke(commands, ["status", "--check", *words], env=variables)


@pytest.fixture
def well(tmp_path: Path, dump: Callable[..., Path]) -> App:
    """A service for which nothing is wrong today."""
    app = make_app(tmp_path)
    app = app.at(datetime.now(UTC))
    pipeline.ingest(app, [dump()])
    subscriptions.subscribe(
        app, SubscriptionRequest(email="a@example.org", keywords=("robot",)), origin="command"
    )
    return app


def test_no_alarm_is_ok(well: App, tmp_path: Path) -> None:
    result = check(tmp_path)
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        ["DIGEST OK - no alarms | alarms=0 urgent=0 waiting=0"],
    )
    assert json.loads(check(tmp_path, "--json").output) == {"state": "ok", "alarms": []}
    well.close()


def test_something_to_look_at_is_a_warning(tmp_path: Path) -> None:
    make_app(tmp_path).close()
    result = check(tmp_path)
    first, *alarms = result.output.splitlines()
    assert result.exit_code == 1
    assert first == (
        "DIGEST WARNING - No dump was ever read, and 1 more | alarms=2 urgent=0 waiting=0"
    )
    assert len(alarms) == 2
    assert "Nobody is subscribed. Run `digest subscribe EMAIL`" in alarms
    assert json.loads(check(tmp_path, "--json").output)["state"] == "warning"


def test_an_alarm_that_lasts_is_critical(well: App, tmp_path: Path) -> None:
    pipeline.compose(well)
    with well.store.writing() as tx:
        tx.exec_driver_sql(
            f"UPDATE messages SET state = '{MessageState.PLANNED.value}', "
            "not_before = datetime('now', '-3 hours')"
        )
    result = check(tmp_path)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("DIGEST CRITICAL - 1 message waits to be sent")
    assert "urgent=1 waiting=1" in result.output.splitlines()[0]
    well.close()


def test_what_nobody_knows_is_unknown(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert (result.exit_code, result.output.split(" - ")[0]) == (3, "DIGEST UNKNOWN")
    assert not (tmp_path / "digest.sqlite").exists()
    (tmp_path / "digest.sqlite").write_bytes(b"this is no database" * 100)
    assert check(tmp_path).exit_code == 3
    (tmp_path / "digest.sqlite").unlink()
    make_app(tmp_path).close()
    opened = store.Store(f"sqlite:///{tmp_path / 'digest.sqlite'}")
    with opened.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    opened.close()
    result = check(tmp_path, "--json")
    assert (result.exit_code, json.loads(result.output)["state"]) == (3, "unknown")
    broken = tmp_path / "broken.toml"
    broken.write_text("[web]\nbind = 5\n", encoding="utf-8")
    assert check(tmp_path, "--config", str(broken)).exit_code == 3
