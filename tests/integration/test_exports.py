"""Exports are safe in spreadsheets and import without loss."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from digest import redaction, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.cli.csv_files import csv_text, from_csv
from digest.model import Suppression, SuppressionReason
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON

FORMULAS = ("=cmd|'calc'!a1@example.org", "+plus@example.org", "-minus@example.org")
EVIDENCE = (
    '=HYPERLINK("http://evil.example")',
    "'=quoted",
    "\t=1+1",
    "\r=1",
    "@SUM(1)",
    "550 no\nsuch",
    "＝1",
)


@pytest.fixture
def stored_suppressions(app: App) -> list[Suppression]:
    suppressions = [
        Suppression(address=address, reason=SuppressionReason.HARD, since=NOON, evidence=evidence)
        for number, evidence in enumerate(EVIDENCE)
        for address in [FORMULAS[number] if number < len(FORMULAS) else f"a{number}@example.org"]
    ]
    with app.store.writing() as tx:
        for suppression in suppressions:
            store.suppressions.add(tx, suppression, now=NOON)
    return suppressions


def run(app: App, *words: str) -> str:
    environment = {"DIGEST_STORE__URL": f"sqlite:///{app.store.url.database}"}
    done = CliRunner().invoke(commands, list(words), env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_export_is_imported_again_as_it_was(
    app: App, stored_suppressions: list[Suppression], tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"all.{kind}"
    before = subscriptions.list_suppressions(app)
    assert {suppression.evidence for suppression in before} == {
        suppression.evidence for suppression in stored_suppressions
    }
    run(app, "suppressions", "export", str(path))
    with app.store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM suppressions")
    run(app, "suppressions", "import", str(path))
    assert subscriptions.list_suppressions(app) == before


def test_no_cell_of_an_export_runs(
    app: App, stored_suppressions: list[Suppression], tmp_path: Path
) -> None:
    path = tmp_path / "all.csv"
    run(app, "suppressions", "export", str(path))
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) == 4 * (len(stored_suppressions) + 1)
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r＝"))]


@settings(suppress_health_check=[HealthCheck.too_slow])
@example([{"address": "a\rb", "evidence": "\r\n"}, {"address": "", "evidence": "'=\r"}])
@given(st.lists(st.fixed_dictionaries({"address": st.text(), "evidence": st.text()}), max_size=4))
def test_rows_come_back_as_they_were(rows: list[dict[str, str]]) -> None:
    file = io.StringIO(csv_text(("address", "evidence"), rows), newline="")
    assert [from_csv(row) for row in csv.DictReader(file)] == rows


def test_names_of_readers_and_servers_command_no_terminal(
    app: App, stored_suppressions: list[Suppression]
) -> None:
    evil = "550 \x1b]0;owned\x07\x1b[2J\u202egpj.exe\nforged line"
    with app.store.writing() as tx:
        suppression = Suppression(
            address="z@example.org", reason=SuppressionReason.HARD, since=NOON, evidence=evil
        )
        store.suppressions.add(tx, suppression, now=NOON)
    table = run(app, "suppressions")
    assert not set(table) & set("\x1b\x07\u202e\r")
    assert not any(line.startswith("forged") for line in table.splitlines())
    output = run(app, "suppressions", "--json")
    assert not set(output) & set("\x1b\x07\u202e\r")
    assert evil in [row["evidence"] for row in json.loads(output)]


def test_readers_are_written_out_as_they_are_stored(app: App, tmp_path: Path) -> None:
    """This output is data for an import, not a report, so nothing is redacted."""
    text = "see https://me:word@h.example/?key=abc, swordfish-7"
    redaction.register_secrets("swordfish-7")
    request = SubscriptionRequest(
        email="a@example.org", name="swordfish-7", text=text, keywords=("swordfish-7",)
    )
    subscriptions.subscribe(app, request, origin="command")
    output = run(app, "subscribers", "--json")
    assert json.loads(output)[0]["name"] == "swordfish-7"
    assert text in output
    assert "swordfish-7" not in run(app, "subscribers")
